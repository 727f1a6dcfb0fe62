import math
import random

import pytest

from hbprobe.diagnosis.fit import Death, Law, deaths, fit, spread_holds, spread_of
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Kind, Limit, Outcome, Trial

HOLDS = [150.0 + 30 * step for step in range(30)]


def silent(holds, life):
    """What trials tell that are cut in silence: only whether the connection was alive at the end."""
    return [Death(0, hold_s) if life() < hold_s else Death(hold_s, math.inf) for hold_s in holds]


def test_a_fixed_timer():
    found = fit(silent(HOLDS, lambda: 600))
    assert found.law is Law.TIMER
    assert 600 <= found.timer_s <= 630
    assert found.mean_life_s is None
    assert found.criterion[Law.TIMER] < found.criterion[Law.LOSS] - 6


def test_random_loss():
    chance = random.Random(1040)
    found = fit(silent(HOLDS * 2, lambda: chance.expovariate(1 / 600)))
    assert found.law is Law.LOSS
    assert found.timer_s is None
    assert 400 < found.mean_life_s < 900


def test_a_timer_and_random_loss():
    chance = random.Random(1040)
    found = fit(silent(HOLDS * 4, lambda: min(600, chance.expovariate(1 / 1200))))
    assert found.law is Law.BOTH
    assert 590 < found.timer_s < 640
    assert 600 < found.mean_life_s < 4800


def test_exact_times():
    chance = random.Random(1040)
    fixed = fit([Death(600 + step / 100, 600.1 + step / 100) for step in range(20)])
    lost = fit([Death(at_s, at_s + 0.1) for at_s in (chance.expovariate(1 / 600) for _ in range(20))])
    assert fixed.law is Law.TIMER
    assert abs(fixed.timer_s - 600) < 1
    assert lost.law is Law.LOSS


def test_too_few_trials_tell_nothing_apart():
    assert fit([Death(0, 700.0), Death(500.0, math.inf)]).law is None


@pytest.mark.parametrize("told", [[], [Death(600, math.inf)] * 3])
def test_where_nothing_died_there_is_nothing_to_fit(told):
    assert fit(told) is None


def test_what_trials_tell():
    def trial(hold_s, *outcome):
        return Trial(1, hold_s, 0, Outcome(*outcome))

    told = deaths(
        [
            trial(600, Kind.SURVIVED, 599.9),
            trial(600, Kind.CUT, 603, Manner.SILENT),
            trial(600, Kind.CUT, 350, Manner.RESET, True),
            trial(600, Kind.CUT, 601, Manner.CLOSED),
            trial(600, Kind.FAILED, 0),
        ]
    )
    assert told == [Death(599.9, math.inf), Death(0, 600), Death(349.95, 350.05), Death(0, 600)]


@pytest.mark.parametrize(
    ("limit", "holds"),
    [
        (Limit(599, 600, Manner.RESET), (900, 900, 900)),
        (Limit(599, 600, Manner.SILENT), (150, 525, 900)),
        (Limit(3540, None), (3540, 3540, 3540)),
    ],
)
def test_trials_are_held_where_they_tell_most(limit, holds):
    assert spread_holds(limit, 3, 3540) == holds


def test_a_single_trial():
    assert spread_holds(Limit(599, 600, Manner.SILENT), 1, 3540) == (150,)


def test_the_sum():
    lived = Trial(1, 60, 0, Outcome(Kind.SURVIVED, 60))
    cut = Trial(2, 120, 0, Outcome(Kind.CUT, 100, Manner.RESET, True))
    assert spread_of([lived]).fit is None
    spread = spread_of([lived, cut])
    assert spread.trials == (lived, cut)
    assert spread.fit is not None
