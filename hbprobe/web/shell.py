"""The files of a page, with headers that let nothing strange in: no inline script, no other origin, no frame."""

import functools
from collections.abc import Iterable
from importlib import resources
from typing import Final

from aiohttp import web

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'"
"""For a report, which brings its styles with it, and has no script."""
_TYPES: Final = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


def page(name: str) -> web.Response:
    """Return a file of this folder."""
    text = resources.files("hbprobe.web").joinpath(name).read_text(encoding="utf-8")
    return guarded(text, _TYPES[name.rpartition(".")[2]])


def guarded(text: str, content_type: str, policy: str = _POLICY) -> web.Response:
    """Return a text that a browser may use for its own page only."""
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(text=text, content_type=content_type, headers=headers)


def files(names: Iterable[str]) -> list[web.RouteDef]:
    """Return the routes to the files that a page fetches."""
    return [file(name, name) for name in names]


def file(path: str, name: str) -> web.RouteDef:
    """Return the route to a file that a page fetches by a name of its own."""
    return web.get(f"/{path}", functools.partial(_file, name))


async def _file(name: str, _: web.Request) -> web.Response:
    return page(name)
