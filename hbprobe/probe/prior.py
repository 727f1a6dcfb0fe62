"""Where a path's limit is likely to lie: the timers that products have, smoothed over the whole range."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hbprobe.profiles.model import Profile, TimerKind

_SMOOTH = 0.15
"""This share of the belief lies evenly over all orders of magnitude: timers can be set, to anything."""
_SPAN = math.log(7 * 86400.0)
"""Smooth from a second to a week."""
_DECIDING = (TimerKind.IDLE, TimerKind.LIFETIME)


@dataclass(frozen=True, slots=True)
class Prior:
    """A belief about the limit before anything was measured."""

    shares: dict[float, float]
    """By timer in seconds, the share of products that have it as their default."""

    def between(self, low_s: float, high_s: float) -> float:
        """Return the belief that the limit lies above `low_s` and not above `high_s`."""
        known = sum(share for timer_s, share in self.shares.items() if low_s < timer_s <= high_s)
        smooth = math.log(max(1.0, high_s)) - math.log(max(1.0, low_s)) if high_s < math.inf else 0.0
        return (1 - _SMOOTH) * known + _SMOOTH * smooth / _SPAN

    def candidates(self, low_s: float, high_s: float) -> list[float]:
        """Return the timers that products have between two times, shortest first."""
        return sorted(timer_s for timer_s in self.shares if low_s < timer_s < high_s)


def prior_of(profiles: Iterable[Profile]) -> Prior:
    """Count the timers that end a silent request, one product one vote."""
    votes = Counter(shortest for profile in profiles if (shortest := _shortest_s(profile)) is not None)
    total = sum(votes.values())
    return Prior({timer_s: count / total for timer_s, count in sorted(votes.items())})


def _shortest_s(profile: Profile) -> float | None:
    timers = [timer.default for kind in _DECIDING if (timer := profile.timers.get(kind)) is not None]
    return min(timers, default=None)
