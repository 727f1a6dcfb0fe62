"""How sure the share is that is alive after a time: 95 % of confidence at each time, from trials of many lengths.

No connection that is dead lives again, so the share only falls. Hence trials with other holds count, too: those held
longer show at least how many are alive, those held shorter at most. Each bound is the best of Wilson's intervals
(https://doi.org/10.1080/01621459.1927.10502953) over such groups of trials.
"""

import math
from collections.abc import Sequence

from hbprobe.trial.outcome import Kind, Trial

_Z = 1.959964
"""The normal distribution's 97.5 % point."""
_POINTS = 6
_DEAD = 0.2
"""Where at most so many are alive, the curve says no more."""


def band(trials: Sequence[Trial], at_s: float) -> tuple[float, float]:
    """Return the least and the greatest share that may be alive after a time."""
    longer = sorted({trial.hold_s for trial in trials if trial.hold_s >= at_s})
    shorter = sorted({trial.hold_s for trial in trials if trial.hold_s <= at_s} | {at_s})
    least = max((_least(trials, at_s, end_s) for end_s in longer), default=0.0)
    most = min((_most(trials, start_s, at_s) for start_s in shorter), default=1.0)
    return least, max(least, most)


def curve(trials: Sequence[Trial]) -> list[tuple[float, float, float]]:
    """Return a few times, and between which shares lies what is alive after each."""
    dead_s = min((trial.hold_s for trial in trials if band(trials, trial.hold_s)[1] < _DEAD), default=math.inf)
    holds = sorted({trial.hold_s for trial in trials if trial.hold_s <= dead_s})
    step = max(1, -(-len(holds) // _POINTS))
    return [(hold_s, *band(trials, hold_s)) for hold_s in holds[::-step][::-1]]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return Wilson's interval for a share; from 0 to 1 without any trial."""
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, _Z * _Z
    middle = share + square / (2 * trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    low, high = ((middle + side * half) / (1 + square / trials) for side in (-1, 1))
    return max(0.0, low), min(1.0, high)


def _least(trials: Sequence[Trial], at_s: float, end_s: float) -> float:
    """Take the trials held from then until `end_s`: alive then for certain, or counted as dead."""
    group = [trial for trial in trials if at_s <= trial.hold_s <= end_s]
    return wilson(sum(_died_after(trial) > at_s for trial in group), len(group))[0]


def _most(trials: Sequence[Trial], start_s: float, at_s: float) -> float:
    """Take the trials held from `start_s` on: dead then for certain, or counted as alive."""
    group = [trial for trial in trials if start_s <= trial.hold_s and (trial.hold_s <= at_s or not _is_vague(trial))]
    return wilson(sum(not _is_dead(trial, at_s) for trial in group), len(group))[1]


def _is_vague(trial: Trial) -> bool:
    return trial.outcome.kind is Kind.CUT and not trial.outcome.exact


def _died_after(trial: Trial) -> float:
    """Return the time at which the connection was alive for certain, or just after it."""
    if trial.outcome.kind is Kind.SURVIVED:
        return math.inf
    return trial.outcome.elapsed_s if trial.outcome.exact else 0.0


def _is_dead(trial: Trial, at_s: float) -> bool:
    if trial.outcome.kind is Kind.SURVIVED:
        return False
    return (trial.outcome.elapsed_s if trial.outcome.exact else trial.hold_s) <= at_s
