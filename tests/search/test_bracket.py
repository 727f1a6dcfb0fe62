"""What the trials together say: the bracket, and which of them speak against it."""

import math

import pytest

from hbprobe.manner import Manner
from hbprobe.search.bracket import Evidence, seen, speaks_against
from hbprobe.trial.outcome import Kind, Outcome


def survived(hold_s, elapsed_s=None):
    return seen(hold_s, Outcome(Kind.SURVIVED, hold_s if elapsed_s is None else elapsed_s))


def silent(hold_s):
    return seen(hold_s, Outcome(Kind.CUT, hold_s + 3, Manner.SILENT))


def exact(at_s, hold_s):
    return seen(hold_s, Outcome(Kind.CUT, at_s, Manner.RESET, exact=True))


def evidence(*trials, likely=None):
    found = Evidence(likely)
    for trial in trials:
        found.add(trial)
    return found


@pytest.mark.parametrize(
    ("trial", "bound_s"),
    [
        (survived(600), 600),
        (survived(600, 599.4), 599.4),
        (survived(600, 601), 600),
        (silent(600), 600),
        (exact(300, 600), 300),
    ],
)
def test_what_one_trial_bounds(trial, bound_s):
    assert trial.bound_s == bound_s


def test_before_any_trial_nothing_is_known():
    assert (evidence().low_s, evidence().high_s, evidence().cut()) == (0, math.inf, None)


@pytest.mark.parametrize(
    ("trials", "bracket"),
    [
        ([survived(100)], (100, math.inf)),
        ([silent(100)], (0, 100)),
        ([survived(100), silent(300), survived(200)], (200, 300)),
        ([survived(100), survived(200), silent(150)], (100, 150)),
        ([survived(100), silent(50), silent(50), silent(300)], (0, 50)),
    ],
)
def test_the_fewest_trials_speak_against_the_bracket(trials, bracket):
    found = evidence(*trials)
    assert (found.low_s, found.high_s) == bracket


def test_who_judges_likelihood_may_say_otherwise():
    found = evidence(survived(100), silent(300), silent(50), likely=lambda _: (120.0, 200.0))
    assert (found.low_s, found.high_s) == (100, 300), "widened to a survival below and a cut above"


def test_a_contradiction_within_the_slack_is_none():
    late = survived(302)
    found = evidence(survived(100), silent(300), silent(300), late)
    assert found.contradicting(5) == []
    assert found.contradicting(1) == [late]
    assert speaks_against(late, 100, 300, 2) is True


def test_a_tie_is_disputed_at_the_shortest_cut_between():
    cut = silent(150)
    assert evidence(survived(200), cut).disputed(1) is cut
    assert evidence(survived(100), silent(200)).disputed(1) is None


def test_agreement_is_counted_at_both_ends():
    found = evidence(survived(100), survived(100), survived(90), silent(110), silent(112), silent(500))
    assert found.agreeing(120) == (2, 2)
    assert (found.survived_hold_s(), found.cut().hold_s) == (100, 110)


def test_how_far_exact_cuts_lie_apart():
    found = evidence(exact(300, 600), exact(301.5, 600), exact(400, 600), silent(310))
    assert found.exact_spread_s(5) == 1.5
    assert evidence(silent(300)).exact_spread_s(5) == 0


def test_a_failed_trial_is_refused():
    with pytest.raises(ValueError, match="a failed trial is no evidence"):
        seen(10, Outcome(Kind.FAILED, 1))
