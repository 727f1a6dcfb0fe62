"""A search in whole seconds, within what the server takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.settings import Settings
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.heartbeats import HeartbeatSearch, in_force, in_heartbeats
from hbprobe.search.prior import prior_of
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.ping_answer import HeartbeatLimits

PRIOR = prior_of(Catalogue().all())


def carry_out(search, timer_s, how, limits=None):
    """Let a box with this timer answer; return the holds that were asked for, limits learnt on the way included."""
    asked = []
    while holds := search.next_holds():
        for hold_s in holds:
            asked.append(hold_s)
            if limits is not None and hold_s > limits["server"]:
                search._limits.learn(hold_s, limits["server"])
                break
            if hold_s < timer_s:
                outcome = Outcome(Kind.SURVIVED, hold_s)
            elif how is Manner.SILENT:
                outcome = Outcome(Kind.CUT, hold_s + 3, how)
            else:
                outcome = Outcome(Kind.CUT, timer_s, how, exact=True)
            search.record(hold_s, outcome)
    return asked


@given(
    timer_s=st.floats(61, 3600),
    how=st.sampled_from([Manner.SILENT, Manner.RESET]),
    connections=st.integers(1, 4),
    confirm=st.integers(1, 3),
    precision_s=st.sampled_from([1.0, 2.0, 5.0, 10.0]),
    prior=st.sampled_from([None, PRIOR]),
)
def test_holds_are_whole_and_the_limit_is_right(timer_s, how, connections, confirm, precision_s, prior):
    settings = in_heartbeats(
        SearchSettings(min_s=60, precision_s=precision_s, connections=connections, confirm=confirm)
    )
    search = HeartbeatSearch(settings, prior, HeartbeatLimits())
    asked = carry_out(search, timer_s, how)
    assert all(hold_s == int(hold_s) for hold_s in asked)
    limit = search.limit
    assert limit.survived_s < timer_s or limit.survived_s == 3540
    if timer_s <= 3540:
        assert timer_s <= limit.cut_s <= limit.survived_s + settings.precision_s + 1e-6
    else:
        assert limit.cut_s is None
    assert search.confirmed


def test_with_the_usual_precision_no_hold_meets_an_even_timer():
    search = HeartbeatSearch(in_heartbeats(SearchSettings(min_s=60)), None, HeartbeatLimits())
    asked = carry_out(search, 600, Manner.SILENT)
    assert {hold_s for hold_s in asked if hold_s % 2 == 0} == {3540}
    assert (search.limit.survived_s, search.limit.cut_s) == (599, 601)


@pytest.mark.parametrize(
    ("asked", "fitted"),
    [
        (SearchSettings(min_s=60), SearchSettings(min_s=60, precision_s=2)),
        (SearchSettings(min_s=60, precision_s=3), SearchSettings(min_s=60, precision_s=4)),
        (SearchSettings(min_s=60, precision_s=10), SearchSettings(min_s=60, precision_s=10)),
        (SearchSettings(0.5, 99.5, 0.1), SearchSettings(1, 99, 2)),
    ],
)
def test_settings_in_heartbeats(asked, fitted):
    assert in_heartbeats(asked) == fitted


# Limits


def test_limits_are_learnt():
    limits = HeartbeatLimits()
    assert str(limits) == "of any length"
    limits.learn(1, 60)
    assert (limits.min_s, limits.max_s, str(limits)) == (60, None, "from 60 s")
    limits.learn(86400, 1800)
    assert (limits.min_s, limits.max_s, str(limits)) == (60, 1800, "from 60 s to 1800 s")


def test_the_search_keeps_to_the_limits():
    search = HeartbeatSearch(in_heartbeats(SearchSettings(min_s=60)), None, HeartbeatLimits(120, 900))
    assert (search.settings.min_s, search.settings.max_s) == (120, 900)
    asked = carry_out(search, 5000, Manner.SILENT)
    assert asked == [900]
    assert (search.limit.survived_s, search.limit.cut_s) == (900, None)


def test_limits_that_are_learnt_on_the_way():
    search = HeartbeatSearch(in_heartbeats(SearchSettings(min_s=60)), None, HeartbeatLimits())
    asked = carry_out(search, 600, Manner.SILENT, {"server": 1800})
    assert asked[:2] == [3540, 1800]
    assert (search.limit.survived_s, search.limit.cut_s) == (599, 601)


def test_a_server_that_takes_nothing_of_what_is_asked():
    with pytest.raises(CannotMeasureError) as raised:
        HeartbeatSearch(in_heartbeats(SearchSettings(600, 3540)), None, HeartbeatLimits(60, 480))
    text = "the server takes heartbeats from 60 s to 480 s, and the search is to be from 600 to 3540 s"
    assert str(raised.value) == text


# web.config


def test_without_a_web_config_the_servers_limits_count():
    settings, notes = in_force(Settings(), HeartbeatLimits(60, 1800), is_file=False)
    assert (settings.min_heartbeat_s, settings.max_heartbeat_s, notes) == (60, 1800, ())


def test_a_web_config_stands_and_a_difference_is_told():
    settings, notes = in_force(Settings(), HeartbeatLimits(60, 1800), is_file=True)
    assert settings == Settings()
    text = "the server takes heartbeats from 60 s to 1800 s, the web.config says 60 to 3540 s: is it this server's?"
    assert notes == (text,)


@pytest.mark.parametrize("limits", [HeartbeatLimits(), HeartbeatLimits(60, 3540), HeartbeatLimits(max_s=3540)])
def test_nothing_to_tell(limits):
    assert in_force(Settings(), limits, is_file=True) == (Settings(), ())


def test_a_server_that_rounds_is_searched_at_its_own_step():
    limits = HeartbeatLimits()
    search = HeartbeatSearch(SearchSettings(min_s=10, max_s=400, precision_s=2), None, limits)
    limit_s, held = 111, []
    while holds := search.next_holds():
        for hold_s in holds:
            down_s = hold_s // 5 * 5
            if down_s < hold_s:
                limits.held(hold_s, round(down_s))
                continue  # no evidence
            held.append(hold_s)
            cut = hold_s > limit_s
            outcome = Outcome(Kind.CUT, limit_s, Manner.STATUS, exact=True) if cut else Outcome(Kind.SURVIVED, hold_s)
            search.record(hold_s, outcome)
    assert limits.step_s == 5
    assert all(hold_s % 5 == 0 for hold_s in held)
    assert (search.limit.survived_s, search.limit.cut_s) == (105, 111)
