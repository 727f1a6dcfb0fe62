"""Boxes in a row: each one's server is the next one's client side, and each keeps its own state."""

import random
import socket
from collections.abc import Callable, Sequence

from hbprobe.middlebox.events import Observer
from hbprobe.middlebox.relay import Address, Relay
from hbprobe.profiles.model import Profile

_BETWEEN = "127.0.0.1"


class Chain:
    """Relays in the order in which traffic from the client crosses them."""

    def __init__(
        self,
        boxes: Sequence[Profile],
        upstream: Sequence[Address],
        observer: Callable[[int], Observer],
        max_flows: int | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._boxes = boxes
        self._upstream = upstream
        self._observer = observer
        """Gives the box at that place in the row somebody to tell its events to."""
        self._max_flows = max_flows
        self._chance = chance
        self.relays: list[Relay] = []

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Set the boxes up from the server's end; the first one listens on the given address, which is returned.

        Raises OSError when the address cannot be had.
        """
        upstream = self._upstream
        for place in range(len(self._boxes) - 1, -1, -1):
            relay = Relay(self._boxes[place], upstream, self._observer(place), self._max_flows, self._chance)
            self.relays.insert(0, relay)
            taken = await relay.listen(*((host, port) if place == 0 else (_BETWEEN, 0)))
            upstream = [(socket.AF_INET, taken)]
        return taken

    def close(self) -> None:
        """Take all boxes down, and reset what still runs through them."""
        for relay in self.relays:
            relay.close()
