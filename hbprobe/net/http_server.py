"""An HTTP server that strangers cannot hold up: aiohttp behind our own listener and transport.

What asyncio and aiohttp leave open, each measured as an attack without a login:

- out of descriptors, asyncio's server logs a traceback for each connection in the queue, and takes nobody's place.
  Here the connection goes that has been open longest without a request; where there is none, the newcomer is reset;
- a connection that never sends a request stays. Here it has `FIRST_REQUEST_S`;
- any number of TLS handshakes run at a time, as many in one turn of the loop as are ready. Here both are bounded, and
  who comes after that waits in the system's queue;
- aiohttp inflates the body of any request, before and after its answer. Here it inflates none: one that is said to be
  coded is refused with 415, and its connection closed;
- aiohttp logs a traceback for each request that is not HTTP. Here it logs those of its own mistakes only;
- aiohttp keeps some 10 kB for each request under way. Here one that is held may do without (`http_connection.py`).
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from hbprobe.net.accepted import AcceptedTransport
from hbprobe.net.address import PeerAddress
from hbprobe.net.http_connection import CONNECTION, HttpConnection
from hbprobe.net.listener import Listener
from hbprobe.net.target import HTTP_1_1, HTTP_2

FIRST_REQUEST_S = 60.0
"""So long may a connection take over its first request, the TLS handshake included."""
_MOST_SHAKING = 1024
_SHAKES_S = 5.0
"""Where so many handshakes run, the oldest makes room after so long."""
_STEPS_A_TURN = 16
"""So many steps of handshakes are taken before others get their turn: each takes about a millisecond."""
_SPENT_IDLE_S = 3600.0
"""A connection that has been idle for so long between two requests makes room where descriptors are short."""
_MOST_LOOKED_AT = 256
"""So many are looked at for one without a request."""
_MARGIN_S = 600.0
_TELL_EVERY_S = 60.0
_LAST_WORDS_S = 0.1
"""What is about to be answered still is, when the server stops; what is held is dropped."""
_UNCODED = ("", "identity")


@dataclass(frozen=True, slots=True)
class IdleLimit:
    """How long a connection may be idle after a request."""

    after_s: float
    told: Callable[[PeerAddress], None] = lambda _: None
    """Hears of a connection that was idle for so long, just before it is closed."""

    @classmethod
    def after_waits_of(cls, longest_s: float) -> "IdleLimit":
        """Return the limit for clients that ask again and again, and wait for so long at most: one that lives has
        long asked again or closed its connection, and the others would collect behind a silent box."""
        return cls(2 * longest_s + _MARGIN_S)


IDLE_LIMIT = web.ResponseKey("idle limit", IdleLimit)
"""An answer that has one may be its connection's last."""


class Http2Watch:
    """Who hears of a connection of HTTP/2 itself, apart from what is asked on it. This one does nothing with it."""

    announced: Mapping[int, int] = MappingProxyType({})
    """Settings that the client is told beside those of the protocol."""

    def stands(self, transport: asyncio.Transport) -> None:
        """Take note that the client speaks HTTP/2 indeed."""

    def asked(self) -> None:
        """Take note of PINGs, which are answered."""


