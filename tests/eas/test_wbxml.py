import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.code_pages import TOKENS
from hbprobe.eas.wbxml import DEEPEST, LARGEST_BYTES, MOST_ELEMENTS, Element, WbxmlError, decode, encode

HEADER = "03 01 6a 00 "
PING_OF_FOLDER_5 = bytes.fromhex(
    HEADER + "00 0d 45 48 03 34 38 30 00 01 49 4a 4b 03 35 00 01 4c 03 45 6d 61 69 6c 00 01 01 01 01"
)


def element(tag, *children, text=None, opaque=None):
    return Element(tag, children, text, opaque)


PING = element(
    "Ping:Ping",
    element("Ping:HeartbeatInterval", text="480"),
    element(
        "Ping:Folders",
        element("Ping:Folder", element("Ping:Id", text="5"), element("Ping:Class", text="Email")),
    ),
)


def test_a_ping_both_ways():
    assert encode(PING) == PING_OF_FOLDER_5
    assert decode(PING_OF_FOLDER_5) == PING


@pytest.mark.parametrize(
    ("data", "tree"),
    [
        ("05", element("AirSync:Sync")),
        ("45 03 00 01", element("AirSync:Sync", text="")),
        ("45 03 c3 a4 00 01", element("AirSync:Sync", text="ä")),
        ("45 c3 03 00 01 ff 01", element("AirSync:Sync", opaque=b"\x00\x01\xff")),
        ("45 c3 00 01", element("AirSync:Sync", opaque=b"")),
        ("45 c3 81 00 " + "61" * 128 + "01", element("AirSync:Sync", opaque=b"a" * 128)),
        (
            "00 0e 45 00 12 16 00 0e 06 01",
            element("Provision:Provision", element("Settings:DeviceInformation"), element("Provision:Policies")),
        ),
    ],
)
def test_kinds_of_content_both_ways(data, tree):
    assert decode(bytes.fromhex(HEADER + data)) == tree
    assert encode(tree) == bytes.fromhex(HEADER + data)


def test_other_ways_to_write_the_same():
    nothing_in_it = decode(bytes.fromhex(HEADER + "45 01"))
    assert nothing_in_it == element("AirSync:Sync")
    switches_for_nothing = bytes.fromhex(HEADER + "00 00 00 0d 00 00 05")
    assert decode(switches_for_nothing) == element("AirSync:Sync")
    long_length = bytes.fromhex(HEADER + "45 c3 80 80 80 80 01 61 01")
    assert decode(long_length) == element("AirSync:Sync", opaque=b"a")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "cut off after 0 bytes"),
        ("03 01 6a", "cut off after 3 bytes"),
        (HEADER, "cut off after 4 bytes"),
        ("02 01 6a 00 05", "byte 0: version 0x02 instead of 0x03"),
        ("03 04 6a 00 05", "byte 1: public identifier 0x04 instead of 0x01"),
        ("03 01 04 00 05", "byte 2: character set 0x04 instead of 0x6a"),
        ("03 01 6a 05 05", "byte 3: string table 0x05 instead of 0x00"),
        (HEADER + "45", "cut off after 5 bytes"),
        (HEADER + "00", "cut off after 5 bytes"),
        (HEADER + "00 63 05", "byte 5: unknown code page 99"),
        (HEADER + "00 0d 0e", "byte 6: unknown token 0x0e of code page 13"),
        (HEADER + "3f", "byte 4: unknown token 0x3f of code page 0"),
        (HEADER + "85", "byte 4: AirSync:Sync has attributes, which ActiveSync does not use"),
        (HEADER + "c5", "byte 4: AirSync:Sync has attributes, which ActiveSync does not use"),
        (
            HEADER + "45 83 00 01",
            "byte 5: a reference to the string table (token 0x83), which ActiveSync does not use",
        ),
        (HEADER + "45 04 00 01", "byte 5: a tag of the string table (token 0x04), which ActiveSync does not use"),
        (HEADER + "45 02 41 01", "byte 5: an entity (token 0x02), which ActiveSync does not use"),
        (HEADER + "43", "byte 4: a processing instruction (token 0x43), which ActiveSync does not use"),
        (HEADER + "45 c0 01", "byte 5: an extension (token 0xc0), which ActiveSync does not use"),
        (HEADER + "01", "byte 4: an end where nothing has begun"),
        (HEADER + "03 61 00", "byte 4: text outside of all elements"),
        (HEADER + "c3 00", "byte 4: text outside of all elements"),
        (HEADER + "45 03 61 00 03 62 00 01", "byte 8: more text in AirSync:Sync"),
        (HEADER + "45 03 61 00 c3 00 01", "byte 8: more text in AirSync:Sync"),
        (HEADER + "45 c3 00 06 01", "byte 7: AirSync:Responses beside text in AirSync:Sync"),
        (HEADER + "45 06 03 61 00 01", "byte 6: text beside elements in AirSync:Sync"),
        (HEADER + "45 03 61 62", "byte 6: text without an end"),
        (HEADER + "45 03 61 ff 00 01", "byte 7: text that is not UTF-8"),
        (HEADER + "45 03 ed a0 80 00 01", "byte 6: text that is not UTF-8"),
        (HEADER + "45 c3 05 61 01", "byte 7: 5 opaque bytes, and only 2 come"),
        (HEADER + "45 c3 8f ff ff ff 7f 01", "byte 11: 4294967295 opaque bytes, and only 1 come"),
        (HEADER + "45 c3 90 80 80 80 00 01", "byte 10: a length of 4294967296, above 32 bits"),
        (HEADER + "45 c3 80 80 80 80 80 00", "byte 10: a length of more than 5 bytes"),
        (HEADER + "45 c3 81", "cut off after 7 bytes"),
        (HEADER + "05 00", "byte 5: 1 bytes after the end"),
        (HEADER + "05 05", "byte 5: 1 bytes after the end"),
        (HEADER + "45" * DEEPEST + "05" + "01" * DEEPEST, f"byte {4 + DEEPEST}: more than {DEEPEST} levels"),
        (
            HEADER + "45" + "06" * MOST_ELEMENTS + "01",
            f"byte {4 + MOST_ELEMENTS}: more than {MOST_ELEMENTS} elements",
        ),
        (HEADER + "05" * LARGEST_BYTES, f"{LARGEST_BYTES + 4} bytes are more than {LARGEST_BYTES}"),
    ],
)
def test_what_is_wrong_is_said_with_its_byte(data, message):
    with pytest.raises(WbxmlError) as caught:
        decode(bytes.fromhex(data))
    assert str(caught.value) == message


