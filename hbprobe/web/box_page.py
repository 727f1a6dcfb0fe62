"""The page of running boxes at `/` of their control API, for browsers; programs get JSON there as ever.

It calls the API from its own origin: `JsonApi` refuses any other, and a Host that is not this machine's loopback.
"""

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Final

from aiohttp import web

from hbprobe.middlebox.control_api import ControlApi
from hbprobe.middlebox.running_box import RunningBox

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FILES: Final = {"box.js": "text/javascript", "box.css": "text/css"}


class PagedControl(ControlApi):
    """The control API with a page: where a token is asked for, a browser cannot send it, and there is no page."""

    _has_page = True

    def __init__(self, boxes: Sequence[RunningBox], stop: Callable[[], None], token: str | None) -> None:
        super().__init__(boxes, stop, token, [web.get(f"/{name}", self._file) for name in _FILES])

    async def _about(self, request: web.Request) -> web.Response:
        """Return the page to a browser, which says that it wants HTML, and the boxes to others."""
        if "text/html" in request.headers.get("Accept", ""):
            return _response("box.html", "text/html")
        return await super()._about(request)

    async def _file(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/")
        return _response(name, _FILES[name])


def _response(name: str, content_type: str) -> web.Response:
    text = resources.files("hbprobe.web").joinpath(name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=content_type, headers=_HEADERS)
