import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.manner import Manner
from hbprobe.statistics import bands
from hbprobe.statistics.bands import band, curve, wilson
from hbprobe.trial.outcome import Kind, Outcome, Trial


def lived(hold_s):
    return Trial(1, hold_s, 0, Outcome(Kind.SURVIVED, hold_s))


def silent(hold_s):
    return Trial(1, hold_s, 0, Outcome(Kind.CUT, hold_s + 3, Manner.SILENT))


def exact(hold_s, at_s):
    return Trial(1, hold_s, 0, Outcome(Kind.CUT, at_s, Manner.RESET, exact=True))


EXACT = st.builds(exact, st.integers(1, 9), st.integers(1, 9))


def near(*share):
    return pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [(0, 0, (0, 1)), (10, 10, (0.7225, 1)), (0, 10, (0, 0.2775)), (5, 10, (0.2366, 0.7634)), (1, 1, (0.2065, 1))],
)
def test_wilsons_interval(successes, trials, interval):
    """As in the table of L. D. Brown and others, Interval estimation for a binomial proportion, 2001."""
    assert wilson(successes, trials) == near(*interval)


def test_nothing_is_known_without_trials():
    assert band([], 60) == (0, 1)


def test_longer_trials_show_that_shorter_ones_live():
    assert band([lived(600)] * 10, 60) == near(0.7225, 1)
    assert band([lived(60)] * 10, 600) == near(0, 1)


def test_shorter_trials_show_that_longer_ones_die():
    assert band([silent(60)] * 10, 600) == near(0, 0.2775)
    assert band([silent(600)] * 10, 60) == near(0, 1)


def test_an_exact_time_speaks_for_both_sides():
    trials = [exact(900, 600)] * 10
    assert band(trials, 599) == near(0.7225, 1)
    assert band(trials, 600) == near(0, 0.2775)


def test_a_group_of_its_own_does_not_spoil_another():
    trials = [lived(300)] * 10 + [silent(900)] * 10
    assert band(trials, 100) == near(0.7225, 1)
    assert band(trials, 900) == near(0, 0.2775)
    assert band(trials, 600) == near(0, 1)


def test_the_band_holds_the_truth_nearly_always():
    chance, misses, checks = random.Random(1040), 0, 0
    for _ in range(40):
        holds = [chance.uniform(50, 950) for _ in range(30)]
        trials = [lived(hold_s) if hold_s < chance.uniform(0, 1000) else silent(hold_s) for hold_s in holds]
        for at_s in (100, 300, 500, 700, 900):
            least, most = band(trials, at_s)
            misses += not least <= 1 - at_s / 1000 <= most
            checks += 1
    assert misses / checks <= 0.1


def test_the_curve_ends_where_nothing_lives():
    holds = [10.0 * step for step in range(1, 31)]
    points = curve([lived(hold_s) if hold_s < 100 else silent(hold_s) for hold_s in holds])
    assert len(points) <= 6
    assert points == [(at_s, *band([lived(h) if h < 100 else silent(h) for h in holds], at_s)) for at_s, *_ in points]
    assert all(most > 0.2 for *_, most in points[:-1])
    assert points[-1][2] < 0.2


def band_by_its_definition(trials, at_s):
    """Try each group of trials, as the module describes it."""

    def vague(trial):
        return trial.outcome.kind is Kind.CUT and not trial.outcome.exact

    def is_alive(trial, *, at_least):
        if trial.outcome.kind is Kind.SURVIVED:
            return True
        if trial.outcome.exact:
            return trial.outcome.elapsed_s > at_s
        return not at_least and trial.hold_s > at_s

    lows, highs = [0.0], [1.0]
    for edge_s in {trial.hold_s for trial in trials} | {at_s}:
        longer = [trial for trial in trials if at_s <= trial.hold_s <= edge_s]
        lows.append(wilson(sum(is_alive(trial, at_least=True) for trial in longer), len(longer))[0])
        if edge_s <= at_s:
            told = [t for t in trials if edge_s <= t.hold_s and (t.hold_s <= at_s or not vague(t))]
            highs.append(wilson(sum(is_alive(trial, at_least=False) for trial in told), len(told))[1])
    return max(lows), max(max(lows), min(highs))


@given(
    st.lists(st.one_of(*(st.builds(one, st.integers(1, 9)) for one in (lived, silent)), EXACT)), st.integers(0, 10)
)
def test_it_is_the_best_of_all_groups(trials, at_s):
    assert band(trials, at_s) == pytest.approx(band_by_its_definition(trials, at_s))


def test_many_trials_take_time_in_proportion(monkeypatch):
    """The bounds of 2,000 groups at a dozen and a half times; all groups at all times were four million."""
    asked = []
    monkeypatch.setattr(bands, "wilson", lambda *counts: asked.append(counts) or wilson(*counts))
    trials = [lived(hold_s) if hold_s < 1000 else silent(hold_s) for hold_s in range(1, 2001)]
    told = curve(trials)
    assert told[0][1] > 0.99 and told[0][2] == pytest.approx(1) and told[-1][2] < 0.2
    assert len(asked) < 50 * len(trials)
