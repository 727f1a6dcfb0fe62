"""How sure the share is that is alive after a time: 95 % of confidence at each time, from trials of many lengths.

No connection that is dead lives again, so the share only falls. Hence trials with other holds count, too: those held
longer show at least how many are alive, those held shorter at most. Each bound is the best of Wilson's intervals
(https://doi.org/10.1080/01621459.1927.10502953) over such groups of trials.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from hbprobe.trial.outcome import Kind, Trial

_Z = 1.959964
"""The normal distribution's 97.5 % point."""
_POINTS = 6
_DEAD = 0.2
"""Where at most so many are alive, the curve says no more."""


def band(trials: Sequence[Trial], at_s: float) -> tuple[float, float]:
    """Return the least and the greatest share that may be alive after a time."""
    least, most = _least(trials, at_s), _most(trials, at_s)
    return least, max(least, most)


def curve(trials: Sequence[Trial]) -> list[tuple[float, float, float]]:
    """Return a few times, and between which shares lies what is alive after each."""
    holds = sorted({trial.hold_s for trial in trials})
    # What is dead by then stays dead, so the bound only falls, and the first hold below can be halved for.
    alive = bisect_left(holds, True, key=lambda hold_s: _most(trials, hold_s) < _DEAD)
    told = holds[: alive + 1]
    step = max(1, -(-len(told) // _POINTS))
    return [(hold_s, *band(trials, hold_s)) for hold_s in told[::-step][::-1]]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return Wilson's interval for a share; from 0 to 1 without any trial."""
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, _Z * _Z
    middle = share + square / (2 * trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    low, high = ((middle + side * half) / (1 + square / trials) for side in (-1, 1))
    return max(0.0, low), min(1.0, high)


def _least(trials: Sequence[Trial], at_s: float) -> float:
    """Take those held from then until some later time: alive then for certain, or counted as dead."""
    told = sorted((trial.hold_s, _died_after(trial) > at_s) for trial in trials if trial.hold_s >= at_s)
    return max((wilson(alive, held)[0] for _, alive, held in _groups(told)), default=0.0)


def _most(trials: Sequence[Trial], at_s: float) -> float:
    """Take those held for some shorter time or longer: dead then for certain, or counted as alive."""
    group = (trial for trial in trials if trial.hold_s <= at_s or not _is_vague(trial))
    told = sorted((-min(trial.hold_s, at_s), not _is_dead(trial, at_s)) for trial in group)
    return min((wilson(alive, held)[1] for _, alive, held in _groups(told)), default=1.0)


def _groups(told: Sequence[tuple[float, bool]]) -> Iterator[tuple[float, int, int]]:
    """Yield each key of the sorted trials, with how many up to it are alive, and how many there are."""
    alive = held = 0
    for key, group in groupby(told, key=itemgetter(0)):
        for _, is_alive in group:
            alive += is_alive
            held += 1
        yield key, alive, held


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
