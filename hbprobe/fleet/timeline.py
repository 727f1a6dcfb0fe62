"""Counts over time: how often something happens a minute, and how many connections stand."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hbprobe.fleet.chance import Floats
from hbprobe.fleet.merge import Averages

MINUTE_S = 60.0


class PerMinute:
    """How often something happened in each minute from a time on; what came before counts as one heap."""

    __slots__ = ("_begin_s", "before", "counts")

    def __init__(self, begin_s: float, minutes: int) -> None:
        self._begin_s = begin_s
        self.counts: NDArray[np.int64] = np.zeros(minutes, np.int64)
        self.before = 0

    def add(self, parts: Sequence[Floats]) -> None:
        """Count times; those after the end do not count."""
        minutes = len(self.counts)
        for at_s in parts:
            minute = np.floor((at_s - self._begin_s) / MINUTE_S)
            self.before += int(np.count_nonzero(minute < 0))
            inside = minute[(minute >= 0) & (minute < minutes)].astype(np.intp)
            if len(inside):
                first = int(inside.min())
                found = np.bincount(inside - first)
                self.counts[first : first + len(found)] += found


class Point(NamedTuple):
    """The window's average in a span of time."""

    at_s: float
    """The end of the span."""
    lowest_s: int
    mean_s: float
    highest_s: int


class Curve:
    """The window's average over time: the lowest, the mean and the highest of each span."""

    __slots__ = ("_begin_s", "_count", "_high", "_low", "_span_s", "_sum")

    def __init__(self, begin_s: float, end_s: float, points: int) -> None:
        self._begin_s, self._span_s = begin_s, (end_s - begin_s) / points
        self._low = np.full(points, np.iinfo(np.int64).max)
        self._high = np.full(points, -1)
        self._sum, self._count = np.zeros(points), np.zeros(points)

    def add(self, at_s: Floats, averages: Averages) -> None:
        """Take averages in the order of time; those below 0 are none."""
        known = averages >= 0
        at_s, averages = at_s[known], averages[known]
        if not len(at_s):
            return
        place = np.minimum(((at_s - self._begin_s) / self._span_s).astype(np.intp), len(self._low) - 1)
        begins = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
        there = place[begins]
        self._low[there] = np.minimum(self._low[there], np.minimum.reduceat(averages, begins))
        self._high[there] = np.maximum(self._high[there], np.maximum.reduceat(averages, begins))
        self._sum[there] += np.add.reduceat(averages, begins)
        self._count[there] += np.diff(np.r_[begins, len(averages)])

    def points(self) -> tuple[Point, ...]:
        """Return the spans that have averages; their time counts from the beginning of the curve."""
        there = np.flatnonzero(self._count)
        ends_s = (there + 1) * self._span_s
        means = self._sum[there] / self._count[there]
        columns = (ends_s.tolist(), self._low[there].tolist(), means.tolist(), self._high[there].tolist())
        return tuple(Point(*values) for values in zip(*columns, strict=True))