def test_the_bounds_are_within_bounds():
    deepest = bytes.fromhex(HEADER + "45" * (DEEPEST - 1) + "05" + "01" * (DEEPEST - 1))
    assert encode(decode(deepest)) == deepest
    most = bytes.fromhex(HEADER + "45" + "06" * (MOST_ELEMENTS - 1) + "01")
    assert len(decode(most).children) == MOST_ELEMENTS - 1


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (element("Ping:Pong"), "there is no tag Ping:Pong"),
        (element("Ping"), "there is no tag Ping"),
        (element("Ping:Id", text="a\0b"), "Ping:Id: a NUL would end the text"),
        (element("Ping:Id", text="\ud800"), "Ping:Id: half a surrogate pair cannot be written"),
        (element("Ping:Id", element("Ping:Id"), text=""), "Ping:Id has content of two kinds"),
        (element("Ping:Id", text="", opaque=b""), "Ping:Id has content of two kinds"),
    ],
)
def test_what_cannot_be_written(tree, message):
    with pytest.raises(WbxmlError) as caught:
        encode(tree)
    assert str(caught.value) == message


def test_a_tree_too_deep_to_read_is_not_written():
    tree = element("Ping:Ping")
    for _ in range(DEEPEST):
        tree = element("Ping:Ping", tree)
    with pytest.raises(WbxmlError, match=f"^more than {DEEPEST} levels$"):
        encode(tree)


@pytest.mark.parametrize("length", range(len(PING_OF_FOLDER_5)))
def test_every_truncation_is_an_error(length):
    with pytest.raises(WbxmlError):
        decode(PING_OF_FOLDER_5[:length])


@pytest.mark.parametrize("place", range(len(PING_OF_FOLDER_5)))
def test_every_other_byte_is_an_error_or_another_message(place):
    for byte in set(range(256)) - {PING_OF_FOLDER_5[place]}:
        changed = PING_OF_FOLDER_5[:place] + bytes((byte,)) + PING_OF_FOLDER_5[place + 1 :]
        tree = decoded(changed)
        assert tree is None or (tree != PING and decode(encode(tree)) == tree)


def decoded(data):
    """Return what was read; None for an error, which must be one line."""
    try:
        return decode(data)
    except WbxmlError as error:
        message = str(error)
    assert message.isprintable()
    return None


@given(st.binary(max_size=200))
def test_garbage(data):
    decoded(data)
    tree = decoded(bytes.fromhex(HEADER) + data)
    assert tree is None or decode(encode(tree)) == tree


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LEAVES = st.builds(Element, st.sampled_from(sorted(TOKENS))) | st.one_of(
    st.builds(lambda tag, text: element(tag, text=text), st.sampled_from(sorted(TOKENS)), TEXTS),
    st.builds(lambda tag, opaque: element(tag, opaque=opaque), st.sampled_from(sorted(TOKENS)), st.binary()),
)
TREES = st.recursive(
    LEAVES,
    lambda trees: st.builds(
        lambda tag, children: Element(tag, tuple(children)),
        st.sampled_from(sorted(TOKENS)),
        st.lists(trees, max_size=4),
    ),
    max_leaves=12,
)


@given(TREES)
def test_round_trips(tree):
    assert decode(encode(tree)) == tree


@pytest.mark.parametrize(
    "data",
    [
        HEADER + "45 c3 8f ff ff ff 7f",
        HEADER + "45" * 100_000,
        HEADER + "45" + "06" * 20_000,
    ],
)
def test_no_error_costs_much_memory(data, monkeypatch):
    """A tenth of the elements and of the memory."""
    monkeypatch.setattr("hbprobe.eas.wbxml.MOST_ELEMENTS", MOST_ELEMENTS // 10)
    given_bytes = bytes.fromhex(data)
    tracemalloc.start()
    try:
        assert decoded(given_bytes) is None
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * 2**20
