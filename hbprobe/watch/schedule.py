"""When to measure: once in each interval, but never at the same minute of it.

A path that is only busy at five past, or a box that sweeps its table at the full hour, would show one face to a
measurement that always starts at the same minute. So the start moves on by the golden section of the interval each
time: any number of starts in a row are spread about as evenly over the interval as so many can be, and two of them
are 0.6 to 1.6 intervals apart (https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence). The
starts follow from the calendar and the target's name alone, so nothing needs to be remembered between two runs.
"""

import math
from zlib import crc32

_GOLDEN = (math.sqrt(5) - 1) / 2
LONGEST_GAP = 1 + _GOLDEN
"""So many intervals, at most, lie between two starts."""


def phase_of(name: str) -> float:
    """Return where in the interval a target of that name begins, from 0 to 1: two targets rarely start together."""
    return crc32(name.encode()) / 2**32


def next_start_s(after_s: float, interval_s: float, phase: float) -> float:
    """Return the first start after a time, both in seconds since 1970."""
    slot = math.floor(after_s / interval_s)
    while (start_s := _start_s(slot, interval_s, phase)) <= after_s:
        slot += 1
    return start_s


def _start_s(slot: int, interval_s: float, phase: float) -> float:
    return (slot + (slot * _GOLDEN + phase) % 1) * interval_s
