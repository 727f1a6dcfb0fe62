import itertools
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from hbprobe.manner import Aftermath, Manner
from hbprobe.search.prior import Belief, Prior
from hbprobe.search.search import Search, SearchSettings, rounds_left
from hbprobe.trial.outcome import Cause, Kind, Limit, Outcome

# A scripted path: a rule says what becomes of a hold, `walk` carries a search out on it as `Run` does.


def survived(hold_s, early_s=0.0):
    return Outcome(Kind.SURVIVED, hold_s - early_s)


def silent(hold_s):
    return Outcome(Kind.CUT, hold_s + 3, Manner.SILENT, aftermath=Aftermath.NOTHING)


def at_once(time_s, hold_s, how=Manner.RESET):
    """A cut that tells its time, unless it came so close to the hold that the answer may have provoked it."""
    return Outcome(Kind.CUT, time_s, how, exact=time_s < hold_s - 0.05)


def silent_path(limit_s):
    return lambda hold_s: survived(hold_s) if hold_s < limit_s else silent(hold_s)


def exact_path(limit_s):
    return lambda hold_s: survived(hold_s) if hold_s < limit_s else at_once(limit_s, hold_s)


def walk(rule, settings=None, prior=None, most_rounds=1000):
    """Search until nothing is left to ask; return the search, its rounds, and the path time that it took."""
    search, rounds, now_s = Search(settings or SearchSettings(min_s=60), prior), [], 0.0
    while holds := search.next_holds():
        assert len(rounds) < most_rounds
        rounds.append(holds)
        started_s = now_s
        running = sorted(((rule(hold_s), hold_s) for hold_s in holds), key=lambda trial: trial[0].elapsed_s)
        while running:
            outcome, hold_s = running.pop(0)
            search.record(hold_s, outcome)
            now_s = started_s + outcome.elapsed_s
            running = [trial for trial in running if not search.is_moot(trial[1])]
    return search, rounds, now_s


# How the bracket closes in


def test_one_connection_is_binary_search_after_the_longest_hold():
    search, rounds, now_s = walk(silent_path(600))
    assert rounds == [
        (3540,), (1799.5,), (928.5,), (493.5,), (710.5,), (601.5,), (547.5,), (574.5,), (587.5,), (594.5,), (597.5,),
        (599.5,), (600.5,),
    ]  # fmt: skip
    assert search.limit == Limit(599.5, 600.5, Manner.SILENT, aftermath=Aftermath.NOTHING)
    assert search.confirmed
    assert search.contradictions == ()
    assert now_s == 12193


def test_several_connections_split_the_bracket_in_parts():
    search, rounds, _ = walk(silent_path(600), SearchSettings(min_s=60, connections=4))
    assert rounds == [
        (928.5, 1799.5, 2669.5, 3540),
        (232.5, 406.5, 580.5, 754.5),
        (614.5, 649.5, 684.5, 719.5),
        (586.5, 593.5, 600.5, 607.5),
        (594.5, 595.5, 597.5, 598.5),
        (599.5,),
    ]
    assert (search.limit.survived_s, search.limit.cut_s) == (599.5, 600.5)


def test_holds_lie_at_odd_halves_of_the_precision():
    _, rounds, _ = walk(silent_path(600), SearchSettings(min_s=60, precision_s=0.1))
    inner = [hold_s for holds in rounds[1:] for hold_s in holds]
    assert all(round(hold_s / 0.1 - 0.5, 6).is_integer() for hold_s in inner)
    assert inner[-2:] == [599.95, 600.05]


@pytest.mark.parametrize("how", [Manner.RESET, Manner.CLOSED, Manner.STATUS])
def test_an_exact_time_is_the_upper_end_at_once(how):
    def path(hold_s):
        cut = replace(at_once(350.004, hold_s, how), status=504 if how is Manner.STATUS else None)
        return survived(hold_s) if hold_s < 350 else cut

    search, rounds, _ = walk(path)
    assert rounds == [(3540,), (349.5,)]
    status = 504 if how is Manner.STATUS else None
    assert search.limit == Limit(349.5, 350.004, how, status, exact=True)
    assert search.confirmed


