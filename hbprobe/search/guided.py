"""A search that knows the catalogue: it tries just below and just above likely timers, in the cheapest order.

A trial costs its own length, and real timers stand at a few dozen values. So the holds worth trying are those next
to a value that some product has, and the question is in which order. For K connections at a time:

- a hold that survives costs its length; one that is cut in silence costs the grace on top; in a round of several
  the shortest that is cut ends it;
- a cut with an exact time costs that time only, and one more trial just below it settles the rest;
- between two neighbouring holds with no known timer in between, plain splitting goes on.

The expected cost of what remains, as a multiple of the limit, follows from this by dynamic programming over the
holds in the bracket: exactly for one connection; for more, the round at hand is chosen exactly, and the rounds after
it are reckoned as even splits of the belief.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, pairwise

from hbprobe.search.prior import Prior

_TELLING_WEIGHT = 0.25
"""How much boxes that tell count in the choice: a search that hopes for one loses more with a silent one than it
gains. With this weight the mean cost over the catalogue is least (tests/benchmarks/search.py)."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What is known when holds are to be chosen. All times in seconds."""

    low_s: float
    """The longest that survived; just below the shortest hold of interest while none did."""
    high_s: float
    """The shortest that was cut; infinite while none was."""
    max_s: float
    precision_s: float
    grace_s: float
    connections: int


@lru_cache(maxsize=256)  # a search asks again for the same bracket, and every search like it begins with the same one
def choose(guess: Guess, prior: Prior) -> tuple[float, ...]:
    """Return the holds of the next round, shortest first; none when no known timer lies in the bracket."""
    holds = _holds(guess, prior)
    if not holds:
        return ()
    return _filled(_Plan(guess, prior, holds).best_round(), guess, prior)


def _holds(guess: Guess, prior: Prior) -> list[float]:
    """The holds next to likely timers: the odd halves of the precision on both sides."""
    step_s, end_s = guess.precision_s, min(guess.high_s, guess.max_s)
    holds = set()
    for timer_s in prior.candidates(guess.low_s, end_s + step_s):
        below = math.ceil(timer_s / step_s - 0.5) - 1
        above = math.floor(timer_s / step_s - 0.5) + 1
        holds |= {round((number + 0.5) * step_s, 6) for number in (below, above)}
    if math.isinf(guess.high_s):
        holds.add(guess.max_s)
    return sorted(hold_s for hold_s in holds if guess.low_s < hold_s < guess.high_s and hold_s <= guess.max_s)


def _filled(chosen: tuple[float, ...], guess: Guess, prior: Prior) -> tuple[float, ...]:
    """Give connections that are left over holds where the most belief lies unsplit, in case no known timer fits."""
    bounds = [guess.low_s, *chosen] + ([guess.high_s] if guess.high_s < math.inf else [])
    gaps = [_Gap(low, high, prior.silent.between(low, high), guess.precision_s) for low, high in pairwise(bounds)]
    for _ in range(guess.connections - len(chosen)):
        gap = max(gaps, key=_Gap.gain, default=None)
        if gap is None or not gap.gain():
            break
        gap.splits += 1
    return tuple(sorted({*chosen, *(hold_s for gap in gaps for hold_s in gap.holds())}))


@dataclass(slots=True)
class _Gap:
    """A part of the bracket between two neighbouring holds, to be split evenly."""

    low_s: float
    high_s: float
    belief: float
    precision_s: float
    splits: int = 0

    def gain(self) -> float:
        """What one more split is worth; 0 when the parts are narrow enough."""
        part_s = (self.high_s - self.low_s) / (self.splits + 1)
        return self.belief / (self.splits + 1) if part_s > 2 * self.precision_s else 0.0

    def holds(self) -> list[float]:
        """The odd halves of the precision that split the gap."""
        part_s = (self.high_s - self.low_s) / (self.splits + 1)
        wanted = (self.low_s + part_s * number for number in range(1, self.splits + 1))
        return [round((math.floor(hold_s / self.precision_s) + 0.5) * self.precision_s, 6) for hold_s in wanted]


