"""Timeout curves: which share of holds survives, against how long they are."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from hbprobe.profiles.model import Profile
from hbprobe.profiles.silent_request import cut_of, deciding_timer, timer_s
from hbprobe.profiles.timers import Share
from hbprobe.records.result import Result
from hbprobe.report.terminal.words import path_words
from hbprobe.statistics.survival import Point, WeightedDeath, estimate, promise, told_s
from hbprobe.text import seconds
from hbprobe.trial.outcome import Kind, Limit, Trial


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
        points=estimate(evidence),
        falls_s=result.limit.cut_s,
        measured=True,
        tried=tried,
        grey_zone=_grey_zone(tried),
    )


def of_profile(profile: Profile) -> Curve:
    """Return the curve that a profile promises for requests that are held in silence."""
    timer, limit_s = deciding_timer(profile), timer_s(profile)
    if timer is None or limit_s is None:
        return Curve(profile.name, "cuts nothing", ((0.0, 1.0),), None, measured=False)
    deaths, words = [(limit_s, cut_of(profile).latest_s, 1.0)], f"timer {seconds(limit_s)} s"
    found = [_death(share) for share in timer.population or ()]
    if any(math.isfinite(low_s) for low_s, _, _ in found):
        deaths, words = found, f"timers from {seconds(min(found)[0])} s"
    return Curve(profile.name, words, promise(deaths), min(deaths)[0], measured=False)


def _death(share: Share) -> WeightedDeath:
    return share.at(0.0), share.at(1.0), float(share.weight)


def _bracket_words(limit: Limit) -> str:
    if limit.cut_s is None:
        return (
            "no trial told anything" if limit.survived_s is None else f"not cut up to {seconds(limit.survived_s)} s"
        )
    if limit.survived_s is None:
        return f"cut at {seconds(limit.cut_s)} s"
    return f"{seconds(limit.survived_s)} to {seconds(limit.cut_s)} s"


def _tried(evidence: Iterable[Trial]) -> tuple[Tried, ...]:
    seen = sorted((told_s(trial), trial.outcome.kind is Kind.SURVIVED) for trial in evidence)
    groups = [(hold_s, [survived for _, survived in group]) for hold_s, group in groupby(seen, key=itemgetter(0))]
    return tuple(Tried(hold_s, sum(outcomes), len(outcomes)) for hold_s, outcomes in groups)


def _grey_zone(tried: Iterable[Tried]) -> tuple[float, float] | None:
    cut_s = [one.hold_s for one in tried if one.survived < one.number]
    survived_s = [one.hold_s for one in tried if one.survived]
    if cut_s and survived_s and min(cut_s) <= max(survived_s):
        return min(cut_s), max(survived_s)
    return None
