"""A device's handshake, answer by answer, without a server."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.client import Account, Handshake, Step, device_id
from hbprobe.eas.commands import (
    Folder,
    FolderSyncAnswer,
    PingFolder,
    PingRequest,
    ProvisionAnswer,
    ProvisionRequest,
    SyncAnswer,
    SyncCollection,
    SyncRequest,
)
from hbprobe.eas.query import parse_query
from hbprobe.eas.refusal import RefusedError
from hbprobe.eas.wbxml import Element, encode

ACCOUNT = Account("EXAMPLE\\ada", "s3cret:ä")
VERSIONS = {
    "ms-asprotocolversions": "2.5,12.0,12.1,14.0,14.1",
    "ms-asprotocolcommands": "Sync,Ping",
    "ms-server-activesync": "15.1",
}
INBOX, TASKS = Folder("5", "0", "Inbox", 2), Folder("9", "0", "Tasks", 7)
FOLDERS = FolderSyncAnswer(1, "1", (INBOX, TASKS)).encode()


def fresh():
    return Handshake(ACCOUNT, "hbprobe01")


def walk(*answers, handshake=None):
    """Give answers, each a body, a status, or both with headers; return the handshake."""
    handshake = handshake or fresh()
    for answer in answers:
        handshake.next()
        match answer:
            case bytes():
                handshake.take(200, {}, answer)
            case int():
                handshake.take(answer, {}, b"")
            case dict():
                handshake.take(200, answer, b"")
            case _:
                handshake.take(*answer)
    return handshake


def synced(key, **more):
    return SyncAnswer(collections=(SyncCollection(key, "9", 1, **more),)).encode()


def refused(*answers):
    with pytest.raises(RefusedError) as raised:
        walk(*answers)
    assert "s3cret" not in str(raised.value)
    assert raised.value.refusal.mend
    return str(raised.value)


# What is sent


def test_the_first_request_asks_for_the_versions():
    request = fresh().next()
    assert (request.method, request.target, request.body) == ("OPTIONS", "/Microsoft-Server-ActiveSync", b"")
    token = base64.b64encode("EXAMPLE\\ada:s3cret:ä".encode()).decode()
    assert dict(request.headers) == {"Authorization": f"Basic {token}", "User-Agent": "hbprobe"}


def test_a_command():
    request = walk(VERSIONS).next()
    path, _, query = request.target.partition("?")
    asked = parse_query(query)
    assert (request.method, path) == ("POST", "/Microsoft-Server-ActiveSync")
    assert (asked.command, asked.user, asked.device_id, asked.device_type) == (
        "FolderSync",
        "EXAMPLE\\ada",
        "hbprobe01",
        "hbprobe",
    )
    headers = dict(request.headers)
    assert headers["MS-ASProtocolVersion"] == "14.1"
    assert headers["Content-Type"] == "application/vnd.ms-sync.wbxml"
    assert "X-MS-PolicyKey" not in headers


def test_the_password_is_in_no_text():
    assert "s3cret" not in repr(ACCOUNT)
    assert str(ACCOUNT) == repr(ACCOUNT)


def test_device_ids_are_stable_and_fit():
    ids = {device_id("ada@example.com", "mail.example.com", number) for number in range(1, 11)}
    assert len(ids) == 10
    assert all(one.isalnum() and one.isascii() and len(one) <= 32 for one in ids)
    assert device_id("ADA@example.com", "MAIL.example.com", 1) == device_id("ada@example.com", "mail.example.com", 1)
    assert device_id("bob@example.com", "mail.example.com", 1) not in ids
    assert device_id("ada@example.com", "mail.example.com", 1) == "hbprobea64eaf9f8f2b01"


# The way through


def test_a_server_without_a_policy():
    handshake = walk(VERSIONS, FOLDERS, synced("1"))
    assert handshake.step is Step.SYNC
    walk(b"", handshake=handshake)
    assert (handshake.step, handshake.next(), handshake.provisioned) == (None, None, False)
    assert (handshake.watched, handshake.server.version, handshake.server.release) == (TASKS, "14.1", "15.1")
    assert handshake.server.commands == ("Sync", "Ping")


def test_the_ping_says_all():
    request = walk(VERSIONS, FOLDERS, synced("1"), b"").ping(599)
    assert "Cmd=Ping" in request.target
    assert PingRequest.decode(request.body) == PingRequest(599, (PingFolder("9", "Tasks"),))


def test_no_ping_before_a_folder_is_known():
    with pytest.raises(ValueError, match="no folder is known yet"):
        walk(VERSIONS).ping(600)


@pytest.mark.parametrize(
    "asked",
    [(449, {}, b""), FolderSyncAnswer(142).encode(), FolderSyncAnswer(143).encode(), FolderSyncAnswer(144).encode()],
)
def test_provisioning_where_it_is_asked_for(asked):
    handshake = walk(VERSIONS, asked)
    first = ProvisionRequest.decode(handshake.next().body)
    assert first.information.model == "hbprobe"
    walk(
        ProvisionAnswer(1, 1, "77", (("DevicePasswordEnabled", "1"),), information_status=1).encode(),
        handshake=handshake,
    )
    second = handshake.next()
    acknowledged = ProvisionRequest.decode(second.body)
    assert (acknowledged.policy_key, acknowledged.status, acknowledged.information) == ("77", 1, None)
    assert dict(second.headers)["X-MS-PolicyKey"] == "77"
    walk(ProvisionAnswer(1, 1, "4711").encode(), handshake=handshake)
    assert (handshake.step, handshake.provisioned) == (Step.FOLDER_SYNC, True)
    assert handshake.policy == (("DevicePasswordEnabled", "1"),)
    assert dict(handshake.next().headers)["X-MS-PolicyKey"] == "4711"


def test_before_14_1_a_device_does_not_say_what_it_is():
    handshake = walk({"ms-asprotocolversions": "12.1"}, 449)
    assert ProvisionRequest.decode(handshake.next().body) == ProvisionRequest()


def test_a_server_that_asks_for_provisioning_and_has_no_policy():
    handshake = walk(VERSIONS, FolderSyncAnswer(142).encode(), ProvisionAnswer(1, 2).encode())
    assert (handshake.step, handshake.provisioned) == (Step.FOLDER_SYNC, False)
    assert walk(FOLDERS, handshake=handshake).step is Step.FIRST_SYNC


def test_the_first_sync_and_those_that_follow():
    handshake = walk(VERSIONS, FOLDERS)
    keys = []
    for answer in (synced("k1"), synced("k2", more_available=True), synced("k3")):
        keys.append(SyncRequest.decode(handshake.next().body).collections[0].sync_key)
        walk(answer, handshake=handshake)
    assert (keys, handshake.step) == (["0", "k1", "k2"], None)


def test_old_protocols_name_the_class():
    handshake = walk({"ms-asprotocolversions": "2.5,12.0"}, FOLDERS)
    assert SyncRequest.decode(handshake.next().body).collections[0].kind == "Tasks"


@pytest.mark.parametrize(
    ("told", "chosen"),
    [("16.1,16.0,14.1", "14.1"), ("2.5, 12.0 ,12.1", "12.1"), ("2.5", "2.5"), ("14.0,16.1", "16.1")],
)
def test_the_version(told, chosen):
    assert walk({"ms-asprotocolversions": told}).server.version == chosen


@pytest.mark.parametrize(
    ("kinds", "chosen"), [((2, 7, 9), 7), ((2, 9), 9), ((3, 2, 8), 8), ((12, 2), 2), ((5, 12), 5)]
)
def test_the_folder_in_which_least_moves(kinds, chosen):
    folders = tuple(Folder(str(number), "0", "x", kind) for number, kind in enumerate(kinds))
    assert walk(VERSIONS, FolderSyncAnswer(1, "1", folders).encode()).watched.kind == chosen


def test_a_folder_with_items_that_cannot_be_read_is_passed_over():
    handshake = walk(VERSIONS, FOLDERS, synced("1"), b"\x03\x01\x6a\x00\x00\x63\x05")
    assert (handshake.watched, handshake.step) == (INBOX, Step.FIRST_SYNC)


def test_no_folder_is_left():
    items = b"\x03\x01\x6a\x00\x00\x63\x05"
    text = refused(VERSIONS, FOLDERS, synced("1"), items, synced("1"), items)
    assert text == "FolderSync: every folder has something in it that the probe cannot read"


@pytest.mark.parametrize(("status", "step"), [(3, Step.FIRST_SYNC), (12, Step.FOLDER_SYNC)])
def test_a_sync_that_has_to_begin_again(status, step):
    answer = SyncAnswer(collections=(SyncCollection("0", "9", status),)).encode()
    assert walk(VERSIONS, FOLDERS, synced("1"), answer).step is step


def test_a_sync_that_always_has_to_begin_again():
    answer = SyncAnswer(12).encode()
    assert refused(VERSIONS, *(FOLDERS, answer) * 30) == "first Sync: the server answers with status 12"


def test_back_to_a_step():
    handshake = walk(VERSIONS, FOLDERS, synced("1"), b"")
    handshake.back_to(Step.SYNC)
    assert SyncRequest.decode(handshake.next().body).collections[0].sync_key == "1"
    assert walk(synced("2"), handshake=handshake).step is None


# Refusals


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((401, {}, b""), "status 401: the server does not let this user in with this password or token"),
        ((403, {}, b""), "status 403: ActiveSync is off for this user"),
        (
            (403, {"x-ms-asthrottle": "DeviceIsBlocked"}, b""),
            "status 403: ActiveSync is off for this user (DeviceIsBlocked)",
        ),
        (
            (404, {}, b""),
            "status 404: there is no ActiveSync at this address, or request filtering forbids it",
        ),
        (
            (404, {}, b"<h2>404.19 - Denied</h2>"),
            "status 404.19: a denyStrings rule of the server's request filtering forbids the request",
        ),
        ((451, {"x-ms-location": "https://b/eas"}, b""), "status 451: the mailbox is served at https://b/eas"),
        ((302, {"location": "/owa"}, b""), "status 302: the server sends us to /owa"),
        ((507, {}, b""), "status 507: the mailbox is full"),
        ((418, {}, b""), "status 418: the server refuses the request"),
        ((503, {}, b""), "status 503: the server is too busy, or this user has too many requests open"),
        ({}, "OPTIONS: the answer names no protocol versions, so this is no ActiveSync server"),
        (
            {"ms-asprotocolversions": "1.0,2.0"},
            "OPTIONS: the server speaks 1.0, 2.0 only, and the probe 14.1, 16.1, 16.0, 14.0, 12.1, 12.0, 2.5",
        ),
    ],
)
def test_refusals_of_options(answer, text):
    assert refused(answer) == text


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (126, "command status 126: ActiveSync is switched off for this user"),
        (129, "command status 129: the device is blocked for this user"),
        (
            140,
            "command status 140: the server orders a remote wipe of this device: hbprobe does not go on",
        ),
        (141, "command status 141: the policy takes only devices that obey it"),
        (177, "command status 177: the user has too many devices"),
        (6, "status 6: the server failed"),
        (7, "the server answers with status 7"),
    ],
)
def test_refusals_of_commands(status, text):
    assert refused(VERSIONS, FolderSyncAnswer(status).encode()) == f"FolderSync: {text}"


def test_a_wipe_in_the_provisioning_ends_all():
    text = refused(VERSIONS, 449, ProvisionAnswer(1, wipe=True).encode())
    assert text.startswith("Provision: command status 140: the server orders a remote wipe of this device")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (ProvisionAnswer(141), "Provision: command status 141: the policy takes only devices that obey it"),
        (ProvisionAnswer(3), "Provision: the server answers with status 3"),
        (ProvisionAnswer(1, 4), "Provision: the server answers with status 4"),
    ],
)
def test_a_policy_that_is_not_given(answer, text):
    assert refused(VERSIONS, 449, answer.encode()) == text


def test_a_server_that_asks_to_be_provisioned_for_ever():
    given = (449, ProvisionAnswer(1, 1, "1").encode(), ProvisionAnswer(1, 1, "2").encode())
    text = "status 449: the server wants the device to be provisioned first"
    assert refused(VERSIONS, *given, *given, *given) == text


@pytest.mark.parametrize("body", [b"<html>", encode(Element("Ping:Ping", (Element("Ping:Status", text="1"),))), b""])
def test_an_answer_that_is_none(body):
    assert refused(VERSIONS, body).startswith("FolderSync: the answer is not ActiveSync: ")


def test_a_401_to_a_command_is_not_taken_for_provisioning():
    assert refused(VERSIONS, 401).startswith("status 401: ")


ANSWERS = [
    VERSIONS,
    FOLDERS,
    449,
    synced("1"),
    synced("2", more_available=True),
    b"",
    *(FolderSyncAnswer(status).encode() for status in (1, 9, 142, 165)),
    *(SyncAnswer(status).encode() for status in (1, 3, 8, 12)),
    *(ProvisionAnswer(1, status, "7").encode() for status in (1, 2)),
    ProvisionAnswer(1).encode(),
]


@given(st.lists(st.sampled_from(ANSWERS) | st.binary(max_size=30) | st.integers(100, 599), max_size=60))
def test_whatever_comes_it_goes_on_refuses_or_is_done(answers):
    handshake = fresh()
    for answer in answers:
        if handshake.next() is None:
            assert handshake.ping(600).body
            return
        try:
            walk(answer, handshake=handshake)
        except RefusedError:
            return


@pytest.mark.parametrize("last", range(len(ANSWERS)))
@pytest.mark.parametrize("first", [(), (FOLDERS,), (449,), (FOLDERS, synced("1"))])
def test_it_comes_to_an_end_whatever_the_server_repeats(first, last):
    handshake = walk(VERSIONS, *first)
    with contextlib.suppress(RefusedError):
        for _ in range(100):
            if handshake.step is None:
                break
            walk(ANSWERS[last], handshake=handshake)
        assert handshake.step is None


def test_a_folder_with_more_and_more_in_it():
    """The Ping will say that there is more, and the trial is repeated, but not for ever."""
    more = synced("2", more_available=True)
    assert walk(VERSIONS, FOLDERS, synced("1"), *[more] * 18).step is Step.SYNC
    assert walk(VERSIONS, FOLDERS, synced("1"), *[more] * 19).step is None
