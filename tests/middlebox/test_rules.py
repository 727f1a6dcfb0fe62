"""The timers of a profile as rules, and when a box that sweeps notices."""

import math

import pytest

from hbprobe.manner import Act, Expiry
from hbprobe.middlebox.rules import Rules, TableSweep
from hbprobe.profiles.model import Profile, TimerKind


def box(layer="packet", **more):
    usual = {"default": 60, "expiry": "reset", "restarted_by": "any-packet", "source": "s"}
    timers = {kind: usual | timer for kind, timer in more.pop("timers").items()}
    told = {"id": "box", "name": "Box", "category": "example", "layer": layer, "timers": timers}
    return Profile.model_validate(told | {"sources": {"s": {"grade": "example", "says": "so"}}} | more)


def idle(layer="packet", **timer):
    return Rules.of(box(layer, timers={"idle": timer})).by_phase[2]


@pytest.mark.parametrize(
    ("timer", "acts"),
    [
        ({}, (Act.RESET, Act.RESET)),
        ({"tells": "client"}, (Act.RESET, Act.MUTE)),
        ({"tells": "server"}, (Act.MUTE, Act.RESET)),
        ({"expiry": "silent"}, (Act.MUTE, Act.MUTE)),
        ({"expiry": "silent", "revived_by": "client"}, (Act.LISTEN, Act.MUTE)),
        ({"expiry": "silent", "revived_by": "both"}, (Act.LISTEN, Act.LISTEN)),
        ({"expiry": "close"}, (Act.CLOSE, Act.CLOSE)),
    ],
)
def test_what_is_done_to_each_end(timer, acts):
    assert idle(**timer).acts == acts


@pytest.mark.parametrize(
    ("restarted_by", "which"),
    [
        ("any-packet", (True, True)),
        ("client-data", (True, False)),
        ("server-data", (False, True)),
        ("each-direction", (True, True)),
    ],
)
def test_what_sets_it_back(restarted_by, which):
    rule = idle("tcp" if restarted_by != "any-packet" else "packet", restarted_by=restarted_by)
    assert rule.restarted_by == which
    assert rule.each_direction is (restarted_by == "each-direction")


def test_a_box_looks_at_acknowledgements_where_it_looks_at_packets():
    assert idle("packet").counts_acks
    assert not idle("tcp", restarted_by="data").counts_acks


def test_half_closed_is_as_idle_where_nothing_is_said_of_it():
    rules = Rules.of(box("tcp", timers={"idle": {"default": 60, "restarted_by": "data"}}))
    assert rules.by_phase[3] is rules.by_phase[2]
    assert (rules.by_phase[0], rules.by_phase[1], rules.by_phase[4]) == (None, None, None)
    assert (rules.lifetime, rules.has_fresh, rules.are_plain) == (None, False, True)


def test_a_total_runs_beside_others_so_such_a_box_is_not_plain():
    rules = Rules.of(box(timers={"idle": {}, "lifetime": {"default": 600, "restarted_by": "nothing"}}))
    assert (rules.lifetime.kind, rules.lifetime.expiry) == (TimerKind.LIFETIME, Expiry.RESET)
    assert not rules.are_plain


def test_what_ends_nothing_is_no_rule():
    assert idle(expiry="rebalance") is None


@pytest.mark.parametrize(
    ("every_s", "passes", "due", "noticed"),
    [
        (0, 1, 61.5, 61.5),
        (30, 1, 60, 60),
        (30, 1, 61.5, 90),
        (30, 2, 61.5, 120),
        (30, 2, math.inf, math.inf),
    ],
)
def test_when_a_sweep_finds_what_is_due(every_s, passes, due, noticed):
    assert TableSweep(every_s, passes).after(due) == noticed
