"""One connection, plain or TLS, that tells exactly how it ended.

HTTP libraries merge what a probe must tell apart: RST, FIN, FIN without TLS's close_notify, and nothing at all. So
TLS runs here over memory buffers (ssl.MemoryBIO) on a plain asyncio transport, and each end keeps its name.
"""

import asyncio
import contextlib
import errno
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from hbprobe.net.address import SocketAddress
from hbprobe.net.dial import CONNECT_TIMEOUT_S, From, Prepare, SourceError, connect, look_up, reason_of
from hbprobe.net.liveness import TcpInfo, acknowledge_on, tcp_info
from hbprobe.net.replies import Connection, End, EndKind
from hbprobe.net.target import HTTP_1_1, Target
from hbprobe.net.tls_trouble import tls_trouble
from hbprobe.warp import rate_of

_CHUNK_BYTES = 65536
_GREETING_BYTES = 16
_HEADER_BYTES = 5
"""Of a record of TLS (RFC 8446, 5.1)."""
_LAST_WORDS = re.compile(rb"([\x20-\x7e]{8,})[\r\n]*\Z")
_MOST_TOLD = 80
_TURNS = 2
"""In the first turn of the loop after a deadline the socket is polled, in the second it is read."""


UNFINISHED = "TLS: no end of the handshake"
"""How the error begins of a connection on which the server says nothing of TLS, nor of anything else."""


class DialError(Exception):
    """The connection never stood: the text names the phase (name, TCP, TLS) and what went wrong."""

    def __init__(self, text: str, *, passing: bool = False) -> None:
        """`passing`: it may stand in a while, as after a server's restart."""
        super().__init__(text)
        self.passing = passing


