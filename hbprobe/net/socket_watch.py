"""What waits for a socket of a box: until it can be read, or written to, or until its peer has sent RST.

The last is for an end that is not read: once it has sent FIN it would look readable for ever. On Linux, epoll reports
errors and hang-ups even of a socket that it is asked nothing else about (epoll_ctl(2)). Elsewhere RST is noticed when
the box next sends something to that end.
"""

import asyncio
import select
import sys
from typing import Protocol

from hbprobe.readiness import Call
from hbprobe.warp import DirectLoop


class SocketWatch(Protocol):
    """Calls back for descriptors, each of which has one reader or hang-up, and one writer, at most."""

    def add_reader(self, descriptor: int, call: Call, /) -> None:
        """Make this call whenever the socket can be read, or its connection is broken."""

    def add_writer(self, descriptor: int, call: Call, /) -> None:
        """Make this call whenever the socket can be written to, or its connection is broken."""

    def add_hangup(self, descriptor: int, call: Call, /) -> None:
        """Make this call, and no reader's, when the peer has sent RST. FIN from both ends would look the same."""

    def remove_reader(self, descriptor: int, /) -> object:
        """Call no more when it can be read, or is reset. All of these take -1, of a socket that is closed already."""

    def remove_writer(self, descriptor: int, /) -> object:
        """Call no more when it can be written to."""

    def forget(self, descriptor: int, /) -> None:
        """Call no more: the socket is closed now."""


def watch_of(loop: asyncio.AbstractEventLoop) -> SocketWatch:
    """Return what watches sockets on that loop."""
    return loop.readiness if isinstance(loop, DirectLoop) else LoopWatch(loop)


class LoopWatch:
    """Sockets on any loop of asyncio's; hang-ups are in an epoll object, which the loop watches like any file."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._hangups: dict[int, Call] = {}
        self._epoll: select.epoll | None = None
        """There while there is something in it."""

    def add_reader(self, descriptor: int, call: Call) -> None:
        """Make this call whenever the socket can be read, or its connection is broken."""
        self._forget_hangup(descriptor)
        self._loop.add_reader(descriptor, call[0], *call[1])

    def add_writer(self, descriptor: int, call: Call) -> None:
        """Make this call whenever the socket can be written to, or its connection is broken."""
        self._loop.add_writer(descriptor, call[0], *call[1])

    def add_hangup(self, descriptor: int, call: Call) -> None:
        """Make this call, and no reader's, when the peer has sent RST (Linux)."""
        self.remove_reader(descriptor)
        if sys.platform != "linux":
            return
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look, self._epoll)
        self._epoll.register(descriptor, 0)
        self._hangups[descriptor] = call

    def remove_reader(self, descriptor: int) -> None:
        """Call no more when it can be read, or is reset."""
        self._forget_hangup(descriptor)
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)

    def remove_writer(self, descriptor: int) -> None:
        """Call no more when it can be written to."""
        if descriptor >= 0:
            self._loop.remove_writer(descriptor)

    def forget(self, descriptor: int) -> None:
        """Call no more."""
        self.remove_reader(descriptor)
        self.remove_writer(descriptor)

    def _forget_hangup(self, descriptor: int) -> None:
        if self._hangups.pop(descriptor, None) is None or self._epoll is None:
            return
        self._epoll.unregister(descriptor)
        if not self._hangups:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _look(self, epoll: "select.epoll") -> None:
        for descriptor, _ in epoll.poll(0):
            if (call := self._hangups.get(descriptor)) is not None:  # else the call before this one removed it
                call[0](*call[1])
