"""The device algorithms as one table: what each state asks for, and which state follows what.

A device's algorithm has few states: none of those known has more than a few dozen. So nothing is written twice: the
table is made by trying everything on the plain state machines of `hbprobe.exchange.algorithms`. A state in the table
asks for an interval that the server admits; status 5, which corrects one that it does not, is already dealt with.
"""

import copy
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hbprobe.exchange.algorithms import Device
from hbprobe.exchange.devices import DeviceKind
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.ticks import on_grid
from hbprobe.manner import Manner

_MOST_STATES = 100_000


class RequestEnd(IntEnum):
    """What a device met after it had asked: the columns of the table of states."""

    ANSWERED = 0
    """Status 1: the interval ran out."""
    MAIL = 1
    """Status 2, when mail came."""
    AT_ONCE = 2
    """Status 2 at once, for mail that had come before."""
    LEFT = 3
    """The device went to another network."""
    SILENT = 4
    RESET = 5
    CLOSED = 6
    STATUS = 7
    REFUSED = 8
    """Status 5, to a device that does not give way."""
    ARRIVED = 9
    """No end of a request: the device is on another network now."""


LOSSES = (Manner.SILENT, Manner.RESET, Manner.CLOSED, Manner.STATUS)
"""In the order of their ends."""
FIRST_LOSS = RequestEnd.SILENT
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StateTable:
    """All states of all kinds; a state is a number."""

    first: Ints
    """The state in which a device of each kind begins."""
    kind: Ints
    """To which kind a state belongs, by its number."""
    heartbeat_s: NDArray[np.float64]
    timeout_s: NDArray[np.float64]
    refused: Flags
    """The server refuses what the device asks for, and it does not give way."""
    reuses: Flags
    """The device sends its next request on the same connection."""
    following: NDArray[np.intp]
    """The next state; by end and state."""
    corrections: NDArray[np.intp]
    """How often the server answers with status 5 on the way to it; by end and state."""

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(slots=True)
class _Found:
    kind: int
    device: Device
    refused: bool


def settle(device: Device, settings: Settings) -> tuple[int, bool]:
    """Let the server correct what a device asks for, as long as that helps.

    Returns how often it did, and whether the device is refused in the end.
    """
    corrections, seen = 0, set()
    while not settings.min_heartbeat_s <= device.heartbeat_s <= settings.max_heartbeat_s:
        if (state := astuple(device)) in seen:
            return corrections, True
        seen.add(state)
        device.corrected(min(max(device.heartbeat_s, settings.min_heartbeat_s), settings.max_heartbeat_s))
        corrections += 1
    return corrections, False


def tell(device: Device, end: RequestEnd) -> None:
    """Tell a device how its request ended."""
    if end is RequestEnd.ANSWERED:
        device.answered()
    elif end is RequestEnd.ARRIVED:
        device.moved()
    elif FIRST_LOSS <= end < FIRST_LOSS + len(LOSSES):
        device.lost(LOSSES[end - FIRST_LOSS])


@lru_cache(maxsize=1)
def tabulate(kinds: tuple[DeviceKind, ...], settings: Settings) -> StateTable:
    """Find every state that devices of these kinds can come to; fleets that differ in their paths share the table."""
    explorer = _Explorer(settings)
    first = [explorer.add(number, kind.new())[0] for number, kind in enumerate(kinds)]
    explorer.explore()
    return explorer.table(first)


class _Explorer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._numbers: dict[tuple[object, ...], int] = {}
        self._found: list[_Found] = []
        self._following: dict[tuple[RequestEnd, int], tuple[int, int]] = {}

    def add(self, kind: int, device: Device) -> tuple[int, int]:
        """Return the state that a device settles in, by its number, and how many corrections that took."""
        corrections, refused = settle(device, self._settings)
        state = (kind, *astuple(device))
        if state not in self._numbers:
            if len(self._found) == _MOST_STATES:
                raise ValueError(f"a device has more than {_MOST_STATES} states")
            self._numbers[state] = len(self._found)
            self._found.append(_Found(kind, device, refused))
        return self._numbers[state], corrections

    def explore(self) -> None:
        # The list grows while it is walked, until nothing new is found.
        for number, found in enumerate(self._found):
            for end in RequestEnd:
                self._following[end, number] = self.add(found.kind, _after(found.device, end))

    def table(self, first: Sequence[int]) -> StateTable:
        devices = [found.device for found in self._found]
        shape = (len(RequestEnd), len(devices))
        following, corrections = np.zeros(shape, np.intp), np.zeros(shape, np.intp)
        for (end, state), (next_state, corrected) in self._following.items():
            following[end, state], corrections[end, state] = next_state, corrected
        return StateTable(
            first=np.array(first, np.intp),
            kind=np.array([found.kind for found in self._found], np.intp),
            heartbeat_s=np.array([device.heartbeat_s for device in devices], np.float64),
            timeout_s=np.array([on_grid(device.timeout_s) for device in devices]),
            refused=np.array([found.refused for found in self._found]),
            reuses=np.array([device.reuses_connection for device in devices]),
            following=following,
            corrections=corrections,
        )


def _after(device: Device, end: RequestEnd) -> Device:
    other = copy.copy(device)
    tell(other, end)
    return other
