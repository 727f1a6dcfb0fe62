"""How far the clocks of two servers are apart, by how soon devices ask again after an answer of the other.

A device that got its answer asks again at once. Where its next request went to another server, the gap between both
is off by what the clocks are apart: in one direction too long, in the other too short by as much. A timer, or a
device that gives up, shifts both directions alike, so it is not mistaken for a clock.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

AT_ONCE_S: Final = 2.5
"""So soon after its answer does a device ask again."""
BEFORE_S: Final = 1.5
"""So much sooner may it seem to ask again, for times in a log are coarse."""
STEPS_IN_S: Final = 2
"""Gaps are counted in steps of half a second."""
FARTHEST_S: Final = 30
"""Of clocks that are further apart nothing is said: then the order of requests in the log is not theirs, either."""
NEAR_S: Final = 2 * FARTHEST_S
"""Only gaps that are no longer are looked at."""
_LEAST_GAPS: Final = 10
_LEAST_SHARE: Final = 0.1
"""Of gaps that were spread over all that is looked at, one in thirty would be an answer by chance."""
_AS_GOOD: Final = 0.95


@dataclass(frozen=True, slots=True)
class Apart:
    """Two servers between which devices went."""

    one: str
    other: str
    ahead_s: float | None
    """So far is the clock of the other ahead of that of the one, to half a second; None where it cannot be told."""


@dataclass(frozen=True, slots=True)
class SetBack:
    """Where the clock of a log was set back. Times are seconds since 1970 by that clock."""

    server: str
    line: int
    """The first one that is earlier, counted from 1."""
    from_s: int
    to_s: int


def clocks_apart(gaps: Iterable[tuple[str, str, int, int]]) -> tuple[Apart, ...]:
    """Return each pair of servers once, by name.

    A gap is what lies between the end of a request at one server and the beginning of the next at another: both
    servers, the gap in whole steps (`STEPS_IN_S`), and how often it is there.
    """
    between: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for one, other, step, times in gaps:
        between[one, other][step] += times
    pairs = sorted({(min(pair), max(pair)) for pair in between})
    return tuple(Apart(one, other, _ahead_s(between[one, other], between[other, one])) for one, other in pairs)


def _ahead_s(there: Counter[int], back: Counter[int]) -> float | None:
    """Return the shift with which most gaps of both directions are those after an answer."""
    steps = FARTHEST_S * STEPS_IN_S
    found = {shift: (_at_once(there, shift), _at_once(back, -shift)) for shift in range(-steps, steps + 1)}
    whole, whole_back = max(1, there.total()), max(1, back.total())
    shares = {shift: min(count / whole, other / whole_back) for shift, (count, other) in found.items()}
    best = max(shares, key=lambda shift: (shares[shift], -abs(shift)))
    if min(found[best]) < _LEAST_GAPS or shares[best] < _LEAST_SHARE:
        return None
    good = [shift for shift, share in shares.items() if share >= _AS_GOOD * shares[best]]
    if good[-1] - good[0] >= len(good):
        return None  # as good at two times that are apart
    return (good[0] + good[-1]) / 2 / STEPS_IN_S


def _at_once(gaps: Counter[int], shift: int) -> int:
    first, end = (int(limit_s * STEPS_IN_S) + shift for limit_s in (-BEFORE_S, AT_ONCE_S))
    return sum(gaps[step] for step in range(first, end))
