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
    """Looks after sockets on which nobody reads, until their peers send RST."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: dict[int, Callable[[], object]] = {}
        if sys.platform == "linux":
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look)

    def watch(self, sock: socket.socket, was_reset: Callable[[], object]) -> None:
        """Call `was_reset` once when the peer of `sock` sends RST. FIN from both ends would look the same."""
        if sys.platform == "linux":
            self._epoll.register(sock.fileno(), 0)
            self._calls[sock.fileno()] = was_reset

    def forget(self, sock: socket.socket) -> None:
        """Look after a socket no longer, if it was watched; to be called before it is closed."""
        if self._calls.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())

    def close(self) -> None:
        """Look after nothing any more."""
        self._calls.clear()
        if sys.platform == "linux" and not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _look(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            was_reset = self._calls.pop(descriptor, None)
            if was_reset is not None:  # otherwise the call before this one had it forgotten
                self._epoll.unregister(descriptor)
                was_reset()
