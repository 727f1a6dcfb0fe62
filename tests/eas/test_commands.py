import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.commands import (
    POLICY_TYPE,
    CommandError,
    DeviceInformation,
    Folder,
    FolderSyncAnswer,
    FolderSyncRequest,
    PingAnswer,
    PingFolder,
    PingRequest,
    ProvisionAnswer,
    ProvisionRequest,
    SettingsAnswer,
    SettingsRequest,
    SyncAnswer,
    SyncCollection,
    SyncRequest,
)
from hbprobe.eas.wbxml import Element, WbxmlError, decode, encode

POLICY_TYPE_BYTES = POLICY_TYPE.encode().hex()
INBOX = PingFolder("5", "Email")
ADD = Element("AirSync:Add", (Element("AirSync:ServerId", text="5:1"),))


def tree(tag, *children):
    """`tree("Ping:Ping", ("Ping:Status", "1"))`: pairs are leaves."""
    return Element(tag, tuple(Element(c[0], text=c[1]) if isinstance(c, tuple) else c for c in children))


# The bytes, token by token as MS-ASWBXML has them (the section of each page below 2.1.2.1):
# https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-aswbxml/


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (
            PingRequest(480, (INBOX,)),
            "00 0d 45 48 03 343830 00 01 49 4a 4b 03 35 00 01 4c 03 456d61696c 00 01 01 01 01",
        ),
        (PingAnswer(1), "00 0d 45 47 03 31 00 01 01"),
        (PingAnswer(2, ("5",)), "00 0d 45 47 03 32 00 01 49 4a 03 35 00 01 01 01"),
        (PingAnswer(5, heartbeat_s=3540), "00 0d 45 47 03 35 00 01 48 03 33353430 00 01 01"),
        (PingAnswer(6, max_folders=100), "00 0d 45 47 03 36 00 01 4d 03 313030 00 01 01"),
        (FolderSyncRequest("0"), "00 07 56 52 03 30 00 01 01"),
        (
            FolderSyncAnswer(1, "1", (Folder("5", "0", "Inbox", 2),)),
            (
                "00 07 56 4c 03 31 00 01 52 03 31 00 01 4e 57 03 31 00 01 4f 48 03 35 00 01 49 03 30 00 01"
                "47 03 496e626f78 00 01 4a 03 32 00 01 01 01 01"
            ),
        ),
        (ProvisionRequest(), f"00 0e 45 46 47 48 03 {POLICY_TYPE_BYTES} 00 01 01 01 01"),
        (
            ProvisionRequest(information=DeviceInformation("hbprobe")),
            (
                "00 0e 45 00 12 56 48 57 03 686270726f6265 00 01 01 01"
                f"00 0e 46 47 48 03 {POLICY_TYPE_BYTES} 00 01 01 01 01"
            ),
        ),
        (
            ProvisionRequest("7", 1),
            f"00 0e 45 46 47 48 03 {POLICY_TYPE_BYTES} 00 01 49 03 37 00 01 4b 03 31 00 01 01 01 01",
        ),
        (ProvisionRequest(policy_type=None), "00 0e 05"),
        (ProvisionRequest(wipe_status=1), "00 0e 45 4c 4b 03 31 00 01 01 01"),
        (ProvisionAnswer(1, wipe=True), "00 0e 45 4b 03 31 00 01 0c 01"),
        (SyncRequest((SyncCollection("0", "5"),)), "45 5c 4f 4b 03 30 00 01 52 03 35 00 01 01 01 01"),
        (SyncAnswer(14, 59), "45 4e 03 3134 00 01 65 03 3539 00 01 01"),
        (SettingsAnswer(1, 1), "00 12 45 46 03 31 00 01 56 46 03 31 00 01 01 01"),
    ],
)
def test_the_bytes_both_ways(message, data):
    expected = bytes.fromhex("03 01 6a 00" + data)
    assert message.encode() == expected
    assert type(message).decode(expected) == message


