"""`POST /hold`: a request that is answered after as long as it asks for, with a token. `GET /hold/N`: its witness."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from aiohttp import web

from hbprobe import __version__
from hbprobe.farend.hold_request import (
    DRIP,
    HOLD_PATH,
    LONGEST_HOLD_S,
    SHORTEST_DRIP_S,
    UNBUFFERED,
    hold_token,
    read_seconds,
)
from hbprobe.farend.witness import Witness
from hbprobe.lazy_dataclass import dataclass
from hbprobe.net.liveness import acknowledge_on, give_up_after
from hbprobe.text import seconds

_MOST_BODY_BYTES = 1 << 20
_UNACKNOWLEDGED_S = 120.0
"""So long does the system send an answer again that nobody acknowledges, instead of a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks for."""

    seconds: float
    nonce: str
    drip_s: float | None

    @classmethod
    def of(cls, request: web.Request) -> "_Asked":
        """Read a request; raises HTTPBadRequest."""
        query = request.query
        seconds, nonce = read_seconds(query.get("seconds", "")), query.get("nonce", "")
        if seconds is None or not nonce.isalnum():
            text = f"seconds must be a number from 0 to {LONGEST_HOLD_S:.0f}, and nonce letters and digits\n"
            raise web.HTTPBadRequest(text=text)
        drip_s = read_seconds(query["drip"]) if "drip" in query else None
        if "drip" in query and (drip_s is None or drip_s < SHORTEST_DRIP_S):
            text = f"drip must be a number of seconds from {SHORTEST_DRIP_S:g} to {LONGEST_HOLD_S:.0f}\n"
            raise web.HTTPBadRequest(text=text)
        return cls(seconds, nonce, drip_s)


class HoldService:
    """Holds requests open. Knows how many there are."""

    def __init__(self, witness: Witness, said: Callable[[str], None] = lambda _: None, late_s: float = 0.0) -> None:
        """`late_s`: so much later than asked for does it answer, to show what a late server looks like."""
        self._witness = witness
        self._said = said
        self._late_s = late_s
        self._loop = asyncio.get_running_loop()
        self.holding = 0
        """How many requests are held open now."""
        self.longest_s = 0.0
        """The longest hold that was asked for so far."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return what answers which requests."""
        testify = web.get(f"{HOLD_PATH}/{{nonce}}", self._testify, allow_head=False)
        return [web.post(HOLD_PATH, self._hold), testify]

    async def _hold(self, request: web.Request) -> web.StreamResponse:
        asked, transport = _Asked.of(request), request.transport
        if transport is None:
            raise ConnectionResetError  # gone before it was read
        acknowledge_on(transport)
        peer, started_s = _escaped(request.remote or "?"), self._loop.time()
        held = self._witness.came(asked.nonce, transport)
        self.holding += 1
        self.longest_s = max(self.longest_s, asked.seconds)
        try:
            async with _Answer(request, asked.drip_s) as answer:
                await _drained(request)
                await asyncio.sleep(asked.seconds + self._late_s)
        except (asyncio.CancelledError, ConnectionError):
            self._said(f"{peer} was gone after {self._loop.time() - started_s:.1f} s of {seconds(asked.seconds)} s")
            raise
        finally:
            self.holding -= 1
        self._said(f"{peer} held for {seconds(asked.seconds)} s, answered")
        held.answered_s = self._loop.time()
        give_up_after(transport, _UNACKNOWLEDGED_S)
        return await answer.end(hold_token(asked.seconds, asked.nonce))

    async def _testify(self, request: web.Request) -> web.Response:
        said = {"hbprobe": __version__, **self._witness.says(request.match_info["nonce"])}
        return web.json_response(said, headers=UNBUFFERED)


class _Answer:
    """The answer to a held request: whole at the end, or begun at once and dripping while its context lasts."""

    def __init__(self, request: web.Request, drip_s: float | None) -> None:
        self._request = request
        self._drip_s = drip_s
        self._begun: web.StreamResponse | None = None
        self._dripping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "_Answer":
        if self._drip_s is not None:
            self._begun = web.StreamResponse(headers={**UNBUFFERED, "Content-Type": "text/plain"})
            await self._begun.prepare(self._request)
            self._dripping = asyncio.ensure_future(self._drip(self._begun, self._drip_s))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._dripping is not None:
            self._dripping.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await self._dripping

    async def end(self, token: bytes) -> web.StreamResponse:
        """Send what is left of the answer."""
        if self._begun is None:
            return web.Response(body=token, content_type="text/plain", headers=UNBUFFERED)
        await self._begun.write(token)
        await self._begun.write_eof()
        return self._begun

    @staticmethod
    async def _drip(response: web.StreamResponse, drip_s: float) -> None:
        while True:
            await asyncio.sleep(drip_s)
            await response.write(DRIP)


async def _drained(request: web.Request) -> None:
    """Read the request's body to its end; what it says is of no interest."""
    size = 0
    while chunk := await request.content.readany():
        acknowledge_on(request.transport)
        size += len(chunk)
        if size > _MOST_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(_MOST_BODY_BYTES, size)


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode()