def test_the_hold_below_an_exact_time_makes_the_bracket_narrow_enough():
    # 600.5 would race the timer, and 599.5 alone would leave more than a second.
    search, rounds, _ = walk(exact_path(600.6))
    assert rounds == [(3540,), (599.6,)]
    assert search.confirmed


def test_several_connections_step_back_from_an_exact_time():
    _, rounds, _ = walk(exact_path(350), SearchSettings(min_s=300, connections=5))
    assert rounds[1] == (334.5, 342.5, 346.5, 348.5, 349.5)


def test_a_cut_at_the_hold_says_only_that_the_limit_is_not_above_it():
    search, rounds, _ = walk(lambda hold_s: at_once(hold_s, hold_s))
    assert len(rounds) == 12
    assert search.limit == Limit(None, 60, Manner.RESET)


def test_nothing_is_cut():
    search, rounds, now_s = walk(silent_path(math.inf))
    assert rounds == [(3540,)]
    assert search.limit == Limit(3540, None)
    assert search.confirmed
    assert now_s == 3540


def test_nothing_is_cut_and_several_connections_end_with_the_longest_hold():
    search, rounds, now_s = walk(silent_path(math.inf), SearchSettings(min_s=60, connections=3, confirm=3))
    assert rounds == [(1218.5, 2379.5, 3540), (3540, 3540)]
    assert search.limit == Limit(3540, None)
    assert now_s == 2 * 3540


@pytest.mark.parametrize("limit_s", [60, 59.9, 3])
def test_everything_is_cut(limit_s):
    search, rounds, _ = walk(silent_path(limit_s))
    assert rounds[-1] == (60,)
    assert search.limit == Limit(None, 60, Manner.SILENT, aftermath=Aftermath.NOTHING)
    assert search.confirmed


def test_everything_is_cut_at_a_time_that_is_known():
    search, rounds, _ = walk(exact_path(4), SearchSettings(min_s=60, confirm=2))
    assert rounds == [(3540,), (60,)]
    assert search.limit == Limit(None, 4, Manner.RESET, exact=True)
    assert search.confirmed


def test_the_shortest_hold_survives_though_no_other_does():
    search, rounds, _ = walk(silent_path(60.2))
    assert rounds[-2:] == [(60,), (60.5,)]
    assert (search.limit.survived_s, search.limit.cut_s) == (60, 60.5)


def test_a_precision_wider_than_the_range():
    search, rounds, _ = walk(silent_path(61), SearchSettings(60, 63, 100))
    assert rounds == [(63,), (60,)]
    assert (search.limit.survived_s, search.limit.cut_s) == (60, 63)


def test_an_answer_that_comes_a_little_early_is_not_asked_for_again():
    def path(hold_s):
        return survived(hold_s, early_s=0.6) if hold_s < 600 else silent(hold_s)

    search, rounds, _ = walk(path, SearchSettings(min_s=60, confirm=2))
    holds = [hold_s for asked in rounds for hold_s in asked]
    assert holds.count(599.5) == 2
    assert search.limit == Limit(598.9, 600.5, Manner.SILENT, aftermath=Aftermath.NOTHING)
    assert search.confirmed


# Agreement


@pytest.mark.parametrize(("connections", "last_rounds"), [(1, 4), (2, 2), (4, 1)])
def test_confirm_asks_both_ends_until_enough_agree(connections, last_rounds):
    search, rounds, _ = walk(silent_path(600), SearchSettings(min_s=60, connections=connections, confirm=3))
    asked = [hold_s for holds in rounds[-last_rounds:] for hold_s in holds]
    assert asked == [599.5, 599.5, 600.5, 600.5]
    assert search.confirmed


def test_a_neighbour_does_not_count_as_agreement():
    search, rounds, _ = walk(silent_path(600), SearchSettings(min_s=595, max_s=605, connections=20, confirm=2))
    assert rounds[-1] == (599.5, 600.5)
    assert search.confirmed


def test_an_exact_cut_is_confirmed_by_a_hold_a_little_longer():
    search, rounds, _ = walk(exact_path(350), SearchSettings(min_s=60, confirm=2))
    assert rounds == [(3540,), (349.5,), (349.5,), (352,)]
    assert not search.is_moot(352)
    assert search.is_moot(352.5)
    assert search.confirmed


