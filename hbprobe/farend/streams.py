"""`GET /events`: a stream of events that is silent as long as it is told. `/ws`: a WebSocket that never speaks by
itself, but says back what it is told, and answers Pings. The answer's head announces by which nonce `GET /hold/NONCE`
tells what became of the connection."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from hbprobe.farend.hold_request import LONGEST_HOLD_S, NONCE_HEADER, UNBUFFERED, read_seconds
from hbprobe.farend.witness import HeldRequest, Witness
from hbprobe.net.liveness import acknowledge_on

_SHORTEST_EVERY_S = 0.05
_MOST_BYTES = 1 << 16


class StreamService:
    """The far end's streams, which have no timers of their own."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._loop = asyncio.get_running_loop()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return what answers which requests."""
        return [web.get("/events", self._events, allow_head=False), web.get("/ws", self._echo, allow_head=False)]

    async def _events(self, request: web.Request) -> web.StreamResponse:
        silence_s = _seconds(request, "silence", 0.0)
        every_s = _seconds(request, "every", LONGEST_HOLD_S, least_s=_SHORTEST_EVERY_S)
        acknowledge_on(request.transport)
        response = web.StreamResponse(headers={**UNBUFFERED, "Content-Type": "text/event-stream"})
        stream = self._witnessed(request, response)
        await response.prepare(request)
        await asyncio.sleep(silence_s)
        for number in count(1):
            stream.answered_s = self._loop.time()
            await response.write(f"id: {number}\ndata: hbprobe\n\n".encode())
            await asyncio.sleep(every_s)
        return response

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False, heartbeat=None, receive_timeout=None, max_msg_size=_MOST_BYTES)
        acknowledge_on(request.transport)
        stream = self._witnessed(request, socket)
        await socket.prepare(request)
        async for message in socket:
            acknowledge_on(request.transport)
            if (answer := _ANSWERS.get(message.type)) is not None:
                stream.answered_s = self._loop.time()
                await answer(socket, message.data)
        return socket

    def _witnessed(self, request: web.Request, response: web.StreamResponse) -> HeldRequest:
        """Bear witness of a stream, and announce by which nonce."""
        if request.transport is None:
            raise ConnectionResetError  # gone before it was read
        response.headers[NONCE_HEADER] = nonce = secrets.token_hex(16)
        return self._witness.came(nonce, request.transport, held=False)


_ANSWERS: Mapping[WSMsgType, Callable[[web.WebSocketResponse, Any], Awaitable[None]]] = {
    WSMsgType.PING: web.WebSocketResponse.pong,
    WSMsgType.TEXT: web.WebSocketResponse.send_str,
    WSMsgType.BINARY: web.WebSocketResponse.send_bytes,
}


def _seconds(request: web.Request, name: str, default_s: float, least_s: float = 0.0) -> float:
    """Read a number of seconds from the query; raises HTTPBadRequest."""
    seconds = read_seconds(request.query[name]) if name in request.query else default_s
    if seconds is None or seconds < least_s:
        text = f"{name} must be a number of seconds from {least_s:g} to {LONGEST_HOLD_S:.0f}\n"
        raise web.HTTPBadRequest(text=text)
    return seconds
