"""What a box did, in words."""

from hbprobe.manner import Expiry
from hbprobe.middlebox.events import FlowExpired, FlowRefused, FlowRevived, Remark
from hbprobe.profiles.catalogue import catalogue
from hbprobe.profiles.model import TimerKind
from hbprobe.testing.event_words import told


def test_every_kind_of_event():
    client = "127.0.0.1:4000"
    events = [
        FlowExpired(1240.0, 1, client, TimerKind.IDLE, Expiry.SILENT, 260.5, 240.0, frozenset()),
        FlowRevived(1241.0, 1, client),
        FlowRefused(1242.5, client, "all 3 flows are in use"),
        Remark(1243.0, "something else"),
    ]
    assert told(catalogue()["azure-load-balancer"], events, 1000.0, 3).splitlines() == [
        "azure-load-balancer (idle 4 min: silent)",
        "  240 s: idle ended connection 1, from 127.0.0.1:4000, 240 s after it was last set back: silent",
        "  241 s: a packet brought connection 1, from 127.0.0.1:4000, back",
        "  242.5 s: 127.0.0.1:4000 was refused: all 3 flows are in use",
        "  243 s: something else",
    ]


def test_a_box_that_did_nothing():
    assert told(catalogue()["open-path"], [], 0.0, 1) == "open-path (no timers)\n  ended nothing"


def test_a_box_that_nobody_used():
    assert told(catalogue()["open-path"], [], 0.0, 0) == "open-path (no timers)\n  no connection went through it"
