"""What loss does to a stream of TCP: some of it comes later, by a retransmission's time.

TCP loses no byte, and a relay of streams sees no packets; real loss is the business of the kernel lab. What an
application meets is the wait: the segment and all behind it come when a retransmission has got through. The first
goes out after RTO, at least 200 ms on Linux, and each further one after twice the time
(https://www.rfc-editor.org/rfc/rfc6298, section 5.5).
"""

import math
from dataclasses import dataclass

from hbprobe.middlebox.stages.stage import Item, Stage

_SEGMENT_BYTES = 1460
_RTO_S = 0.2
_MOST_RTO_S = 120.0
_MOST_TRIES = 15
"""tcp_retries2 of Linux (tcp(7))."""


@dataclass(frozen=True, slots=True)
class PacketLossSettings:
    """How much is lost."""

    loss_rate: float = 0.0
    """The share of segments, from 0 to 1."""
    correlation: float = 0.0
    """How far the fate of one follows that of the one before it, from 0 to 1."""

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not (0 <= self.loss_rate <= 1 and 0 <= self.correlation <= 1):
            raise ValueError("loss_rate and correlation are shares, from 0 to 1")


class PacketLoss(Stage[PacketLossSettings]):
    """Holds up what was lost until it would have been sent again, and all behind it."""

    settings_type = PacketLossSettings
    most_held = 1024 * 1024
    free_at = -math.inf
    """Until then what was lost holds up all that comes."""
    _last = 0.5

    def feed(self, item: Item, at: float) -> None:
        """Lose some of it."""
        self.free_at = max(self.free_at, at)
        if not isinstance(item, bytes):
            self._hold(item, self.free_at)
            return
        start = 0
        for place in range(0, len(item), _SEGMENT_BYTES):
            if wait_s := self._wait_s():
                self.acted = True
                if place > start:
                    self._hold(item[start:place], self.free_at)
                self.free_at += wait_s
                start = place
        self._hold(item[start:], self.free_at)

    def _wait_s(self) -> float:
        wait_s, rto_s = 0.0, _RTO_S
        for _ in range(_MOST_TRIES):
            if not self._is_lost():
                break
            wait_s += rto_s
            rto_s = min(2 * rto_s, _MOST_RTO_S)
        return wait_s

    def _is_lost(self) -> bool:
        correlation = self.settings.correlation
        self._last = correlation * self._last + (1 - correlation) * self.chance.random()
        return self._last < self.settings.loss_rate
