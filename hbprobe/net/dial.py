"""Connecting to a server that may have several addresses: a box's way, and a probe's."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from hbprobe.net.address import SocketAddress, name_of


class Dial:
    """One attempt to reach a server. It ends with a call to `connected` or to `failed`, unless it is cancelled."""

    def __init__(
        self,
        addresses: Sequence[SocketAddress],
        make_socket: Callable[[socket.AddressFamily], socket.socket],
        connected: Callable[[socket.socket], None],
        failed: Callable[[str], None],
        *,
        waits: bool = False,
    ) -> None:
        """`make_socket` may raise OSError; `failed` is given the reason, in words. `waits`: not before `begin`."""
        self._loop = asyncio.get_running_loop()
        self._left = list(addresses)
        self._make_socket = make_socket
        self._connected = connected
        self._failed = failed
        self._sock: socket.socket | None = None
        self._next: asyncio.Handle | None = None
        if not waits:
            self.begin()

    def begin(self) -> None:
        """Try the first address, unless this was cancelled."""
        if self._left:
            self._next = self._loop.call_soon(self._try_next)

    def cancel(self) -> None:
        """Give up without a word."""
        self._left.clear()
        if self._next is not None:
            self._next.cancel()
        self._drop()

    def _try_next(self) -> None:
        family, address = self._left.pop(0)
        try:
            self._sock = sock = self._make_socket(family)
        except OSError as error:
            self._failed(os.strerror(error.errno or 0))
            return
        sock.setblocking(False)
        error_number = sock.connect_ex(address)
        if error_number in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._loop.add_writer(sock.fileno(), self._decided, sock, address)
        else:
            self._refused(address, error_number)

    def _decided(self, sock: socket.socket, address: tuple[str | int, ...]) -> None:
        if error_number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._refused(address, error_number)
            return
        self._loop.remove_writer(sock.fileno())
        self._sock = None
        self._connected(sock)

    def _refused(self, address: tuple[str | int, ...], error_number: int) -> None:
        self._drop()
        if self._left:
            self._try_next()
        else:
            self._failed(f"upstream {name_of(address)}: {os.strerror(error_number)}")

    def _drop(self) -> None:
        if self._sock is not None:
            self._loop.remove_writer(self._sock.fileno())
            self._sock.close()
            self._sock = None


CONNECT_TIMEOUT_S = 20.0
_NEXT_ADDRESS_S = 1.25
"""So long does an address have before the next is tried as well, as in Happy Eyeballs (RFC 8305, section 5). A SYN
that was lost once is sent again after a second (RFC 6298, section 2.1), and that may still make it."""

Prepare = Callable[[socket.socket], None]


class SourceError(OSError):
    """No connection can start where it is to; it is this machine that says so, and nothing was asked of the path."""

    def __init__(self, source: str, error: OSError) -> None:
        super().__init__(error.errno, f"{source}: {error.strerror}; no connection can start there")


@dataclass(frozen=True, slots=True)
class From:
    """Where connections are to come from; by default the system chooses."""

    family: socket.AddressFamily = socket.AF_UNSPEC
    """`AF_INET` or `AF_INET6` restricts a name to its addresses of that kind."""
    source: str = ""
    """An address of this machine, or the name of a network interface."""

    def bind(self, sock: socket.socket) -> None:
        """Let a socket start there; raises SourceError where it cannot."""
        if not self.source:
            return
        try:
            if family_of(self.source) is socket.AF_UNSPEC:
                _bind_to_interface(sock, self.source)
            else:
                sock.bind((self.source, 0))
        except OSError as error:
            raise SourceError(self.source, error) from None

    def try_out(self) -> None:
        """Raise SourceError where no connection of this machine can start there now."""
        with socket.socket(self.families() or socket.AF_INET, socket.SOCK_STREAM) as sock:
            self.bind(sock)

    def families(self) -> socket.AddressFamily:
        """Return the only family that fits, or AF_UNSPEC."""
        return self.family or family_of(self.source)


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of an address; AF_UNSPEC for a name, which may have both."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return socket.AF_UNSPEC
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _bind_to_interface(sock: socket.socket, name: str) -> None:
    if hasattr(socket, "SO_BINDTODEVICE"):  # Linux, socket(7)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")
        return
    level = socket.IPPROTO_IPV6 if sock.family is socket.AF_INET6 else socket.IPPROTO_IP
    option = {socket.IPPROTO_IP: 25, socket.IPPROTO_IPV6: 125}[level]  # macOS: IP_BOUND_IF and IPV6_BOUND_IF, ip(4)
    sock.setsockopt(level, option, socket.if_nametoindex(name))


async def look_up(host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[SocketAddress]:
    """Return the addresses of a name, in the order to try them; raises socket.gaierror and UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((kind, cast("tuple[str | int, ...]", address)) for kind, _, _, _, address in found))


async def connect(
    addresses: Sequence[SocketAddress], prepare: Prepare = lambda _: None, timeout_s: float = CONNECT_TIMEOUT_S
) -> tuple[socket.socket, SocketAddress]:
    """Connect to the first address that takes the connection; `prepare` is given each socket before.

    Raises TimeoutError, or the OSError of the last address when none is left.
    """
    attempts: dict[asyncio.Task[socket.socket], SocketAddress] = {}
    left, failure = list(addresses), OSError("no address")
    try:
        async with asyncio.timeout(timeout_s):
            while left or attempts:
                if left:
                    address = left.pop(0)
                    attempts[asyncio.ensure_future(_connected(*address, prepare))] = address
                done, _ = await asyncio.wait(
                    attempts, timeout=_NEXT_ADDRESS_S if left else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    address = attempts.pop(task)
                    error = task.exception()
                    if error is None:
                        return task.result(), address
                    if not isinstance(error, OSError):
                        raise error
                    failure = error
    finally:
        await _dropped(attempts)
    raise failure


async def _dropped(attempts: dict[asyncio.Task[socket.socket], SocketAddress]) -> None:
    """Give the other attempts up, those that have come about in the same moment included."""
    for task in attempts:
        task.cancel()
    for made in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(made, socket.socket):
            made.close()


async def _connected(family: socket.AddressFamily, address: tuple[str | int, ...], prepare: Prepare) -> socket.socket:
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


def reason_of(error: OSError) -> str:
    """Say what went wrong, without the words that asyncio adds."""
    if isinstance(error, SourceError):
        return str(error.strerror)
    return os.strerror(error.errno) if error.errno else str(error)
