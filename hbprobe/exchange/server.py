"""The far end: a server that holds a request open as long as the client asks, and then answers with a token.

It has no timers of its own that a probe could mistake for the path's: no keep-alive limit short of a month, and no
TCP keep-alives, which would hide every packet filter on the way.
"""

import asyncio
import math
import ssl
from collections.abc import Callable

from aiohttp import web

from hbprobe import __version__
from hbprobe.exchange.hold import HOLD_PATH, LONGEST_HOLD_S, acknowledge_now, hold_token
from hbprobe.exchange.settings import Settings

_BACKLOG = 4096


class FarEnd:
    """The stand-in server."""

    def __init__(
        self, settings: Settings, tls: ssl.SSLContext | None, said: Callable[[str], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._said = said
        self._loop = asyncio.get_running_loop()
        self._holding = 0
        app = web.Application()
        app.add_routes([web.post(HOLD_PATH, self._hold), web.get("/", self._about)])
        # A client that is gone must not leave its request waiting for hours.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=LONGEST_HOLD_S,
            tcp_keepalive=False,
        )

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls, backlog=_BACKLOG)
        await site.start()
        address = self._runner.addresses[0]
        return address[0], address[1]

    async def close(self) -> None:
        """Stop, and drop what is still held."""
        await self._runner.cleanup()

    @property
    def holding(self) -> int:
        """How many requests are held open now."""
        return self._holding

    async def _hold(self, request: web.Request) -> web.Response:
        seconds, nonce = _seconds(request.query.get("seconds", "")), request.query.get("nonce", "")
        if seconds is None or not nonce.isalnum():
            text = f"seconds must be a number from 0 to {LONGEST_HOLD_S:.0f}, and nonce letters and digits\n"
            raise web.HTTPBadRequest(text=text)
        acknowledge_now(request.transport)
        peer, started_s = _escaped(request.remote or "?"), self._loop.time()
        self._holding += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self._said(f"{peer} was gone after {self._loop.time() - started_s:.1f} s of {seconds:g} s")
            raise
        finally:
            self._holding -= 1
        self._said(f"{peer} held for {seconds:g} s, answered")
        return web.Response(body=hold_token(seconds, nonce), content_type="text/plain")

    async def _about(self, _: web.Request) -> web.Response:
        settings = self._settings
        return web.json_response(
            {
                "server": "hbprobe serve",
                "version": __version__,
                "holding": self._holding,
                "heartbeat": {
                    "min_s": settings.min_heartbeat_s,
                    "max_s": settings.max_heartbeat_s,
                    "sample_size": settings.sample_size,
                    "alert_threshold_s": settings.alert_threshold_s,
                },
            }
        )


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_HOLD_S else None


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode()
