"""Calling what waits for a descriptor straight out of epoll, without a handle of asyncio's for each event.

A relay spends its time on small messages. asyncio takes each of them through a selector's key, a handle, a queue and
a context, which costs as much again as the system calls that move the message. Here one look into a dictionary leads
from a descriptor to its callback.

The kernel is told of what is wanted, but not at once of what is wanted no more: where a descriptor is watched again,
or closed, before anything comes up for it, that saves the call.
"""

import contextlib
import select
from collections.abc import Callable
from typing import Any

Event = tuple[int, int]
"""A descriptor, and what it is ready for, in epoll's bits."""
Call = tuple[Callable[..., object], tuple[Any, ...]]

AT_ONCE = 256
"""So many events are told before the loop looks at its timers again."""
_IN, _OUT = (select.EPOLLIN, select.EPOLLOUT) if hasattr(select, "epoll") else (1, 4)
_FOR_READER, _FOR_WRITER = ~_OUT, ~_IN
"""A connection that is broken concerns both (epoll_ctl(2): EPOLLERR and EPOLLHUP are always reported)."""


class _Watched:
    """What waits for one descriptor."""

    __slots__ = ("reader", "since", "told", "wanted", "writer")

    def __init__(self, reader: Call | None, writer: Call | None, wanted: int, since: int) -> None:
        self.reader = reader
        self.writer = writer
        self.wanted = self.told = wanted
        """Bits of epoll; and those that the kernel knows of, of which some may be wanted no more."""
        self.since = since
        """The turn in which it began. What that turn tells of the descriptor may be of one closed before."""


class Readiness:
    """Descriptors in an epoll object, and what to call when one is ready (Linux)."""

    def __init__(self, failed: Callable[[Exception], object]) -> None:
        self._epoll = select.epoll()
        self.poll: Callable[[float, int], list[Event]] = self._epoll.poll
        """Waits in real time until something is ready, at most so many seconds, and tells of at most so many."""
        self._failed = failed
        """Told of what a callback raises."""
        self._watched: dict[int, _Watched] = {}
        self._turn = 0
        """So many times have events been told."""

    def __len__(self) -> int:
        """Return the number of descriptors that are watched."""
        return sum(found.reader is not None or found.writer is not None for found in self._watched.values())

    def add_reader(self, descriptor: int, call: Call) -> None:
        """Make this call whenever the descriptor can be read, or its connection is broken."""
        if (found := self._watched.get(descriptor)) is None:
            self._epoll.register(descriptor, _IN)
            self._watched[descriptor] = _Watched(call, None, _IN, self._turn)
        else:
            self._change(descriptor, found, call, found.writer, found.wanted | _IN)

    def add_writer(self, descriptor: int, call: Call) -> None:
        """Make this call whenever the descriptor can be written to, or its connection is broken."""
        if (found := self._watched.get(descriptor)) is None:
            self._epoll.register(descriptor, _OUT)
            self._watched[descriptor] = _Watched(None, call, _OUT, self._turn)
        else:
            self._change(descriptor, found, found.reader, call, found.wanted | _OUT)

    def add_hangup(self, descriptor: int, call: Call) -> None:
        """Make this call, and no reader's, when the connection is broken; what can be read is left."""
        if (found := self._watched.get(descriptor)) is None:
            self._epoll.register(descriptor, 0)
            self._watched[descriptor] = _Watched(call, None, 0, self._turn)
        else:
            self._change(descriptor, found, call, found.writer, found.wanted & _OUT)
            self._tell_kernel(descriptor, found)  # at once: what can be read is there to stay

    def remove_reader(self, descriptor: int) -> bool:
        """Call no more when it can be read, or is broken; return whether that was wanted."""
        found = self._watched.get(descriptor)
        if found is None or found.reader is None:
            return False
        found.reader, found.wanted = None, found.wanted & _OUT
        return True

    def remove_writer(self, descriptor: int) -> bool:
        """Call no more when it can be written to; return whether that was wanted."""
        found = self._watched.get(descriptor)
        if found is None or found.writer is None:
            return False
        found.writer, found.wanted = None, found.wanted & _IN
        return True

    def forget(self, descriptor: int) -> None:
        """Call no more: whoever says this closes the descriptor now, and with it the kernel forgets it, too."""
        self._watched.pop(descriptor, None)

    def tell(self, events: list[Event]) -> None:
        """Make the calls that wait for these events."""
        watched, turn = self._watched, self._turn + 1
        self._turn = turn
        for descriptor, ready in events:
            found = watched.get(descriptor)
            if found is None:
                self._let_go(descriptor)
                continue
            if found.since == turn:
                continue
            reader, writer = found.reader, found.writer
            try:
                if found.told != found.wanted or reader is writer:
                    self._tell_kernel(descriptor, found)
                if reader is not None and ready & _FOR_READER:
                    reader[0](*reader[1])
                    if writer is None or found.writer is not writer or watched.get(descriptor) is not found:
                        continue
                if writer is not None and ready & _FOR_WRITER:
                    writer[0](*writer[1])
            except Exception as error:
                self._failed(error)

    def close(self) -> None:
        """Watch nothing any more."""
        self._watched.clear()
        self._epoll.close()

    def _change(
        self, descriptor: int, found: _Watched, reader: Call | None, writer: Call | None, wanted: int
    ) -> None:
        was_watched = found.reader is not None or found.writer is not None
        found.reader, found.writer, found.wanted = reader, writer, wanted
        if not was_watched:  # maybe it has been closed since, and the number is another one's now
            found.since = self._turn
            try:
                self._epoll.modify(descriptor, wanted)
            except FileNotFoundError:
                self._epoll.register(descriptor, wanted)
            found.told = wanted
        elif wanted & ~found.told:
            self._tell_kernel(descriptor, found)

    def _tell_kernel(self, descriptor: int, found: _Watched) -> None:
        """Let the kernel look for what is wanted, and no more."""
        if found.reader is None and found.writer is None:
            del self._watched[descriptor]
            self._let_go(descriptor)
        elif found.told != found.wanted:
            self._epoll.modify(descriptor, found.wanted)
            found.told = found.wanted

    def _let_go(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):  # it has been closed meanwhile
            self._epoll.unregister(descriptor)
