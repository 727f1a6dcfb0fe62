"""`POST /hold`: a request that is answered after as long as it asks for, with a token. `GET /hold/N`: its witness."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

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
from hbprobe.farend.witness import HeldRequest, Witness
from hbprobe.net.http_connection import held
from hbprobe.net.http_server import IDLE_LIMIT, IdleLimit
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


@dataclass(frozen=True, slots=True)
class _Hold:
    """One request that is held, from its arrival on."""

    asked: _Asked
    transport: asyncio.Transport
    peer: str
    began_s: float
    note: HeldRequest


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
        self.longest_s = max(self.longest_s, asked.seconds)
        note = self._witness.came(asked.nonce, transport)
        hold = _Hold(asked, transport, request.remote or "?", self._loop.time(), note)
        if asked.drip_s is None:
            with self._open(hold):
                await _drained(request)
            return await held(request, self._answer(hold))
        with self._open(hold):
            async with _dripping(request, asked.drip_s) as answer:
                await _drained(request)
                await asyncio.sleep(asked.seconds + self._late_s)
        await answer.write(self._token(hold))
        await answer.write_eof()
        answer[IDLE_LIMIT] = self._idle_limit()
        return answer

    @contextlib.contextmanager
    def _open(self, hold: _Hold) -> Iterator[None]:
        """Count a hold while its handler waits."""
        self.holding += 1
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            self._gone(hold)
            raise
        finally:
            self.holding -= 1

    def _answer(self, hold: _Hold) -> asyncio.Future[web.Response]:
        """Return the answer to a hold, which comes when its time is over; it counts until then."""
        answer: asyncio.Future[web.Response] = self._loop.create_future()
        if (wait_s := hold.asked.seconds + self._late_s) == 0:
            self._expire(hold, answer)
            return answer
        alarm = self._loop.call_later(wait_s, self._expire, hold, answer)
        answer.add_done_callback(partial(self._over, hold, alarm))
        self.holding += 1
        return answer

    def _expire(self, hold: _Hold, answer: asyncio.Future[web.Response]) -> None:
        if answer.done():
            return
        response = web.Response(body=self._token(hold), content_type="text/plain", headers=UNBUFFERED)
        response[IDLE_LIMIT] = self._idle_limit()
        answer.set_result(response)

    def _over(self, hold: _Hold, alarm: asyncio.TimerHandle, answer: asyncio.Future[web.Response]) -> None:
        self.holding -= 1
        if answer.cancelled():
            alarm.cancel()
            self._gone(hold)

    def _gone(self, hold: _Hold) -> None:
        took_s = self._loop.time() - hold.began_s
        self._said(f"{_escaped(hold.peer)} was gone after {took_s:.1f} s of {seconds(hold.asked.seconds)} s")

    def _token(self, hold: _Hold) -> bytes:
        """Return what ends the answer to a hold, and take note that it is sent now."""
        self._said(f"{_escaped(hold.peer)} held for {seconds(hold.asked.seconds)} s, answered")
        hold.note.answered_s = self._loop.time()
        give_up_after(hold.transport, _UNACKNOWLEDGED_S)
        return hold_token(hold.asked.seconds, hold.asked.nonce)

    def _idle_limit(self) -> IdleLimit:
        return IdleLimit.after_waits_of(self.longest_s)

    async def _testify(self, request: web.Request) -> web.Response:
        said = {"hbprobe": __version__, **self._witness.says(request.match_info["nonce"])}
        return web.json_response(said, headers=UNBUFFERED)


@contextlib.asynccontextmanager
async def _dripping(request: web.Request, drip_s: float) -> AsyncIterator[web.StreamResponse]:
    """Begin an answer at once, and let it drip for a while."""
    response = web.StreamResponse(headers={**UNBUFFERED, "Content-Type": "text/plain"})
    await response.prepare(request)

    async def drip() -> None:
        while True:
            await asyncio.sleep(drip_s)
            await response.write(DRIP)

    dripping = asyncio.ensure_future(drip())
    try:
        yield response
    finally:
        dripping.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await dripping


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
