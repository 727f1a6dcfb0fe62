"""The far end: an HTTP server, plain or TLS, without timers of its own that a probe could mistake for the path's.

No keep-alive limit short of a month, and no TCP keep-alives, which would hide every packet filter on the way. What it
serves is made of services: `/hold`, `/events` and `/ws` always, and others that it is given. It is served over
HTTP/1.1 and over HTTP/2 (`hbprobe.net.http2_server`), but for WebSockets, which need HTTP/1.1 here.

A connection whose hold was answered is let go once it has been idle for twice the longest hold that was asked for and
ten minutes more; after an answer of the Exchange stand-in, twice the longest heartbeat. A client that lives has long
asked again or closed it, and a far end behind a silent box would collect them otherwise.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from aiohttp import web

from hbprobe import __version__
from hbprobe.exchange.settings import Settings
from hbprobe.farend.hold_request import LONGEST_HOLD_S
from hbprobe.farend.hold_service import HoldService
from hbprobe.farend.streams import StreamService
from hbprobe.farend.witness import Witness, WitnessedHttp2
from hbprobe.net.http_server import HttpServer


class Service(Protocol):
    """Something that the far end serves, at paths of its own."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return what answers which requests."""
        ...


class FarEnd:
    """The stand-in server."""

    def __init__(
        self,
        settings: Settings,
        tls: ssl.SSLContext | None,
        said: Callable[[str], None] = lambda _: None,
        services: Sequence[Service] = (),
    ) -> None:
        self._settings = settings
        witness = Witness(lambda: self._server.full_at_s)
        self._holds = HoldService(witness, said)
        app = web.Application()
        ours: tuple[Service, ...] = (self._holds, StreamService(witness))
        for service in (*ours, *services):
            app.add_routes(service.routes())
        app.add_routes([web.get("/", self._about)])
        self._server = HttpServer(
            app,
            tls,
            said,
            keepalive_s=LONGEST_HOLD_S,
            http2=lambda: WitnessedHttp2(witness),
        )

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had."""
        return await self._server.listen(host, port)

    async def listen_on(self, sock: socket.socket) -> None:
        """Take connections on a socket that listens."""
        await self._server.listen_on(sock)

    async def close(self) -> None:
        """Stop, and drop what is still held, at once."""
        await self._server.close()

    @property
    def holding(self) -> int:
        """How many requests are held open now."""
        return self._holds.holding

    async def _about(self, _: web.Request) -> web.Response:
        settings = self._settings
        return web.json_response(
            {
                "server": "hbprobe serve",
                "version": __version__,
                "holding": self._holds.holding,
                "heartbeat": {
                    "min_s": settings.min_heartbeat_s,
                    "max_s": settings.max_heartbeat_s,
                    "sample_size": settings.sample_size,
                    "alert_threshold_s": settings.alert_threshold_s,
                },
            }
        )
