"""Noticing RST from an end that is not read: once it has sent FIN it would look readable for ever.

On Linux, epoll reports errors and hang-ups even of a socket that it is asked nothing else about (epoll_ctl(2)), and a
loop can watch an epoll object like any file. Elsewhere RST is noticed when the box next sends something to that end.
"""

import asyncio
import select
import socket
import sys
from collections.abc import Callable


class HangupWatch:
    """Looks after sockets that nobody reads, until their peers send RST."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched: dict[int, tuple[socket.socket, Callable[[], object]]] = {}
        if sys.platform == "linux":
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look)

    def watch(self, sock: socket.socket, was_reset: Callable[[], object]) -> None:
        """Call `was_reset` once when the peer of `sock` sends RST."""
        if sys.platform == "linux":
            self._epoll.register(sock.fileno(), 0)
            self._watched[sock.fileno()] = (sock, was_reset)

    def forget(self, sock: socket.socket) -> None:
        """Look after a socket no longer, if it was watched; it must not be closed before."""
        if self._watched.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())

    def close(self) -> None:
        """Look after nothing any more."""
        if sys.platform == "linux" and not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
        self._watched.clear()

    def _look(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            sock, was_reset = self._watched[descriptor]
            self.forget(sock)
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # FIN from both sides is a hang-up, too
                was_reset()
                return  # it may have forgotten others that were reported with it
