"""Exchange's window over the samples of all devices, in arrays; `hbprobe.exchange.window` is the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import EVENT_PERIOD_S
from hbprobe.fleet.chance import Floats

Averages = NDArray[np.int64]


class Samples(NamedTuple):
    """Requests that Exchange took as samples."""

    at_s: Floats
    heartbeat_s: Floats
    device: NDArray[np.int64]
    number: NDArray[np.uint64]
    """The place of the request among those of its device, from 0."""

    def only(self, those: NDArray[np.bool_]) -> "Samples":
        """Return some of them."""
        return Samples(self.at_s[those], self.heartbeat_s[those], self.device[those], self.number[those])


@dataclass(frozen=True, slots=True)
class Fired:
    """An event 1040 that Exchange logs."""

    at_s: float
    average_s: int


class InOrder(NamedTuple):
    """Samples in the order of time; those of one time go by device and number."""

    at_s: Floats
    heartbeat_s: NDArray[np.int64]
    device: NDArray[np.int64]


def in_order(parts: Sequence[Samples]) -> InOrder:
    """Put samples together."""
    at_s, heartbeat_s, device, number = (np.concatenate(values) for values in zip(*parts, strict=True))
    order, ticks = _by_ticks(at_s)
    same = ticks[1:] == ticks[:-1]
    tied = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
    those = order[tied]
    order[tied] = those[np.lexsort((number[those], device[those], at_s[those]))]
    return InOrder(at_s[order], heartbeat_s[order].astype(np.int64), device[order])


def _by_ticks(at_s: Floats) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Sort times down to a tick, nanoseconds as a rule; return their order, and the tick of each.

    Tick and place share one word: NumPy sorts words several times as fast as it finds the order of floats.
    """
    if not len(at_s):
        return np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    bits = np.uint64(max(1, (len(at_s) - 1).bit_length()))
    first_s, span_s = at_s.min(), np.ptp(at_s) or 1.0
    ticks = ((at_s - first_s) * (2.0 ** (62 - int(bits)) / span_s)).astype(np.uint64)
    words = np.sort((ticks << bits) | np.arange(len(at_s), dtype=np.uint64))
    return words & ((np.uint64(1) << bits) - np.uint64(1)), words >> bits


class WindowInArrays:
    """The last intervals that devices asked for, taken in by the slice."""

    __slots__ = ("_last", "_last_event_s", "_settings", "_taken")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: Averages = np.zeros(settings.sample_size, np.int64)
        self._taken = 0
        self._last_event_s = -np.inf

    def take(self, at_s: Floats, heartbeat_s: Averages) -> tuple[Averages, list[Fired]]:
        """Take samples in the order of time.

        Returns the average after each, -1 where it is not looked at yet because the window was not full before, and
        the events that are logged.
        """
        size = self._settings.sample_size
        sums = np.cumsum(np.concatenate((self._last, heartbeat_s)))
        averages = (sums[size:] - sums[:-size]) // size
        averages[: max(0, size - self._taken)] = -1
        self._last = np.concatenate((self._last, heartbeat_s))[-size:]
        self._taken += len(heartbeat_s)
        low = np.flatnonzero((averages >= 0) & (averages <= self._settings.alert_threshold_s))
        return averages, self._events(at_s[low], averages[low])

    def _events(self, at_s: Floats, averages: Averages) -> list[Fired]:
        """Log the first, and then the first of each that is not too soon after the one before."""
        events: list[Fired] = []
        while len(at_s):
            first = int(np.searchsorted(at_s - self._last_event_s, EVENT_PERIOD_S))
            if first == len(at_s):
                break
            self._last_event_s = float(at_s[first])
            events.append(Fired(self._last_event_s, int(averages[first])))
            at_s, averages = at_s[first:], averages[first:]
        return events
