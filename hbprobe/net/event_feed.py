"""What happens, numbered: server-sent events for whoever listens now, and for whoever comes back where a line broke.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import contextlib
import datetime
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from hbprobe.net.address import name_of
from hbprobe.net.json_api import problem, read_number

_KEPT: Final = 10_000
"""So many events can be asked for again."""
_AT_ONCE: Final = 500
_MOST_LISTENERS: Final = 64
_QUIET_S: Final = 15.0
"""So often is something sent where nothing happens: idle timers on the way are what hbprobe is about."""
_AGAIN_MS: Final = 2000
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
time_of_day = time.time  # noqa: TID251  no duration is reckoned from it
_NOTHING: Final[Mapping[str, object]] = {}
_Event = tuple[float, str, Mapping[str, object], Mapping[str, object]]


class EventFeed:
    """Events, counted from 1. Nobody who reads slowly is waited for, or costs memory.

    On the wire an event's id is `LIFE-NUMBER`: a restart begins another life, whose numbers mean other events.
    """

    def __init__(self, now: Callable[[], float] | None = None, kept: int = _KEPT, life: str | None = None) -> None:
        """`now` is the time of day in seconds since 1970."""
        # they are made documents of when somebody asks, which is rare
        self._events: deque[_Event] = deque(maxlen=kept)
        self._has_listeners = False
        self._listeners = 0
        self._now = now or time_of_day
        self._came = asyncio.Event()
        self._life = life or secrets.token_hex(4)
        self.last = 0
        """The number of the newest."""

    @property
    def place(self) -> str:
        """Where the feed is now: who gives it as Last-Event-ID hears all that comes after."""
        return f"{self._life}-{self.last}"

    def tell(self, event: str, **more: object) -> None:
        """Add an event; what is None or empty is left out, and a tuple is an address as a socket gives it."""
        self.add(self._now(), event, more, _NOTHING)

    def note(self, event: str, more: Mapping[str, object], of: Mapping[str, object]) -> None:
        """Add an event of something that many are of: `of` says what that is, and comes first."""
        self.last += 1
        self._events.append((self._now(), event, more, of))
        if self._has_listeners:
            self._wake()

    def add(self, at_s: float, event: str, more: Mapping[str, object], of: Mapping[str, object]) -> None:
        """Add an event that happened at a time of day."""
        self.last += 1
        self._events.append((at_s, event, more, of))
        if self._has_listeners:
            self._wake()

    def _wake(self) -> None:
        self._has_listeners = False
        self._came.set()
        self._came = asyncio.Event()

    def since(self, last: int, most: int | None = None) -> list[dict[str, Any]]:
        """Return the events after that number, oldest first, `most` of them.

        Where the next one is kept no more, or was never told since the feed is younger, the first says so.
        """
        first = self.last - len(self._events) + 1
        is_known = first - 1 <= last <= self.last
        begin = last + 1 - first if is_known else 0
        places = range(begin, len(self._events))[:most]
        found = [_document(first + place, *self._events[place]) for place in places]
        return found if is_known else [{"id": first - 1, "event": "missed"}, *found]

    def number(self, place: str) -> int | None:
        """Return the number of an event by its id or its number; -1 for one of another life, None for no id."""
        life, _, digits = place.rpartition("-")
        number = read_number(digits)
        return -1 if number is not None and life not in ("", self._life) else number

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send what happened since the event that the caller saw last, and what comes, until the caller is gone.

        That event is named by Last-Event-ID, or by `last_event_id` of the query; `now` is the newest. Without a name,
        all that is kept is sent.
        """
        text = request.headers.get("Last-Event-ID") or request.query.get("last_event_id") or "0"
        if (last := self.last if text == "now" else self.number(text)) is None:
            raise problem(web.HTTPBadRequest, "Last-Event-ID must be the id of an event, or 0 for all that are kept")
        if self._listeners >= _MOST_LISTENERS:
            raise problem(web.HTTPServiceUnavailable, f"{_MOST_LISTENERS} listen already")
        self._listeners += 1
        try:
            answer = web.StreamResponse(headers=_HEADERS)
            await answer.prepare(request)
            with contextlib.suppress(ConnectionError):
                async for piece in self._written(last):
                    await answer.write(piece)
            return answer
        finally:
            self._listeners -= 1

    async def _written(self, last: int) -> AsyncIterator[bytes]:
        """Yield the events after that number, then what comes, for ever."""
        yield f"retry: {_AGAIN_MS}\n\n".encode()
        while True:
            came, self._has_listeners = self._came, True
            for event in self.since(last, _AT_ONCE):
                last = event["id"]
                yield f"id: {self._life}-{last}\nevent: {event['event']}\ndata: {json.dumps(event)}\n\n".encode()
            if last < self.last:
                continue
            try:
                async with asyncio.timeout(_QUIET_S):
                    await came.wait()
            except TimeoutError:
                yield b": nothing happened\n\n"


def _document(
    number: int, at_s: float, event: str, more: Mapping[str, object], of: Mapping[str, object]
) -> dict[str, Any]:
    told = {
        name: name_of(value) if isinstance(value, tuple) else value
        for name, value in (*of.items(), *more.items())
        if value not in (None, "")
    }
    at_text = (
        datetime.datetime.fromtimestamp(at_s, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    return {"id": number, "at": at_text, "event": str(event), **told}
