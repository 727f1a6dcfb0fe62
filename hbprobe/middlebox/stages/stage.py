"""One stage, and what passes through it: bytes, or how the direction ends."""

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

KILOBYTE = 1000
"""As Toxiproxy counts: bytes of a KB."""


class StreamEnd(Enum):
    """What may come instead of bytes, and after them."""

    FIN = "fin"
    """The end from which the bytes come has nothing more to say; the other direction goes on."""
    RESET = "reset"
    """That end has broken the connection: RST."""
    CLOSE = "close"
    """The stage closes the connection: both ends get FIN."""


Item = bytes | StreamEnd


class Chance(Protocol):
    """A random generator, such as `random.Random`."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Nothing:
    """The settings of a stage that has none."""


SettingsT = TypeVar("SettingsT")


class Stage(Generic[SettingsT]):
    """One direction of one flow, degraded in one way. This one hands on what it is fed, at once."""

    settings_type: type = Nothing
    most_held = 64 * 1024
    """A stage that holds so many bytes is fed no more."""

    def __init__(self, settings: SettingsT, chance: Chance, now: float) -> None:
        self.settings = settings
        self.chance = chance
        self.began_at = now
        self.held = 0
        """So many bytes have been fed and not handed out."""
        self.acted = False
        """It has changed something."""
        self._queue: deque[tuple[float, Item]] = deque()

    def feed(self, item: Item, at: float) -> None:
        """Take what comes at that time; the settings may have been changed since the last call."""
        self._hold(item, at)

    def due(self) -> float:
        """Return when the next item is to be handed out; infinite for never."""
        return self._queue[0][0] if self._queue else math.inf

    def advance(self, at: float) -> Item:
        """Hand out what is due. `at` is when it was due, or later: when what comes behind took it at last."""
        del at
        item = self._queue.popleft()[1]
        self.held -= _size(item)
        return item

    def left(self) -> list[Item]:
        """Hand out all that is held, since the stage is taken away."""
        left = [item for _, item in self._queue]
        self._queue.clear()
        self.held = 0
        return left

    @property
    def full(self) -> bool:
        """Whether it holds as much as it may."""
        return self.held >= self.most_held

    @property
    def empty(self) -> bool:
        """Whether it holds nothing, no end either."""
        return not self._queue

    def _hold(self, item: Item, due: float) -> None:
        self._queue.append((due, item))
        self.held += _size(item)


def _size(item: Item) -> int:
    return len(item) if isinstance(item, bytes) else 0