class HttpServer:
    """An aiohttp application on addresses of its own."""

    def __init__(
        self,
        app: web.Application,
        tls: ssl.SSLContext | None = None,
        said: Callable[[str], None] = lambda _: None,
        *,
        keepalive_s: float,
        http2: Callable[[], Http2Watch] | None = None,
    ) -> None:
        """`said` hears of clients that are turned away, once a minute at most.

        `keepalive_s` is how long a connection may be idle, after an answer without an `IDLE_LIMIT`. The application
        must have been given to nobody else.
        `http2`: that is spoken, too, where TLS agrees on it, and without TLS with clients that begin with it; it
        makes what hears of each connection.
        """
        self._tls = tls
        self._http2 = http2
        if tls is not None and http2 is not None:
            tls.set_alpn_protocols([HTTP_2, HTTP_1_1])
        self._said = said
        self._loop = asyncio.get_running_loop()
        app.middlewares.insert(0, self._around)
        # A client that is gone must not leave its request waiting for hours; TCP keep-alives would hide every packet
        # filter on the way.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log(),
            handler_cancellation=True,
            keepalive_timeout=keepalive_s,
            tcp_keepalive=False,
            auto_decompress=False,
            shutdown_timeout=_LAST_WORDS_S,
        )
        self._listener = Listener(self._accepted, self._refused, self._make_room)
        self._everyone: set[AcceptedTransport] = set()
        self._connections: dict[asyncio.Transport, HttpConnection] = {}
        """What is spoken on each of them, and on each stream of HTTP/2."""
        self._shaking: dict[AcceptedTransport, float] = {}
        """The TLS handshakes under way, oldest first, and since when."""
        self._fresh: dict[AcceptedTransport, asyncio.TimerHandle] = {}
        """Those that have sent no request yet, oldest first, and what ends each."""
        self._idle: dict[AcceptedTransport, float] = {}
        """Those between two requests, and since when."""
        self._under_way: Counter[AcceptedTransport] = Counter()
        """How many requests each has asked that are not answered."""
        self._let_go: dict[AcceptedTransport, asyncio.TimerHandle] = {}
        """What ends an idle one that may not be idle for long."""
        self._steps = 0
        self._told_s, self._untold = float("-inf"), 0
        self.full_at_s: float | None = None
        """When a connection was last turned away for want of descriptors, on the loop's clock."""

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had."""
        await self._runner.setup()
        return await self._listener.listen(host, port)

    async def listen_on(self, sock: socket.socket) -> None:
        """Take connections on a socket that listens."""
        await self._runner.setup()
        self._listener.listen_on(sock)

    async def close(self) -> None:
        """Stop, and drop what is still held.

        At once: on a path that has gone silent TLS would wait half a minute for the other end's close_notify.
        """
        self._listener.close()
        for transport in tuple(self._everyone):
            transport.abort()
        while self._connections:  # noqa: ASYNC110 - a turn of the loop or two
            await asyncio.sleep(0)
        await self._runner.cleanup()

    def __len__(self) -> int:
        """Return the number of connections."""
        return len(self._everyone)

    # Connections

    def _accepted(self, sock: socket.socket, _: PeerAddress) -> None:
        try:
            transport = AcceptedTransport(sock, self._tls, self)
        except (OSError, ValueError):  # gone already
            sock.close()
            return
        self._everyone.add(transport)
        self._fresh[transport] = self._loop.call_later(FIRST_REQUEST_S, transport.abort)
        if self._tls is not None:
            self._shaking[transport] = self._loop.time()
            self._bound_shaking()

    def _bound_shaking(self) -> None:
        if len(self._shaking) < _MOST_SHAKING:
            return
        oldest, since_s = next(iter(self._shaking.items()))
        if (left_s := since_s + _SHAKES_S - self._loop.time()) <= 0:
            oldest.abort()
        else:
            self._listener.look_away()
            self._loop.call_later(left_s, self._bound_shaking)

    def may_shake(self) -> bool:
        """Return whether there is time for a step of a handshake in this turn of the loop."""
        if self._steps == 0:
            self._loop.call_soon(self._next_turn)
        self._steps += 1
        return self._steps <= _STEPS_A_TURN

    def _next_turn(self) -> None:
        self._steps = 0

    def stands(self, transport: AcceptedTransport) -> asyncio.Protocol:
        """Let aiohttp have a connection."""
        self._shaken(transport)
        tls = transport.get_extra_info("ssl_object")
        if (watch := self._http2) is None or (tls is not None and tls.selected_alpn_protocol() != HTTP_2):
            return self._http1()
        from hbprobe.net.http2_server import Http2Protocol, Undecided

        def http2() -> Http2Protocol:
            return Http2Protocol(self._http1, watch(), lambda _: self._speaks_http2(transport))

        return Undecided(self._http1, http2) if tls is None else http2()

    def _http1(self) -> HttpConnection:
        return HttpConnection(self)

    def make_handler(self) -> asyncio.Protocol:
        """Let aiohttp serve a connection of HTTP/1.1, or a stream of HTTP/2 as one."""
        assert self._runner.server is not None
        return self._runner.server()

    def begun(self, transport: asyncio.Transport, connection: HttpConnection) -> None:
        """Note what is spoken on a transport."""
        self._connections[transport] = connection

    def asked(self, transport: asyncio.Transport) -> None:
        """Take note that somebody asks: to make room is not at his cost from now on."""
        self._asked(_under(transport))

    def lost(self, transport: asyncio.Transport) -> None:
        """Forget it, and the request that was held on it."""
        if self._connections.pop(transport).is_held:
            self._answered(_under(transport), None)

    def _speaks_http2(self, transport: AcceptedTransport) -> None:
        """Let a client stay without a request: HTTP/2 can be asked for its PING alone."""
        self._asked(transport)
        self._idle[transport] = self._loop.time()

    def _shaken(self, transport: AcceptedTransport) -> None:
        if self._shaking.pop(transport, None) is not None and len(self._shaking) == _MOST_SHAKING - 1:
            self._listener.look_again()

    def gone(self, transport: AcceptedTransport) -> None:
        """Forget a connection."""
        self._everyone.discard(transport)
        self._idle.pop(transport, None)
        self._under_way.pop(transport, None)
        for timers in (self._fresh, self._let_go):
            if (timer := timers.pop(transport, None)) is not None:
                timer.cancel()
        self._shaken(transport)

    def _make_room(self) -> bool:
        """Let the connection go that is missed least; say whether there was one.

        Of those without a request each may have one that nobody has read: all that wait are accepted at once.
        """
        spent_s = self._loop.time() - _SPENT_IDLE_S
        fresh = islice(self._fresh, _MOST_LOOKED_AT)
        spared = next((transport for transport in fresh if not transport.has_unread()), None) or next(
            (transport for transport, since_s in self._idle.items() if since_s <= spent_s), None
        )
        if spared is None:
            return False
        self._tell("let a connection go that sent no request, to make room for another")
        spared.abort()
        return True

    def _refused(self, client: str, reason: str) -> None:
        self.full_at_s = self._loop.time()
        self._tell(f"turned {client} away: {reason}")

    def _tell(self, text: str) -> None:
        self._untold += 1
        if self._loop.time() < self._told_s + _TELL_EVERY_S:
            return
        others = f" ({self._untold - 1} more since the last such line)" if self._untold > 1 else ""
        self._told_s, self._untold = self._loop.time(), 0
        self._said(text + others)

    # Requests

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep the books over a request, and take none whose body would have to be inflated."""
        if request.transport is None:
            raise ConnectionResetError  # gone before it was read
        connection, transport = self._connections[request.transport], _under(request.transport)
        limit: IdleLimit | None = None
        if not (was_held := connection.is_held):
            self._asked(transport)
            self._under_way[transport] += 1
        try:
            if was_held:
                answer: web.StreamResponse = connection.take_answer()
            elif request.headers.get("Content-Encoding", "").strip().lower() not in _UNCODED:
                return _refusal(415, "no body is taken that is compressed", {"Accept-Encoding": "identity"})
            else:
                request[CONNECTION] = connection
                answer = await handler(request)
            limit = answer.get(IDLE_LIMIT) if len(answer) else None  # to look in vain takes an exception
            return answer
        except web.RequestPayloadError as error:  # a chunk without a length, say
            return _refusal(400, f"the body cannot be read: {error}")
        finally:
            if not connection.is_held:
                if not was_held:
                    connection.answered(request)
                self._answered(transport, limit)

    def _asked(self, transport: AcceptedTransport) -> None:
        self._idle.pop(transport, None)
        for timers in (self._fresh, self._let_go):
            if (timer := timers.pop(transport, None)) is not None:
                timer.cancel()

    def _answered(self, transport: AcceptedTransport, limit: IdleLimit | None) -> None:
        if transport not in self._everyone:
            return
        self._under_way[transport] -= 1
        if self._under_way[transport]:
            return
        self._idle[transport] = self._loop.time()
        if limit is not None:
            self._let_go[transport] = self._loop.call_later(limit.after_s, self._end_idle, transport, limit)

    def _end_idle(self, transport: AcceptedTransport, limit: IdleLimit) -> None:
        limit.told(transport.get_extra_info("peername"))
        transport.close()


def _under(transport: asyncio.Transport) -> AcceptedTransport:
    """Return the connection that carries a stream of HTTP/2; any other transport is one."""
    under = getattr(transport, "under", transport)
    assert isinstance(under, AcceptedTransport)
    return under


def _refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    refusal = web.Response(status=status, text=f"{text}\n", headers=headers)
    refusal.force_close()
    return refusal


def _log() -> logging.Logger:
    """Return where aiohttp logs to: what strangers can bring about is left out."""
    log = logging.getLogger("hbprobe.http")
    if _is_ours not in log.filters:
        log.addFilter(_is_ours)
    return log


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)
