"""Counts over time: how often something happens a minute, and how many connections stand."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hbprobe.fleet.chance import Floats
from hbprobe.fleet.merge import Averages

MINUTE_S = 60.0


class PerMinute:
    """How often something happened in each minute from a time on; what came before counts as one heap."""

    __slots__ = ("_edges_s", "before", "counts")

    def __init__(self, begin_s: float, minutes: int) -> None:
        self._edges_s = begin_s + MINUTE_S * np.arange(minutes + 1)
        self.counts: NDArray[np.int64] = np.zeros(minutes, np.int64)
        self.before = 0

    def add_unordered(self, at_s: Floats) -> None:
        """Count times in any order."""
        if len(at_s) and at_s.max() < self._edges_s[0]:
            self.before += len(at_s)
        else:
            self.add(np.sort(at_s))

    def add(self, at_s: Floats) -> None:
        """Count times, which are in order; those after the end do not count."""
        if len(at_s):
            # Only the minutes that they are in.
            first, last = np.searchsorted(self._edges_s, (at_s[0], at_s[-1]), side="right")
            places = np.searchsorted(at_s, self._edges_s[max(first - 1, 0) : last + 1])
            self.before += int(places[0]) if first == 0 else 0
            self.counts[max(first - 1, 0) : last] += np.diff(places)


class AveragePoint(NamedTuple):
    """The window's average in a span of time."""

    at_s: float
    """The end of the span."""
    lowest_s: int
    mean_s: float
    highest_s: int


class AverageCurve:
    """The window's average over time: the lowest, the mean and the highest of each span."""

    __slots__ = ("_begin_s", "_count", "_high", "_low", "_span_s", "_sum")

    def __init__(self, begin_s: float, end_s: float, points: int) -> None:
        self._begin_s, self._span_s = begin_s, (end_s - begin_s) / points
        self._low = np.full(points, np.iinfo(np.int64).max)
        self._high = np.full(points, -1)
        self._sum, self._count = np.zeros(points), np.zeros(points)

    def add(self, at_s: Floats, averages: Averages) -> None:
        """Take averages in the order of time; those below 0 are none."""
        unknown = int(np.count_nonzero(averages < 0))  # which come first
        at_s, averages = at_s[unknown:], averages[unknown:]
        if not len(at_s):
            return
        begins = np.searchsorted(at_s, self._begin_s + self._span_s * np.arange(len(self._low)))
        there = np.flatnonzero(np.diff(begins, append=len(at_s)))
        begins = begins[there]
        self._low[there] = np.minimum(self._low[there], np.minimum.reduceat(averages, begins))
        self._high[there] = np.maximum(self._high[there], np.maximum.reduceat(averages, begins))
        self._sum[there] += np.add.reduceat(averages, begins)
        self._count[there] += np.diff(np.r_[begins, len(averages)])

    def points(self) -> tuple[AveragePoint, ...]:
        """Return the spans that have averages; their time counts from the beginning of the curve."""
        there = np.flatnonzero(self._count)
        ends_s = (there + 1) * self._span_s
        means = self._sum[there] / self._count[there]
        columns = (ends_s.tolist(), self._low[there].tolist(), means.tolist(), self._high[there].tolist())
        return tuple(AveragePoint(*values) for values in zip(*columns, strict=True))
