"""Calling what waits for a descriptor straight out of epoll, without a handle of asyncio's for each event.

A relay spends its time on small messages. asyncio takes each of them through a selector's key, a handle, a queue and
a context, which costs as much again as the system calls that move the message. Here one look into a dictionary leads
from a descriptor to its callback.
"""

import select
from collections.abc import Callable
from typing import Any

Event = tuple[int, int]
"""A descriptor, and what it is ready for, in epoll's bits."""
Call = tuple[Callable[..., object], tuple[Any, ...]]

_AT_ONCE = 256
"""So many events are told before the loop looks at its timers again."""


class Readiness:
    """Descriptors in an epoll object, and what to call when one is ready (Linux)."""

    def __init__(self, failed: Callable[[Exception], object]) -> None:
        self._epoll = select.epoll()
        self._failed = failed
        """Told of what a callback raises."""
        self._watched: dict[int, tuple[Call | None, Call | None]] = {}
        """What to call when a descriptor can be read, and when it can be written to."""
        self._new: set[int] = set()
        """Watched only since the events came that are being told: these may be of a descriptor closed meanwhile."""

    def __len__(self) -> int:
        """Return the number of descriptors that are watched."""
        return len(self._watched)

    def add_reader(self, descriptor: int, call: Call) -> None:
        """Make this call whenever the descriptor can be read, or its connection is broken."""
        self._watch(descriptor, call, self._watched.get(descriptor, (None, None))[1])

    def add_writer(self, descriptor: int, call: Call) -> None:
        """Make this call whenever the descriptor can be written to, or its connection is broken."""
        self._watch(descriptor, self._watched.get(descriptor, (None, None))[0], call)

    def remove_reader(self, descriptor: int) -> bool:
        """Call no more when it can be read; return whether that was wanted."""
        reader, writer = self._watched.get(descriptor, (None, None))
        if reader is not None:
            self._watch(descriptor, None, writer)
        return reader is not None

    def remove_writer(self, descriptor: int) -> bool:
        """Call no more when it can be written to; return whether that was wanted."""
        reader, writer = self._watched.get(descriptor, (None, None))
        if writer is not None:
            self._watch(descriptor, reader, None)
        return writer is not None

    def poll(self, timeout_s: float) -> list[Event]:
        """Wait in real time until something is ready, at most so long."""
        return self._epoll.poll(timeout_s, _AT_ONCE)

    def tell(self, events: list[Event]) -> None:
        """Make the calls that wait for these events."""
        watched, new = self._watched, self._new
        new.clear()
        for descriptor, ready in events:
            found = watched.get(descriptor)
            if found is None or descriptor in new:
                continue
            reader, writer = found
            try:
                if reader is not None and ready & ~select.EPOLLOUT:
                    reader[0](*reader[1])
                if writer is not None and ready & ~select.EPOLLIN and watched.get(descriptor) is found:
                    writer[0](*writer[1])
            except Exception as error:
                self._failed(error)

    def close(self) -> None:
        """Watch nothing any more."""
        self._watched.clear()
        self._epoll.close()

    def _watch(self, descriptor: int, reader: Call | None, writer: Call | None) -> None:
        before = self._watched.get(descriptor)
        if reader is None and writer is None:
            del self._watched[descriptor]
            self._epoll.unregister(descriptor)
            return
        events = (select.EPOLLIN if reader else 0) | (select.EPOLLOUT if writer else 0)
        if before is None:
            self._epoll.register(descriptor, events)
            self._new.add(descriptor)
        elif (before[0] is None, before[1] is None) != (reader is None, writer is None):
            self._epoll.modify(descriptor, events)
        self._watched[descriptor] = (reader, writer)
