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

Where trials are said to die at random, or were seen to contradict each other, the search also asks the doubtful end
of the bracket again, until it is sure enough (noise.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from hbprobe.search.bracket import Bound, Evidence, seen, speaks_against
from hbprobe.search.guided import Guess, choose
from hbprobe.search.noise import ASSUMED_NOISE, MOST_NOISE, Doubt, Noise, beliefs, doubt, most_likely
from hbprobe.search.prior import Prior
from hbprobe.text import seconds
from hbprobe.trial.outcome import Cause, Limit, Outcome, may_have_stood_still

_RETRIES = 6
"""So many trials that make no headway may go into settling a dispute; twice as many end the search."""
_PATIENCE = 60
"""So many of them end a search that was told of noise."""
_LATE = 2.0
"""A box may cut so many times the precision late."""
_NEAR = 0.1
"""Without noise, cuts whose exact times differ by so much of the limit are taken for the same timer's."""
_SUSPECT = 0.5
"""A bracket that is less likely than this is asked again before it is narrowed further."""
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

    min_s: float = 4.0
    max_s: float = 3540.0
    precision_s: float = 1.0
    connections: int = 1
    confirm: int = 1
    """So many trials must agree at each end of the bracket."""
    grace_s: float = 3.0
    """How long after the hold an answer may still come."""
    noise: float = 0.0
    """This share of the trials dies for other reasons than the timer; 0 believes every trial."""
    confidence: float = 0.95
    """With noise: how sure the bracket must be."""

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if not (math.isfinite(value) and (value > 0 or (name in ("grace_s", "noise") and value == 0))):
                raise ValueError(f"{name.removesuffix('_s')} must be above 0, not {value:g}")
        if self.noise > MOST_NOISE:
            raise ValueError(f"noise must be {MOST_NOISE:g} or less, not {self.noise:g}")
        if self.confidence >= 1:
            raise ValueError(f"confidence must be below 1, not {self.confidence:g}")
        if self.precision_s < _FINEST_S:
            raise ValueError(f"precision must be {_FINEST_S:g} s or more, not {self.precision_s:g}")
        if self.min_s >= self.max_s:
            raise ValueError(f"min must be below max, not {self.min_s:g} and {self.max_s:g}")

    @property
    def worst_case_s(self) -> float:
        """The longest that a search can take, in path time, that splits evenly and meets no contradictions."""
        untried = math.floor((self.max_s - self.min_s) / self.precision_s) + 2
        rounds = 1 + rounds_left(untried // self.connections, self.connections)
        rounds += 2 * math.ceil((self.confirm - 1) / self.connections) + math.ceil(self.repeats / self.connections)
        return rounds * (self.max_s + self.grace_s)

    @property
    def repeats(self) -> int:
        """About how often the upper end must be cut again until it is sure; 0 without noise."""
        if not self.noise:
            return 0
        odds = self.max_s / self.precision_s / (1 - self.confidence)
        return math.ceil(math.log(odds) / -math.log(self.noise))


def rounds_left(untried: int, connections: int) -> int:
    """Return how many more rounds it takes at most to decide about so many holds in a row."""
    rounds = 0
    while untried:
        untried //= connections + 1
        rounds += 1
    return rounds


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
        self._evidence = Evidence(self._likely_gap if settings.noise else None)
        self._retries = 0
        """Trials that made no headway: they contradicted others, or were to settle a contradiction or a doubt."""
        self._masses = beliefs(settings.min_s, settings.max_s, prior)
        self._doubt: Doubt | None = None
        """What speaks against the bracket as it stands; None while no noise is assumed."""

    # What happened

    def record(self, hold_s: float, outcome: Outcome) -> None:
        """Take in what a trial showed; a failed one says nothing and may not be given here."""
        e = seen(hold_s, outcome)
        was_in_question = self._disputed() is not None or self._is_doubtful()
        before = self._low_s, self._high_s
        self._evidence.add(e)
        after = self._low_s, self._high_s
        self._doubt = self._doubted(self._evidence.all) if self.noise else None
        if was_in_question or speaks_against(e, *after, 0.0) or _is_setback(hold_s, before, after):
            self._retries += 1

    # What it means

    @property
    def limit(self) -> Limit:
        """The bracket as it stands."""
        survived_s = self._low_s or None
        cut = self._evidence.cut()
        if cut is None:
            return Limit(survived_s, None)
        shown = cut.outcome
        return Limit(
            survived_s,
            cut.bound_s,
            shown.how,
            shown.status,
            shown.exact,
            shown.aftermath,
            *self._explained(cut),
        )

    def _explained(self, cut: Bound) -> tuple[tuple[Cause, ...], tuple[str, ...]]:
        """Say what was cut at the upper end died of: where each of several may have stood still, that of them all."""
        shown = cut.outcome
        if not may_have_stood_still(cut.hold_s, shown):
            return shown.causes, shown.evidence
        others = [e.outcome for e in self._evidence.cuts() if e.outcome.causes != shown.causes]
        causes = dict.fromkeys(cause for one in (shown, *others) for cause in one.causes)
        again = dict.fromkeys(text for one in others for text in one.evidence if text not in shown.evidence)
        return tuple(causes), (*shown.evidence, *(f"another time: {text}" for text in again))

    @property
    def contradictions(self) -> tuple[str, ...]:
        """What speaks against the bracket, in words."""
        return tuple(
            f"a hold of {seconds(e.hold_s)} s {'survived' if e.survived else f'was cut ({e.outcome.how})'}"
            for e in self._evidence.contradicting(self.settings.precision_s)
        )

    @property
    def noise(self) -> float:
        """The share of trials that is taken to die at random: as was said, or since trials contradict each other."""
        if self.settings.noise:
            return self.settings.noise
        return ASSUMED_NOISE if self._evidence.contradicting(self.settings.precision_s) else 0.0

    @property
    def confidence(self) -> float | None:
        """How sure it is that the limit lies in the bracket, at least; None where no noise is assumed."""
        return None if self._doubt is None else self._doubt.inside

    @property
    def confirmed(self) -> bool:
        """Whether the bracket is as narrow as was asked for, agreed upon at both ends, and not contradicted.

        Where noise was foretold, contradictions are expected, and the bracket must be sure instead.
        """
        if not self._is_narrow() or any(self._missing()):
            return False
        return not self._is_doubtful() if self.settings.noise else not self.contradictions

    def is_moot(self, hold_s: float) -> bool:
        """Say whether a running trial can no longer tell anything."""
        return hold_s < self._low_s or hold_s > self._past_s()

    def rounds_left(self) -> int:
        """Return how many more rounds this search takes at most, if nothing contradicts."""
        connections = self.settings.connections
        if not self.next_holds():
            return 0
        if self._is_narrow():
            return math.ceil(sum(self._missing()) / connections) or math.ceil(self._repeats(_PATIENCE) / connections)
        untried = len(self._grid(self._survived_hold_s(), self._high_s))
        opening, parts = (1, untried // connections) if math.isinf(self._high_s) else (0, untried)
        again = sum(
            max(0, wanted - max(1, agree)) for wanted, agree in zip(self._wanted(), self._agreeing(), strict=True)
        )
        return opening + rounds_left(parts, connections) + math.ceil((again + self.settings.repeats) / connections)

    # What to do

    def next_holds(self) -> tuple[float, ...]:
        """Return the holds of the next round, shortest first; none when the search is over."""
        if self._retries >= (_PATIENCE if self.settings.noise else 2 * _RETRIES):
            return ()
        if (disputed_s := self._disputed()) is not None:
            return (disputed_s,)
        if self._is_narrow():
            return self._confirmation() or self._once_more()
        if again := self._once_more():
            return again
        return self._opening() if math.isinf(self._high_s) else self._closer()

    def _is_doubtful(self) -> bool:
        """Whether accidents explain the trials too well."""
        if self._doubt is None:
            return False
        return self._doubt.inside < (self.settings.confidence if self._is_narrow() else _SUSPECT)

    def _once_more(self) -> tuple[float, ...]:
        """The doubtful end again: as often as it must agree, or once while there is more to find out."""
        if not self._is_doubtful():
            return ()
        repeats = self._repeats(self.settings.connections) if self._is_narrow() else 1
        return (self._doubtful_s(),) * repeats

    def _doubtful_s(self) -> float:
        """The hold that decides whether the limit lies beyond the doubtful end."""
        return self._past_s() if self._is_above() else self._survived_hold_s()

    def _is_above(self) -> bool:
        """Whether the limit, if not in the bracket, is rather above."""
        return self._doubt is None or self._doubt.above >= self._doubt.below

    def _repeats(self, most: int) -> int:
        """How many more trials must agree at the doubtful end, up to so many."""
        if not self._is_doubtful():
            return 0
        bound_s = self._high_s if self._is_above() else self._low_s
        end = next(e for e in self._evidence.all if e.bound_s == bound_s and e.survived != self._is_above())
        for repeats in range(1, most):
            if self._doubted([*self._evidence.all, *[end] * repeats]).inside >= self.settings.confidence:
                return repeats
        return most

    def _likely_gap(self, evidence: Sequence[Bound]) -> tuple[float, float]:
        return most_likely(evidence, self._noise())

    def _doubted(self, evidence: Sequence[Bound]) -> Doubt:
        return doubt(evidence, (self._low_s, self._high_s), self._noise(), self._masses)

    def _noise(self) -> Noise:
        return Noise(self.noise, _LATE * self.settings.precision_s)

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
        cut = self._evidence.cut()
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

    # The two ends

    @property
    def _low_s(self) -> float:
        return self._evidence.low_s

    @property
    def _high_s(self) -> float:
        return self._evidence.high_s

    def _disputed(self) -> float | None:
        """The hold at which one more trial decides between equally good brackets, while retries are left."""
        if self._retries >= _RETRIES or self.settings.noise:
            return None
        cut = self._evidence.disputed(self.settings.precision_s)
        return None if cut is None else self._again_s(cut)

    def _again_s(self, cut: Bound) -> float:
        """How long to hold so as to meet a cut again."""
        past_s = cut.bound_s + max(_PAST_S, 2 * self.settings.precision_s) + self._exact_spread_s()
        return min(cut.hold_s, max(self.settings.min_s, past_s))

    def _exact_spread_s(self) -> float:
        near_s = _LATE * self.settings.precision_s if self.settings.noise else self._high_s * _NEAR
        return self._evidence.exact_spread_s(near_s)

    def _past_s(self) -> float:
        """How long to hold so as to meet the upper end again."""
        cut = self._evidence.cut()
        return math.inf if cut is None else self._again_s(cut)

    def _survived_hold_s(self) -> float:
        return self._evidence.survived_hold_s()

    def _agreeing(self) -> tuple[int, int]:
        return self._evidence.agreeing(self._past_s())

    def _wanted(self) -> tuple[int, int]:
        """So many trials must agree at the lower end, and at the upper.

        Where nothing came in time on a connection that is alive, something on the path may only have stood still:
        what is cut once like that is cut by nobody yet.
        """
        confirm, cut = self.settings.confirm, self._evidence.cut()
        return confirm, max(confirm, 2) if cut is not None and may_have_stood_still(
            cut.hold_s, cut.outcome
        ) else confirm

    def _missing(self) -> tuple[int, int]:
        """How many trials are missing at the lower end and at the upper until enough agree."""
        lows, highs = (max(0, wanted - agree) for wanted, agree in zip(self._wanted(), self._agreeing(), strict=True))
        return lows if self._low_s else 0, highs if self._high_s < math.inf else 0
