"""What the small HTTP APIs have in common: listening, JSON in and out, and no calls on behalf of web pages."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

_MOST_BODY_BYTES = 64 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class JsonApi:
    """An API that listens once it is told where."""

    def __init__(self, routes: Iterable[web.AbstractRouteDef], admit: Callable[[web.Request], None]) -> None:
        """`admit` raises for a request that may not be served; one with an Origin header never comes so far."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if "Origin" in request.headers:
                raise problem(web.HTTPForbidden, "no web page may call this")
            admit(request)
            return await handler(request)

        app = web.Application(middlewares=[guard], client_max_size=_MOST_BODY_BYTES)
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None)

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take requests on an address, and return it; raises OSError when it cannot be had."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        address = self._runner.addresses[0]
        return address[0], address[1]

    async def close(self) -> None:
        """Take no more requests."""
        await self._runner.cleanup()


async def read_object(request: web.Request, mend: str) -> dict[str, Any]:
    """Return the JSON object in a request's body; raises HTTPBadRequest, which says the mend, for anything else."""
    try:
        asked = await request.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or not asked:
        raise problem(web.HTTPBadRequest, mend)
    return asked


def problem(kind: type[web.HTTPException], text: str) -> web.HTTPException:
    """Return an HTTP error whose body is `{"error": text}`."""
    return kind(text=json.dumps({"error": text}), content_type="application/json")
