"""What only some boxes do to a flow: steps, luck, two timers, questions of their own, revival."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.manner import Expiry
from hbprobe.middlebox.flow import Act, Flow, Phase, Rules, Side
from hbprobe.profiles.model import Profile, TimerKind

CLIENT, SERVER = Side


def box(*, layer="packet", sweep=None, half_close=None, **timers):
    totals = ("half_open", "first_data", "lifetime")
    for kind, timer in timers.items():
        restarted_by = "nothing" if kind in totals else "any-packet"
        timers[kind] = {"expiry": "silent", "restarted_by": restarted_by, "source": "us"} | timer
    return Profile.model_validate(
        {
            "id": "box",
            "name": "Box",
            "category": "example",
            "layer": layer,
            "timers": timers,
            "sweep": sweep and {"source": "us"} | sweep,
            "half_close": half_close,
            "sources": {"us": {"grade": "example", "says": "made up"}},
        }
    )


def established(luck=0.0, **what):
    """Make a flow that was opened at 1000 and connected at 1001."""
    flow = Flow(Rules.of(box(**what)), 1000.0, luck)
    flow.connected(1001.0)
    return flow


def gone(*_sides):
    """Stand for an end that is told of as gone: `holds` of a dead one."""
    return False


# Later than the timer says


@pytest.mark.parametrize(("moved", "due"), [(1001.0, 1140), (1019.9, 1140), (1020.0, 1140), (1020.1, 1200)])
def test_a_timer_that_counts_in_steps(moved, due):
    flow = established(idle={"default": 120, "step": 60})
    flow.moved(CLIENT, moved)
    assert flow.due() == due
    assert flow.expire(due - 0.001) is None
    assert flow.expire(due).kind is TimerKind.IDLE


@pytest.mark.parametrize(("luck", "due"), [(0.0, 1301), (0.5, 1316), (1.0, 1331)])
def test_each_flow_has_its_luck(luck, due):
    flow = established(luck, idle={"default": 300, "jitter": 30})
    assert flow.due() == due
    flow.moved(SERVER, 1100.0)
    assert flow.due() == due + 99


def test_luck_changes_nothing_where_a_timer_is_not_random():
    assert established(0.9, idle={"default": 300}).due() == 1301


@pytest.mark.parametrize(("passes", "due"), [(1, 1610), (2, 1620), (3, 1630)])
def test_a_sweep_that_must_find_a_flow_overdue_several_times(passes, due):
    flow = established(idle={"default": 600}, sweep={"every": 10, "passes": passes})
    assert flow.due() == due
    assert flow.expire(due - 0.001) is None
    assert flow.expire(due).kind is TimerKind.IDLE


@given(
    length=st.integers(1, 10**6),
    jitter=st.integers(0, 60),
    luck=st.floats(0, 1),
    step=st.integers(0, 120),
    sweep=st.integers(0, 120),
    passes=st.integers(1, 4),
)
def test_a_flow_never_ends_before_its_timer_nor_later_than_all_delays_together(
    length, jitter, luck, step, sweep, passes
):
    idle = {"default": length, "jitter": jitter or None, "step": step or None}
    flow = established(luck, idle=idle, sweep={"every": sweep, "passes": passes} if sweep else None)
    assert 1001 + length <= flow.due() <= 1001 + length + jitter + step + (sweep * passes if sweep else 0)


# Before the first data


def test_a_timer_before_the_first_data():
    flow = established(first_data={"default": 60}, idle={"default": 262144})
    assert (flow.phase, flow.due()) == (Phase.FRESH, 1061)
    assert flow.moved(SERVER, 1010.0) is True
    assert (flow.phase, flow.due()) == (Phase.ESTABLISHED, 1010 + 262144)
    assert flow.moved(CLIENT, 1020.0) is False
    assert flow.due() == 1020 + 262144


def test_a_connection_that_says_nothing_ends_by_it():
    flow = established(first_data={"default": 60}, idle={"default": 262144})
    assert flow.expire(1061.0).kind is TimerKind.FIRST_DATA
    assert flow.due() == math.inf


def test_a_fin_before_the_first_data_half_closes():
    flow = established(first_data={"default": 60}, idle={"default": 600}, half_closed={"default": 80})
    flow.fin(1010.0)
    assert (flow.phase, flow.due()) == (Phase.HALF_CLOSED, 1090)


def test_without_such_a_timer_a_flow_is_never_fresh():
    assert established(idle={"default": 600}).phase is Phase.ESTABLISHED


# While data is unacknowledged


def test_data_that_nobody_acknowledges():
    flow = established(idle={"default": 432000}, unacknowledged={"default": 300})
    assert flow.due() == 433001
    assert flow.moved(SERVER, 2000.0) is True
    assert flow.due() == 2300
    rule = flow.expire(2300.0, gone)
    assert (rule.kind, flow.running_since(rule)) == (TimerKind.UNACKNOWLEDGED, 2000)


def test_data_that_was_acknowledged():
    flow = established(idle={"default": 432000}, unacknowledged={"default": 300})
    flow.moved(SERVER, 2000.0)
    assert flow.moved(SERVER, 2100.0) is False
    assert flow.due() == 2400
    assert flow.expire(2400.0) is None
    assert flow.due() == 2100 + 432000
    assert flow.moved(CLIENT, 3000.0) is True
    assert flow.due() == 3300


@pytest.mark.parametrize("dead", [CLIENT, SERVER])
def test_one_end_that_acknowledges_nothing_is_enough(dead):
    flow = established(unacknowledged={"default": 300})
    flow.moved(CLIENT, 2000.0)
    assert flow.expire(2300.0, lambda side: side != dead).kind is TimerKind.UNACKNOWLEDGED
    assert flow.due() == math.inf


# A timer for each direction


def test_each_direction_has_its_timer_and_the_first_to_run_out_ends_the_flow():
    flow = established(layer="tcp", idle={"default": 600, "restarted_by": "each-direction"})
    flow.moved(CLIENT, 1100.0)
    flow.moved(SERVER, 1500.0)
    assert flow.due() == 1700
    rule = flow.expire(1700.0)
    assert (rule.kind, flow.running_since(rule)) == (TimerKind.IDLE, 1100)


def test_a_packet_box_hears_the_acks_of_a_silent_end():
    flow = established(idle={"default": 600, "restarted_by": "each-direction"})
    flow.moved(CLIENT, 1100.0)
    flow.moved(SERVER, 1500.0)
    assert flow.expire(1700.0) is None
    assert flow.due() == 2100
    assert flow.expire(2100.0).kind is TimerKind.IDLE


def test_a_packet_box_does_not_hear_an_end_that_is_gone():
    flow = established(idle={"default": 600, "restarted_by": "each-direction"})
    flow.moved(CLIENT, 1100.0)
    flow.moved(SERVER, 1500.0)
    assert flow.expire(1700.0, gone).kind is TimerKind.IDLE


def test_both_directions_start_anew_after_a_fin():
    flow = established(half_closed={"default": 80, "restarted_by": "each-direction"}, idle={"default": 600})
    flow.fin(1200.0)
    assert flow.due() == 1280
    flow.moved(SERVER, 1250.0)
    assert flow.expire(1280.0, gone).kind is TimerKind.HALF_CLOSED


# Questions of the box


def test_while_the_ends_answer_the_flow_lives():
    flow = established(idle={"default": 3600, "probes": {"every": 15, "count": 5}})
    for hour in range(1, 50):
        assert flow.expire(1001.0 + 3600 * hour) is None
        assert flow.due() == 1001 + 3600 * (hour + 1)


def test_a_dead_end_is_asked_so_many_times():
    flow = established(idle={"default": 3600, "probes": {"every": 15, "count": 5}})
    for question in range(5):
        at = 4601.0 + 15 * question
        assert (flow.due(), flow.expire(at, gone)) == (at, None)
    assert flow.due() == 4676
    assert flow.expire(4676.0, gone).kind is TimerKind.IDLE


@pytest.mark.parametrize("answers", ["an answer", "data"])
def test_a_late_sign_of_life_starts_the_timer_again(answers):
    flow = established(idle={"default": 3600, "probes": {"every": 15, "count": 5}})
    assert flow.expire(4601.0, gone) is None
    if answers == "data":
        flow.moved(CLIENT, 4610.0)
        assert flow.due() == 8210
    else:
        assert flow.expire(4616.0) is None
        assert flow.due() == 8216


@pytest.mark.parametrize(
    ("asks", "dead", "lives"),
    [
        ("both", CLIENT, False),
        ("both", SERVER, False),
        ("client", SERVER, True),
        ("client", CLIENT, False),
        ("server", CLIENT, True),
    ],
)
def test_only_those_are_asked_whom_the_box_asks(asks, dead, lives):
    flow = established(idle={"default": 7200, "probes": {"every": 240, "asks": asks}})
    assert flow.expire(8201.0, lambda side: side != dead) is None
    assert flow.due() == (8201 + 7200 if lives else 8201 + 240)


# What a flow does not feel


def test_a_server_chosen_anew_is_the_same_server():
    flow = established(idle={"default": 350, "expiry": "rebalance"}, lifetime={"default": 5000, "expiry": "close"})
    assert flow.due() == 6000
    assert flow.expire(6000.0).expiry is Expiry.CLOSE


# Revival


@pytest.mark.parametrize(
    ("by", "acts"),
    [
        ("client", (Act.LISTEN, Act.MUTE)),
        ("server", (Act.MUTE, Act.LISTEN)),
        ("both", (Act.LISTEN, Act.LISTEN)),
    ],
)
def test_who_is_listened_to_after_the_end(by, acts):
    flow = established(idle={"default": 600, "revived_by": by})
    assert flow.expire(1601.0).acts == acts


@pytest.mark.parametrize(("half_closed", "phase", "due"), [(False, "ESTABLISHED", 3600), (True, "HALF_CLOSED", 3060)])
def test_a_flow_that_is_revived_is_as_new(half_closed, phase, due):
    flow = established(
        idle={"default": 600, "revived_by": "client"}, half_closed={"default": 60}, lifetime={"default": 5000}
    )
    assert flow.expire(1601.0).kind is TimerKind.IDLE
    flow.revive(3000.0, half_closed=half_closed)
    assert (flow.phase, flow.due()) == (Phase[phase], due)
    flow.moved(CLIENT, 3010.0)
    assert flow.expire(due + 10.0) is not None


def test_half_close():
    assert Rules.of(box()).half_close
    assert Rules.of(box(half_close={"allowed": True, "source": "us"})).half_close
    assert not Rules.of(box(half_close={"allowed": False, "source": "us"})).half_close
