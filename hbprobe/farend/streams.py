"""`GET /events`: a stream of events that is silent as long as it is told. `/ws`: a WebSocket that never speaks by
itself, but says back what it is told, and answers Pings."""

import asyncio
from collections.abc import Iterable
from itertools import count

from aiohttp import WSMsgType, web

from hbprobe.farend.hold_request import LONGEST_HOLD_S, UNBUFFERED, read_seconds
from hbprobe.net.liveness import acknowledge_on

_SHORTEST_EVERY_S = 0.05
_MOST_BYTES = 1 << 16


class StreamService:
    """The far end's streams, which have no timers of their own."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return what answers which requests."""
        return [web.get("/events", self._events, allow_head=False), web.get("/ws", self._echo, allow_head=False)]

    async def _events(self, request: web.Request) -> web.StreamResponse:
        silence_s = _seconds(request, "silence", 0.0)
        every_s = _seconds(request, "every", LONGEST_HOLD_S, least_s=_SHORTEST_EVERY_S)
        acknowledge_on(request.transport)
        response = web.StreamResponse(headers={**UNBUFFERED, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(silence_s)
        for number in count(1):
            await response.write(f"id: {number}\ndata: hbprobe\n\n".encode())
            await asyncio.sleep(every_s)
        return response

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=True, heartbeat=None, receive_timeout=None, max_msg_size=_MOST_BYTES)
        acknowledge_on(request.transport)
        await socket.prepare(request)
        async for message in socket:
            acknowledge_on(request.transport)
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket


def _seconds(request: web.Request, name: str, default_s: float, least_s: float = 0.0) -> float:
    """Read a number of seconds from the query; raises HTTPBadRequest."""
    seconds = read_seconds(request.query[name]) if name in request.query else default_s
    if seconds is None or seconds < least_s:
        text = f"{name} must be a number of seconds from {least_s:g} to {LONGEST_HOLD_S:.0f}\n"
        raise web.HTTPBadRequest(text=text)
    return seconds
