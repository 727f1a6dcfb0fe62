"""One timer of the loop that wakes a box for the earliest of its deadlines."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Generic

from hbprobe.middlebox.deadlines import Deadlines, T

_AT_ONCE = 32
"""So many that are due are handed over before sockets get their turn: thousands can be due at once."""


class Alarm(Generic[T]):
    """Watches items, and hands each over when it is due; it is then watched no longer."""

    def __init__(self, due: Callable[[T, float], object]) -> None:
        self._due = due
        """Called with the item and the time at which its turn has come, which is never before its deadline."""
        self._loop = asyncio.get_running_loop()
        self._deadlines: Deadlines[T] = Deadlines()
        self.forget: Callable[[T], None] = self._deadlines.forget
        """Watches an item no longer."""
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return the number of items that are watched."""
        return len(self._deadlines)

    def watch(self, item: T) -> None:
        """Watch an item, or look again at one whose deadline may have come nearer."""
        if self._deadlines.watch(item):
            self._set()

    def close(self) -> None:
        """Wake nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self) -> None:
        earliest = self._deadlines.earliest()
        if earliest is None or (self._timer is not None and self._timer.when() <= earliest):
            return
        self.close()
        self._timer = self._loop.call_at(earliest, self._ring, earliest)

    def _ring(self, due: float) -> None:
        self._timer = None
        now = max(due, self._loop.time())  # the loop may fire a clock's resolution early
        for item in itertools.islice(self._deadlines.take_due(now), _AT_ONCE):
            self._due(item, max(now, self._loop.time()))
        self._set()
