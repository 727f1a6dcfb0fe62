"""Axes of seconds, with ticks at the times that people and timers use."""

from enum import StrEnum

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from hbprobe.duration import format_duration
from hbprobe.text import seconds

_DAY_S = 86400.0
_STEPS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_ROUND_S = (60, 600, 3600, 1800, 300, 10, 1, 900, 120, 30, 5, 86400, 7200, 14400, 28800, 43200, 0.1, 0.5, 2, 20, 1200)
"""Times worth a tick where the scale is uneven, the most wanted first."""
_TICK_ROOM_IN = 0.48


class Scale(StrEnum):
    """How seconds are spread along an axis."""

    LINEAR = "linear"
    ROOT = "square-root scale"
    """Starts at 0 as a linear one does, and still shows 5 s beside an hour."""
    LOG = "logarithmic scale"


def scale_seconds(axes: Axes, low_s: float, high_s: float, scale: Scale, width_in: float) -> None:
    """Set scale, limits, ticks and label of the axis of seconds; `width_in` is how long it is on the page."""
    if scale is Scale.ROOT:
        axes.set_xscale("function", functions=(_root, np.square))
    elif scale is Scale.LOG:
        axes.set_xscale("log")
    axes.set_xlim(low_s, high_s)
    ticks = _even_ticks(low_s, high_s, width_in) if scale is Scale.LINEAR else _round_ticks(axes, low_s, high_s)
    axes.set_xticks(ticks, [tick_words(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("hold in seconds" if scale is Scale.LINEAR else f"hold in seconds ({scale})")


def tick_words(tick_s: float) -> str:
    """Write a tick in seconds, and below it in minutes or hours where that comes out even."""
    even = tick_s >= 60 and tick_s % 60 == 0
    return f"{seconds(tick_s)}\n{format_duration(tick_s)}" if even else seconds(tick_s)


def _root(values: ArrayLike) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(values, 0))


def step_between_ticks_s(range_s: float, most: float) -> float:
    """Return the least round step that puts no more than so many ticks on a range; whole days where it is long."""
    for step_s in (*_STEPS_S, _DAY_S):
        if range_s / step_s <= most:
            return float(step_s)
    return float(_DAY_S * np.ceil(range_s / most / _DAY_S))


def _even_ticks(low_s: float, high_s: float, width_in: float) -> list[float]:
    step_s = step_between_ticks_s(high_s - low_s, max(5.2, width_in / (1.5 * _TICK_ROOM_IN)))
    first, last = int(np.ceil(low_s / step_s - 1e-9)), int(np.floor(high_s / step_s + 1e-9))
    return [round(step_s * count, 3) for count in range(first, last + 1)]


def _round_ticks(axes: Axes, low_s: float, high_s: float) -> list[float]:
    """Take the round times in the order in which they are wanted, as long as there is room."""

    def place_in(tick_s: float) -> float:
        return float(axes.transData.transform((tick_s, 0))[0]) / axes.figure.dpi

    ticks: list[float] = []
    for tick in (0, *_ROUND_S):
        if low_s <= tick <= high_s and all(abs(place_in(tick) - place_in(other)) >= _TICK_ROOM_IN for other in ticks):
            ticks.append(tick)
    return sorted(ticks)
