"""One proxy: where it listens, where it leads, which toxics it has."""

import asyncio
import os
import random
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

from hbprobe.middlebox.events import FlowRefused
from hbprobe.middlebox.staged_relay import FlowEvent, StagedRelay, What
from hbprobe.middlebox.toxics import Toxic, Toxics
from hbprobe.net.address import Address
from hbprobe.net.dial import Address as SocketAddress
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Profile
from hbprobe.profiles.running import draw
from hbprobe.toxiproxy.api_documents import connection_document, toxic_document
from hbprobe.toxiproxy.api_reading import ApiError

_ALL = ("", "::", "0.0.0.0")
_OPEN_PATH = "open-path"


class Proxy:
    """A box between an address of its own and a server."""

    def __init__(self, name: str, listen: str, upstream: str, seed: int, tell: Callable[..., None]) -> None:
        """`tell` is called as `Feed.tell`."""
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self.hits: Counter[str] = Counter()
        """How many connections each toxic has acted on."""
        self._tell = tell
        self._now = asyncio.get_running_loop().time
        self.toxics = Toxics(f"{seed}/{name}", random.Random, lambda id_: _product(id_, seed))
        self._relay = StagedRelay(
            Catalogue()[_OPEN_PATH],
            [],
            self._observe,
            chance=random.Random(f"{seed}/{name}"),
            treat=self.toxics.treatment,
            told=self._heard,
        )

    # Listening

    async def start(self) -> None:
        """Listen; raises ApiError where that cannot be had."""
        if self.enabled:
            return
        host, port = await _resolved(self.listen)
        self._relay.set_upstream(await _found(self.upstream))
        try:
            host, port = await self._relay.listen(host, port)
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            raise ApiError(500, f"listen tcp {Address(host, port)}: bind: {reason}") from None
        self.listen = str(Address("::" if host in _ALL else host, port))
        self.enabled = True
        self._tell("enabled", self.name, listen=self.listen, upstream=self.upstream)

    def stop(self) -> None:
        """Listen no more, and end all connections with FIN."""
        if self.enabled:
            self.enabled = False
            self._tell("disabled", self.name)
        self._relay.close_ends()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._relay.close()

    async def leads(self, listen: str, upstream: str) -> bool:
        """Return whether it listens there and leads there; raises ApiError for what is no address."""
        if upstream != self.upstream:
            return False
        return listen == self.listen or str(Address(*await _resolved(listen))) == self.listen

    # Toxics

    def put(self, toxic: Toxic) -> Toxic:
        """Add or change a toxic, for live connections, too; raises ApiError where its attributes are wrong."""
        event = "toxic-changed" if toxic.name in self.toxics else "toxic-added"
        try:
            put = self.toxics.put(toxic)
        except ValueError as error:
            raise ApiError(400, str(error)) from None
        self._tell(event, self.name, toxic=toxic_document(put))
        self._relay.treat_all()
        return put

    def remove(self, name: str) -> None:
        """Take a toxic away, from live connections, too."""
        self.toxics.remove(name)
        self._tell("toxic-removed", self.name, toxic=name)
        self._relay.treat_all()

    def remove_all(self) -> None:
        """Take all toxics away."""
        for toxic in self.toxics.all():
            self.remove(toxic.name)

    # Telling

    def document(self) -> dict[str, Any]:
        """Return the proxy as Toxiproxy writes it."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": [toxic_document(toxic) for toxic in self.toxics.all()],
        }

    def connections(self) -> list[dict[str, Any]]:
        """Return the live connections, oldest first."""
        return [connection_document(flow, *self._relay.treatment(flow.number)) for flow in self._relay.flows()]

    def measures(self) -> tuple[dict[str, str], Any, int, Counter[str]]:
        """Return what `documents.metrics_text` wants."""
        labels = {"proxy": self.name, "listener": self.listen, "upstream": self.upstream}
        return labels, self._relay.counts, len(self._relay), self.hits

    def _heard(self, event: FlowEvent) -> None:
        if event.what is What.ACTED:
            self.hits[event.by] += 1
        self._tell(
            str(event.what), self.name, connection=event.number, client=event.client, toxic=event.by, how=event.how
        )

    def _observe(self, event: object) -> None:
        if isinstance(event, FlowRefused):
            self._tell("refused", self.name, client=event.client, reason=event.reason)


def _product(id_: str, seed: int) -> Profile:
    """Return a product of the catalogue, as one box out of its population. Files are not for whoever may call."""
    catalogue = Catalogue()
    if id_ not in catalogue.ids:
        raise ValueError(f"no product called {id_[:60]!r}: hbprobe profiles list shows all")
    return draw(catalogue[id_], random.Random(f"{seed}/{id_}"))[0]


async def _resolved(listen: str) -> tuple[str, int]:
    """Return where to listen, as numbers; raises ApiError for what is no address."""
    host, colon, port = listen.rpartition(":")
    if listen and not colon:
        raise ApiError(500, f"listen tcp: address {listen}: missing port in address")
    if not (port or "0").isdecimal() or int(port or 0) > 65535:
        raise ApiError(500, f"listen tcp: address {port}: invalid port")
    host = host.removeprefix("[").removesuffix("]")
    if host in _ALL:
        return host, int(port or 0)
    found = await _looked_up(host, int(port or 0))
    if not found:
        raise ApiError(500, f"listen tcp: lookup {host}: no such host")
    address = next((address for family, address in found if family == socket.AF_INET), found[0][1])
    return str(address[0]), int(port or 0)


async def _found(upstream: str) -> list[SocketAddress]:
    """Return the addresses of a server; none where it has none, which each connection will be told."""
    host, _, port = upstream.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        return []
    return await _looked_up(host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port))


async def _looked_up(host: str, port: int) -> list[SocketAddress]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(family, (str(address[0]), *address[1:])) for family, _, _, _, address in found]
