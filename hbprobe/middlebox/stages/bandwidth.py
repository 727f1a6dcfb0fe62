"""So many bytes a second."""

import math
from dataclasses import dataclass

from hbprobe.middlebox.stages.stage import KILOBYTE, Item, Stage

_PIECE_S = 0.1
"""What takes longer goes in pieces of so much."""
_MOST_HELD = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BandwidthSettings:
    """How many."""

    rate: int = 0
    """Kilobytes a second; 0 is no limit."""


class Bandwidth(Stage[BandwidthSettings]):
    """A chunk has passed when its last byte has: size by rate after the one before it."""

    settings_type = BandwidthSettings
    free_at = -math.inf
    """When what was last handed out had passed."""

    def feed(self, item: Item, at: float) -> None:
        """Let it queue."""
        if not self._queue:
            self.free_at = max(self.free_at, at)
        self._hold(item, at)

    def due(self) -> float:
        """Return when the next piece has passed."""
        if not self._queue:
            return math.inf
        item, rate = self._queue[0][1], self.settings.rate * KILOBYTE
        return self.free_at + (min(len(item), self._piece()) / rate if isinstance(item, bytes) and rate > 0 else 0)

    def advance(self, at: float) -> Item:
        """Hand out one piece."""
        self.free_at = at
        arrived, item = self._queue[0]
        self.acted = self.acted or at > arrived
        if isinstance(item, bytes) and len(item) > (piece := self._piece()):
            self._queue[0] = (arrived, item[piece:])
            self.held -= piece
            return item[:piece]
        return super().advance(at)

    @property
    def full(self) -> bool:
        """Whether it holds what passes until the next two looks: it must not run dry while its alarm comes late."""
        return self.held >= max(self.most_held, min(2 * self._piece(), _MOST_HELD))

    def _piece(self) -> int:
        """Return how many bytes pass in a piece's time."""
        rate = self.settings.rate * KILOBYTE
        return max(1, int(rate * _PIECE_S)) if rate > 0 else self.most_held * 8
