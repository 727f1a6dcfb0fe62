"""What the trials together say: between which two holds the limit lies, and which trials speak against that."""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hbprobe.trial.outcome import Kind, Outcome, may_have_stood_still


@dataclass(frozen=True, slots=True)
class Bound:
    """One trial, as far as it says something about the limit."""

    survived: bool
    bound_s: float
    """The limit is above this (survived), or at most this (cut)."""
    hold_s: float
    outcome: Outcome


def seen(hold_s: float, outcome: Outcome) -> Bound:
    """Return what a trial says; a failed one says nothing and may not be given here."""
    if outcome.kind is Kind.FAILED:
        raise ValueError("a failed trial is no evidence")
    survived = outcome.kind is Kind.SURVIVED
    bound_s = min(hold_s, outcome.elapsed_s) if survived or outcome.exact else hold_s
    return Bound(survived, bound_s, hold_s, outcome)


def speaks_against(e: Bound, low_s: float, high_s: float, slack_s: float) -> bool:
    """Say whether a trial contradicts a bracket, by more than the slack."""
    return e.bound_s >= high_s + slack_s if e.survived else e.bound_s <= low_s - slack_s


def _is_doubtful(e: Bound) -> bool:
    return may_have_stood_still(e.hold_s, e.outcome)


class Evidence:
    """All trials of a search, and the bracket that fits them best."""

    def __init__(self, likely: Callable[[Sequence[Bound]], tuple[float, float]] | None = None) -> None:
        """`likely` returns between which two bounds the limit lies; without it the fewest trials speak against."""
        self.all: list[Bound] = []
        self.low_s, self.high_s = 0.0, math.inf
        """The bracket: 0 while nothing has survived, infinity while nothing was cut."""
        self._likely = likely or (lambda _: self._least_contradicted())
        self._survivals: list[float] = []
        """The bounds of the evidence, in order: what survived, and what was cut."""
        self._cuts: list[float] = []

    def add(self, e: Bound) -> None:
        """Take in one trial, and find the bracket anew."""
        self.all.append(e)
        insort(self._survivals if e.survived else self._cuts, e.bound_s)
        self.low_s, self.high_s = self._bracket()

    def contradicting(self, slack_s: float) -> list[Bound]:
        """Return the trials that speak against the bracket by more than the slack."""
        return [e for e in self.all if speaks_against(e, self.low_s, self.high_s, slack_s)]

    def disputed(self, slack_s: float) -> Bound | None:
        """Return the shortest cut in dispute, where two brackets explain the trials equally well."""
        if not self._protests(self.low_s, self.high_s, slack_s):
            return None
        protests = {gap: self._protests(*gap) for gap in self._gaps()}
        least = min(protests.values())
        tied = [gap for gap, count in protests.items() if count == least]
        between = [e for e in self.all if not e.survived and tied[0][1] <= e.bound_s <= tied[-1][0]]
        return min(between, key=lambda e: e.bound_s, default=None)

    def cut(self) -> Bound | None:
        """Return the trial that made the upper end; of several, rather one that cannot have been a standstill."""
        return min(self.cuts(), key=_is_doubtful, default=None)

    def cuts(self) -> list[Bound]:
        """Return the trials that made the upper end."""
        return [e for e in self.all if not e.survived and e.bound_s == self.high_s]

    def survived_hold_s(self) -> float:
        """Return the hold behind the lower end, a little longer where the answer came early; 0 for none."""
        return max((e.hold_s for e in self.all if e.survived and e.bound_s <= self.low_s), default=0.0)

    def agreeing(self, past_s: float) -> tuple[int, int]:
        """Count the trials that agree at the lower end, and at the upper: holds up to `past_s` that were cut."""
        low_s = self.survived_hold_s()
        lows = sum(e.survived and e.hold_s >= low_s for e in self.all)
        return lows, sum(not e.survived and self.high_s <= e.bound_s <= past_s for e in self.all)

    def exact_spread_s(self, near_s: float) -> float:
        """Return how far the exact times of cuts near the upper end lie apart, for clocks are coarse."""
        near = [e.bound_s for e in self.all if e.outcome.exact and abs(e.bound_s - self.high_s) <= near_s]
        return max(near, default=0.0) - min(near, default=0.0)

    def _gaps(self) -> list[tuple[float, float]]:
        """The neighbouring bounds; the limit lies between two of them."""
        return list(pairwise(sorted({0.0, math.inf} | {e.bound_s for e in self.all})))

    def _bracket(self) -> tuple[float, float]:
        """Where the limit lies, widened to a survival below and a cut above."""
        low_s, high_s = self._likely(self.all)
        low_s = max((bound_s for bound_s in self._survivals if bound_s <= low_s), default=0.0)
        high_s = min((bound_s for bound_s in self._cuts if bound_s >= high_s), default=math.inf)
        return low_s, high_s

    def _least_contradicted(self) -> tuple[float, float]:
        return min(self._gaps(), key=lambda gap: (self._protests(*gap), gap))

    def _protests(self, low_s: float, high_s: float, slack_s: float = 0.0) -> int:
        """How many trials speak against a bracket, by more than the slack."""
        longer = len(self._survivals) - bisect_left(self._survivals, high_s + slack_s)
        return longer + bisect_right(self._cuts, low_s - slack_s)
