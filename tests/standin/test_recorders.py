"""Who is told of what."""

from dataclasses import replace

import pytest
from support.request_records import QUIET_PING

from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import IdleConnection
from hbprobe.errors import UserError
from hbprobe.exchange.window import Command, Event1040
from hbprobe.standin.recorders import ConsoleLog, Forgiving, Recent, Several, line_of

EVENT = Event1040(5.0, 526, Command.PING, 540)


def test_the_last_few_are_kept(make_phone):
    recent = Recent()
    for number in range(250):
        recent.event_1040(Event1040(float(number), 500, Command.PING, 540))
    assert (len(recent.events), recent.events[0].at_s) == (200, 50.0)


def test_each_is_told(phone):
    first, second = Recent(), Recent()
    several = Several([first, second])
    several.event_1040(EVENT)
    several.request_done(phone.server.recent.requests[-1])
    assert (list(first.events), len(first.requests)) == ([EVENT], 1)
    assert (list(second.events), len(second.requests)) == ([EVENT], 1)


def test_a_recorder_that_fails_is_given_up():
    class Broken(Recent):
        def event_1040(self, event):
            raise UserError("the disk is full")

    why, broken = [], Broken()
    forgiving = Forgiving(broken, why.append)
    for _ in range(2):
        forgiving.event_1040(EVENT)
    forgiving.request_done(None)
    forgiving.connection_idle(None)
    assert (why, list(broken.requests)) == (["the disk is full"], [])


RECORD = replace(
    QUIET_PING,
    started_s=10.0,
    ended_s=490.04,
    peer="192.0.2.1",
    received_bytes=33,
    user="alice",
    device_id="D1",
    device_type=None,
    heartbeat_s=480,
    folders=(),
    expired=False,
)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "192.0.2.1 alice/D1 Ping 480 s: status 1 after 480.0 s"),
        ({"error": "NMStolen"}, "192.0.2.1 alice/D1 Ping 480 s: status 1 after 480.0 s (NMStolen)"),
        ({"is_delivered": False}, "192.0.2.1 alice/D1 Ping 480 s: the client was gone after 480.0 s"),
        ({"heartbeat_s": None, "command_status": 5}, "192.0.2.1 alice/D1 Ping: status 5"),
        (
            {"heartbeat_s": None, "command_status": None, "status": 503, "error": "OverBudget"},
            "192.0.2.1 alice/D1 Ping: HTTP 503 (OverBudget)",
        ),
        (
            dict.fromkeys(("user", "device_id", "command", "heartbeat_s", "command_status"))
            | {"method": "OPTIONS", "status": 401},
            "192.0.2.1 OPTIONS: HTTP 401",
        ),
        ({"user": "\x1b[31mé\n"}, "192.0.2.1 \\x1b[31m\\xe9\\n/D1 Ping 480 s: status 1 after 480.0 s"),
    ],
)
def test_a_line_for_a_request(changes, line):
    assert line_of(replace(RECORD, **changes)) == line


def test_it_is_said():
    said = []
    recorder = ConsoleLog(said.append, Release.V2019, 200)
    recorder.request_done(RECORD)
    recorder.event_1040(Event1040(5.0, 526, Command.PING, 540))
    ConsoleLog(said.append, Release.V2003, 3).event_1040(Event1040(5.0, 540, Command.PING, 540))
    Several([recorder, Recent()]).connection_idle(IdleConnection(125.0, "192.0.2.1", 50000))
    assert said == [
        line_of(RECORD),
        "event 1040: the last 200 heartbeats asked for with Ping average 526 s, at or below 540 s",
        "event 3033: the last 3 heartbeats asked for with Ping average 540 s, at or below 540 s",
        "192.0.2.1: ended a connection that was idle, as IIS does",
    ]