@pytest.mark.parametrize("message", [PingRequest(), SyncRequest(), SyncAnswer()])
def test_messages_without_a_body(message):
    assert message.encode() == b""
    assert type(message).decode(b"") == message


@pytest.mark.parametrize(
    "kind",
    [
        PingAnswer,
        FolderSyncRequest,
        FolderSyncAnswer,
        ProvisionRequest,
        ProvisionAnswer,
        SettingsRequest,
        SettingsAnswer,
    ],
)
def test_other_messages_have_one(kind):
    with pytest.raises(WbxmlError, match=r"^cut off after 0 bytes$"):
        kind.decode(b"")


# What a server must refuse


@pytest.mark.parametrize(
    ("ping", "message"),
    [
        (tree("AirSync:Sync"), "AirSync:Sync instead of Ping:Ping"),
        (tree("Ping:Ping"), "Ping:Ping is empty"),
        (Element("Ping:Ping", text="x"), "Ping:Ping holds text instead of elements"),
        (Element("Ping:Ping", opaque=b""), "Ping:Ping holds text instead of elements"),
        (tree("Ping:Ping", ("Ping:Status", "1")), "Ping:Ping holds Ping:Status"),
        (tree("Ping:Ping", ("AirSync:HeartbeatInterval", "60")), "Ping:Ping holds AirSync:HeartbeatInterval"),
        (tree("Ping:Ping", ("Ping:HeartbeatInterval", "")), "Ping:HeartbeatInterval is not a whole number"),
        (tree("Ping:Ping", ("Ping:HeartbeatInterval", "8m")), "Ping:HeartbeatInterval is not a whole number"),
        (tree("Ping:Ping", ("Ping:HeartbeatInterval", "4.5")), "Ping:HeartbeatInterval is not a whole number"),
        (tree("Ping:Ping", ("Ping:HeartbeatInterval", "٣")), "Ping:HeartbeatInterval is not a whole number"),
        (tree("Ping:Ping", ("Ping:HeartbeatInterval", "2147483648")), "Ping:HeartbeatInterval is not a whole number"),
        (
            tree("Ping:Ping", ("Ping:HeartbeatInterval", "60"), ("Ping:HeartbeatInterval", "60")),
            "Ping:Ping holds Ping:HeartbeatInterval 2 times",
        ),
        (
            tree("Ping:Ping", tree("Ping:HeartbeatInterval", ("Ping:Id", "1"))),
            "Ping:HeartbeatInterval holds no text",
        ),
        (tree("Ping:Ping", tree("Ping:Folders")), "Ping:Folders is empty"),
        (tree("Ping:Ping", ("Ping:Folders", "5")), "Ping:Folders holds text instead of elements"),
        (tree("Ping:Ping", tree("Ping:Folders", tree("Ping:Folder"))), "Ping:Folder lacks Ping:Id"),
        (
            tree("Ping:Ping", tree("Ping:Folders", tree("Ping:Folder", ("Ping:Id", "5")))),
            "Ping:Folder lacks Ping:Class",
        ),
        (
            tree(
                "Ping:Ping",
                tree("Ping:Folders", *[tree("Ping:Folder", ("Ping:Id", "5"), ("Ping:Class", "Email"))] * 2),
            ),
            "a folder is named twice",
        ),
    ],
)
def test_pings_that_exchange_answers_with_status_4(ping, message):
    with pytest.raises(CommandError) as caught:
        PingRequest.decode(encode(ping))
    assert str(caught.value) == message


@pytest.mark.parametrize(("written", "value"), [("480", 480), (" 480\r\n", 480), ("+60", 60), ("-5", -5), ("007", 7)])
def test_numbers_as_dotnet_reads_them(written, value):
    ping = encode(tree("Ping:Ping", ("Ping:HeartbeatInterval", written)))
    assert PingRequest.decode(ping).heartbeat_s == value


