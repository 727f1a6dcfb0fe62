"""One connection of HTTP/1.1, which keeps nothing of aiohttp while a request on it is held.

aiohttp keeps some 10 kB for each request under way: the parsed head, parser, reader, queues and two tasks. A request
that is held for an hour needs none of them. So a handler that waits hands over a future of its answer (`held`), and
returns; aiohttp is told that the connection is lost, and what it had for it goes. When the answer has come, a new
handler of aiohttp's takes the connection over, is told of a request without a body like the one that was held, and
writes the answer to that, as it would have written it to the first.
"""

import asyncio
from functools import lru_cache
from typing import Protocol

from aiohttp import web

_HEAD_ENDS = b"\r\n\r\n"
_MOST_LATER_BYTES = 64 * 1024
"""So much of what a client sends while its request is held is kept; then nothing more is read until the answer."""
_UNKNOWN = -1


class ConnectionOwner(Protocol):
    """The server that connections belong to."""

    def make_handler(self) -> asyncio.Protocol:
        """Let aiohttp serve a connection; return what it hears by."""
        ...

    def begun(self, transport: asyncio.Transport, connection: "HttpConnection") -> None:
        """Keep a connection for as long as its transport lasts."""

    def asked(self, transport: asyncio.Transport) -> None:
        """Take note that the head of a request is there, before aiohttp gets to it."""

    def lost(self, transport: asyncio.Transport) -> None:
        """Forget the connection of a transport that is closed."""


class HttpConnection(asyncio.Protocol):
    """Stands between a transport and aiohttp's handler; bytes that are written do not pass through it."""

    __slots__ = (
        "_answer",
        "_came_bytes",
        "_edge",
        "_head_bytes",
        "_later",
        "_owner",
        "_paused",
        "_served",
        "_stub",
        "_transport",
    )

    def __init__(self, owner: ConnectionOwner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._served: asyncio.Protocol | None = None
        """aiohttp's handler; None while a request is held."""
        self._answer: asyncio.Future[web.Response] | None = None
        """What a request that is held, or was until now, is answered with."""
        self._stub, self._later, self._paused = b"", b"", False
        self._came_bytes, self._head_bytes, self._edge = 0, 0, b""
        """How many bytes came from the first of the request on; how many of them are its head, 0 until that is whole,
        `_UNKNOWN` where nobody knows where the request began; and the last bytes of a head that is not whole."""

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let aiohttp have the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._owner.begun(transport, self)
        self._serve()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, or keep them until the request that is held is answered."""
        if self._served is not None:
            self._count(data)
            self._served.data_received(data)
            return
        self._later += data
        if len(self._later) >= _MOST_LATER_BYTES and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> bool | None:
        """Let the transport close: a client that sends no more waits for no answer."""
        return None if self._served is None else self._served.eof_received()

    def pause_writing(self) -> None:
        """Pass it on, now or when there is somebody to hear it."""
        self._paused = True
        if self._served is not None:
            self._served.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._paused = False
        if self._served is not None:
            self._served.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on, and give up the answer that was waited for."""
        transport, self._transport = self._transport, None
        served, self._served = self._served, None
        assert transport is not None
        if served is not None:
            served.connection_lost(exc)
        if self._answer is not None:
            self._answer.cancel()
        self._owner.lost(transport)

    # A request that is held

    @property
    def is_held(self) -> bool:
        """Whether a request waits for its answer without aiohttp."""
        return self._answer is not None

    def may_hold(self, request: web.Request) -> bool:
        """Return whether the request is whole, and no byte came after it: aiohttp would have that already."""
        if self._transport is None or self._head_bytes <= 0 or not request.content.is_eof():
            return False
        return self._came_bytes == self._head_bytes + _body_bytes(request)

    def hold(self, request: web.Request, answer: asyncio.Future[web.Response]) -> web.StreamResponse:
        """Let aiohttp go until there is an answer; return what makes it go."""
        assert self._transport is not None
        self._served, self._answer = None, answer
        self._stub = _stub(request.method, request.rel_url.raw_path, request.version.minor, keeps=request.keep_alive)
        request.protocol.transport = None  # or it would be closed
        request.protocol.connection_lost(None)
        if not self._transport.is_reading():
            self._transport.resume_reading()
        answer.add_done_callback(self._go_on)
        return _Nothing()

    def take_answer(self) -> web.Response:
        """Return the answer to the request that was held until now."""
        assert self._answer is not None
        answer, self._answer = self._answer, None
        return answer.result()

    def answered(self, request: web.Request) -> None:
        """Take note that what comes now is the next request.

        Where some of that came already, nobody knows here where it began. What may still come of this one, a body
        that nobody wanted, does no harm: counted with the next, it lets that look longer than it is, never shorter.
        """
        is_alone = self._came_bytes == self._head_bytes or self._came_bytes <= self._head_bytes + _body_bytes(request)
        self._came_bytes, self._head_bytes = 0, 0 if is_alone and self._head_bytes > 0 else _UNKNOWN

    def _go_on(self, answer: asyncio.Future[web.Response]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if answer.cancelled():
            self._transport.abort()
            return
        later, self._later = self._later, b""
        self._came_bytes, self._head_bytes = 0, 0
        self._serve().data_received(self._stub)
        if later:
            self._transport.resume_reading()  # first: aiohttp may have enough of it, too
            self.data_received(later)

    def _serve(self) -> asyncio.Protocol:
        assert self._transport is not None
        self._served = served = self._owner.make_handler()
        served.connection_made(self._transport)
        if self._paused:
            served.pause_writing()
        return served

    def _count(self, data: bytes) -> None:
        self._came_bytes += len(data)
        if self._head_bytes == 0:
            seen = self._edge + data
            end = seen.find(_HEAD_ENDS)
            if end >= 0:
                self._head_bytes = self._came_bytes - len(seen) + end + len(_HEAD_ENDS)
                self._edge = b""
                assert self._transport is not None
                self._owner.asked(self._transport)
            else:
                self._edge = seen[1 - len(_HEAD_ENDS) :]


CONNECTION = web.RequestKey("connection", HttpConnection)


async def held(request: web.Request, answer: asyncio.Future[web.Response]) -> web.StreamResponse:
    """Wait for an answer, and keep as little as can be meanwhile; a handler returns what this returns.

    The answer is cancelled when the client is gone. Where more of the client's came already, its body in chunks
    among it, or the server is another than ours, the handler waits as any handler does.
    """
    connection: HttpConnection | None = request.get(CONNECTION)
    if connection is not None and not answer.done() and connection.may_hold(request):
        return connection.hold(request, answer)
    return await answer


class _Nothing(web.StreamResponse):
    """What aiohttp is given for an answer that it is not to write."""

    async def prepare(self, request: web.BaseRequest) -> None:
        del request
        raise ConnectionResetError


def _body_bytes(request: web.Request) -> int:
    """Return how long the request's body is on the wire; `_UNKNOWN` for one in chunks."""
    return _UNKNOWN if "Transfer-Encoding" in request.headers else request.content_length or 0


@lru_cache(64)
def _stub(method: str, path: str, minor: int, *, keeps: bool) -> bytes:
    """Return a request without a body that is to be answered like the one that was held."""
    connection = "keep-alive" if keeps else "close"
    return f"{method} {path} HTTP/1.{minor}\r\nHost: held\r\nConnection: {connection}\r\n\r\n".encode()
