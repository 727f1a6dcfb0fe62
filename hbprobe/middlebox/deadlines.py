"""Very many deadlines, of which most are put off again and again.

A firewall restarts a flow's idle timer with every packet, so restarting must cost next to nothing. Here it costs
nothing at all: an item knows its own deadline, and restarting changes only that. The heap holds one entry an item,
at the time when the item was last looked at; an item that turns out to have been put off goes back in at its
new time. So a flow costs O(log n) once per timer length, however much moves on it.
"""

import heapq
import itertools
import math
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class HasDeadline(Protocol):
    """Something that is due at a time of its own."""

    watched_at: float
    """Belongs to `Deadlines`: when it will look at the item next; infinite while it does not watch it."""

    def due(self) -> float:
        """Return the absolute time at which the item is due; infinite for never."""
        ...


T = TypeVar("T", bound=HasDeadline)

_FEW = 64
"""So many stale entries are not worth a clean-up."""


class Deadlines(Generic[T]):
    """The deadlines of very many items."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._order = itertools.count()
        self._watched = 0

    def __len__(self) -> int:
        """Return the number of items that are looked after."""
        return self._watched

    def watch(self, item: T) -> bool:
        """Look after an item, or look again at one whose deadline may have come nearer; return whether it has."""
        due = item.due()
        if due >= item.watched_at:
            return False
        self._watched += item.watched_at == math.inf
        item.watched_at = due
        heapq.heappush(self._heap, (due, next(self._order), item))
        self._tidy()
        return True

    def forget(self, item: T) -> None:
        """Look after an item no longer."""
        if item.watched_at < math.inf:
            self._let_go(item)

    def earliest(self) -> float | None:
        """Return the time before which no item can be due, or None when there is none to wait for."""
        while self._heap and not self._is_live(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> Iterator[T]:
        """Hand out the items that are due at `now`, earliest first, and look after them no longer."""
        while (earliest := self.earliest()) is not None and earliest <= now:
            item = heapq.heappop(self._heap)[2]
            self._let_go(item)
            if item.due() <= earliest:
                yield item
            else:
                self.watch(item)

    @staticmethod
    def _is_live(entry: tuple[float, int, T]) -> bool:
        return entry[2].watched_at == entry[0]

    def _let_go(self, item: T) -> None:
        item.watched_at = math.inf
        self._watched -= 1
        self._tidy()

    def _tidy(self) -> None:
        """Clear out the stale entries when they are the most: short flows, long timers."""
        if len(self._heap) > 2 * self._watched + _FEW:
            # One entry an item: a deadline that was left and taken up again looks live twice.
            self._heap = list({id(entry[2]): entry for entry in self._heap if self._is_live(entry)}.values())
            heapq.heapify(self._heap)
