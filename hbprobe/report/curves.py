"""Timeout curves: which share of holds survives, against how long they are."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np

from hbprobe.probe.outcome import Kind, Limit, Trial
from hbprobe.profiles.model import Profile
from hbprobe.report.result import Result
from hbprobe.report.text import seconds
from hbprobe.report.words import path_words

Point = tuple[float, float]
"""A hold in seconds, and the share of such holds that survives."""

_ROUNDS = 1000
_SETTLED = 1e-6


@dataclass(frozen=True, slots=True)
class Tried:
    """What the trials at one time showed: those held for so long, and those cut exactly then."""

    hold_s: float
    survived: int
    number: int

    @property
    def share(self) -> float:
        """The share of these trials that survived."""
        return self.survived / self.number


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of the plot."""

    name: str
    limit: str
    """In words: `599.5 to 600.5 s`."""
    points: tuple[Point, ...]
    """From 0 to the longest hold that anything is known of; the share never rises."""
    falls_s: float | None
    """Where it falls, for its label to stand there; None where it never does."""
    measured: bool
    tried: tuple[Tried, ...] = ()
    grey_zone: tuple[float, float] | None = None
    """From the shortest hold that was cut to the longest that survived, where these contradict each other."""


def of_result(result: Result) -> Curve:
    """Return the curve that the trials of a measurement draw."""
    evidence = [trial for trial in result.trials if trial.outcome.kind is not Kind.FAILED]
    tried = _tried(evidence)
    return Curve(
        name=path_words(result),
        limit=_bracket_words(result.limit),
        points=_shares(evidence),
        falls_s=result.limit.cut_s,
        measured=True,
        tried=tried,
        grey_zone=_grey_zone(tried),
    )


def of_profile(profile: Profile) -> Curve:
    """Return the curve that a profile's timers draw: a hold is quiet, so the shorter of idle and lifetime ends it."""
    timers_s = [timer.default for timer in profile.established()]
    if not timers_s:
        return Curve(profile.name, "cuts nothing", ((0.0, 1.0),), None, measured=False)
    at_s = min(timers_s)
    points = ((0.0, 1.0), (at_s, 1.0), (at_s + (profile.sweep.every if profile.sweep else 0.0), 0.0))
    return Curve(profile.name, f"timer {seconds(at_s)} s", points, at_s, measured=False)


def _bracket_words(limit: Limit) -> str:
    if limit.cut_s is None:
        return (
            "no trial told anything" if limit.survived_s is None else f"not cut up to {seconds(limit.survived_s)} s"
        )
    if limit.survived_s is None:
        return f"cut at {seconds(limit.cut_s)} s"
    return f"{seconds(limit.survived_s)} to {seconds(limit.cut_s)} s"


def _tried(evidence: Iterable[Trial]) -> tuple[Tried, ...]:
    seen = sorted((_told_s(trial), trial.outcome.kind is Kind.SURVIVED) for trial in evidence)
    groups = [(hold_s, [survived for _, survived in group]) for hold_s, group in groupby(seen, key=itemgetter(0))]
    return tuple(Tried(hold_s, sum(outcomes), len(outcomes)) for hold_s, outcomes in groups)


def _told_s(trial: Trial) -> float:
    """Return the hold that a trial is evidence for."""
    outcome = trial.outcome
    is_known = outcome.exact or outcome.kind is Kind.SURVIVED
    return min(trial.hold_s, outcome.elapsed_s) if is_known else trial.hold_s


def _grey_zone(tried: Iterable[Tried]) -> tuple[float, float] | None:
    cut_s = [one.hold_s for one in tried if one.survived < one.number]
    survived_s = [one.hold_s for one in tried if one.survived]
    if cut_s and survived_s and min(cut_s) <= max(survived_s):
        return min(cut_s), max(survived_s)
    return None


def _shares(evidence: Sequence[Trial]) -> tuple[Point, ...]:
    """Return the most likely shares, given what each trial tells of the time at which its connection would have died.

    That time is known exactly, or only to lie above a hold that survived, or below one that was cut in silence:
    Turnbull's estimator for such data, which is the Kaplan-Meier curve where every time is exact
    (https://doi.org/10.1111/j.2517-6161.1976.tb01597.x).
    """
    told = [_time_of_death(trial) for trial in evidence]
    lows, highs = {low for low, _ in told}, {high for _, high in told}
    cells = [cell for cell in pairwise(sorted(lows | highs)) if cell[0] in lows and cell[1] in highs]
    share, points = 1.0, [(0.0, 1.0)]
    for (low_s, high_s), weight in zip(cells, _weights(told, cells), strict=True):
        if math.isinf(high_s):
            break
        points.append((low_s, share))
        share = max(0.0, share - weight)
        points.append((high_s, share))
    known_s = [edge for edge in lows | highs if math.isfinite(edge)]
    if share < _SETTLED:  # what no hold of some length survives, none of a greater does
        known_s += [trial.hold_s for trial in evidence]
    end_s = max(known_s, default=0.0)
    return (*points, (end_s, share)) if end_s > points[-1][0] else tuple(points)


def _time_of_death(trial: Trial) -> tuple[float, float]:
    """Return the time above which, and the time up to which, a connection without end would have died."""
    at_s = _told_s(trial)
    if trial.outcome.kind is Kind.SURVIVED:
        return at_s, math.inf
    return (math.nextafter(at_s, 0), at_s) if trial.outcome.exact else (0.0, at_s)


def _weights(told: Sequence[tuple[float, float]], cells: Sequence[tuple[float, float]]) -> list[float]:
    """Return how much of all deaths falls into each cell: a fixed point in which each trial spreads its one death."""
    possible = np.array([[low <= cell[0] and cell[1] <= high for cell in cells] for low, high in told], dtype=float)
    weights = np.full(len(cells), 1 / max(1, len(cells)))
    for _ in range(_ROUNDS if told else 0):
        spread = possible * weights
        new = (spread / spread.sum(axis=1, keepdims=True)).mean(axis=0)
        settled = np.abs(new - weights).max() < _SETTLED
        weights = new
        if settled:
            break
    return [float(weight) for weight in weights]
