"""One proxy: where it listens, where it leads, which box stands there."""

import asyncio
import functools
import os
import random
import socket
from pathlib import Path
from typing import Any

from hbprobe.middlebox.faults.fault_box import FaultBox
from hbprobe.middlebox.faults.toxic_box import toxic_document
from hbprobe.middlebox.faults.toxic_reading import ApiError
from hbprobe.net.address import Address, SocketAddress
from hbprobe.net.event_feed import EventFeed
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.toxiproxy.api_reading import PLAIN, ProxyTls
from hbprobe.toxiproxy.tls_files import settings

_ALL = ("", "::", "0.0.0.0")
_UNSAID = "127.0.0.1:0"
_OPEN_PATH = "open-path"


class Proxy:
    """A box between an address of its own and a server."""

    def __init__(self, name: str, listen: str, upstream: str, seed: int, feed: EventFeed) -> None:
        """`feed` is told what happens."""
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self.tls = PLAIN
        self._tell = functools.partial(feed.tell, proxy=name)
        self.box = FaultBox(
            Catalogue()[_OPEN_PATH],
            [],
            lambda _: None,
            chance=random.Random(f"{seed}/{name}"),
            seed=f"{seed}/{name}",
            note=feed.note,
            of={"proxy": name},
        )

    # Listening

    async def start(self) -> None:
        """Listen; raises ApiError where that cannot be had."""
        if self.enabled:
            return
        host, port = await _resolved(self.listen)
        self.box.set_upstream(*await _found(self.upstream))
        try:
            host, port = await self.box.listen(host, port)
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            raise ApiError(500, f"listen tcp {Address(host, port)}: bind: {reason}") from None
        self.listen = str(Address("::" if host in _ALL else host, port))
        self.enabled = True
        self._tell("enabled", listen=self.listen, upstream=self.upstream)

    def stop(self) -> None:
        """Listen no more, and end all connections with FIN."""
        if self.enabled:
            self.enabled = False
            self._tell("disabled")
        self.box.close_ends()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self.box.close()

    def speak(self, tls: ProxyTls, folder: Path | None) -> None:
        """Let connections that come from now on speak TLS; raises ApiError where its files do not serve."""
        self.box.tls = settings(tls, self.upstream.rpartition(":")[0].strip("[]"), folder)
        self.tls = tls

    async def leads(self, listen: str, upstream: str, tls: ProxyTls) -> bool:
        """Return whether it listens there, leads there and speaks so; raises ApiError for what is no address."""
        if upstream != self.upstream or tls != self.tls:
            return False
        return listen == self.listen or str(Address(*await _resolved(listen))) == self.listen

    # Telling

    def document(self) -> dict[str, Any]:
        """Return the proxy as Toxiproxy writes it."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": [toxic_document(toxic) for toxic in self.box.toxics.all()],
            **({} if self.tls == PLAIN else {"tls": self.tls.document()}),
        }


async def _resolved(listen: str) -> tuple[str, int]:
    """Return where to listen, as numbers; raises ApiError for what is no address.

    Where nothing is said that is loopback. A port alone is every address, as Go reads it (https://pkg.go.dev/net#Listen).
    """
    host, colon, port = (listen or _UNSAID).rpartition(":")
    if not colon:
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


async def _found(upstream: str) -> tuple[list[SocketAddress], str]:
    """Return the addresses of a server, or why there are none, which each connection will be told."""
    host, colon, port = upstream.rpartition(":")
    if not colon:
        return [], f"{upstream} has no port"
    if not port.isdecimal() or not 0 < int(port) <= 65535:
        return [], f"{upstream} has no port from 1 to 65535"
    found = await _looked_up(host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port))
    return found, "no such host"


async def _looked_up(host: str, port: int) -> list[SocketAddress]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(family, (str(address[0]), *address[1:])) for family, _, _, _, address in found]