def test_the_clock_of_a_box_may_be_coarse():
    times = iter([350.2, 350.9, 350.0, 350.4])
    search, _, _ = walk(
        lambda hold_s: survived(hold_s) if hold_s < 350 else at_once(next(times), hold_s),
        SearchSettings(min_s=60, confirm=4),
    )
    assert search.limit == Limit(349.5, 350.0, Manner.RESET, exact=True)
    assert search.confirmed


# Contradictions


def once(hold_s, outcome, rule):
    """The path of `rule`, but for the first trial of one hold."""
    left = [outcome]
    return lambda asked_s: left.pop() if asked_s == hold_s and left else rule(asked_s)


def test_a_freak_survival_is_found_out_by_confirming_and_reported():
    path = once(1799.5, survived(1799.5), silent_path(600))
    search, rounds, _ = walk(path, SearchSettings(min_s=60, confirm=2))
    assert [holds for holds in rounds if holds == (1799.5,)] == [(1799.5,), (1799.5,)]
    assert (search.limit.survived_s, search.limit.cut_s) == (599.5, 600.5)
    assert search.contradictions == ("a hold of 1799.5 s survived",)
    assert not search.confirmed


def test_a_freak_cut_is_found_out_by_confirming_and_reported():
    path = once(493.5, silent(493.5), silent_path(600))
    search, rounds, _ = walk(path, SearchSettings(min_s=60, confirm=2))
    assert rounds.count((493.5,)) == 3
    assert (search.limit.survived_s, search.limit.cut_s) == (599.5, 600.5)
    assert search.contradictions == ("a hold of 493.5 s was cut (silent)",)
    assert not search.confirmed


def held(hold_s):
    """Nothing came, and the connection is alive: a proxy holds it, or something on the path stands still."""
    return Outcome(Kind.CUT, hold_s + 3, Manner.SILENT, aftermath=Aftermath.ACKNOWLEDGED)


def ended_when_asked(hold_s):
    """It stands still until after one more packet was sent, and ends the connection then."""
    return replace(held(hold_s), aftermath=Aftermath.CLOSED)


def ended_late(hold_s):
    """It goes on soon after the answer was due, and finds that its timer has run out."""
    return Outcome(Kind.CUT, hold_s + 2, Manner.CLOSED)


@pytest.mark.parametrize("connections", [1, 2, 8])
@pytest.mark.parametrize("limit_s", [600, math.inf])
@pytest.mark.parametrize("at", range(8))
@pytest.mark.parametrize("stands_still", [held, ended_when_asked, ended_late])
def test_something_that_stood_still_once_makes_no_limit(connections, limit_s, at, stands_still):
    """It falls on one trial of any length; a timer that is real is met again."""
    count = itertools.count()
    rule = silent_path(limit_s)

    def standing_still(hold_s):
        return stands_still(hold_s) if next(count) == at else rule(hold_s)

    search, *_ = walk(standing_still, SearchSettings(min_s=60, connections=connections))
    limit = search.limit
    assert (limit.survived_s, limit.cut_s) == ((599.5, 600.5) if limit_s == 600 else (3540, None))


def test_a_proxy_that_holds_is_met_twice_at_the_limit():
    search, rounds, _ = walk(lambda hold_s: survived(hold_s) if hold_s < 600 else held(hold_s))
    assert (search.limit.survived_s, search.limit.cut_s, search.confirmed) == (599.5, 600.5, True)
    assert rounds[-2:] == [(600.5,), (600.5,)]


LOST = Outcome(
    Kind.CUT,
    603.5,
    Manner.SILENT,
    aftermath=Aftermath.NOTHING,
    causes=(Cause.STATE_LOST_SILENTLY,),
    evidence=("nothing came", "one more packet was not acknowledged"),
)
HELD = replace(
    LOST,
    aftermath=Aftermath.ACKNOWLEDGED,
    causes=(Cause.HELD_BY_PROXY,),
    evidence=("nothing came", "one more packet was acknowledged"),
)
ENDED = replace(
    LOST,
    aftermath=Aftermath.CLOSED,
    causes=(Cause.CLOSED_BY_PROXY,),
    evidence=("nothing came", "one more packet was answered with FIN"),
)