@pytest.mark.parametrize(
    ("kind", "root", "message"),
    [
        (PingAnswer, tree("Ping:Ping"), "Ping:Ping lacks Ping:Status"),
        (
            FolderSyncRequest,
            tree("FolderHierarchy:FolderSync"),
            "FolderHierarchy:FolderSync lacks FolderHierarchy:SyncKey",
        ),
        (
            FolderSyncAnswer,
            tree(
                "FolderHierarchy:FolderSync",
                ("FolderHierarchy:Status", "1"),
                tree("FolderHierarchy:Changes", tree("FolderHierarchy:Add", ("FolderHierarchy:ServerId", "1"))),
            ),
            "FolderHierarchy:Add lacks FolderHierarchy:ParentId",
        ),
        (ProvisionRequest, tree("Provision:Provision", ("Ping:Id", "1")), "Provision:Provision holds Ping:Id"),
        (
            ProvisionRequest,
            tree("Provision:Provision", tree("Provision:Policies")),
            "Provision:Policies lacks Provision:Policy",
        ),
        (
            ProvisionRequest,
            tree("Provision:Provision", tree("Provision:RemoteWipe")),
            "Provision:RemoteWipe lacks Provision:Status",
        ),
        (
            ProvisionAnswer,
            tree(
                "Provision:Provision",
                ("Provision:Status", "1"),
                tree(
                    "Provision:Policies",
                    tree("Provision:Policy", ("Provision:Status", "1"), ("Provision:Data", "<wap/>")),
                ),
            ),
            "Provision:Data holds a policy in another language: protocol 2.5",
        ),
        (SyncRequest, tree("AirSync:Sync", ("AirSync:Status", "1")), "AirSync:Sync holds AirSync:Status"),
        (
            SyncAnswer,
            tree("AirSync:Sync", tree("AirSync:Collections", tree("AirSync:Collection"))),
            "AirSync:Collection lacks AirSync:SyncKey",
        ),
        (
            SyncRequest,
            tree(
                "AirSync:Sync",
                tree(
                    "AirSync:Collections",
                    tree(
                        "AirSync:Collection",
                        ("AirSync:SyncKey", "1"),
                        ("AirSync:CollectionId", "5"),
                        ("AirSync:GetChanges", "yes"),
                    ),
                ),
            ),
            "AirSync:GetChanges is neither 0 nor 1",
        ),
        (SettingsRequest, tree("Settings:Settings"), "Settings:Settings lacks Settings:DeviceInformation"),
        (
            SettingsRequest,
            tree("Settings:Settings", tree("Settings:DeviceInformation")),
            "Settings:DeviceInformation lacks Settings:Set",
        ),
        (SettingsAnswer, tree("Settings:Settings"), "Settings:Settings lacks Settings:Status"),
    ],
)
def test_what_is_wrong_with_other_messages(kind, root, message):
    with pytest.raises(CommandError) as caught:
        kind.decode(encode(root))
    assert str(caught.value) == message


# What others write differently


def test_a_ping_may_name_the_folders_first():
    ping = decode(PingRequest(480, (INBOX,)).encode())
    assert PingRequest.decode(encode(Element("Ping:Ping", ping.children[::-1]))) == PingRequest(480, (INBOX,))


def test_an_answer_may_hold_more_than_is_needed():
    answer = tree(
        "FolderHierarchy:FolderSync",
        ("FolderHierarchy:Status", "1"),
        ("FolderHierarchy:SyncKey", "2"),
        tree(
            "FolderHierarchy:Changes",
            ("FolderHierarchy:Count", "1"),
            tree("FolderHierarchy:Delete", ("FolderHierarchy:ServerId", "9")),
        ),
    )
    assert FolderSyncAnswer.decode(encode(answer)) == FolderSyncAnswer(1, "2")


def test_what_is_no_setting_in_a_policy_is_passed_over():
    document = tree(
        "Provision:EASProvisionDoc",
        ("Provision:DevicePasswordEnabled", "1"),
        Element("Provision:MaxAttachmentSize"),
        tree("Provision:ApprovedApplicationList", ("Provision:Hash", "00")),
        ("AirSync:Status", "1"),
    )
    policy = tree("Provision:Policy", ("Provision:Status", "1"), tree("Provision:Data", document))
    answer = tree("Provision:Provision", ("Provision:Status", "1"), tree("Provision:Policies", policy))
    settings = (("DevicePasswordEnabled", "1"), ("MaxAttachmentSize", ""))
    assert ProvisionAnswer.decode(encode(answer)) == ProvisionAnswer(1, 1, None, settings)


