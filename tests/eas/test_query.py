import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.query import COMMANDS, VERSIONS, Query, QueryError, parse_query

PUBLISHED = "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l"
"""The example of MS-ASHTTP:
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ashttp/9f75a516-edff-48d2-94b9-5f2a3cc570d3"""


def packed(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


def test_the_published_example_both_ways():
    query = Query("Sync", "", "v140Device", "SmartPhone", version="14.0")
    assert parse_query(PUBLISHED) == query
    assert query.base64() == PUBLISHED


def test_a_plain_query_both_ways():
    query = Query("Ping", "EXAMPLE\\alice", "HB01", "hbprobe")
    text = "Cmd=Ping&User=EXAMPLE%5Calice&DeviceId=HB01&DeviceType=hbprobe"
    assert query.plain() == text
    assert parse_query(text) == query


def test_names_are_read_in_any_case_and_order():
    query = parse_query("devicetype=iPhone&CMD=FolderSync&Deviceid=A1&user=bob%40example.test&CollectionId=5")
    assert query == Query("FolderSync", "bob@example.test", "A1", "iPhone", parameters=(("CollectionId", "5"),))


def test_a_packed_query_holds_everything():
    query = Query(
        "Ping", "bob", "A1", "iPhone", "14.1", 4294967295, 0x0407, (("CollectionId", "5"), ("SaveInSent", "T"))
    )
    assert base64.b64decode(query.base64()) == bytes.fromhex(
        "8d 12 0704 02 4131 04 ffffffff 06 6950686f6e65 01 01 35 08 03 626f62 07 01 01"
    )
    assert parse_query(query.base64()) == query


def test_the_version_is_the_first_byte():
    first = {version: base64.b64decode(Query("Ping", "", "A", "T", version).base64())[0] for version in VERSIONS[2:]}
    assert first == {"12.1": 0x79, "14.0": 0x8C, "14.1": 0x8D, "16.0": 0xA0, "16.1": 0xA1}


def test_a_guid_is_known_by_its_digits():
    guid = "00112233445566778899aabbccddeeff"
    assert parse_query(packed(f"8d 12 0904 10 {guid} 00 01 54")).device_id == guid


def test_a_packed_query_may_be_escaped_as_urls_are():
    query = Query("Ping", "a", "A1", "T", "14.1")
    assert query.base64().endswith("==")
    assert parse_query(query.base64().replace("=", "%3D").replace("/", "%2F").replace("+", "%2B")) == query


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the packed query is cut off after 0 bytes"),
        ("Cmd=Ping", "no DeviceId"),
        ("User=a&DeviceId=A&DeviceType=T", "no Cmd"),
        ("Cmd=Ping&DeviceId=A", "no DeviceType"),
        ("Cmd=Ping&cmd=Sync&DeviceId=A&DeviceType=T", "Cmd comes twice"),
        ("Cmd=Ping&DeviceId=a-b&DeviceType=T", "DeviceId 'a-b' cannot be"),
        (f"Cmd=Ping&DeviceId={'a' * 33}&DeviceType=T", f"DeviceId '{'a' * 33}' cannot be"),
        ("Cmd=Ping&DeviceId=A%0D%0AX:1&DeviceType=T", "DeviceId 'A\\r\\nX:1' cannot be"),
        ("Cmd=Ping&DeviceId=A&DeviceType=T%20T", "DeviceType 'T T' cannot be"),
        ("Cmd=Pi/ng&DeviceId=A&DeviceType=T", "Cmd 'Pi/ng' cannot be"),
        ("Cmd=Ping&User=%FF&DeviceId=A&DeviceType=T", "the query is not a list of names and values in UTF-8"),
        ("&&a=b&&", "no Cmd"),
        ("a=b&" * 300, "the query is not a list of names and values in UTF-8"),
        ("Cmd=Ping&User=\udcff&DeviceId=A&DeviceType=T", "the query is not UTF-8"),
        ("hello!", "the query is neither names and values nor base64"),
        ("ä", "the query is neither names and values nor base64"),
        (packed("19 12 0904 01 41 00 01 54"), "protocol version 25 is unknown in a packed query"),
        (packed("8d 05 0904 01 41 00 01 54"), "command 5 is unknown in a packed query"),
        (packed("8d 12 0904 02 41"), "the packed query is cut off after 6 bytes"),
        (packed("8d 12 0904 01 41 03 000000 01 54"), "a policy key of 3 bytes in a packed query"),
        (packed("8d 12 0904 00 00 01 54"), "no DeviceId"),
        (packed("8d 12 0904 11 " + "ff" * 17 + " 00 01 54"), f"DeviceId '{'ff' * 17}' cannot be"),
        (packed("8d 12 0904 01 41 00 01 ff"), "text that is not UTF-8 in a packed query"),
        (packed("8d 12 0904 01 41 00 01 54 02 01 41"), "parameter 2 is unknown in a packed query"),
        (packed("8d 12 0904 01 41 00 01 54 07 01 01 07 01 01"), "parameter 7 comes twice in a packed query"),
        (packed("8d 12 0904 01 41 00 01 54 08 01 61 08 01 61"), "parameter 8 comes twice in a packed query"),
        (packed("8d 12 0904 01 41 00 01 54 08 09 41"), "the packed query is cut off after 12 bytes"),
    ],
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(QueryError) as caught:
        parse_query(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query("Ping", "", "A", "T"), "protocol version None has no packed query"),
        (Query("Ping", "", "A", "T", "12.0"), "protocol version 12.0 has no packed query"),
        (Query("Find", "", "A", "T", "16.1"), "Find has no number in a packed query"),
        (Query("Ping", "", "A", "T", "16.1", parameters=(("X", "1"),)), "X has no place in a packed query"),
        (Query("Ping", "u" * 256, "A", "T", "16.1"), "256 bytes have no place in a packed query, which takes 255"),
    ],
)
def test_what_cannot_be_packed(query, message):
    with pytest.raises(QueryError) as caught:
        query.base64()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"version": "13.0"}, "protocol version '13.0' is unknown"),
        ({"policy_key": 2**32}, "policy key 4294967296 has more than 32 bits"),
        ({"policy_key": -1}, "policy key -1 has more than 32 bits"),
        ({"locale": 2**16}, "locale 65536 has more than 16 bits"),
        ({"device_id": "A\n"}, "DeviceId 'A\\n' cannot be"),
    ],
)
def test_a_query_that_cannot_be(values, message):
    with pytest.raises(QueryError) as caught:
        Query(**({"command": "Ping", "user": "", "device_id": "A", "device_type": "T"} | values))
    assert str(caught.value) == message


DEVICE_IDS = st.text("abcXYZ0189", min_size=1, max_size=32)
DEVICE_TYPES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)


@given(st.sampled_from(sorted(COMMANDS.values())), st.text(max_size=60), DEVICE_IDS, DEVICE_TYPES, st.data())
def test_round_trips(command, user, device_id, device_type, data):
    user = user.encode(errors="replace").decode()
    plain = Query(command, user, device_id, device_type)
    assert parse_query(plain.plain()) == plain
    version, key = data.draw(st.sampled_from(VERSIONS[2:])), data.draw(st.none() | st.integers(0, 2**32 - 1))
    binary = Query(command, user, device_id, device_type, version, key, data.draw(st.integers(0, 65535)))
    assert parse_query(binary.base64()) == binary


@given(st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()))
def test_garbage_gives_a_query_or_one_line(text):
    try:
        message = repr(parse_query(text))
    except QueryError as error:
        message = str(error)
    assert message.isprintable()
