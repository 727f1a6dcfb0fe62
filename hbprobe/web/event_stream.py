"""What happens, for pages that look on: server-sent events that a browser takes up again where its line broke.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

_KEPT: Final = 1000
"""So many events can be taken up again; who has missed more is told to ask for everything anew."""
_MOST_FOLLOWERS: Final = 64
_QUIET_S: Final = 15.0
"""So often is something sent where nothing happens: idle timers on the way are what hbprobe is about."""
_AGAIN_MS: Final = 2000
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    number: int
    """Counted from 1."""
    kind: str
    data: Mapping[str, Any]


class EventStream:
    """The last events, and those who follow them. Nobody who reads slowly is waited for, or costs memory."""

    def __init__(self, life: str) -> None:
        """`life` tells this feed from one before a restart, whose numbers mean other events."""
        self._life = life
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._last = self._followers = 0
        self._news = asyncio.Event()

    @property
    def place(self) -> str:
        """Where the feed is now; who gives it as Last-Event-ID hears all that comes after."""
        return f"{self._life}-{self._last}"

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Let the followers know of something."""
        self._last += 1
        self._events.append(Event(self._last, kind, data))
        self._news.set()
        self._news = asyncio.Event()

    def after(self, place: str) -> list[Event] | None:
        """Return what happened after a place; None where that is not known any more."""
        life, _, digits = place.rpartition("-")
        if life != self._life or not digits.isdecimal() or len(digits) > len(str(self._last)):
            return None
        oldest = self._events[0].number if self._events else self._last + 1
        if not oldest - 1 <= (number := int(digits)) <= self._last:
            return None
        return [event for event in self._events if event.number > number]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send what happens until the client is gone: from Last-Event-ID on, or from `after` of the query."""
        if self._followers >= _MOST_FOLLOWERS:
            return web.Response(status=503, text=f"{_MOST_FOLLOWERS} pages look on already\n")
        self._followers += 1
        try:
            return await self._sent(request, request.headers.get("Last-Event-ID") or request.query.get("after", ""))
        finally:
            self._followers -= 1

    async def _sent(self, request: web.Request, place: str) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        await response.write(f"retry: {_AGAIN_MS}\n\n".encode())
        with contextlib.suppress(ConnectionError):
            while True:
                news, happened = self._news, self.after(place)
                if happened is None:
                    await response.write(_line(self.place, "anew", {}))
                    place = self.place
                    continue
                for event in happened:
                    place = f"{self._life}-{event.number}"
                    await response.write(_line(place, event.kind, event.data))
                if not happened:
                    await self._wait(news, response)
        return response

    async def _wait(self, news: asyncio.Event, response: web.StreamResponse) -> None:
        try:
            await asyncio.wait_for(news.wait(), _QUIET_S)
        except TimeoutError:
            await response.write(b": nothing new\n\n")


def _line(place: str, kind: str, data: Mapping[str, Any]) -> bytes:
    return f"id: {place}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()
