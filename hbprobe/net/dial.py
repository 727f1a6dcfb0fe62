"""Connecting to the first address of a server that takes the connection."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence

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