@pytest.mark.parametrize("standstill", [HELD, ENDED])
@pytest.mark.parametrize("is_first", [True, False])
def test_the_cause_is_that_of_a_cut_that_cannot_have_been_a_standstill(standstill, is_first):
    search = Search(SearchSettings(min_s=60))
    for outcome in (standstill, LOST) if is_first else (LOST, standstill):
        search.record(600.5, outcome)
    assert (search.limit.causes, search.limit.evidence) == (LOST.causes, LOST.evidence)
    assert search.limit.aftermath is Aftermath.NOTHING


def test_where_each_may_have_been_one_the_causes_of_all_are_named():
    search = Search(SearchSettings(min_s=60))
    for outcome in (HELD, ENDED, HELD):
        search.record(600.5, outcome)
    assert search.limit.causes == (Cause.HELD_BY_PROXY, Cause.CLOSED_BY_PROXY)
    assert search.limit.evidence == (*HELD.evidence, "another time: one more packet was answered with FIN")


def test_a_dispute_is_settled_at_the_point_in_question():
    search = Search(SearchSettings(min_s=60))
    search.record(300, survived(300))
    search.record(900, survived(900))
    search.record(600, silent(600))
    assert search.next_holds() == (600,)
    search.record(600, silent(600))
    assert (search.limit.survived_s, search.limit.cut_s) == (300, 600)
    assert search.contradictions == ("a hold of 900 s survived",)


def test_limits_are_never_averaged():
    search = Search(SearchSettings(min_s=60))
    for _ in range(6):
        search.record(300, survived(300))
        search.record(900, survived(900))
        search.record(600, silent(600))
        limit = search.limit
        assert limit.survived_s in (300, 900)
        assert limit.cut_s in (600, None)


@pytest.mark.parametrize("connections", [1, 8])
@pytest.mark.parametrize("confirm", [1, 3])
@pytest.mark.parametrize("path", [silent_path, exact_path], ids=["silent", "exact"])
@pytest.mark.parametrize("width_s", [1, 5, 30])
def test_a_grey_zone_ends_and_holds_the_bracket(path, width_s, connections, confirm):
    chance = random.Random(width_s)
    settings = SearchSettings(min_s=60, connections=connections, confirm=confirm)
    for _ in range(5):
        search, _, now_s = walk(lambda hold_s: path(600 + chance.uniform(-width_s, width_s))(hold_s), settings)
        assert now_s <= settings.worst_case_s
        low_s, high_s = search.limit.survived_s or 0, search.limit.cut_s or math.inf
        assert low_s < 600 + width_s
        assert high_s >= 600 - width_s
        if search.confirmed:
            assert 600 - width_s - 2 <= low_s < high_s <= 600 + width_s + 1


# For any path without noise


def near(number):
    return st.floats(number * 0.999, number * 1.001)


@st.composite
def searches(draw):
    min_s = draw(st.one_of(st.sampled_from([0.3, 1, 60]), st.floats(0.1, 100)).map(lambda s: round(s, 3)))
    width_s = draw(st.one_of(st.sampled_from([0.1, 3, 3480]), st.floats(0.01, 4000)).map(lambda s: round(s, 3)))
    precision_s = draw(
        st.one_of(st.sampled_from([0.1, 0.5, 1, 60]), st.floats(0.005, 100)).map(lambda s: round(s, 3))
    )
    connections, confirm = draw(st.integers(1, 60)), draw(st.integers(1, 3))
    settings = SearchSettings(min_s, round(min_s + width_s, 3), precision_s, connections, confirm)
    edge = st.sampled_from([settings.min_s, settings.max_s])
    return settings, draw(st.one_of(edge, edge.flatmap(near), st.floats(min_s * 0.1, settings.max_s * 1.2)))


