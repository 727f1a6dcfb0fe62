"""Ping, status by status, and what enters the window of event 1040."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.commands import PingAnswer, PingFolder, PingRequest
from hbprobe.eas.wbxml import Element, encode
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Event1040
from hbprobe.standin.device import DeviceState
from hbprobe.standin.ping import AdmittedPing, PingRefused, judge_ping

INBOX = "5"
MAX_FOLDERS = 100


def ping_body(*children):
    return encode(Element("Ping:Ping", children))


def folders(count):
    return tuple(PingFolder(str(number), "Email") for number in range(count))


def test_a_quiet_ping_is_answered_at_request_time_plus_interval(phone, read):
    phone.server.now = 100.0
    turn = phone.ping(480, INBOX)
    assert turn.answer is None
    assert turn.waiting.until_s == 580.0
    phone.server.wait_for(turn)
    assert read(turn) == PingAnswer(1)
    record = phone.server.recent.requests[-1]
    assert (record.started_s, record.ended_s, record.heartbeat_s, record.expired) == (100.0, 580.0, 480, True)


def test_an_empty_ping_means_the_one_before(phone, read):
    phone.server.wait_for(phone.ping(480, INBOX))
    again = phone.ping()
    assert (again.waiting.until_s, again.folders) == (960.0, (INBOX,))


def test_interval_and_folders_are_remembered_each_for_itself(phone):
    phone.sync(folder="1")
    phone.server.wait_for(phone.ping(480, INBOX))
    shorter = phone.ping(300)
    assert (shorter.heartbeat_s, shorter.folders) == (300, (INBOX,))
    others = phone.ping(None, INBOX, "1")
    assert (others.heartbeat_s, others.folders) == (300, (INBOX, "1"))


def test_new_mail_ends_it_with_the_folder(phone, read):
    turn = phone.ping(480, INBOX)
    phone.server.now = 30.0
    assert [device.id for device in phone.server.exchange.new_mail("alice", INBOX)] == ["PHONE1"]
    assert read(turn) == PingAnswer(2, (INBOX,))
    assert not turn.expired
    assert phone.ping(480, INBOX).answer is not None, "until the folder is synchronized"
    phone.sync("1")
    assert phone.ping(480, INBOX).answer is None


def test_a_folder_that_was_never_synchronized_has_changes(make_phone, read):
    phone = make_phone()
    phone.provision()
    phone.folder_sync()
    assert read(phone.ping(480, INBOX)) == PingAnswer(2, (INBOX,))


@pytest.mark.parametrize(
    ("asked_s", "bound_s", "error"),
    [
        (59, 60, "Ping.HbiTooLow"),
        (0, 60, "Ping.HbiTooLow"),
        (-1, 60, "Ping.HbiTooLow"),
        (3541, 3540, "Ping.HbiTooHigh"),
    ],
)
def test_out_of_range_tells_the_nearest_bound_at_once(phone, read, asked_s, bound_s, error):
    turn = phone.ping(asked_s, INBOX)
    assert read(turn) == PingAnswer(5, heartbeat_s=bound_s)
    assert (turn.error, turn.heartbeat_s) == (error, None)


def test_the_bounds_are_those_of_the_settings(make_phone, read):
    phone = make_phone(settings=Settings(min_heartbeat_s=300, max_heartbeat_s=900)).ready()
    assert read(phone.ping(299, INBOX)).heartbeat_s == 300
    assert read(phone.ping(901, INBOX)).heartbeat_s == 900
    assert phone.ping(300, INBOX).answer is None
    assert phone.ping(900, INBOX).answer is None


def test_what_is_refused_is_not_remembered(phone, read):
    phone.ping(5, INBOX)
    assert read(phone.ping()) == PingAnswer(3)


def test_nothing_remembered(make_phone, read):
    phone = make_phone()
    assert read(phone.ping()) == PingAnswer(3)
    assert read(phone.ping(480)) == PingAnswer(3)
    assert read(phone.ping(None, INBOX)) == PingAnswer(3)


def test_before_a_folder_sync_and_for_unknown_folders(make_phone, read):
    phone = make_phone()
    assert read(phone.ping(480, INBOX)) == PingAnswer(7)
    phone.provision()
    phone.folder_sync()
    assert read(phone.ping(480, "77")) == PingAnswer(7)


SYNTAX = [
    ping_body(),
    ping_body(Element("Ping:HeartbeatInterval", text="soon")),
    ping_body(Element("Ping:Status", text="1")),
    ping_body(Element("Ping:Folders", (Element("Ping:Folder", (Element("Ping:Id", text="5"),)),))),
    PingRequest(480, (PingFolder("5", "Email"), PingFolder("5", "Email"))).encode(),
    encode(Element("Ping:Ping", text="480")),
    encode(Element("FolderHierarchy:FolderSync")),
]


@pytest.mark.parametrize("body", SYNTAX)
def test_what_is_no_ping(phone, read, body):
    assert read(phone.send("Ping", body)) == PingAnswer(4)


def test_what_is_no_wbxml(phone):
    turn = phone.send("Ping", b"<Ping/>")
    assert (turn.answer.status, turn.error) == (400, "InvalidWBXML")


def test_ninety_nine_folders_are_the_most():
    device = DeviceState("alice", "D", "Phone", 0.0)
    refused = judge_ping(PingRequest(480, folders(MAX_FOLDERS)), device, Settings(), MAX_FOLDERS)
    assert refused == PingRefused(PingAnswer(6, max_folders=100), "Ping.TooManyFolders")
    assert judge_ping(PingRequest(480, folders(99)), device, Settings(), MAX_FOLDERS).answer == PingAnswer(7)


@given(st.integers(-(2**31), 2**31 - 1), st.integers(1, 3540), st.integers(1, 3540))
def test_a_bound_that_was_told_is_always_taken(asked_s, one_s, other_s):
    settings = Settings(min_heartbeat_s=min(one_s, other_s), max_heartbeat_s=max(one_s, other_s))
    device = DeviceState("alice", "D", "Phone", 0.0, folder_key=1)
    folder = (PingFolder(INBOX, "Email"),)
    judged = judge_ping(PingRequest(asked_s, folder), device, settings, MAX_FOLDERS)
    if isinstance(judged, PingRefused):
        asked_s = judged.answer.heartbeat_s
        judged = judge_ping(PingRequest(asked_s, folder), device, settings, MAX_FOLDERS)
    assert judged == AdmittedPing(asked_s, folder)


def test_the_event_comes_on_the_sample_after_the_window_is_full(make_phone):
    phone = make_phone(settings=Settings(sample_size=3, alert_threshold_s=540)).ready()
    events = phone.server.recent.events
    for _ in range(3):
        phone.server.wait_for(phone.ping(480, INBOX))
    assert list(events) == []
    phone.ping(480, INBOX)
    assert list(events) == [Event1040(1440.0, 480, "Ping", 540)]


def test_exchanges_own_test_is_no_sample(make_phone):
    phone = make_phone(phone={"kind": "TestActiveSyncConnectivity"}).ready()
    turn = phone.ping(480, INBOX)
    assert turn.waiting is not None
    assert phone.server.exchange.averages_s["Ping"] is None
