"""Exchange's window over the samples of all devices, in arrays; `hbprobe.exchange.window` is the reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hbprobe.exchange.settings import HIGHEST_S, Settings
from hbprobe.exchange.window import EVENT_PERIOD_S
from hbprobe.fleet.chance import Floats, Words
from hbprobe.fleet.compiled import Stretches, averages
from hbprobe.fleet.states import Ints
from hbprobe.fleet.ticks import INTERVAL_BITS, TICK_S, TICKS_PER_S, ticks

Averages = NDArray[np.int64]

_INTERVAL: Final = np.uint64(2**INTERVAL_BITS - 1)
"""The longest interval that fits in is longer than any that Exchange admits."""
assert HIGHEST_S <= _INTERVAL
_AT_A_TIME: Final = 50_000


def packed(at_s: Floats, heartbeat_s: Floats) -> Words:
    """Return samples, requests that Exchange counts, as a word each: the tick, and below it the interval in seconds.

    So they are put in order by sorting words, and those of one tick go by their interval.
    """
    words: Words = ticks(at_s)
    words <<= np.uint64(INTERVAL_BITS)
    words |= heartbeat_s.astype(np.uint64)
    return words


def times_s(samples: Words) -> Floats:
    """Return when samples were."""
    found: Floats = (samples >> np.uint64(INTERVAL_BITS)).astype(np.float64) * TICK_S
    return found


def least_not_before(at_s: Floats) -> Words:
    """Return the least word that a sample not before each of some times can be."""
    words: Words = np.ceil(at_s * TICKS_PER_S).astype(np.uint64)
    words <<= np.uint64(INTERVAL_BITS)
    return words


@dataclass(frozen=True, slots=True)
class Fired:
    """An event 1040 that Exchange logs."""

    at_s: float
    average_s: int


class InOrder(NamedTuple):
    """Samples in the order of time; those of one tick go by their interval."""

    at_s: Floats
    heartbeat_s: NDArray[np.int64]


def together(parts: Sequence[Words]) -> Words:
    """Put samples together, in order."""
    words = np.concatenate(parts) if parts else np.zeros(0, np.uint64)
    words.sort()
    return words


def in_pieces(samples: Words) -> Iterator[InOrder]:
    """Give samples, which are in order, so many at a time as the processor's cache holds."""
    for first in range(0, len(samples), _AT_A_TIME):
        some = samples[first : first + _AT_A_TIME]
        yield InOrder(times_s(some), (some & _INTERVAL).astype(np.int64))


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

    def take_in_loop(self, samples: Words, begins: Ints) -> tuple[Stretches, list[Fired]]:
        """Take samples in order, and add the averages up in stretches that begin at some of them."""
        count, last = len(begins), self._last
        found = Stretches(*np.empty((4, count), np.int64))
        most = int((float(times_s(samples[-1:])[0]) if len(samples) else 0.0) // EVENT_PERIOD_S) + 1
        fired_s, fired_average_s = np.empty(most), np.empty(most, np.int64)
        events = averages(
            samples, last, max(0, self._settings.sample_size - self._taken), begins, (*found,),
            self._settings.alert_threshold_s, self._last_event_s, fired_s, fired_average_s,
        )  # fmt: skip
        self._last = np.concatenate((last, (samples[-len(last) :] & _INTERVAL).astype(np.int64)))[-len(last) :]
        self._taken += len(samples)
        self._last_event_s = fired_s[events - 1] if events else self._last_event_s
        return found, [Fired(float(fired_s[one]), int(fired_average_s[one])) for one in range(events)]

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
