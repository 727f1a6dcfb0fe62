"""The share of connections that is alive after a time: as trials show it, and as timers promise it."""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np

from hbprobe.trial.outcome import Kind, Trial

Point = tuple[float, float]
"""A hold in seconds, and the share of such holds that survives."""
WeightedDeath = tuple[float, float, float]
"""Some connections die evenly between two times, or all at one: from when, until when, how many."""

_ROUNDS = 1000
_SETTLED = 1e-6


def estimate(evidence: Sequence[Trial]) -> tuple[Point, ...]:
    """Return the most likely shares, given what each trial tells of the time at which its connection would have died.

    That time is known exactly, or only to lie above a hold that survived, or below one that was cut in silence:
    Turnbull's estimator for such data, which is the Kaplan-Meier curve where every time is exact
    (https://doi.org/10.1111/j.2517-6161.1976.tb01597.x).
    """
    return most_likely_shares([_time_of_death(trial) for trial in evidence], ends_s=[one.hold_s for one in evidence])


def most_likely_shares(
    told: Sequence[tuple[float, float]], counts: Sequence[int] | None = None, ends_s: Sequence[float] = ()
) -> tuple[Point, ...]:
    """Return the most likely shares, given above which time and up to which time each connection died.

    `counts` says how many died so, one if left out; `ends_s` are times up to which a curve at 0 is drawn.
    """
    lows, highs = {low for low, _ in told}, {high for _, high in told}
    cells = [cell for cell in pairwise(sorted(lows | highs)) if cell[0] in lows and cell[1] in highs]
    share, points = 1.0, [(0.0, 1.0)]
    for (low_s, high_s), weight in zip(cells, _weights(told, cells, counts), strict=True):
        if math.isinf(high_s):
            break
        points.append((low_s, share))
        share = max(0.0, share - weight)
        points.append((high_s, share))
    known_s = [edge for edge in lows | highs if math.isfinite(edge)]
    if share < _SETTLED:  # what no hold of some length survives, none of a greater does
        known_s += ends_s
    end_s = max(known_s, default=0.0)
    return tuple(point for point, _ in groupby([*points, (max(end_s, points[-1][0]), share)]))


def _time_of_death(trial: Trial) -> tuple[float, float]:
    """Return the time above which, and the time up to which, a connection without end would have died."""
    at_s = told_s(trial)
    if trial.outcome.kind is Kind.SURVIVED:
        return at_s, math.inf
    return (math.nextafter(at_s, 0), at_s) if trial.outcome.exact else (0.0, at_s)


def _weights(
    told: Sequence[tuple[float, float]], cells: Sequence[tuple[float, float]], counts: Sequence[int] | None
) -> list[float]:
    """Return how much of all deaths falls into each cell: a fixed point in which each trial spreads its one death.

    The cells that are possible for a trial lie side by side, so sums that run over all cells stand for each trial's,
    and neither time nor memory grows with trials times cells.
    """
    if not told:
        return [1 / max(1, len(cells))] * len(cells)
    times, place = np.unique(np.array(told), axis=0, return_inverse=True)
    trials = np.bincount(place.ravel(), np.ones(len(told)) if counts is None else np.array(counts, dtype=float))
    first = np.searchsorted([low for low, _ in cells], times[:, 0], side="left")
    behind = np.searchsorted([high for _, high in cells], times[:, 1], side="right")
    weights = np.full(len(cells), 1 / len(cells))
    for _ in range(_ROUNDS):
        upto = np.concatenate(([0.0], np.cumsum(weights)))
        each = trials / (upto[behind] - upto[first])
        steps = np.bincount(first, each, len(cells) + 1) - np.bincount(behind, each, len(cells) + 1)
        new = weights * np.cumsum(steps)[:-1] / trials.sum()
        settled = np.abs(new - weights).max() < _SETTLED
        weights = new
        if settled:
            break
    return [float(weight) for weight in weights]


def told_s(trial: Trial) -> float:
    """Return the hold that a trial is evidence for."""
    outcome = trial.outcome
    is_known = outcome.exact or outcome.kind is Kind.SURVIVED
    return min(trial.hold_s, outcome.elapsed_s) if is_known else trial.hold_s


def promise(deaths: Sequence[WeightedDeath]) -> tuple[Point, ...]:
    """Return the share that is alive, just before and after each time at which something changes."""
    total = sum(weight for _, _, weight in deaths)
    points = [(0.0, 1.0)]
    for at_s in sorted({edge for low, high, _ in deaths for edge in (low, high) if math.isfinite(edge)}):
        for inclusive in (False, True):
            gone = sum(weight * _gone(at_s, low, high, inclusive=inclusive) for low, high, weight in deaths)
            points.append((at_s, 1 - gone / total))
    return tuple(point for point, _ in groupby(points))


def _gone(at_s: float, low_s: float, high_s: float, *, inclusive: bool) -> float:
    """Return which part of those who die between two times is dead at a time; `inclusive` counts that moment in."""
    if low_s == high_s:
        return float(at_s > low_s or (inclusive and at_s == low_s))
    return min(1.0, max(0.0, (at_s - low_s) / (high_s - low_s)))
