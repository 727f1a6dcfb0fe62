"""The rules of a flow: what is due when, what puts it off, and what happens then."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.manner import Expiry, Layer
from hbprobe.middlebox.flow import Act, Flow, Phase, Rules, Side
from hbprobe.profiles.model import TimerKind

IDLE = {"idle": {"default": 600}}


@pytest.fixture(scope="session")
def flow(make_box):
    """Make a flow that was opened at 1000: `flow(idle={"default": 600})`."""
    return lambda **box: Flow(Rules.of(make_box(**box)), 1000.0)


@pytest.fixture(scope="session")
def established(flow):
    """Make a flow that was opened at 1000 and connected at 1001."""

    def make(**box):
        made = flow(**box)
        made.connected(1001.0)
        return made

    return make


# What is due


def test_a_box_without_timers_never_ends_a_flow(flow):
    endless = flow()
    assert endless.due() == math.inf
    endless.connected(1001.0)
    endless.moved(Side.CLIENT, 1002.0)
    endless.fin(1003.0)
    assert endless.due() == math.inf
    assert endless.expire(1e12) is None


def test_each_phase_has_its_timer(flow):
    made = flow(half_open={"default": 30}, idle={"default": 600}, half_closed={"default": 120})
    assert (made.phase, made.due()) == (Phase.OPENING, 1030)
    made.connected(1001.0)
    assert (made.phase, made.due()) == (Phase.ESTABLISHED, 1601)
    made.fin(1002.0)
    assert (made.phase, made.due()) == (Phase.HALF_CLOSED, 1122)


@pytest.mark.parametrize(
    ("events", "kind", "at"),
    [
        ([], TimerKind.HALF_OPEN, 1030),
        (["connected"], TimerKind.IDLE, 1601),
        (["connected", "fin"], TimerKind.HALF_CLOSED, 1122),
    ],
)
def test_the_timer_of_the_phase_ends_the_flow(flow, events, kind, at):
    made = flow(half_open={"default": 30}, idle={"default": 600}, half_closed={"default": 120})
    for after, event in enumerate(events, start=1):
        getattr(made, event)(1000.0 + after)
    assert made.expire(at - 0.001) is None
    rule = made.expire(at)
    assert rule.kind is kind
    assert made.phase is Phase.EXPIRED


def test_idle_runs_on_after_a_fin_where_the_box_has_no_timer_for_that(established):
    made = established(**IDLE)
    made.fin(1500.0)
    assert made.due() == 2100
    made.moved(Side.SERVER, 1600.0)
    assert made.due() == 2200
    assert made.expire(2200.0).kind is TimerKind.IDLE


def test_the_second_fin_is_no_new_phase(established):
    made = established(half_closed={"default": 120})
    made.fin(1010.0)
    made.fin(1100.0)
    assert made.due() == 1130


def test_a_fin_before_the_connection_stands_is_no_phase(flow):
    made = flow(half_open={"default": 30}, half_closed={"default": 120})
    made.fin(1010.0)
    assert (made.phase, made.due()) == (Phase.OPENING, 1030)


# What restarts a timer


@pytest.mark.parametrize(
    ("restarted_by", "client", "server"),
    [
        ("any-packet", True, True),
        ("data", True, True),
        ("client-data", True, False),
        ("server-data", False, True),
        ("nothing", False, False),
    ],
)
@pytest.mark.parametrize("kind", ["idle", "half_closed"])
def test_what_restarts_a_timer(established, kind, restarted_by, client, server):
    for side, restarts in ((Side.CLIENT, client), (Side.SERVER, server)):
        made = established(**{kind: {"default": 600, "restarted_by": restarted_by}})
        if kind == "half_closed":
            made.fin(1001.0)
        made.moved(side, 1500.0)
        assert made.due() == (2100 if restarts else 1601), side


def test_nothing_restarts_the_lifetime(established):
    made = established(lifetime={"default": 3600}, **IDLE)
    made.moved(Side.CLIENT, 4400.0)
    assert made.due() == 4600
    made.fin(4500.0)
    assert made.due() == 4600


# Two timers


def test_the_lifetime_ends_a_flow_that_is_not_idle(established):
    made = established(lifetime={"default": 3600, "expiry": "reset"}, **IDLE)
    made.moved(Side.CLIENT, 4400.0)
    rule = made.expire(4600.0)
    assert (rule.kind, rule.expiry, made.running_since(rule)) == (TimerKind.LIFETIME, Expiry.RESET, 1000)


def test_idle_ends_a_flow_that_is_young(established):
    made = established(lifetime={"default": 3600, "expiry": "reset"}, **IDLE)
    made.moved(Side.CLIENT, 1500.0)
    rule = made.expire(2100.0)
    assert (rule.kind, rule.expiry, made.running_since(rule)) == (TimerKind.IDLE, Expiry.SILENT, 1500)


def test_of_two_that_ran_out_the_first_counts(established):
    made = established(lifetime={"default": 700}, **IDLE)
    assert made.expire(9999.0).kind is TimerKind.IDLE
    made = established(lifetime={"default": 600}, **IDLE)
    assert made.expire(9999.0).kind is TimerKind.LIFETIME


def test_the_lifetime_runs_while_the_flow_opens(flow):
    made = flow(lifetime={"default": 20}, half_open={"default": 30})
    assert made.expire(1020.0).kind is TimerKind.LIFETIME


# Sweeps


@pytest.mark.parametrize(
    ("moved_at", "due"),
    [(1001, 1620), (1020, 1620), (1020.5, 1680), (1079, 1680), (1080, 1680), (1081, 1740)],
)
def test_a_sweep_finds_the_flow_at_its_next_turn(established, moved_at, due):
    made = established(sweep=60, **IDLE)
    made.moved(Side.CLIENT, float(moved_at))
    assert made.due() == due
    assert made.expire(due - 0.001) is None
    assert made.expire(due).kind is TimerKind.IDLE


def test_a_sweep_does_not_wake_a_flow_without_timers(flow):
    assert flow(sweep=60).due() == math.inf


# The end


def test_an_ended_flow_stays_ended(established):
    made = established(lifetime={"default": 3600}, **IDLE)
    assert made.expire(1601.0) is not None
    assert made.expire(1601.0) is None
    made.moved(Side.CLIENT, 1700.0)
    made.fin(1700.0)
    made.connected(1700.0)
    assert (made.phase, made.due(), made.expire(9999.0)) == (Phase.EXPIRED, math.inf, None)


def test_a_flow_that_is_ended_by_hand_ends_as_by_the_timer_that_is_due_next(established, flow):
    made = established(lifetime={"default": 300, "expiry": "reset"}, **IDLE)
    rule = made.end()
    assert (rule.kind, rule.expiry, made.phase) == (TimerKind.LIFETIME, Expiry.RESET, Phase.EXPIRED)
    assert made.end() is None
    assert flow().end() is None


@pytest.mark.parametrize(
    ("expiry", "told"),
    [("reset-on-next", Act.RESET_ON_NEXT), ("reset", Act.RESET), ("close", Act.CLOSE)],
)
def test_the_ends_that_are_told_and_those_that_are_not(established, expiry, told):
    for tells, acts in {"both": (told, told), "client": (told, Act.MUTE), "server": (Act.MUTE, told)}.items():
        rule = established(idle={"default": 600, "expiry": expiry, "tells": tells}).expire(1601.0)
        assert rule.acts == acts, tells


def test_silence_is_for_both_ends(established):
    assert established(**IDLE).expire(1601.0).acts == (Act.MUTE, Act.MUTE)


def test_a_status_needs_http(make_box):
    box = make_box(**IDLE)
    idle = box.timers.idle.model_copy(update={"expiry": Expiry.RESPOND})
    box = box.model_copy(update={"layer": Layer.HTTP, "timers": box.timers.model_copy(update={"idle": idle})})
    with pytest.raises(ValueError, match=r"^box: a flow of layer http cannot respond with a status$"):
        Rules.of(box)


@given(
    length=st.integers(1, 1000),
    sweep=st.one_of(st.none(), st.integers(1, 100)),
    gaps=st.lists(st.integers(1, 1500), max_size=20),
    side=st.sampled_from(Side),
)
def test_never_too_early_and_never_later_than_one_sweep(established, length, sweep, gaps, side):
    made = established(idle={"default": length, "restarted_by": "client-data"}, sweep=sweep)
    now = restarted_at = 1001
    for gap in [*gaps, 2000]:
        ran_out_at = restarted_at + length
        assert ran_out_at <= made.due() < ran_out_at + (sweep or 1)
        now += gap
        rule = made.expire(float(now))
        if rule is not None:
            assert now >= ran_out_at
            return
        assert now < ran_out_at + (sweep or 0)
        made.moved(side, float(now))
        restarted_at = now if side is Side.CLIENT else restarted_at
    pytest.fail("it outlived its timer")
