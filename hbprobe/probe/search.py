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
from dataclasses import dataclass, fields
from itertools import pairwise

from hbprobe.probe.guided import Guess, choose
from hbprobe.probe.outcome import Kind, Limit, Outcome
from hbprobe.probe.prior import Prior

_RETRIES = 6
"""So many trials may go into settling contradictions before the search reports the safer bracket."""
_AIR = 0.2
"""So much of the precision is left between an exactly known cut and the next hold below it."""


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
        if self.min_s >= self.max_s:
            raise ValueError(f"min must be below max, not {self.min_s:g} and {self.max_s:g}")

    @property
    def worst_case_s(self) -> float:
        """The longest that a search without contradictions can take, in path time."""
        rounds = 1 + rounds_left(self.max_s - self.min_s, self) + 2 * math.ceil((self.confirm - 1) / self.connections)
        return rounds * (self.max_s + self.grace_s)


def rounds_left(width_s: float, settings: SearchSettings) -> int:
    """Return how many more rounds a bracket of that width takes at most."""
    if width_s <= settings.precision_s:
        return 0
    return math.ceil(math.log(width_s / settings.precision_s, settings.connections + 1))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One trial, as far as it says something about the limit."""

    survived: bool
    bound_s: float
    """The limit is at least this (survived), or at most this (cut)."""
    hold_s: float
    outcome: Outcome


class Search:
    """The search for one limit."""

    def __init__(self, settings: SearchSettings, prior: Prior | None = None) -> None:
        self.settings = settings
        self._prior = prior
        """What is known of timers beforehand; without it the search only splits."""
        self._evidence: list[_Evidence] = []
        self._retries = 0
        self._low_s, self._high_s = 0.0, math.inf
        """The bracket: 0 while nothing has survived, infinity while nothing was cut."""

    # What happened

    def record(self, hold_s: float, outcome: Outcome) -> None:
        """Take in what a trial showed; a failed one says nothing and may not be given here."""
        if outcome.kind is Kind.FAILED:
            raise ValueError("a failed trial is no evidence")
        if self._disputed() is not None:
            self._retries += 1
        survived = outcome.kind is Kind.SURVIVED
        bound_s = min(hold_s, outcome.elapsed_s) if survived or outcome.exact else hold_s
        self._evidence.append(_Evidence(survived, bound_s, hold_s, outcome))
        self._low_s, self._high_s = self._bracket()

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
        return not self.next_holds() and not any(self._missing()) and not self.contradictions

    def is_moot(self, hold_s: float) -> bool:
        """Say whether a running trial can no longer tell anything."""
        return hold_s < self._low_s or hold_s > self._high_s

    def rounds_left(self) -> int:
        """Return how many more rounds this search takes at most, if nothing contradicts."""
        width_s = min(self._high_s, self.settings.max_s) - max(self._low_s, self.settings.min_s)
        return rounds_left(width_s, self.settings) + math.ceil(sum(self._missing()) / self.settings.connections)

    # What to do

    def next_holds(self) -> tuple[float, ...]:
        """Return the holds of the next round, shortest first; none when the search is over."""
        if len(self._evidence) >= self._most_trials():
            return ()
        if (disputed_s := self._disputed()) is not None:
            return (disputed_s,)
        if math.isinf(self._high_s):
            return self._opening() if self._low_s < self.settings.max_s else self._confirmation()
        if self._low_s == 0 and self._high_s <= self.settings.min_s:
            return self._confirmation()
        if self._low_s == 0 and not self._grid(self.settings.min_s, self._high_s):
            return (self.settings.min_s,)
        if self._high_s - self._low_s <= self.settings.precision_s:
            return self._confirmation()
        return self._closer()

    def _opening(self) -> tuple[float, ...]:
        if likely := self._likely():
            return likely
        between = self._grid(max(self._low_s, self.settings.min_s), self.settings.max_s)
        return (*self._spread(between, self.settings.connections - 1), self.settings.max_s)

    def _closer(self) -> tuple[float, ...]:
        low_s = max(self._low_s, self.settings.min_s)
        cut = self._cut()
        if cut is not None and cut.outcome.exact:
            below = self._grid(low_s, self._high_s - _AIR * self.settings.precision_s - self._exact_spread_s())
            if below:
                back = sorted({max(0, len(below) - 2**i) for i in range(self.settings.connections)})
                return tuple(self._hold(below[index]) for index in back)
        elif likely := self._likely():
            return likely
        return self._spread(self._grid(low_s, self._high_s), self.settings.connections)

    def _likely(self) -> tuple[float, ...]:
        """Holds next to timers that products have, if any lie in the bracket."""
        if self._prior is None:
            return ()
        settings = self.settings
        low_s = self._low_s or math.nextafter(settings.min_s, 0)
        guess = Guess(
            low_s, self._high_s, settings.max_s, settings.precision_s, settings.grace_s, settings.connections
        )
        return choose(guess, self._prior)

    def _exact_spread_s(self) -> float:
        """How far the exact times of cuts lie apart: the clocks of real boxes are coarse."""
        near = [e.bound_s for e in self._evidence if e.outcome.exact and e.bound_s <= self._high_s * 1.1]
        return max(near) - min(near)

    def _confirmation(self) -> tuple[float, ...]:
        """Both ends again, as often as trials are missing there."""
        at_low, at_high = self._missing()
        cut = self._cut()
        past_s = self._high_s
        if cut is not None and cut.outcome.exact:
            past_s = min(self._high_s + 2 * self.settings.precision_s, cut.hold_s)
        return ((self._low_s,) * at_low + (past_s,) * at_high)[: self.settings.connections]

    def _most_trials(self) -> int:
        """More trials than any search needs whose evidence does not contradict itself over and over."""
        settings = self.settings
        rounds = 4 * (2 + rounds_left(settings.max_s, settings)) + 2 * settings.confirm + _RETRIES
        return rounds * settings.connections

    # Holds lie at odd halves of the precision

    def _grid(self, low_s: float, high_s: float) -> range:
        """The numbers of the holds that lie between two times."""
        step_s = self.settings.precision_s
        first = math.floor(low_s / step_s - 0.5) + 1
        last = math.ceil(high_s / step_s - 0.5)
        return range(first, max(first, last))

    def _hold(self, number: int) -> float:
        return round((number + 0.5) * self.settings.precision_s, 6)

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
        low_s, high_s = min(self._gaps(), key=lambda gap: (*self._protests(*gap), gap))
        low_s = max((e.bound_s for e in self._evidence if e.survived and e.bound_s <= low_s), default=0.0)
        high_s = min((e.bound_s for e in self._evidence if not e.survived and e.bound_s >= high_s), default=math.inf)
        return low_s, high_s

    def _protests(self, low_s: float, high_s: float) -> tuple[int, int]:
        """How many trials speak clearly against a bracket, and how many at all."""
        clear = sum(self._speaks_against(e, low_s, high_s, self.settings.precision_s) for e in self._evidence)
        return clear, sum(self._speaks_against(e, low_s, high_s, 0.0) for e in self._evidence)

    @staticmethod
    def _speaks_against(e: _Evidence, low_s: float, high_s: float, slack_s: float) -> bool:
        return e.bound_s >= high_s + slack_s if e.survived else e.bound_s <= low_s - slack_s

    def _disputed(self) -> float | None:
        """The hold at which one more trial decides between equally good brackets, while retries are left."""
        if self._retries >= _RETRIES:
            return None
        protests = {gap: self._protests(*gap)[0] for gap in self._gaps()}
        least = min(protests.values())
        tied = [gap for gap, count in protests.items() if count == least]
        between = [e for e in self._evidence if not e.survived and tied[0][1] <= e.bound_s <= tied[-1][0]]
        if least == 0 or not between:
            return None
        first = min(between, key=lambda e: e.bound_s)
        return min(first.hold_s, first.bound_s + 2 * self.settings.precision_s)

    def _cut(self) -> _Evidence | None:
        """The trial that made the upper end."""
        return next((e for e in self._evidence if not e.survived and e.bound_s == self._high_s), None)

    def _missing(self) -> tuple[int, int]:
        """How many trials are missing at the lower end and at the upper until enough agree."""
        slack_s = self.settings.precision_s
        lows = sum(e.survived and self._low_s <= e.bound_s <= self._low_s + slack_s for e in self._evidence)
        highs = sum(not e.survived and self._high_s <= e.bound_s <= self._high_s + slack_s for e in self._evidence)
        at_low = max(0, self.settings.confirm - lows) if self._low_s else 0
        return at_low, max(0, self.settings.confirm - highs) if self._high_s < math.inf else 0
