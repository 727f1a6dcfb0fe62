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


@dataclass(frozen=True, slots=True)
class Belief:
    """Limits in seconds, each with its share."""

    shares: Mapping[float, float]

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
    from hbprobe.profiles.silent_request import cut_of, timer_s  # pydantic: who only splits does not wait for it

    products = [one for one in profiles if one.category is not Category.EXAMPLE]
    votes = Counter(
        (cut_of(one).manner is not Manner.SILENT, limit_s)
        for one in products
        if (limit_s := timer_s(one)) is not None
    )
    shares = {key: count / votes.total() for key, count in votes.items()}
    return Prior(
        *(
            Belief({limit_s: share for (tells, limit_s), share in shares.items() if tells is kind})
            for kind in (False, True)
        )
    )
