"""A box that is given toxics while it runs, and tells what each did to which flow."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from hbprobe.middlebox.events import Event, FlowRefused, Observer
from hbprobe.middlebox.expired_ends import DESCRIPTORS
from hbprobe.middlebox.faults.staged_relay import FlowEvent, What
from hbprobe.middlebox.faults.tls_relay import TlsRelay
from hbprobe.middlebox.faults.toxics import Toxic, Toxics
from hbprobe.net.address import SocketAddress
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Profile
from hbprobe.profiles.running import draw


class FaultBox(TlsRelay):
    """A relay with toxics."""

    def __init__(
        self,
        profile: Profile,
        upstream: Sequence[SocketAddress],
        observer: Observer,
        max_flows: int | None = None,
        chance: random.Random | None = None,
        descriptors: int = DESCRIPTORS,
        *,
        seed: str,
        tell: Callable[..., object],
    ) -> None:
        """`seed`: which flows are hit; `tell` is called with the name of each event and what else is known of it."""
        self.hits: Counter[str] = Counter()
        """How many flows each toxic has acted on."""
        self.toxics = Toxics(seed, random.Random, lambda id_: _product(id_, seed))
        self._tell_feed = tell
        super().__init__(
            profile,
            upstream,
            self._observed(observer),
            max_flows,
            chance,
            descriptors,
            treat=self.toxics.treatment,
            told=self._tell_news,
        )

    def put(self, toxic: Toxic) -> Toxic:
        """Add or change a toxic, for live flows, too; raises ValueError where its attributes are wrong."""
        event = "toxic-changed" if toxic.name in self.toxics else "toxic-added"
        put = self.toxics.put(toxic)
        self._tell_feed(event, toxic=toxic_document(put))
        self._obey()
        return put

    def remove(self, name: str) -> None:
        """Take a toxic away, from live flows, too; raises KeyError where there is none of that name."""
        self.toxics.remove(name)
        self._tell_feed("toxic-removed", toxic=name)
        self._obey()

    def remove_all(self) -> None:
        """Take all toxics away."""
        for toxic in self.toxics.all():
            self.remove(toxic.name)

    def connections(self) -> list[dict[str, Any]]:
        """Return the live flows as documents, oldest first: their state, what degrades them, what is held of them."""
        found = []
        for flow in self.flows():
            toxics, (upstream, downstream) = self.treatment(flow.number)
            held = {"upstream": upstream, "downstream": downstream}
            found.append(asdict(flow) | {"toxics": list(toxics), "held_bytes": held})
        return found

    def _obey(self) -> None:
        self.treat_all()
        if self.toxics.all_dark:
            self.blackhole()
        else:
            self.heal()

    def _tell_news(self, news: FlowEvent) -> None:
        if news.what is What.ACTED:
            self.hits[news.by] += 1
        of = {"connection": news.number, "client": news.client, "toxic": news.by}
        self._tell_feed(str(news.what), **of, how=news.how, timer=news.timer)

    def _observed(self, observer: Observer) -> Observer:
        def observe(event: Event) -> None:
            if isinstance(event, FlowRefused):
                self._tell_feed("refused", client=event.client, reason=event.reason)
            observer(event)

        return observe


def toxic_document(toxic: Toxic) -> dict[str, Any]:
    """Return a toxic as Toxiproxy writes it."""
    whole = toxic.toxicity.is_integer()
    return {
        "attributes": asdict(toxic.settings),
        "name": toxic.name,
        "type": toxic.type,
        "stream": toxic.stream,
        "toxicity": int(toxic.toxicity) if whole else toxic.toxicity,
    }


def _product(id_: str, seed: str) -> Profile:
    """Return a product of the catalogue, as one box out of its population. Files are not for whoever may call."""
    catalogue = Catalogue()
    if id_ not in catalogue.ids:
        raise ValueError(f"no product called {id_[:60]!r}: hbprobe profiles list shows all")
    return draw(catalogue[id_], random.Random(f"{seed}/{id_}"))[0]