def test_a_setting_that_the_protocol_does_not_have_cannot_be_written():
    with pytest.raises(WbxmlError, match=r"^there is no tag Provision:MakeTea$"):
        ProvisionAnswer(1, 1, "1", (("MakeTea", "1"),)).encode()


def test_a_flag_without_text_means_yes():
    collection = tree(
        "AirSync:Collection", ("AirSync:SyncKey", "1"), ("AirSync:CollectionId", "5"), Element("AirSync:GetChanges")
    )
    sync = tree("AirSync:Sync", tree("AirSync:Collections", collection))
    assert SyncRequest.decode(encode(sync)) == SyncRequest((SyncCollection("1", "5", get_changes=True),))


def test_the_order_within_a_collection_is_the_one_that_is_laid_down():
    """https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/9bc36da0-2ecc-4618-a4a3-f0fcda460d44"""
    sync = decode(SyncRequest((SyncCollection("1", "5", None, None, False, 9, 1, commands=(ADD,)),)).encode())
    names = [child.tag.partition(":")[2] for child in sync.children[0].children[0].children]
    assert names == ["SyncKey", "CollectionId", "GetChanges", "WindowSize", "Options", "Commands"]


# Properties

INT32 = st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
MAYBE = st.none() | TEXT
PING_FOLDERS = st.lists(st.builds(PingFolder, TEXT, TEXT), max_size=4, unique_by=lambda folder: folder.id).map(tuple)
COLLECTIONS = st.lists(
    st.builds(
        SyncCollection,
        TEXT,
        TEXT,
        st.none() | INT32,
        MAYBE,
        st.none() | st.booleans(),
        st.none() | INT32,
        st.none() | INT32,
        st.booleans(),
        st.sampled_from([(), (ADD,), (ADD, ADD)]),
    ),
    max_size=3,
).map(tuple)
INFORMATION = st.builds(DeviceInformation, *[MAYBE] * 9)
MESSAGES = st.one_of(
    st.builds(PingRequest, st.none() | INT32, PING_FOLDERS),
    st.builds(PingAnswer, INT32, st.lists(TEXT).map(tuple), st.none() | INT32, st.none() | INT32),
    st.builds(FolderSyncRequest, TEXT),
    st.builds(
        FolderSyncAnswer, INT32, MAYBE, st.lists(st.builds(Folder, TEXT, TEXT, TEXT, INT32), max_size=3).map(tuple)
    ),
    st.builds(ProvisionRequest, MAYBE, st.none() | INT32, st.none() | INFORMATION),
    st.builds(ProvisionRequest, wipe_status=INT32),
    st.builds(
        ProvisionAnswer,
        INT32,
        INT32,
        MAYBE,
        st.lists(st.tuples(st.sampled_from(["AllowCamera", "AllowWiFi"]), TEXT), max_size=3).map(tuple),
        st.booleans(),
        st.none() | INT32,
    ),
    st.builds(SyncRequest, COLLECTIONS, st.none() | INT32, st.none() | INT32),
    st.builds(SyncAnswer, st.none() | INT32, st.none() | INT32, COLLECTIONS),
    st.builds(SettingsRequest, INFORMATION),
    st.builds(SettingsAnswer, INT32, st.none() | INT32),
)


@given(MESSAGES)
def test_round_trips(message):
    assert type(message).decode(message.encode()) == message


@given(MESSAGES, st.data())
def test_a_changed_byte_gives_an_error_or_a_message(message, data):
    written = bytearray(message.encode() or b"\0")
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    error = None
    try:
        read = type(message).decode(bytes(written))
        assert type(message).decode(read.encode()) == read
    except (CommandError, WbxmlError) as raised:
        error = raised
    assert error is None or str(error).isprintable()
