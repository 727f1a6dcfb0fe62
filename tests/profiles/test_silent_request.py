"""What becomes of a request that is held in silence."""

import pytest

from hbprobe.manner import Expiry
from hbprobe.profiles.model import Profile
from hbprobe.profiles.silent_request import Held, deciding_timer, latest_s, silent_hold


def box(*, layer="packet", sweep=None, **timers):
    for kind, timer in timers.items():
        timers[kind] = {
            "default": 600,
            "expiry": "silent",
            "restarted_by": "any-packet" if kind == "idle" else "nothing",
            "source": "us",
        } | timer
    return Profile.model_validate(
        {
            "id": "box",
            "name": "Box",
            "category": "example",
            "layer": layer,
            "timers": timers,
            "sweep": sweep and {"source": "us"} | sweep,
            "sources": {"us": {"grade": "example", "says": "made up"}},
        }
    )


LIVES = {"probes": {"every": 15}}


@pytest.mark.parametrize(
    ("what", "held"),
    [
        ({}, Held(None, None, None)),
        ({"half_open": {}, "first_data": {}}, Held(None, None, None)),
        ({"idle": {}}, Held(600, Expiry.SILENT, None)),
        ({"idle": {}, "lifetime": {"default": 60, "expiry": "close"}}, Held(60, Expiry.CLOSE, None)),
        ({"idle": {}, "lifetime": {"default": 6000, "expiry": "close"}}, Held(600, Expiry.SILENT, None)),
        ({"idle": LIVES}, Held(None, Expiry.SILENT, None)),
        ({"idle": LIVES, "lifetime": {"default": 6000, "expiry": "close"}}, Held(6000, Expiry.CLOSE, None)),
        ({"idle": {"expiry": "rebalance"}}, Held(None, Expiry.REBALANCE, None)),
        ({"idle": {"revived_by": "client"}}, Held(600, Expiry.SILENT, None)),
        ({"idle": {"revived_by": "server"}}, Held(None, Expiry.SILENT, None)),
        ({"idle": {"revived_by": "both"}}, Held(None, Expiry.SILENT, None)),
        ({"idle": {"population": [{"exactly": 300, "weight": 1}]}}, Held(600, Expiry.SILENT, None)),
        ({"idle": {"step": 60, "jitter": 30}, "sweep": {"every": 10}}, Held(600, Expiry.SILENT, None)),
    ],
)
def test_through_a_box_that_relays_packets(what, held):
    assert silent_hold(box(**what)) == held


RESPONDS = {"expiry": "respond", "status": 504}


@pytest.mark.parametrize(
    ("what", "held"),
    [
        ({"client_header": RESPONDS, "server_connect": RESPONDS}, Held(None, None, None)),
        ({"server_response": RESPONDS}, Held(600, Expiry.RESPOND, 504)),
        ({"server_response": RESPONDS | {"retries": 2}}, Held(600, Expiry.RESPOND, 504)),
        (
            {"server_response": RESPONDS | {"retries": 2}, "total": {"default": 300, "expiry": "close"}},
            Held(300, Expiry.CLOSE, None),
        ),
        ({"total": RESPONDS | {"status": 524}, "server_response": {"default": 900}}, Held(600, Expiry.RESPOND, 524)),
        ({"lifetime": {"expiry": "close"}}, Held(600, Expiry.CLOSE, None)),
    ],
)
def test_through_a_box_that_relays_requests(what, held):
    assert silent_hold(box(layer="http", **what)) == held


def test_the_timer_that_decides():
    one = box(idle={}, lifetime={"default": 60, "expiry": "close"})
    assert deciding_timer(one) is one.timers.lifetime
    assert deciding_timer(box()) is None
    both = box(idle={"expiry": "rebalance"}, lifetime={"default": 86400, "expiry": "close"})
    assert deciding_timer(both) is both.timers.lifetime


@pytest.mark.parametrize(
    ("what", "latest"),
    [
        ({}, None),
        ({"idle": {}}, 600),
        ({"idle": LIVES}, None),
        ({"idle": {"jitter": 30}}, 630),
        ({"idle": {"step": 60}}, 660),
        ({"idle": {}, "sweep": {"every": 10}}, 610),
        ({"idle": {"jitter": 30, "step": 60}, "sweep": {"every": 10, "passes": 3}}, 720),
    ],
)
def test_how_long_it_lives_at_most(what, latest):
    assert latest_s(box(**what)) == latest
