"""One connection, plain or TLS, that tells exactly how it ended.

HTTP libraries merge what a probe must tell apart: RST, FIN, FIN without TLS's close_notify, and nothing at all. So
TLS runs here over memory buffers (ssl.MemoryBIO) on a plain asyncio transport, and each end keeps its name.
"""

import asyncio
import contextlib
import os
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, urlsplit

from hbprobe.net.replies import End, EndKind
from hbprobe.net.tcp_info import TcpInfo, acknowledge_now, tcp_info
from hbprobe.net.tls_trouble import tls_trouble

CONNECT_TIMEOUT_S = 20.0
_CHUNK_BYTES = 65536
_GREETING_BYTES = 16
_PATH_MARKS = "/?:@!$&'()*+,;=%-._~"
"""What may stand in a path or query as it is (RFC 3986)."""
_Address = tuple[socket.AddressFamily, tuple[str | int | bytes, ...]]


class DialError(Exception):
    """The connection never stood: the text names the phase (name, TCP, TLS) and what went wrong."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart."""

    tls: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Read an http or https URL; raises ValueError, in words a user can act on, for anything else."""
        if "@" in re.split(r"[/?#]", url.partition("://")[2])[0]:  # first of all, so that no message repeats it
            raise ValueError("a URL to probe holds no user name or password")
        unusable = ValueError(f"{url!r} is no URL to probe: write https://HOST[:PORT][/PATH]")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except ValueError:  # an IPv6 address without its brackets, a port out of range, an endless name
            raise unusable from None
        if parts.scheme not in ("http", "https") or not host or port == 0:
            raise unusable
        tls = parts.scheme == "https"
        path = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe=_PATH_MARKS)
        return cls(tls, host, port or (443 if tls else 80), path or "/")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


class Wire(asyncio.Protocol):
    """A connection that stands. `Dialer.open` makes one."""

    def __init__(self, tls: ssl.SSLContext | None, host: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[bytes | End] = asyncio.Queue()
        self._ended = False
        self._signed = False
        self._first_bytes = b""
        self._handshake: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport
        self._tls: ssl.SSLObject | None = None
        self.round_trip_s = 0.0
        """How long the TCP handshake took."""
        if tls is None:
            self._handshake.set_result(None)
        else:
            self._arrived, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(self._arrived, self._outgoing, server_hostname=host)

    async def handshake(self) -> None:
        """Wait for TLS to stand; raises DialError when it cannot."""
        await self._handshake

    def send(self, data: bytes) -> None:
        """Send bytes; what becomes of them is for `receive` to tell."""
        if self._tls is None:
            self._transport.write(data)
        elif not self._ended and not self._signed:
            self._tls.write(data)
            self._flush()

    async def receive(self, until_s: float) -> bytes | End | None:
        """Return the next bytes, or the end, or None when neither came until that time of the loop's clock."""
        if self._inbox.empty():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until_s):
                    return await self._inbox.get()
            return None
        return self._inbox.get_nowait()

    def close(self) -> None:
        """Close from our side, as a client does that has what it wanted."""
        if self._tls is not None and not self._ended and self._handshake.done():
            with contextlib.suppress(ssl.SSLError):  # it wants the peer's close_notify, which we do not wait for
                self._tls.unwrap()
            self._flush()
        self._ended = True
        self._transport.close()

    @property
    def signed(self) -> bool:
        """Whether TLS's close_notify has come."""
        return self._signed

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
        if self._tls is not None:
            self._shake_hands(self._tls)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the socket."""
        acknowledge_now(self._transport)
        if self._handshake.cancelled():
            return  # nobody waits for this connection any more
        if self._tls is None:
            self._inbox.put_nowait(data)
            return
        self._first_bytes = self._first_bytes or data[:_GREETING_BYTES]
        self._arrived.write(data)
        if not self._handshake.done():
            self._shake_hands(self._tls)
        if self._handshake.done() and not self._handshake.exception():
            self._decrypt(self._tls)

    def eof_received(self) -> bool:
        """Note a FIN."""
        self._end(EndKind.FIN)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note a RST, or that the system gave up."""
        if isinstance(exc, ConnectionResetError | BrokenPipeError):
            self._end(EndKind.RST)
        elif exc is not None:
            self._end(EndKind.UNREACHABLE, str(exc))

    # TLS

    def _shake_hands(self, tls: ssl.SSLObject) -> None:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._handshake.set_exception(DialError(f"TLS: {_tls_reason(error, self._first_bytes)}"))
        else:
            self._handshake.set_result(None)
        self._flush()

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        try:
            while data := tls.read(_CHUNK_BYTES):
                self._inbox.put_nowait(data)
            self._signed = True
            tls.unwrap()  # our own close_notify: some peers send their FIN only after it
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._end(EndKind.UNREACHABLE, f"TLS: {_tls_reason(error)}")
        self._flush()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._transport.write(data)

    def _end(self, kind: EndKind, detail: str = "") -> None:
        if self._ended:
            return
        self._ended = True
        self._inbox.put_nowait(End(kind, self._loop.time(), self._signed, detail))
        if not self._handshake.done():
            self._handshake.set_exception(DialError(f"TLS: {detail or kind.upper()} in the middle of the handshake"))


