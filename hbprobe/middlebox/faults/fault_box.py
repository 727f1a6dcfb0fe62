"""A box of layer packet or tcp that is given toxics while it runs."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hbprobe.middlebox.events import Observer
from hbprobe.middlebox.expired_ends import DESCRIPTORS
from hbprobe.middlebox.faults.tls_relay import TlsRelay
from hbprobe.middlebox.faults.toxic_box import Note, ToxicBox, connection_document
from hbprobe.net.address import SocketAddress
from hbprobe.profiles.model import Profile


class FaultBox(TlsRelay, ToxicBox):
    """A relay with toxics."""

    def __init__(
        self,
        profile: Profile,
        upstream: Sequence[SocketAddress],
        observer: Observer,
        max_flows: int | None = None,
        chance: random.Random | None = None,
        descriptors: int = DESCRIPTORS,
        numbers: Iterator[int] | None = None,
        *,
        seed: str,
        note: Note,
        of: Mapping[str, object],
    ) -> None:
        """`seed`: which flows are hit; `note` is called as `EventFeed.note`, with `of`: what the box is."""
        ToxicBox.__init__(self, seed, note, of)
        TlsRelay.__init__(
            self,
            profile,
            upstream,
            self._observed(observer),
            max_flows,
            chance,
            descriptors,
            numbers,
            treat=self.toxics.treatment,
            told=self._tell_news,
        )

    def connections(self) -> list[dict[str, Any]]:
        """Return the live flows as documents, oldest first: their state, what degrades them, what is held of them."""
        given = self.treatments()
        return [connection_document(flow, *given[flow.number]) for flow in self.flows()]

    def _treat_flows(self) -> None:
        self.treat_all()
        if self.toxics.all_dark:
            self.blackhole()
        else:
            self.heal()
