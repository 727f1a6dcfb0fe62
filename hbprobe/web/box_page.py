"""The page of running boxes at `/` of their control API, for browsers; programs get JSON there as ever.

It calls the API from its own origin: `JsonApi` refuses any other, and a Host that is not this machine's loopback.
"""

from collections.abc import Callable, Sequence

from aiohttp import web

from hbprobe.middlebox.control_api import ControlApi
from hbprobe.middlebox.running_box import RunningBox
from hbprobe.net.event_feed import EventFeed
from hbprobe.web.shell import files, page


class PagedControl(ControlApi):
    """The control API with a page: where a token is asked for, a browser cannot send it, and there is no page."""

    _has_page = True

    def __init__(
        self, boxes: Sequence[RunningBox], stop: Callable[[], None], token: str | None, feed: EventFeed | None = None
    ) -> None:
        super().__init__(boxes, stop, token, files(("box.js", "page.js", "page.css")), feed)

    async def _about(self, request: web.Request) -> web.Response:
        """Return the page to a browser, which says that it wants HTML, and the boxes to others."""
        if "text/html" in request.headers.get("Accept", ""):
            return page("box.html")
        return await super()._about(request)
