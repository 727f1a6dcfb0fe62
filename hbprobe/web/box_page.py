"""The page of running boxes at `/`, for browsers: of the control API, which gives programs JSON, and Toxiproxy's.

It calls the API from its own origin: `JsonApi` refuses any other, and a Host that is not this machine's loopback.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from hbprobe.middlebox.control_api import ControlApi
from hbprobe.middlebox.running_box import RunningBox
from hbprobe.net.event_feed import EventFeed
from hbprobe.toxiproxy.api import ToxiproxyApi
from hbprobe.web.shell import file, files, page

_FILES = "box.js", "page.js", "page.css"
_CALLS = "api.js"
"""How the page asks the API that serves it."""


class PagedControl(ControlApi):
    """The control API with a page: where a token is asked for, a browser cannot send it, and there is no page."""

    _has_page = True

    def __init__(
        self, boxes: Sequence[RunningBox], stop: Callable[[], None], token: str | None, feed: EventFeed | None = None
    ) -> None:
        super().__init__(boxes, stop, token, [*files(_FILES), file(_CALLS, "control_api.js")], feed)

    async def _about(self, request: web.Request) -> web.Response:
        """Return the page to a browser, which says that it wants HTML, and the boxes to others."""
        if "text/html" in request.headers.get("Accept", ""):
            return page("box.html")
        return await super()._about(request)


class PagedToxiproxy(ToxiproxyApi):
    """Toxiproxy's API with a page, on loopback and without a token."""

    _has_page = True

    def __init__(self, token: str | None = None, seed: int = 0, folder: Path | None = None) -> None:
        own = [*files(_FILES), file(_CALLS, "toxiproxy_api.js")] if token is None else []
        self._own_paths = {"/", *(route.path for route in own)}
        super().__init__(token, seed, folder=folder, more=[web.get("/", self._page), *own] if own else ())

    def _lets_browser(self, request: web.Request) -> bool:
        """Whether a browser asks for the page, or the page asks (https://www.w3.org/TR/fetch-metadata/)."""
        from_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
        return self._is_local and self._token is None and (request.path in self._own_paths or from_page)

    async def _page(self, _: web.Request) -> web.Response:
        return page("box.html")
