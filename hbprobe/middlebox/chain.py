"""Boxes in a row: each one's server is the next one's client side, and each keeps its own state."""

import random
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hbprobe.manner import Layer
from hbprobe.middlebox.events import Observer
from hbprobe.middlebox.expired_ends import DESCRIPTORS
from hbprobe.middlebox.faults.flow_tls import NO_TLS, Tls
from hbprobe.middlebox.running_box import RunningBox
from hbprobe.net.address import SocketAddress
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
        note: Callable[..., object] | None = None,
        seed: int = 0,
        numbers: Callable[[], Iterator[int]] | None = None,
    ) -> None:
        """`tls` is for boxes of layer http: the first of them ends the client's, the last one begins the server's.

        `descriptors`: so many may be in use, by all boxes together.

        With `note`, boxes can be given toxics, and call it, as `EventFeed.note`, with what happens; `seed` decides
        then which flows those hit. `numbers` gives those of a box's flows, counted from 1 without it.
        """
        self._boxes = boxes
        self._upstream = upstream
        self._observer = observer
        """Gives the box at that place in the row somebody to tell its events to."""
        self._max_flows = max_flows
        self._chance = chance
        self._tls = tls
        self._descriptors = descriptors // max(1, len(boxes))
        self._note = note
        self._seed = seed
        self._numbers = numbers
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
        # Each kind is imported where a path has one: most have no http box, and no toxics.
        profile = self._boxes[place]
        common = profile, upstream, self._observer(place), self._max_flows
        numbers = None if self._numbers is None else self._numbers()
        toxic: dict[str, Any] = {}
        if self._note is not None:
            toxic = {"seed": f"{self._seed}/{place}", "note": self._note, "of": {"box": place}}
        if profile.layer is not Layer.HTTP:
            if not toxic:
                from hbprobe.middlebox.relay import Relay

                return Relay(*common, self._chance, self._descriptors, numbers)
            from hbprobe.middlebox.faults.fault_box import FaultBox

            return FaultBox(*common, self._chance, self._descriptors, numbers, **toxic)
        from hbprobe.middlebox.http.gateway import Gateway

        make: Callable[..., RunningBox] = Gateway
        if toxic:
            from hbprobe.middlebox.faults.fault_gateway import FaultGateway

            make = FaultGateway
        http = [at for at, box in enumerate(self._boxes) if box.layer is Layer.HTTP]
        return make(
            *common,
            tls=self._tls.client if place == http[0] else None,
            upstream_tls=self._tls.server if place == http[-1] else None,
            upstream_name=self._tls.server_name,
            descriptors=self._descriptors,
            numbers=numbers,
            **toxic,
        )

    def close(self) -> None:
        """Take all boxes down, and reset what still runs through them."""
        for relay in self.relays:
            relay.close()
