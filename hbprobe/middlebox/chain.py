"""Boxes in a row: each one's server is the next one's client side, and each keeps its own state."""

import functools
import random
import socket
from collections.abc import Callable, Sequence

from hbprobe.manner import Layer
from hbprobe.middlebox.events import Observer
from hbprobe.middlebox.expired_ends import DESCRIPTORS
from hbprobe.middlebox.faults.fault_box import FaultBox
from hbprobe.middlebox.faults.flow_tls import NO_TLS, Tls
from hbprobe.middlebox.http.gateway import Gateway
from hbprobe.middlebox.relay import Relay
from hbprobe.middlebox.running_box import RunningBox
from hbprobe.net.address import SocketAddress
from hbprobe.net.event_feed import EventFeed
from hbprobe.profiles.model import Profile

_BETWEEN = "127.0.0.1"


class Chain:
    """Boxes in the order in which traffic from the client crosses them."""

    def __init__(
        self,
        boxes: Sequence[Profile],
        upstream: Sequence[SocketAddress],
        observer: Callable[[int], Observer],
        max_flows: int | None = None,
        chance: random.Random | None = None,
        tls: Tls = NO_TLS,
        descriptors: int = DESCRIPTORS,
        feed: EventFeed | None = None,
        seed: int = 0,
    ) -> None:
        """`tls` is for boxes of layer http: the first of them ends the client's, the last one begins the server's.

        `descriptors`: so many may be in use, by all boxes together.

        With a `feed`, boxes of layer packet and tcp can be given toxics, and tell it what happens; `seed` decides
        then which flows those hit.
        """
        self._boxes = boxes
        self._upstream = upstream
        self._observer = observer
        """Gives the box at that place in the row somebody to tell its events to."""
        self._max_flows = max_flows
        self._chance = chance
        self._tls = tls
        self._descriptors = descriptors // max(1, len(boxes))
        self._feed = feed
        self._seed = seed
        self.relays: list[RunningBox] = []

    async def listen(self, host: str, port: int, *, share_port: bool = False) -> tuple[str, int]:
        """Set the boxes up from the server's end; the first one listens on the given address, which is returned.

        `share_port`: other processes of this user may listen there, too. Raises OSError when the address cannot be
        had.
        """
        upstream = self._upstream
        for place in range(len(self._boxes) - 1, -1, -1):
            relay = self._make(place, upstream)
            self.relays.insert(0, relay)
            if place == 0:
                taken = await relay.listen(host, port, share_port=share_port)
            else:
                taken = await relay.listen(_BETWEEN, 0)
            upstream = [(socket.AF_INET, taken)]
        return taken

    def _make(self, place: int, upstream: Sequence[SocketAddress]) -> RunningBox:
        profile, observer = self._boxes[place], self._observer(place)
        if profile.layer is not Layer.HTTP:
            common = profile, upstream, observer, self._max_flows, self._chance, self._descriptors
            if self._feed is None:
                return Relay(*common)
            tell = functools.partial(self._feed.tell, box=place)
            return FaultBox(*common, seed=f"{self._seed}/{place}", tell=tell)
        http = [at for at, box in enumerate(self._boxes) if box.layer is Layer.HTTP]
        return Gateway(
            profile,
            upstream,
            observer,
            self._max_flows,
            tls=self._tls.client if place == http[0] else None,
            upstream_tls=self._tls.server if place == http[-1] else None,
            upstream_name=self._tls.server_name,
            descriptors=self._descriptors,
        )

    def close(self) -> None:
        """Take all boxes down, and reset what still runs through them."""
        for relay in self.relays:
            relay.close()
