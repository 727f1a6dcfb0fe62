"""A small HTTP API to watch and steer boxes while they run; `docs/control-api.md` has each call with its answer.

It listens on loopback, or anywhere with a token. Requests that a browser sends on behalf of a web page are refused:
they carry an Origin header or a Host of their own, and what listens on loopback is not for web pages.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hbprobe import __version__
from hbprobe.errors import UserError
from hbprobe.middlebox.faults.toxic_box import ToxicBox
from hbprobe.middlebox.faults.toxic_calls import ToxicCalls
from hbprobe.middlebox.faults.toxic_reading import ApiError
from hbprobe.middlebox.running_box import RunningBox
from hbprobe.net.event_feed import EventFeed
from hbprobe.net.json_api import JsonApi, problem, read_number, read_object
from hbprobe.profiles.model import Profile
from hbprobe.profiles.running import with_overrides

_LOOK_S = 0.2
"""How often a draining box is looked at."""


class ControlApi(JsonApi):
    """The API over boxes in a row."""

    def __init__(
        self,
        boxes: Sequence[RunningBox],
        stop: Callable[[], None],
        token: str | None,
        more: Iterable[web.AbstractRouteDef] = (),
        feed: EventFeed | None = None,
    ) -> None:
        """`more` are routes beside those of the API; `feed` is that of the boxes which can be given toxics."""
        self._boxes = boxes
        self._stop = stop
        """Called once when nothing is left to do: told to stop, or drained."""
        self._draining = False
        self._next_look: asyncio.TimerHandle | None = None
        self._feed = feed or EventFeed()
        super().__init__(
            [
                web.get("/", self._about),
                web.get("/boxes/{box}", self._box),
                web.get("/boxes/{box}/flows", self._flows),
                web.patch("/boxes/{box}/timers", self._set_timers),
                web.delete("/boxes/{box}/flows", self._expire_all),
                web.delete("/boxes/{box}/flows/{number}", self._expire),
                web.post("/drain", self._drain),
                web.post("/stop", self._stop_now),
                web.get("/events", self._events),
                *ToxicCalls(self._toxic_box).routes("/boxes/{box}"),
                *more,
            ],
            token,
        )

    async def close(self) -> None:
        """Take no more requests."""
        if self._next_look is not None:
            self._next_look.cancel()
        await super().close()

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await super()._admit(request, handler)
        except ApiError as error:
            return web.json_response({"error": error.text}, status=error.status)

    # Calls

    async def _about(self, _: web.Request) -> web.Response:
        boxes = [self._summary(place) for place in range(len(self._boxes))]
        return web.json_response({"version": __version__, "draining": self._draining, "boxes": boxes})

    async def _box(self, request: web.Request) -> web.Response:
        return web.json_response(self._summary(self._place(request)))

    async def _flows(self, request: web.Request) -> web.Response:
        box = self._boxes[self._place(request)]
        flows = box.connections() if isinstance(box, ToxicBox) else [asdict(flow) for flow in box.flows()]
        return web.json_response({"flows": flows})

    async def _set_timers(self, request: web.Request) -> web.Response:
        place = self._place(request)
        box = self._boxes[place]
        try:
            profile, remarks = with_overrides(box.profile, await _settings(request))
        except UserError as error:
            raise problem(web.HTTPBadRequest, str(error)) from None
        box.change(profile)
        self._feed.tell("timers-changed", box=place, timers_s=_timers_s(profile))
        return web.json_response(self._summary(place) | {"remarks": list(remarks)})

    async def _expire(self, request: web.Request) -> web.Response:
        text = request.match_info["number"]
        box, number = self._boxes[self._place(request)], read_number(text)
        if number is None or not box.expire(number):
            raise problem(web.HTTPNotFound, f"no flow {text} that a timer could end")
        return web.json_response({"expired": number})

    async def _expire_all(self, request: web.Request) -> web.Response:
        return web.json_response({"expired": self._boxes[self._place(request)].expire_all()})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._feed.answer(request)

    async def _drain(self, _: web.Request) -> web.Response:
        if self._draining:
            return web.json_response({"draining": True, "flows": self._live()})
        self._draining = True
        for box in self._boxes:
            box.drain()
        self._look_for_the_end()
        return web.json_response({"draining": True, "flows": self._live()})

    async def _stop_now(self, _: web.Request) -> web.Response:
        self._stop()
        return web.json_response({"stopping": True})

    # Helpers

    def _toxic_box(self, request: web.Request) -> ToxicBox:
        box = self._boxes[place := self._place(request)]
        if isinstance(box, ToxicBox):
            return box
        raise ApiError(400, f"box {place} was made without toxics")

    def _live(self) -> int:
        return sum(len(box) for box in self._boxes)

    def _look_for_the_end(self) -> None:
        """Stop when the last flow has ended, however it did."""
        if self._live():
            self._next_look = asyncio.get_running_loop().call_later(_LOOK_S, self._look_for_the_end)
        else:
            self._stop()

    def _place(self, request: web.Request) -> int:
        text = request.match_info["box"]
        if (place := read_number(text)) is not None and place < len(self._boxes):
            return place
        raise problem(web.HTTPNotFound, f"no box {text}: they count from 0 to {len(self._boxes) - 1}")

    def _summary(self, place: int) -> dict[str, Any]:
        box = self._boxes[place]
        counts = asdict(box.counts)
        counts["expired"] = {str(kind): count for kind, count in box.counts.expired.items()}
        return {
            "box": place,
            "profile": box.profile.id,
            "layer": box.profile.layer,
            "flows": len(box),
            "timers_s": _timers_s(box.profile),
            "counts": counts,
        }


def _timers_s(profile: Profile) -> dict[str, float]:
    return {str(kind): timer.default for kind, timer in profile.each_timer()}


async def _settings(request: web.Request) -> dict[str, str]:
    mend = 'send a JSON object of timers, such as {"idle": "5s"}'
    asked = await read_object(request, mend)
    if not all(isinstance(value, str | int | float) for value in asked.values()):
        raise problem(web.HTTPBadRequest, mend)
    return {name: str(value) for name, value in asked.items()}