class _Plan:
    """The expected cost of every part of the bracket, as a multiple of the limit.

    Bounds 0..n+1 are the bracket's lower end, the holds, and its upper end; atom i lies between bounds i and i+1.
    While nothing was cut the box may be of either kind; a bracket with a cut above is that of a silent one, for the
    others have told their time.
    """

    def __init__(self, guess: Guess, prior: Prior, holds: list[float]) -> None:
        self._guess = guess
        self._open = math.isinf(guess.high_s)
        self._bounds = [guess.low_s, *holds, guess.high_s]
        atoms = list(pairwise(self._bounds))
        silent = [prior.silent.between(low, high) for low, high in atoms]
        trust = _TELLING_WEIGHT if self._open else 0.0
        telling = [trust * prior.telling.between(low, high) for low, high in atoms]
        middles = [_middle(low, min(high, 2 * guess.max_s)) for low, high in atoms]
        self._weights = [share / middle for share, middle in zip(silent, middles, strict=True)]
        self._silent = _sums(self._weights)
        self._either = _sums((a + b) / middle for a, b, middle in zip(silent, telling, middles, strict=True))
        self._telling = _sums(telling)
        self._segment = cache(self._cost_between)
        self._closed = cache(self._cost_closed)
        self._unclosed = cache(self._cost_open)

    def best_round(self) -> tuple[float, ...]:
        """Choose the holds of this round: the cheapest row of bounds, by dynamic programming over their number."""
        last = len(self._bounds) - 1
        best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
        answer: tuple[float, tuple[int, ...]] = (math.inf, ())
        for _ in range(min(self._guess.connections, last - 1)):
            longer: dict[int, tuple[float, tuple[int, ...]]] = {}
            for at, (cost, row) in best.items():
                for to in range(at + 1, last):
                    total = cost + self._segment(at, to)
                    if total < longer.get(to, (math.inf,))[0]:
                        longer[to] = (total, (*row, to))
            best = longer
            answer = min([answer, *((cost + self._beyond(at), row) for at, (cost, row) in best.items())])
        return tuple(self._bounds[index] for index in answer[1])

    def _weight(self, low: int, high: int) -> float:
        return self._silent[high] - self._silent[low]

    def _cost_between(self, low: int, high: int) -> float:
        """What it costs if the limit lies here: the hold at the upper bound is cut, the one at the lower survives."""
        silent = self._weight(low, high) * (self._bounds[high] + self._guess.grace_s) + self._closed(low, high)
        limits = 1 if high == low + 1 else 2  # the time of the cut, and one more trial just below it
        return silent + (self._telling[high] - self._telling[low]) * limits

    def _beyond(self, low: int) -> float:
        """What it costs if the limit lies above the longest hold of a round."""
        last = len(self._bounds) - 1
        rest = self._unclosed(low) if self._open else self._closed(low, last)
        return (self._either[last] - self._either[low]) * self._bounds[low] + rest

    def _cost_open(self, low: int) -> float:
        """What remains if everything up to a bound survived, and nothing was cut: the holds above, one by one."""
        last = len(self._bounds) - 1
        if low == last - 1:
            return 0.0  # the longest hold of interest survived
        return min(self._segment(low, to) + self._beyond(to) for to in range(low + 1, last))

    def _cost_closed(self, low: int, high: int) -> float:
        """What remains if the limit is known to lie between two bounds, and cuts are silent."""
        inside = high - low - 1
        if inside == 0:
            return self._settle(low)
        if self._guess.connections == 1:
            return min(self._cost_row(low, (cut,), high) for cut in range(low + 1, high))
        if inside <= self._guess.connections:
            return self._cost_row(low, tuple(range(low + 1, high)), high)
        return self._cost_row(low, self._even(low, high), high)

    def _cost_row(self, low: int, row: tuple[int, ...], high: int) -> float:
        cost, at = 0.0, low
        for to in row:
            cost += self._weight(at, to) * (self._bounds[to] + self._guess.grace_s) + self._closed(at, to)
            at = to
        return cost + self._weight(at, high) * self._bounds[at] + self._closed(at, high)

    def _even(self, low: int, high: int) -> tuple[int, ...]:
        """Bounds that split the belief between two others into about equal parts."""
        parts = self._guess.connections + 1
        whole = self._weight(low, high)
        row: list[int] = []
        sums, below, due = self._silent, self._silent[low], whole / parts
        for bound in range(low + 1, high):
            if sums[bound] - below >= due:
                row.append(bound)
                if len(row) == parts - 1:
                    break
                due = whole * (len(row) + 1) / parts
        return tuple(row) or (low + 1,)

    def _settle(self, atom: int) -> float:
        """What plain splitting costs between two neighbouring bounds."""
        low_s, high_s = self._bounds[atom], self._bounds[atom + 1]
        if high_s - low_s <= self._guess.precision_s or math.isinf(high_s):
            return 0.0
        rounds = math.ceil(math.log((high_s - low_s) / self._guess.precision_s, self._guess.connections + 1))
        return self._weights[atom] * rounds * ((low_s + high_s) / 2 + self._guess.grace_s)


def _sums(shares: Iterable[float]) -> list[float]:
    """Return the sums of the first 0, 1, 2, ... shares."""
    return list(accumulate(shares, initial=0.0))


def _middle(low_s: float, high_s: float) -> float:
    return math.sqrt(max(1.0, low_s) * max(1.0, high_s))
