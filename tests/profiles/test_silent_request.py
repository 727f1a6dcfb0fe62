"""What becomes of a request that is held in silence."""

import math

import pytest

from hbprobe.manner import Expiry, Manner
from hbprobe.profiles.model import Http, Profile, Restart, TimerKind
from hbprobe.profiles.silent_request import (
    Cut,
    cut_by,
    cut_of,
    deciding_timer,
    ending_timers,
    quiet_timer,
    runs_unasked,
    timer_s,
    tunnel_timer,
    upgrade_is_untold,
)
from hbprobe.profiles.vocabulary import QuietPhase


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


def fate(profile):
    timer = deciding_timer(profile)
    return (timer_s(profile), *((None, None) if timer is None else (timer.expiry, timer.status)))


@pytest.mark.parametrize(
    ("what", "held"),
    [
        ({}, (None, None, None)),
        ({"half_open": {}, "first_data": {}}, (None, None, None)),
        ({"idle": {}}, (600, Expiry.SILENT, None)),
        ({"idle": {}, "lifetime": {"default": 60, "expiry": "close"}}, (60, Expiry.CLOSE, None)),
        ({"idle": {}, "lifetime": {"default": 6000, "expiry": "close"}}, (600, Expiry.SILENT, None)),
        ({"idle": LIVES}, (None, Expiry.SILENT, None)),
        ({"idle": LIVES, "lifetime": {"default": 6000, "expiry": "close"}}, (6000, Expiry.CLOSE, None)),
        ({"idle": {"expiry": "rebalance"}}, (None, Expiry.REBALANCE, None)),
        ({"idle": {"revived_by": "client"}}, (600, Expiry.SILENT, None)),
        ({"idle": {"revived_by": "server"}}, (None, Expiry.SILENT, None)),
        ({"idle": {"revived_by": "both"}}, (None, Expiry.SILENT, None)),
        ({"idle": {"population": [{"exactly": 300, "weight": 1}]}}, (600, Expiry.SILENT, None)),
        ({"idle": {"step": 60, "jitter": 30}, "sweep": {"every": 10}}, (600, Expiry.SILENT, None)),
    ],
)
def test_through_a_box_that_relays_packets(what, held):
    assert fate(box(**what)) == held


RESPONDS = {"expiry": "respond", "status": 504}


@pytest.mark.parametrize(
    ("what", "held"),
    [
        ({"client_header": RESPONDS, "server_connect": RESPONDS}, (None, None, None)),
        ({"server_response": RESPONDS}, (600, Expiry.RESPOND, 504)),
        ({"server_response": RESPONDS | {"retries": 2}}, (600, Expiry.RESPOND, 504)),
        (
            {"server_response": RESPONDS | {"retries": 2}, "total": {"default": 300, "expiry": "close"}},
            (300, Expiry.CLOSE, None),
        ),
        ({"total": RESPONDS | {"status": 524}, "server_response": {"default": 900}}, (600, Expiry.RESPOND, 524)),
        ({"lifetime": {"expiry": "close"}}, (600, Expiry.CLOSE, None)),
    ],
)
def test_through_a_box_that_relays_requests(what, held):
    assert fate(box(layer="http", **what)) == held


def test_the_timer_that_decides():
    one = box(idle={}, lifetime={"default": 60, "expiry": "close"})
    assert deciding_timer(one) is one.timers.lifetime
    assert deciding_timer(box()) is None
    both = box(idle={"expiry": "rebalance"}, lifetime={"default": 86400, "expiry": "close"})
    assert deciding_timer(both) is both.timers.lifetime


@pytest.mark.parametrize(
    ("what", "earliest", "latest"),
    [
        ({}, math.inf, math.inf),
        ({"idle": {}}, 600, 600),
        ({"idle": LIVES}, math.inf, math.inf),
        ({"idle": {"jitter": 30}}, 600, 630),
        ({"idle": {"step": 60}}, 600, 660),
        ({"idle": {}, "sweep": {"every": 10}}, 600, 610),
        ({"idle": {"jitter": 30, "step": 60}, "sweep": {"every": 10, "passes": 3}}, 620, 720),
    ],
)
def test_how_long_it_lives(what, earliest, latest):
    cut = cut_of(box(**what))
    assert (cut.limit_s, cut.latest_s) == (earliest, latest)


def test_a_client_that_is_not_told_sees_silence():
    told = {"default": 60, "expiry": "reset"}
    assert cut_of(box(idle=told)) == Cut(60, Manner.RESET)
    assert cut_of(box(idle=told | {"tells": "server"})) == Cut(60, Manner.SILENT)


