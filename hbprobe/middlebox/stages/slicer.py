"""Small pieces instead of large ones."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hbprobe.middlebox.stages.stage import Item, Stage


@dataclass(frozen=True, slots=True)
class SlicerSettings:
    """How small, and how far apart."""

    average_size: int = 0
    """Bytes of a piece."""
    size_variation: int = 0
    """Up to so many more or less; at most average_size."""
    delay: int = 0
    """Microseconds from one piece to the next."""

    def __post_init__(self) -> None:
        """Refuse what cannot be sliced, as Toxiproxy does from 2.13 on."""
        if self.average_size <= 0:
            raise ValueError("average_size must be above 0")
        if not 0 <= self.size_variation <= self.average_size:
            raise ValueError("size_variation must be from 0 to average_size")
        if self.delay < 0:
            raise ValueError("delay is microseconds, from 0 on")


class Slicer(Stage[SlicerSettings]):
    """A chunk is halved, more or less, until the pieces are small enough."""

    settings_type = SlicerSettings
    free_at = -math.inf
    """When the next piece may go."""

    def feed(self, item: Item, at: float) -> None:
        """Slice it."""
        self.free_at = max(self.free_at, at)
        if not isinstance(item, bytes):
            self._hold(item, self.free_at)
            return
        sliced = list(self._sliced(item))
        self.acted = self.acted or len(sliced) > 1
        for piece in sliced:
            self._hold(piece, self.free_at)
            self.free_at += self.settings.delay / 1e6

    def _sliced(self, data: bytes) -> Iterator[bytes]:
        settings = self.settings
        waiting = [(0, len(data))]
        while waiting:
            start, end = waiting.pop()
            if end - start <= settings.average_size + settings.size_variation:
                yield data[start:end]
                continue
            off = round(settings.size_variation * (2 * self.chance.random() - 1))
            middle = min(max(start + (end - start) // 2 + off, start + 1), end - 1)
            waiting += [(middle, end), (start, middle)]
