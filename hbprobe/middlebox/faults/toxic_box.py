"""What every box with toxics can be asked and told, whatever its layer, in one process or in several."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from hbprobe.manner import Layer
from hbprobe.middlebox.events import Event, FlowRefused, Observer
from hbprobe.middlebox.faults.staged_relay import What
from hbprobe.middlebox.faults.toxics import Toxic, Toxics
from hbprobe.middlebox.running_box import FlowState
from hbprobe.middlebox.stages.table import STAGES
from hbprobe.net.address import PeerAddress
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Profile
from hbprobe.profiles.running import draw

_ACTED, _ENDED = What.ACTED, What.ENDED
"""A member of an enumeration is looked up slowly, and every flow is told of."""

Note = Callable[[str, Mapping[str, object], Mapping[str, object]], object]
"""Called with the name of an event, what is known of it, and what it is of."""


class ToxicBox:
    """A box that is given toxics while it runs, and tells who was given what."""

    profile: Profile

    def __init__(self, seed: str, note: Note, of: Mapping[str, object]) -> None:
        """`seed`: which flows are hit; `note` is called as `EventFeed.note`, with `of`: what the box is."""
        self.toxics = Toxics(seed, random.Random, lambda id_: _product(id_, seed))
        self.hits: Counter[str] = Counter()
        """How many flows each toxic has acted on."""
        self._note = note
        self._of = of
        self._follows = False
        """Somebody else keeps its toxics."""

    def put(self, toxic: Toxic) -> Toxic:
        """Add or change a toxic, for live flows, too; raises ValueError where its attributes are wrong."""
        is_new = toxic.name not in self.toxics
        if is_new and toxic.connection is not None and all(flow.number != toxic.connection for flow in self.flows()):
            raise ValueError(f"there is no connection {toxic.connection}")
        self._check(toxic)
        put = self.toxics.put(toxic)
        self._note("toxic-added" if is_new else "toxic-changed", {"toxic": toxic_document(put)}, self._of)
        self._treat_flows()
        return put

    def remove(self, name: str) -> None:
        """Take a toxic away, from live flows, too; raises KeyError where there is none of that name."""
        number = self.toxics[name].connection
        self.toxics.remove(name)
        self._note("toxic-removed", {"toxic": name}, self._of)
        self._treat_flows()
        if number is not None and all(flow.number != number for flow in self.flows()):
            self.ended(number)

    def remove_all(self) -> None:
        """Take all toxics away."""
        for toxic in self.toxics.all():
            self.remove(toxic.name)

    def have(self, toxics: Iterable[Toxic]) -> None:
        """Have these toxics and no others, which somebody else has checked and told of."""
        self._follows = True
        self.toxics.have(toxics)
        self._treat_flows()

    def connections(self) -> list[dict[str, Any]]:
        """Return the live flows as documents, oldest first: their state, what degrades them, what is held of them."""
        raise NotImplementedError

    def flows(self) -> list[FlowState]:
        """Return the live flows, oldest first."""
        raise NotImplementedError

    def ended(self, number: int) -> None:
        """Take note that a flow has ended: what was for it alone goes with it, once all is done that its end asks.

        A black hole stays where the box has something to say still that waits until it heals.
        """
        if self._follows or (self.profile.layer is Layer.HTTP and self.toxics.dark(number)):
            return
        for name in self.toxics.only_for(number):
            asyncio.get_running_loop().call_soon(self._drop, name)

    def _drop(self, name: str) -> None:
        if name in self.toxics:
            self.remove(name)

    def _check(self, toxic: Toxic) -> None:
        """Raise ValueError for a toxic that a box of this layer cannot have."""
        if self.profile.layer is Layer.HTTP and toxic.type not in STAGES and toxic.type != "blackhole":
            raise ValueError(
                f"{toxic.type} is a timer of boxes that relay bytes, and this (layer http) times requests: "
                f"change its timers, or put a box beside it, as in hbprobe proxy open-path {self.profile.id}"
            )

    def _treat_flows(self) -> None:
        """Let live flows have the toxics that there are."""
        raise NotImplementedError

    def _tell_news(
        self, what: What, number: int, client: PeerAddress, by: str = "", how: str = "", timer: str = ""
    ) -> None:
        if by and what is _ACTED:
            self.hits[by] += 1
        more = {"connection": number, "client": client, "toxic": by, "how": how, "timer": timer}
        self._note(what, more, self._of)
        if what is _ENDED and len(self.toxics):
            self.ended(number)

    def _observed(self, observer: Observer) -> Observer:
        def observe(event: Event) -> None:
            if isinstance(event, FlowRefused):
                self._note("refused", {"client": event.client, "reason": event.reason}, self._of)
            observer(event)

        return observe


def toxic_document(toxic: Toxic) -> dict[str, Any]:
    """Return a toxic as Toxiproxy writes it; one that is for a single connection says so."""
    whole = toxic.toxicity.is_integer()
    document = {
        "attributes": asdict(toxic.settings),
        "name": toxic.name,
        "type": toxic.type,
        "stream": toxic.stream,
        "toxicity": int(toxic.toxicity) if whole else toxic.toxicity,
    }
    return document if toxic.connection is None else document | {"connection": toxic.connection}


def connection_document(flow: FlowState, toxics: Iterable[str], held: tuple[int, int]) -> dict[str, Any]:
    """Return a flow as both APIs tell it; `held`: so many bytes from the client, and from the server."""
    return asdict(flow) | {"toxics": [*toxics], "held_bytes": {"upstream": held[0], "downstream": held[1]}}


def _product(id_: str, seed: str) -> Profile:
    """Return a product of the catalogue, as one box out of its population. Files are not for whoever may call."""
    catalogue = Catalogue()
    if id_ not in catalogue.ids:
        raise ValueError(f"no product called {id_[:60]!r}: hbprobe profiles list shows all")
    return draw(catalogue[id_], random.Random(f"{seed}/{id_}"))[0]
