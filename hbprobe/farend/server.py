"""The far end: an HTTP server, plain or TLS, without timers of its own that a probe could mistake for the path's.

No keep-alive limit short of a month, and no TCP keep-alives, which would hide every packet filter on the way. What it
serves is made of services: `/hold` always, and others that it is given.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from aiohttp import web

from hbprobe import __version__
from hbprobe.exchange.settings import Settings
from hbprobe.farend.hold import LONGEST_HOLD_S
from hbprobe.farend.hold_service import HoldService

_BACKLOG = 4096
_LAST_WORDS_S = 0.1
"""What is about to be answered still is, when the server stops; what is held is dropped."""


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
        self._tls = tls
        self._holds = HoldService(said)
        app = web.Application()
        for service in (self._holds, *services):
            app.add_routes(service.routes())
        app.add_routes([web.get("/", self._about)])
        # A client that is gone must not leave its request waiting for hours.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=LONGEST_HOLD_S,
            tcp_keepalive=False,
            shutdown_timeout=_LAST_WORDS_S,
        )

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls, backlog=_BACKLOG)
        await site.start()
        address = self._runner.addresses[0]
        return address[0], address[1]

    async def listen_on(self, sock: socket.socket) -> None:
        """Take connections on a socket that listens."""
        await self._runner.setup()
        await web.SockSite(self._runner, sock, ssl_context=self._tls).start()

    async def close(self) -> None:
        """Stop, and drop what is still held.

        At once: on a path that has gone silent TLS would wait half a minute for the other end's farewell.
        """
        for connection in self._runner.server.connections if self._runner.server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()
        await self._runner.cleanup()

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
