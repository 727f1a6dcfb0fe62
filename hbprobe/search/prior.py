"""Where a path's limit is likely to lie, and whether the box will tell: the timers that products have, smoothed."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from hbprobe.manner import Manner
from hbprobe.profiles.vocabulary import Category

if TYPE_CHECKING:
    from hbprobe.profiles.model import Profile

_SMOOTH = 0.1
"""This share of the belief lies evenly over all orders of magnitude: timers can be set, to anything."""
_SPAN = math.log(7 * 86400.0)
"""Smooth from a second to a week."""
# fmt: off
SHIPPED_SILENT: Mapping[float, int] = {
    30: 1, 90: 1, 120: 1, 240: 3, 300: 6, 330: 1, 350: 4, 360: 1, 540: 1, 600: 3, 900: 3, 1200: 3, 1800: 6,
    3600: 9, 7200: 2, 7440: 4, 18000: 1, 21600: 2, 43200: 1, 86400: 7, 262144: 3, 432000: 3,
}
SHIPPED_TELLING: Mapping[float, int] = {
    15: 2, 20: 3, 29: 1, 30: 10, 45: 1, 50: 3, 60: 14, 85: 1, 90: 1, 100: 1, 120: 6, 180: 1, 230: 1, 240: 2,
    270: 1, 300: 7, 340: 1, 600: 2, 660: 1, 900: 2, 1200: 1, 1800: 1, 3600: 4, 7200: 1, 9000: 1, 43200: 1,
}
# fmt: on
"""So many of the shipped products cut after so many seconds. To read all profiles takes a tenth of a lab's time;
tests/search/test_prior.py holds these numbers true, and says what to write here."""


@dataclass(frozen=True, slots=True)
class Belief:
    """Limits in seconds, each with its share."""

    shares: Mapping[float, float]

    def __hash__(self) -> int:
        return hash(frozenset(self.shares.items()))

    @property
    def whole(self) -> float:
        """All of it: the share of the boxes of this kind among all."""
        return sum(self.shares.values())

    def between(self, low_s: float, high_s: float) -> float:
        """Return the share that lies above `low_s` and not above `high_s`."""
        known = sum(share for limit_s, share in self.shares.items() if low_s < limit_s <= high_s)
        smooth = math.log(max(1.0, high_s)) - math.log(max(1.0, low_s)) if high_s < math.inf else 0.0
        return (1 - _SMOOTH) * known + _SMOOTH * self.whole * smooth / _SPAN


@dataclass(frozen=True, slots=True)
class Prior:
    """A belief about the limit before anything was measured; the shares of both kinds add up to 1."""

    silent: Belief
    """Of boxes that cut without a word."""
    telling: Belief
    """Of boxes that send RST, FIN or a status at that very moment."""

    def candidates(self, low_s: float, high_s: float) -> list[float]:
        """Return the limits that products have between two times, shortest first."""
        known = self.silent.shares.keys() | self.telling.shares.keys()
        return sorted(limit_s for limit_s in known if low_s < limit_s < high_s)

    def known(self) -> Callable[[float, float], float]:
        """Return the share of products whose limit lies above one time and not above another, as a function."""
        shares = Counter(self.silent.shares) + Counter(self.telling.shares)
        limits = sorted(shares)
        sums = list(accumulate((shares[limit_s] for limit_s in limits), initial=0.0))
        return lambda low_s, high_s: sums[bisect_right(limits, high_s)] - sums[bisect_right(limits, low_s)]


def prior_of(profiles: "Iterable[Profile]") -> Prior:
    """Count the limits of a request that is held in silence, one product one vote; examples have none."""
    return _prior(*votes_of(profiles))


def shipped_prior() -> Prior:
    """Return the same of the shipped profiles, none of which is read."""
    return _prior(SHIPPED_SILENT, SHIPPED_TELLING)


def votes_of(profiles: "Iterable[Profile]") -> tuple[Counter[float], Counter[float]]:
    """Return how many products cut after so many seconds: those that do it without a word, and those that tell."""
    from hbprobe.profiles.silent_request import cut_of, timer_s  # pydantic: who reads no profile does not wait for it

    silent, telling = Counter[float](), Counter[float]()
    for product in profiles:
        limit_s = timer_s(product)
        if product.category is not Category.EXAMPLE and limit_s is not None:
            (silent if cut_of(product).manner is Manner.SILENT else telling)[limit_s] += 1
    return silent, telling


def _prior(silent: Mapping[float, int], telling: Mapping[float, int]) -> Prior:
    total = sum(silent.values()) + sum(telling.values())
    return Prior(
        *(Belief({float(limit_s): kind[limit_s] / total for limit_s in sorted(kind)}) for kind in (silent, telling))
    )