def test_who_ends_the_silence_decides_whether_it_is_revived():
    idle = {"default": 60, "expiry": "silent"}
    for end, lives in (("server", QuietPhase.REQUEST), ("client", QuietPhase.FOREIGN)):
        one = box(idle=idle | {"revived_by": end})
        for phase in (QuietPhase.REQUEST, QuietPhase.FOREIGN):
            found = cut_by(quiet_timer(one, phase), one, phase)
            assert found == (Cut() if phase is lives else Cut(60, Manner.SILENT))
            assert bool(ending_timers(one, phase)) is (phase is not lives)


def test_between_requests_another_timer_runs():
    one = box(
        layer="http",
        server_response=RESPONDS | {"retries": 2},
        client_idle={"default": 75, "expiry": "close", "restarted_by": "client-data"},
    )
    assert cut_of(one) == Cut(600, Manner.STATUS, tries=3)
    assert cut_by(quiet_timer(one, QuietPhase.BETWEEN), one) == Cut(75, Manner.CLOSED)


def test_before_the_first_request_the_time_for_a_head_runs_where_there_is_one():
    idle = {"default": 75, "expiry": "close", "restarted_by": "client-data"}
    head = RESPONDS | {"default": 20, "status": 408}
    both, idle_only = box(layer="http", client_idle=idle, client_header=head), box(layer="http", client_idle=idle)
    found = quiet_timer(both, QuietPhase.UNASKED)
    assert cut_by(found, both) == Cut(20, Manner.CLOSED), "there is no request to answer with 408"
    assert runs_unasked(both, found)
    assert cut_by(quiet_timer(idle_only, QuietPhase.UNASKED), idle_only) == Cut(75, Manner.CLOSED)
    assert not runs_unasked(box(idle=idle), box(idle=idle).timers.idle)


CLOSES = {"expiry": "close"}
IN_TUNNEL = CLOSES | {"restarted_by": "data"}
BETWEEN_BYTES = CLOSES | {"restarted_by": "server-data"}
NO_TIMER = Http(no_tunnel_timer=("us",))


@pytest.mark.parametrize(
    ("what", "kind", "expiry"),
    [
        ({"tunnel_idle": IN_TUNNEL, "between_bytes": BETWEEN_BYTES}, TimerKind.TUNNEL_IDLE, Expiry.CLOSE),
        ({"between_bytes": BETWEEN_BYTES, "server_response": RESPONDS}, TimerKind.BETWEEN_BYTES, Expiry.CLOSE),
        ({"server_response": RESPONDS}, TimerKind.SERVER_RESPONSE, Expiry.CLOSE),
    ],
)
def test_what_runs_in_a_tunnel_ends_it_without_a_status(what, kind, expiry):
    found, timer = tunnel_timer(box(layer="http", **what))
    assert (found, timer.expiry, timer.status) == (kind, expiry, None)
    assert kind is TimerKind.TUNNEL_IDLE or timer.restarted_by is Restart.DATA


def test_nothing_runs_in_a_tunnel_of_a_box_that_has_no_timer_or_says_so():
    assert tunnel_timer(box(layer="http")) is None
    waits = box(layer="http", server_response=RESPONDS)
    assert tunnel_timer(waits.model_copy(update={"http": NO_TIMER})) is None


def test_what_becomes_of_an_upgrade_is_told_by_a_timer_of_its_own_or_by_none():
    assert upgrade_is_untold(box(layer="http", server_response=RESPONDS))
    assert not upgrade_is_untold(box(layer="http", tunnel_idle=IN_TUNNEL))
    assert not upgrade_is_untold(box(layer="http").model_copy(update={"http": NO_TIMER}))
    assert not upgrade_is_untold(box(idle={}))


def test_a_quiet_tunnel_ends_by_its_timer_and_before_a_request_by_that_of_the_head_or_between_requests():
    between = {"client_idle": CLOSES | {"default": 75, "restarted_by": "client-data"}}
    one = box(layer="http", tunnel_idle=IN_TUNNEL, client_header=CLOSES | {"default": 60}, **between)
    assert [timer.default for timer in ending_timers(one, QuietPhase.TUNNEL)] == [600]
    assert [timer.default for timer in ending_timers(one, QuietPhase.UNASKED)] == [60]
    assert [timer.default for timer in ending_timers(box(layer="http", **between), QuietPhase.UNASKED)] == [75]