class Wire(asyncio.Protocol):
    """A connection that stands. `Dialer.open` makes one."""

    def __init__(self, tls: ssl.SSLContext | None, host: str, *, later: bool = False, offers: str = "") -> None:
        """`later`: TLS begins when `start_tls` is called. `offers`: a protocol (RFC 7301), not what `tls` offers."""
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[bytes | End] = asyncio.Queue()
        self._ended = False
        self._signed = False
        self._first_bytes = b""
        self._handshake: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport
        self._tls: ssl.SSLObject | None = None
        self._opened_at: datetime | None = None
        self._closed_at: datetime | None = None
        self._ends: tuple[tuple[str, int], ...] = ()
        self.in_the_clear = ""
        """One line that came without TLS in the middle of it: last words, as some servers say them that give up."""
        self.round_trip_s = 0.0
        """How long the TCP handshake took."""
        self._context, self._host, self._offers = tls, host, offers
        if tls is None or later:
            self._handshake.set_result(None)
        else:
            self._tls = self._wrapped(tls)

    async def handshake(self) -> None:
        """Wait for TLS to stand; raises DialError when it cannot."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._handshake
        except TimeoutError:
            text = f"{UNFINISHED} within {CONNECT_TIMEOUT_S:.0f} s"
            raise DialError(text, passing=True) from None

    async def start_tls(self) -> None:
        """Begin TLS on a connection that was plain, and wait for it to stand; raises DialError when it cannot."""
        assert self._context is not None
        if self._ended:
            raise DialError("TLS: the connection ended before the handshake", passing=True)
        self._handshake = self._loop.create_future()
        self._tls = self._wrapped(self._context)
        self._shake_hands(self._tls)
        await self.handshake()

    def send(self, data: bytes) -> None:
        """Send bytes; what becomes of them is for `receive` to tell."""
        if self._tls is None:
            self._transport.write(data)
        elif not self._ended and not self._signed:
            self._tls.write(data)
            self._flush()

    async def receive(self, until_s: float) -> bytes | End | None:
        """Return the next bytes, or the end, or None when neither came until that time of the loop's clock.

        A process that was stopped meets the deadline and what came long before it in the same moment. So after the
        deadline one more look is taken at the inbox, and at the socket, which the loop reads within two turns.
        """
        if self._inbox.empty():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until_s):
                    return await self._inbox.get()
        for _ in range(_TURNS):
            if self._inbox.empty():
                await asyncio.sleep(0)
        return None if self._inbox.empty() else self._inbox.get_nowait()

    def close(self) -> None:
        """Close from our side, as a client does that has what it wanted."""
        if self._tls is not None and not self._ended and self._handshake.done():
            with contextlib.suppress(ssl.SSLError):  # it wants the peer's close_notify, which we do not wait for
                self._tls.unwrap()
            self._flush()
        self._ended = True
        self._transport.close()

    @property
    def connection(self) -> Connection | None:
        """Return its name for those who read the logs of boxes; None where time does not pass as it does there."""
        if self._opened_at is None:
            return None
        (source, source_port), (destination, destination_port) = self._ends
        closed_at = self._closed_at or datetime.now(UTC)
        moments = (_utc(self._opened_at), _utc(closed_at))
        return Connection(source, source_port, destination, destination_port, *moments)

    @property
    def signed(self) -> bool:
        """Whether TLS's close_notify has come."""
        return self._signed

    @property
    def alpn(self) -> str:
        """What was agreed on in TLS (RFC 7301); empty where nothing was, or without TLS."""
        return "" if self._tls is None else self._tls.selected_alpn_protocol() or ""

    def info(self) -> TcpInfo | None:
        """Return what the system knows of the connection; None where it does not tell, or after the end."""
        return tcp_info(self._transport)

    def unacknowledged_segments(self) -> int | None:
        """Return how many segments of ours the other side has not acknowledged (TCP_INFO); None if unknown."""
        info = self.info()
        return None if info is None else info.unacknowledged

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start TLS."""
        self._transport = cast("asyncio.Transport", transport)
        if rate_of(self._loop) == 1:
            self._opened_at = datetime.now(UTC)
            names = (transport.get_extra_info(name) for name in ("sockname", "peername"))
            self._ends = tuple(name[:2] if name else ("", 0) for name in names)
        if self._tls is not None:
            self._shake_hands(self._tls)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket."""
        acknowledge_on(self._transport)
        if self._handshake.cancelled():
            return  # nobody waits for this connection any more
        if self._tls is None:
            self._inbox.put_nowait(data)
            return
        if self._signed or self.in_the_clear:  # what comes after close_notify is ignored (RFC 8446, 6.1)
            return
        self._first_bytes = self._first_bytes or data[:_GREETING_BYTES]
        self._arrived.write(data)
        if not self._handshake.done():
            self._shake_hands(self._tls)
        if self._handshake.done() and not self._handshake.exception():
            self._decrypt(self._tls, data)

    def eof_received(self) -> bool:
        """Note a FIN."""
        self._end(EndKind.FIN)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note a RST, or that the system gave up, after what came before: RST met in sending overtakes that."""
        if exc is not None and not self._ended:
            for data in _unread(self._transport):
                self.data_received(data)
        if exc is not None:
            kind = EndKind.of(exc)
            self._end(kind, "" if kind is EndKind.RST else str(exc))

    # TLS

    def _wrapped(self, context: ssl.SSLContext) -> ssl.SSLObject:
        self._arrived, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if self._offers:  # a connection keeps what its settings offer when it is made; others may share these
            context.set_alpn_protocols([self._offers])
        return context.wrap_bio(self._arrived, self._outgoing, server_hostname=self._host)

    def _shake_hands(self, tls: ssl.SSLObject) -> None:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._handshake.set_exception(DialError(f"TLS: {_tls_reason(error, self._offers, self._first_bytes)}"))
        else:
            self._handshake.set_result(None)
        self._flush()

    def _decrypt(self, tls: ssl.SSLObject, came: bytes) -> None:
        try:
            while data := tls.read(_CHUNK_BYTES):
                self._inbox.put_nowait(data)
            self._signed = True
            tls.unwrap()  # our own close_notify: some peers send their FIN only after it
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            unread = came[-self._arrived.pending - _HEADER_BYTES :]  # whole records may have come before
            if error.reason == "WRONG_VERSION_NUMBER" and (words := _LAST_WORDS.match(unread)):
                self.in_the_clear = words[1].decode()[:_MOST_TOLD]
            elif not self._signed:
                self._end(EndKind.UNREACHABLE, f"TLS: {_tls_reason(error, self._offers)}")
        self._flush()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._transport.write(data)

    def _end(self, kind: EndKind, detail: str = "") -> None:
        if self._ended:
            return
        self._ended = True
        self._closed_at = datetime.now(UTC)
        self._inbox.put_nowait(End(kind, self._loop.time(), self._signed, detail))
        if not self._handshake.done():
            text = f"TLS: {detail or kind.upper()} in the middle of the handshake"
            self._handshake.set_exception(DialError(text, passing=True))


class Dialer:
    """Opens connections to one target, all to the same address: the first that took one."""

    def __init__(
        self,
        target: Target,
        tls: ssl.SSLContext | None,
        prepare: Prepare = lambda _: None,
        *,
        start: From | None = None,
        later: bool = False,
        offers: str = HTTP_1_1,
    ) -> None:
        """`prepare` is given each socket before it connects, to set options on it; `start`: where they come from.

        `later`: TLS does not begin with the connection, but in the middle of the talk. `offers` is the one protocol
        that is offered in TLS (RFC 7301); empty for one without a name there, which servers refuse to be offered
        another for: then no dialer that offers something may connect with the same settings.
        """
        self.target = target
        self.start = start or From()
        self._tls = tls
        self._later = later
        self._offers = offers
        self._prepare = prepare
        self._peer = _Peer()

    @property
    def address(self) -> SocketAddress | None:
        """The address that all connections go to; None before the first has stood."""
        return self._peer.address

    @property
    def tls(self) -> bool:
        """Whether its connections speak TLS, be it from their beginning or from later on."""
        return self._tls is not None

    def prepared(self, prepare: Prepare) -> "Dialer":
        """Return a dialer to the same address that gives each socket to `prepare`, too, before it connects."""

        def in_turn(sock: socket.socket) -> None:
            self._prepare(sock)
            prepare(sock)

        return self._like(in_turn, self._offers)

    def offering(self, protocol: str) -> "Dialer":
        """Return a dialer to the same address that offers this protocol in TLS instead."""
        return self._like(self._prepare, protocol)

    def _like(self, prepare: Prepare, offers: str) -> "Dialer":
        other = Dialer(self.target, self._tls, prepare, start=self.start, later=self._later, offers=offers)
        other._peer = self._peer
        return other

    async def open(self) -> Wire:
        """Connect once; raises DialError, which names the phase."""
        wire = await self._connect()
        try:
            await wire.handshake()
        except BaseException:
            wire.close()
            raise
        return wire

    async def _connect(self) -> Wire:
        """Connect to the address that is known, or find one; who comes meanwhile waits for what that shows."""
        while self._peer.address is None and self._peer.search is not None:
            await asyncio.wait([search := self._peer.search])
            if not search.cancelled() and (error := search.exception()) is not None:
                raise error
        if self._peer.address is not None:
            return await self._wire([self._peer.address])
        self._peer.search = search = asyncio.get_running_loop().create_future()
        try:
            wire = await self._wire(await self._look_up())
        except DialError as error:
            search.set_exception(error)
            search.exception()  # nobody may be waiting
            raise
        else:
            search.set_result(None)
            return wire
        finally:
            self._peer.search = None
            search.cancel()

    async def _wire(self, addresses: list[SocketAddress]) -> Wire:
        loop, where = asyncio.get_running_loop(), f"TCP: {self.target.host}:{self.target.port}"
        started_s = loop.time()
        try:
            sock, self._peer.address = await connect(addresses, self._prepare_all)
        except TimeoutError:
            text = f"{where}: no connection within {CONNECT_TIMEOUT_S:.0f} s"
            raise DialError(text, passing=True) from None
        except SourceError as error:
            raise DialError(f"source: {reason_of(error)}", passing=error.errno not in _FOR_GOOD) from None
        except OSError as error:
            raise DialError(f"{where}: {reason_of(error)}", passing=error.errno not in _FOR_GOOD) from None
        round_trip_s = loop.time() - started_s
        wire = Wire(self._tls, self.target.host, later=self._later, offers=self._offers)
        await loop.create_connection(lambda: wire, sock=sock)
        wire.round_trip_s = round_trip_s
        return wire

    async def _look_up(self) -> list[SocketAddress]:
        try:
            return await look_up(self.target.host, self.target.port, self.start.families())
        except (socket.gaierror, UnicodeError) as error:
            reason = error.strerror if isinstance(error, socket.gaierror) else str(error)
            passing = isinstance(error, socket.gaierror)
            only = {socket.AF_INET: " (asked for IPv4 only)", socket.AF_INET6: " (asked for IPv6 only)"}
            asked = only.get(self.start.families(), "")
            raise DialError(f"name: {self.target.host}: {reason}{asked}", passing=passing) from None

    def _prepare_all(self, sock: socket.socket) -> None:
        self.start.bind(sock)
        self._prepare(sock)


@dataclass(slots=True)
class _Peer:
    """Whom the dialers of one target connect to."""

    address: SocketAddress | None = None
    search: asyncio.Future[None] | None = None
    """Under way until the first address has taken a connection, or none did."""


_FOR_GOOD = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENODEV, errno.EPERM, errno.EACCES)
"""No connection can start where it is to, or none of that kind at all."""


def _unread(transport: asyncio.BaseTransport) -> Iterator[bytes]:
    """Give what has come on a connection that asyncio reads no more, for it has failed."""
    own = transport.get_extra_info("socket")
    with contextlib.suppress(OSError), own.dup() as sock:
        while data := sock.recv(_CHUNK_BYTES):
            yield data


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tls_reason(error: ssl.SSLError, offered: str, first_bytes: bytes = b"") -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return tls_trouble(str(error), first_bytes, offered=offered).text
