"""What happened, numbered, for whoever listens now and for whoever comes back."""

import asyncio
import datetime
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

_KEPT = 10_000
"""So many events can be asked for again."""
_AT_ONCE = 500
_QUIET_S = 15.0
"""After so long without an event a listener hears that the feed is alive."""


class Feed:
    """Events, counted from 1."""

    def __init__(self, now: Callable[[], datetime.datetime] | None = None, kept: int = _KEPT) -> None:
        # they are made documents of when somebody asks, which is rare
        self._events: deque[tuple[int, datetime.datetime, str, Mapping[str, object]]] = deque(maxlen=kept)
        self._has_listeners = False
        self._now = now or (lambda: datetime.datetime.now(datetime.UTC))
        self._came = asyncio.Event()
        self.last = 0
        """The number of the newest."""

    def tell(self, event: str, **more: object) -> None:
        """Add an event; what is None or empty is left out."""
        self.last += 1
        self._events.append((self.last, self._now(), event, more))
        if self._has_listeners:
            self._has_listeners = False
            self._came.set()
            self._came = asyncio.Event()

    def since(self, last: int, most: int | None = None) -> list[dict[str, Any]]:
        """Return the events after that number, oldest first, `most` of them.

        Where the next one is kept no more, or was never told since the feed is younger, the first says so.
        """
        if last > self.last:
            return [self._missed(), *self.since(0, most)]
        first = self.last - len(self._events) + 1
        places = range(max(0, last + 1 - first), len(self._events))[:most]
        found = [_document(*self._events[place]) for place in places]
        return [self._missed(), *found] if last + 1 < first else found

    async def listen(self, last: int) -> AsyncIterator[bytes]:
        """Yield the events after that number as server-sent events, then what comes, for ever.

        https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        while True:
            came, self._has_listeners = self._came, True
            for event in self.since(last, _AT_ONCE):
                yield _written(event)
                last = event["id"]
            if last < self.last:
                continue
            try:
                async with asyncio.timeout(_QUIET_S):
                    await came.wait()
            except TimeoutError:
                yield b": nothing happened\n\n"

    def _missed(self) -> dict[str, Any]:
        return {"id": self.last - len(self._events), "event": "missed"}


def _document(number: int, at: datetime.datetime, event: str, more: Mapping[str, object]) -> dict[str, Any]:
    told = {name: value for name, value in more.items() if value not in (None, "")}
    return {"id": number, "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "event": event, **told}


def _written(event: dict[str, Any]) -> bytes:
    return f"id: {event['id']}\nevent: {event['event']}\ndata: {json.dumps(event)}\n\n".encode()
