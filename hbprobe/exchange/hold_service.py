"""`POST /hold`: a request that is answered after as long as it asks for, with a token."""

import asyncio
import math
from collections.abc import Callable, Iterable

from aiohttp import web

from hbprobe.exchange.hold import HOLD_PATH, LONGEST_HOLD_S, acknowledge_now, hold_token


class HoldService:
    """Holds requests open. Knows how many there are."""

    def __init__(self, said: Callable[[str], None] = lambda _: None) -> None:
        self._said = said
        self._loop = asyncio.get_running_loop()
        self.holding = 0
        """How many requests are held open now."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return what answers which requests."""
        return [web.post(HOLD_PATH, self._hold)]

    async def _hold(self, request: web.Request) -> web.Response:
        seconds, nonce = _seconds(request.query.get("seconds", "")), request.query.get("nonce", "")
        if seconds is None or not nonce.isalnum():
            text = f"seconds must be a number from 0 to {LONGEST_HOLD_S:.0f}, and nonce letters and digits\n"
            raise web.HTTPBadRequest(text=text)
        acknowledge_now(request.transport)
        peer, started_s = _escaped(request.remote or "?"), self._loop.time()
        self.holding += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self._said(f"{peer} was gone after {self._loop.time() - started_s:.1f} s of {seconds:g} s")
            raise
        finally:
            self.holding -= 1
        self._said(f"{peer} held for {seconds:g} s, answered")
        return web.Response(body=hold_token(seconds, nonce), content_type="text/plain")


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_HOLD_S else None


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode()
