"""Times on a grid of whole ticks, whose sums are exact: many equal steps in one give what one after another do."""

from typing import Final

import numpy as np

from hbprobe.fleet.chance import Floats, Words

TICKS_PER_S: Final = 2.0**20
"""A double holds a whole number of ticks exactly for 272 years."""
TICK_S: Final = 1 / TICKS_PER_S
INTERVAL_BITS: Final = 12
"""A sample is a word: the tick of a request, and in so many bits below it the seconds that it asks for."""


def on_grid(at_s: float) -> float:
    """Return the last tick that is not after a time."""
    return float(np.floor(at_s * TICKS_PER_S)) * TICK_S


def all_on_grid(at_s: Floats) -> Floats:
    """Return the same for many."""
    found: Floats = np.floor(at_s * TICKS_PER_S) * TICK_S
    return found


def ticks(at_s: Floats) -> Words:
    """Return how many ticks times are after 0."""
    return (at_s * TICKS_PER_S).astype(np.uint64)
