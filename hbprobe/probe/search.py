"""Which holds to try next: the bracket around a path's limit, closed in from both sides.

The search is told what trials showed and says which to start; it opens no connection and knows no clock. A round
splits the bracket with as many holds as there are connections (one connection: binary search), always at odd
halves of the precision (599.5, 600.5 for 1 s): real timers stand at whole numbers, and a hold of just that length
would race the timer. The very first round also asks the one question that may end the search at once: does the
longest hold survive?

A cut whose exact time is known (RST, FIN, a status) makes that time the bracket's upper end, and the next holds lie
just below it.

Trials can contradict each other: survived longer than it was cut. The bracket then is the one that the fewest trials
speak against. Where two explain the trials equally well, the search tries again at the point in dispute; what was
contradicted is reported, and never averaged away.
"""

import math
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, fields
from itertools import pairwise

from hbprobe.probe.guided import Guess, choose
from hbprobe.probe.outcome import Kind, Limit, Outcome
from hbprobe.probe.prior import Prior

_RETRIES = 6
"""So many trials that make no headway may go into settling a dispute; twice as many end the search."""
_AIR = 0.2
"""So much of the precision is left between an exactly known cut and the next hold below it."""
_FINEST_S = 0.001
"""No clock of a path is finer."""
_ROUNDING = 1e-6
"""Holds are whole microseconds, and floats lose a little as well."""
_PAST_S = 1.0
"""A hold that is to meet a cut again lasts at least so much longer: a cut right at the hold tells no exact time."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What to search, and how closely. All times in seconds."""

    min_s: float = 60.0
    max_s: float = 3540.0
    precision_s: float = 1.0
    connections: int = 1
    confirm: int = 1
    """So many trials must agree at each end of the bracket."""
    grace_s: float = 3.0
    """How long after the hold an answer may still come."""

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if not (math.isfinite(value) and (value > 0 or (name == "grace_s" and value == 0))):
                raise ValueError(f"{name.removesuffix('_s')} must be above 0, not {value:g}")
        if self.precision_s < _FINEST_S:
            raise ValueError(f"precision must be {_FINEST_S:g} s or more, not {self.precision_s:g}")
        if self.min_s >= self.max_s:
            raise ValueError(f"min must be below max, not {self.min_s:g} and {self.max_s:g}")

    @property
    def worst_case_s(self) -> float:
        """The longest that a search can take, in path time, that splits evenly and meets no contradictions."""
        untried = math.floor((self.max_s - self.min_s) / self.precision_s) + 2
        rounds = 1 + rounds_left(untried // self.connections, self.connections)
        rounds += 2 * math.ceil((self.confirm - 1) / self.connections)
        return rounds * (self.max_s + self.grace_s)


def rounds_left(untried: int, connections: int) -> int:
    """Return how many more rounds it takes at most to decide about so many holds in a row."""
    rounds = 0
    while untried:
        untried //= connections + 1
        rounds += 1
    return rounds


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One trial, as far as it says something about the limit."""

    survived: bool
    bound_s: float
    """The limit is at least this (survived), or at most this (cut)."""
    hold_s: float
    outcome: Outcome


def _is_setback(hold_s: float, before: tuple[float, float], after: tuple[float, float]) -> bool:
    """Whether a trial shifted the bracket, or lay inside and left it as it was."""
    if before == after:
        return before[0] < hold_s < before[1]
    return after[0] < before[0] or after[1] > before[1]


class Search:
    """The search for one limit."""

    def __init__(self, settings: SearchSettings, prior: Prior | None = None) -> None:
        self.settings = settings
        self._prior = prior
        """What is known of timers beforehand; without it the search only splits."""
        self._evidence: list[_Evidence] = []
        self._survivals: list[float] = []
        """The bounds of the evidence, in order: what survived, and what was cut."""
        self._cuts: list[float] = []
        self._retries = 0
        """Trials that made no headway: they contradicted others, or were to settle a contradiction."""
        self._low_s, self._high_s = 0.0, math.inf
        """The bracket: 0 while nothing has survived, infinity while nothing was cut."""

    # What happened

    def record(self, hold_s: float, outcome: Outcome) -> None:
        """Take in what a trial showed; a failed one says nothing and may not be given here."""
        if outcome.kind is Kind.FAILED:
            raise ValueError("a failed trial is no evidence")
        disputed = self._disputed() is not None
        survived = outcome.kind is Kind.SURVIVED
        bound_s = min(hold_s, outcome.elapsed_s) if survived or outcome.exact else hold_s
        seen = _Evidence(survived, bound_s, hold_s, outcome)
        self._evidence.append(seen)
        insort(self._survivals if survived else self._cuts, bound_s)
        before, after = (self._low_s, self._high_s), self._bracket()
        self._low_s, self._high_s = after
        if disputed or self._speaks_against(seen, *after, 0.0) or _is_setback(hold_s, before, after):
            self._retries += 1

    # What it means

    @property
    def limit(self) -> Limit:
        """The bracket as it stands."""
        survived_s = self._low_s or None
        cut = self._cut()
        if cut is None:
            return Limit(survived_s, None)
        seen = cut.outcome
        return Limit(survived_s, cut.bound_s, seen.how, seen.status, seen.exact, seen.aftermath)

    @property
    def contradictions(self) -> tuple[str, ...]:
        """What speaks against the bracket, in words."""
        return tuple(
            f"a hold of {e.hold_s:g} s {'survived' if e.survived else f'was cut ({e.outcome.how})'}"
            for e in self._evidence
            if self._speaks_against(e, self._low_s, self._high_s, self.settings.precision_s)
        )

    @property
    def confirmed(self) -> bool:
        """Whether the bracket is as narrow as was asked for, agreed upon at both ends, and not contradicted."""
        return self._is_narrow() and not any(self._missing()) and not self.contradictions

    def is_moot(self, hold_s: float) -> bool:
        """Say whether a running trial can no longer tell anything."""
        return hold_s < self._low_s or hold_s > self._past_s()

    def rounds_left(self) -> int:
        """Return how many more rounds this search takes at most, if nothing contradicts."""
        connections = self.settings.connections
        if not self.next_holds():
            return 0
        if self._is_narrow():
            return math.ceil(sum(self._missing()) / connections)
        untried = len(self._grid(self._survived_hold_s(), self._high_s))
        opening, parts = (1, untried // connections) if math.isinf(self._high_s) else (0, untried)
        again = sum(max(0, self.settings.confirm - max(1, agree)) for agree in self._agreeing())
        return opening + rounds_left(parts, connections) + math.ceil(again / connections)

    # What to do

    def next_holds(self) -> tuple[float, ...]:
        """Return the holds of the next round, shortest first; none when the search is over."""
        if self._retries >= 2 * _RETRIES:
            return ()
        if (disputed_s := self._disputed()) is not None:
            return (disputed_s,)
        if self._is_narrow():
            return self._confirmation()
        return self._opening() if math.isinf(self._high_s) else self._closer()

    def _is_narrow(self) -> bool:
        """Whether nothing is left to try between the two ends."""
        if self._low_s > 0 and self._high_s - self._low_s <= self.settings.precision_s + _ROUNDING:
            return True
        survived_hold_s = self._survived_hold_s()
        if math.isinf(self._high_s):
            return survived_hold_s >= self.settings.max_s
        return not self._grid(survived_hold_s, self._high_s)

    def _opening(self) -> tuple[float, ...]:
        if likely := self._likely():
            return likely
        between = self._grid(self._survived_hold_s(), self.settings.max_s)
        return (*self._spread(between, self.settings.connections - 1), self.settings.max_s)

    def _closer(self) -> tuple[float, ...]:
        cut = self._cut()
        if cut is not None and cut.outcome.exact:
            if below := self._just_below(cut.bound_s):
                return below
        elif likely := self._likely():
            return likely
        return self._spread(self._grid(self._survived_hold_s(), self._high_s), self.settings.connections)

    def _just_below(self, cut_s: float) -> tuple[float, ...]:
        """Holds below an exactly known cut: the nearest makes the bracket narrow enough, the others step back."""
        ceiling_s = cut_s - _AIR * self.settings.precision_s - self._exact_spread_s()
        below = self._grid(self._survived_hold_s(), ceiling_s)
        if not below:
            return ()
        narrow_s = math.ceil((cut_s - self.settings.precision_s) * 1000) / 1000
        nearest_s = max(self._hold(below[-1]), min(narrow_s, ceiling_s))
        steps = range(1, min(self.settings.connections, len(below).bit_length() + 1))
        back = {self._hold(below[max(0, len(below) - 2**step)]) for step in steps}
        return tuple(sorted(back | {nearest_s}))

    def _likely(self) -> tuple[float, ...]:
        """Holds next to timers that products have, if any lie in the bracket."""
        if self._prior is None:
            return ()
        settings = self.settings
        low_s = self._survived_hold_s() or math.nextafter(settings.min_s, 0)
        guess = Guess(
            low_s, self._high_s, settings.max_s, settings.precision_s, settings.grace_s, settings.connections
        )
        return choose(guess, self._prior)

    def _exact_spread_s(self) -> float:
        """How far the exact times of cuts lie apart: the clocks of real boxes are coarse."""
        near = [e.bound_s for e in self._evidence if e.outcome.exact and e.bound_s <= self._high_s * 1.1]
        return max(near, default=0.0) - min(near, default=0.0)

    def _confirmation(self) -> tuple[float, ...]:
        """Both ends again, as often as trials are missing there."""
        at_low, at_high = self._missing()
        again = (self._survived_hold_s(),) * at_low + (self._past_s(),) * at_high
        return again[: self.settings.connections]

    # Holds lie at odd halves of the precision, and at the two ends of the range

    def _grid(self, low_s: float, high_s: float) -> range:
        """The numbers of the holds that lie between two times."""
        step_s, end_s = self.settings.precision_s, min(high_s, self.settings.max_s)
        if low_s >= end_s:
            return range(0)
        first = math.floor(max(low_s, self.settings.min_s) / step_s - 0.5 + _ROUNDING)
        while self._hold(first) <= low_s:
            first += 1
        last = math.ceil(end_s / step_s - 0.5 - _ROUNDING)
        while last >= first and self._hold(last) >= high_s:
            last -= 1
        return range(first, last + 1)

    def _hold(self, number: int) -> float:
        hold_s = round((number + 0.5) * self.settings.precision_s, 6)
        return min(max(hold_s, self.settings.min_s), self.settings.max_s)

    def _spread(self, numbers: range, count: int) -> tuple[float, ...]:
        """Choose up to `count` holds that split a row of them into even parts."""
        count = min(count, len(numbers))
        return tuple(self._hold(numbers[i * (len(numbers) + 1) // (count + 1) - 1]) for i in range(1, count + 1))

    # How the bracket is found

    def _gaps(self) -> list[tuple[float, float]]:
        """The neighbouring bounds; the limit lies between two of them."""
        return list(pairwise(sorted({0.0, math.inf} | {e.bound_s for e in self._evidence})))

    def _bracket(self) -> tuple[float, float]:
        """The gap that the fewest trials speak against, widened to a survival below and a cut above."""
        low_s, high_s = min(self._gaps(), key=lambda gap: (self._protests(*gap), gap))
        low_s = max((bound_s for bound_s in self._survivals if bound_s <= low_s), default=0.0)
        high_s = min((bound_s for bound_s in self._cuts if bound_s >= high_s), default=math.inf)
        return low_s, high_s

    def _protests(self, low_s: float, high_s: float, slack_s: float = 0.0) -> int:
        """How many trials speak against a bracket, by more than the slack."""
        longer = len(self._survivals) - bisect_left(self._survivals, high_s + slack_s)
        return longer + bisect_right(self._cuts, low_s - slack_s)

    @staticmethod
    def _speaks_against(e: _Evidence, low_s: float, high_s: float, slack_s: float) -> bool:
        return e.bound_s >= high_s + slack_s if e.survived else e.bound_s <= low_s - slack_s

    def _disputed(self) -> float | None:
        """The hold at which one more trial decides between equally good brackets, while retries are left."""
        if self._retries >= _RETRIES or not self._protests(self._low_s, self._high_s, self.settings.precision_s):
            return None
        protests = {gap: self._protests(*gap) for gap in self._gaps()}
        least = min(protests.values())
        tied = [gap for gap, count in protests.items() if count == least]
        between = [e for e in self._evidence if not e.survived and tied[0][1] <= e.bound_s <= tied[-1][0]]
        if not between:
            return None
        return self._again_s(min(between, key=lambda e: e.bound_s))

    def _cut(self) -> _Evidence | None:
        """The trial that made the upper end."""
        return next((e for e in self._evidence if not e.survived and e.bound_s == self._high_s), None)

    def _again_s(self, cut: _Evidence) -> float:
        """How long to hold so as to meet a cut again."""
        past_s = cut.bound_s + max(_PAST_S, 2 * self.settings.precision_s) + self._exact_spread_s()
        return min(cut.hold_s, max(self.settings.min_s, past_s))

    def _past_s(self) -> float:
        """How long to hold so as to meet the upper end again."""
        cut = self._cut()
        return math.inf if cut is None else self._again_s(cut)

    def _survived_hold_s(self) -> float:
        """The hold behind the lower end, which is a little longer where the answer came early; 0 for none."""
        return max((e.hold_s for e in self._evidence if e.survived and e.bound_s <= self._low_s), default=0.0)

    def _agreeing(self) -> tuple[int, int]:
        """How many trials agree at the lower end, and at the upper."""
        low_s, past_s = self._survived_hold_s(), self._past_s()
        lows = sum(e.survived and e.hold_s >= low_s for e in self._evidence)
        return lows, sum(not e.survived and self._high_s <= e.bound_s <= past_s for e in self._evidence)

    def _missing(self) -> tuple[int, int]:
        """How many trials are missing at the lower end and at the upper until enough agree."""
        lows, highs = (max(0, self.settings.confirm - agree) for agree in self._agreeing())
        return lows if self._low_s else 0, highs if self._high_s < math.inf else 0