@hypothesis(deadline=None)
@given(searches(), st.sampled_from([silent_path, exact_path]))
def test_a_path_without_noise_is_always_asked_the_same_and_ends_with_its_limit_in_a_narrow_bracket(case, path):
    settings, limit_s = case
    (search, *asked), (again, *asked_again) = (walk(path(limit_s), settings) for _ in range(2))
    assert asked == asked_again
    assert search.limit == again.limit
    rounds, now_s = asked
    low_s, high_s = search.limit.survived_s, search.limit.cut_s
    assert low_s is None or low_s < limit_s
    assert high_s is None or limit_s <= high_s
    if low_s is None:
        assert high_s <= settings.min_s
    elif high_s is None:
        assert low_s == settings.max_s
    else:
        assert high_s - low_s <= settings.precision_s + 2e-6  # holds are whole microseconds
    assert search.confirmed
    assert search.rounds_left() == 0
    assert now_s <= settings.worst_case_s
    assert len(rounds) <= settings.worst_case_s / settings.max_s


@hypothesis(deadline=None)
@given(searches(), st.sampled_from([silent_path, exact_path]))
def test_no_hold_is_out_of_range_or_moot_or_asked_in_a_longer_search_than_foretold(case, path):
    settings, limit_s = case
    search, rule = Search(settings), path(limit_s)
    while holds := search.next_holds():
        assert list(holds) == sorted(holds)
        assert 1 <= len(holds) <= settings.connections
        assert all(settings.min_s <= hold_s <= settings.max_s for hold_s in holds)
        assert not any(search.is_moot(hold_s) for hold_s in holds)
        foretold = search.rounds_left()
        for hold_s in holds:
            search.record(hold_s, rule(hold_s))
        assert search.rounds_left() < foretold


@hypothesis(deadline=None)
@given(
    searches(), st.sampled_from([silent_path, exact_path]), st.lists(st.floats(0.5, 8000), max_size=5, unique=True)
)
def test_what_is_known_of_timers_changes_the_order_only(case, path, timers_s):
    settings, limit_s = case
    settings = replace(settings, connections=min(settings.connections, 8))
    belief = Belief({timer_s: 0.5 / len(timers_s) for timer_s in timers_s})
    prior = Prior(silent=belief, telling=belief)
    search, rounds, _ = walk(path(limit_s), settings, prior)
    assert all(settings.min_s <= hold_s <= settings.max_s for holds in rounds for hold_s in holds)
    low_s, high_s = search.limit.survived_s, search.limit.cut_s
    assert low_s is None or low_s < limit_s
    assert high_s is None or limit_s <= high_s
    assert search.confirmed


# What is refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_s": 0}, "min must be above 0, not 0"),
        ({"max_s": -1}, "max must be above 0, not -1"),
        ({"max_s": math.inf}, "max must be above 0, not inf"),
        ({"precision_s": 0}, "precision must be above 0, not 0"),
        ({"precision_s": 0.0001}, "precision must be 0.001 s or more, not 0.0001"),
        ({"connections": 0}, "connections must be above 0, not 0"),
        ({"confirm": 0}, "confirm must be above 0, not 0"),
        ({"grace_s": -1}, "grace must be above 0, not -1"),
        ({"grace_s": math.nan}, "grace must be above 0, not nan"),
        ({"min_s": 60, "max_s": 30}, "min must be below max, not 60 and 30"),
        ({"min_s": 60, "max_s": 60}, "min must be below max, not 60 and 60"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        SearchSettings(**settings)
    assert str(error.value) == message


def test_no_grace_at_all():
    assert SearchSettings(min_s=60, grace_s=0).grace_s == 0


def test_a_failed_trial_is_no_evidence():
    with pytest.raises(ValueError, match="a failed trial is no evidence"):
        Search(SearchSettings(min_s=60)).record(60, Outcome(Kind.FAILED, 0))


def test_the_worst_case_of_the_defaults():
    assert SearchSettings(min_s=60).worst_case_s == 13 * 3543
    assert SearchSettings(min_s=60, connections=8).worst_case_s == 4 * 3543
    assert SearchSettings(min_s=60, confirm=3).worst_case_s == 17 * 3543


@pytest.mark.parametrize(
    ("untried", "connections", "rounds"),
    [(0, 1, 0), (1, 1, 1), (2, 1, 2), (3, 1, 2), (4, 1, 3), (8, 8, 1), (9, 8, 2), (80, 8, 2), (81, 8, 3)],
)
def test_rounds_left(untried, connections, rounds):
    assert rounds_left(untried, connections) == rounds
