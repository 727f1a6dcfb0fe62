import math
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.manner import Manner
from hbprobe.statistics.survival import estimate, promise, told_s
from hbprobe.trial.outcome import Kind, Outcome, Trial


def survived(hold_s):
    return Trial(1, hold_s, 0.0, Outcome(Kind.SURVIVED, hold_s))


def silent(hold_s):
    return Trial(1, hold_s, 0.0, Outcome(Kind.CUT, hold_s + 3, Manner.SILENT))


def reset(hold_s, at_s):
    return Trial(1, hold_s, 0.0, Outcome(Kind.CUT, at_s, Manner.RESET, exact=True))


def test_what_a_trial_tells():
    assert [told_s(trial) for trial in (survived(60), silent(60), reset(60, 50))] == [60, 60, 50]
    assert told_s(Trial(1, 60, 0.0, Outcome(Kind.SURVIVED, 59.4))) == 59.4


def test_nothing_told():
    assert estimate([]) == ((0, 1),)


def test_silence_falls_somewhere_between():
    assert estimate([silent(90), survived(60), silent(75)]) == ((0, 1), (60, 1), (75, 0), (90, 0))


def test_silence_before_anything_survived():
    assert estimate([silent(90)]) == ((0, 1), (90, 0))


def test_exact_times_make_the_kaplan_meier_curve():
    points = estimate([reset(100, 10), reset(100, 20), survived(25), reset(100, 30), reset(100, 40)])
    shares = {hold_s: round(share, 4) for hold_s, share in points}
    # One of five dies at 10, one of four at 20; at 25 one leaves the count; then one of two, and the last.
    assert [shares[at_s] for at_s in (10, 20, 30, 40)] == [0.8, 0.6, 0.3, 0]
    assert points[-1][0] == 100


trials = st.lists(
    st.builds(survived, st.integers(1, 50))
    | st.builds(silent, st.integers(1, 50))
    | st.builds(reset, st.just(60), st.integers(1, 50)),
    max_size=12,
)


@given(trials)
def test_an_estimate_starts_at_one_and_never_rises(trials):
    points = estimate(trials)
    assert points[0] == (0, 1)
    holds_s, shares = zip(*points, strict=True)
    assert list(holds_s) == sorted(holds_s)
    assert math.isfinite(holds_s[-1])
    assert all(before >= after - 1e-9 for before, after in pairwise(shares))
    assert all(0 <= share <= 1 for share in shares)


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_at_a_single_hold_the_share_is_counted(outcomes):
    points = estimate([survived(60) if one else silent(60) for one in outcomes])
    assert points[-1] == (60, pytest.approx(sum(outcomes) / len(outcomes)))


@pytest.mark.parametrize(
    ("deaths", "points"),
    [
        ([(600, 600, 1)], ((0, 1), (600, 1), (600, 0))),
        ([(600, 630, 1)], ((0, 1), (600, 1), (630, 0))),
        ([(300, 300, 1), (600, 600, 3)], ((0, 1), (300, 1), (300, 0.75), (600, 0.75), (600, 0))),
        ([(300, 300, 1), (math.inf, math.inf, 1)], ((0, 1), (300, 1), (300, 0.5))),
    ],
)
def test_promise(deaths, points):
    assert promise(deaths) == points


def test_many_trials_take_memory_in_proportion():
    """A table of 5,000 trials by as many times would be 200 MB."""
    trials = [survived(hold_s / 7) for hold_s in range(1, 2501)] + [
        silent(200 + hold_s / 7) for hold_s in range(2500)
    ]
    tracemalloc.start()
    points = estimate(trials)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert points[0] == (0, 1) and points[-1][1] == pytest.approx(0, abs=1e-9)
    assert most < 20_000_000