class Dialer:
    """Opens connections to one target, all to the same address: the first that took one."""

    def __init__(
        self,
        target: Target,
        tls: ssl.SSLContext | None,
        prepare: Callable[[socket.socket], None] = lambda _: None,
    ) -> None:
        """`prepare` is given each socket before it connects, to set options on it."""
        self.target = target
        self._tls = tls
        self._prepare = prepare
        self._addresses: list[_Address] = []
        self._first = asyncio.Lock()

    def prepared(self, prepare: Callable[[socket.socket], None]) -> "Dialer":
        """Return a dialer to the same address that gives each socket to `prepare`, too, before it connects."""

        def in_turn(sock: socket.socket) -> None:
            self._prepare(sock)
            prepare(sock)

        other = Dialer(self.target, self._tls, in_turn)
        other._addresses, other._first = self._addresses, self._first
        return other

    async def open(self) -> Wire:
        """Connect once; raises DialError, which names the phase."""
        phase = f"TCP: {self.target.host}:{self.target.port}: no connection"
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                async with self._first:
                    wire = await self._connect()
                phase = "TLS: no end of the handshake"
                try:
                    await wire.handshake()
                except BaseException:
                    wire.close()
                    raise
                return wire
        except TimeoutError:
            raise DialError(f"{phase} within {CONNECT_TIMEOUT_S:.0f} s") from None

    async def _connect(self) -> Wire:
        loop = asyncio.get_running_loop()
        addresses = [*self._addresses] or await self._resolve()
        for family, address in addresses:
            started_s = loop.time()
            try:
                sock = await _connected(family, address, self._prepare)
            except OSError as error:
                failure = error
                continue
            self._addresses[:] = [(family, address)]
            _, wire = await loop.create_connection(lambda: Wire(self._tls, self.target.host), sock=sock)
            wire.round_trip_s = loop.time() - started_s
            return wire
        raise DialError(f"TCP: {self.target.host}:{self.target.port}: {_reason(failure)}")

    async def _resolve(self) -> list[_Address]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.target.host, self.target.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            reason = error.strerror if isinstance(error, socket.gaierror) else str(error)
            raise DialError(f"name: {self.target.host}: {reason}") from None
        return [(family, address) for family, _, _, _, address in found]


async def _connected(
    family: socket.AddressFamily,
    address: tuple[str | int | bytes, ...],
    prepare: Callable[[socket.socket], None],
) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named: it would hold bytes back for 40 ms of
    # real time, which the warp clock does not wait for.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        prepare(sock)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _tls_reason(error: ssl.SSLError, first_bytes: bytes = b"") -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return tls_trouble(str(error), first_bytes).text
