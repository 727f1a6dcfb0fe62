"""What the small HTTP APIs have in common: one shell that checks who calls, and JSON in and out.

Before anything else of a request is looked at: no web page may call but the API's own (they send an Origin header, or
call this machine by a name that is not its own, after DNS rebinding), the token must be right where there is one, and
the body small.
"""

import contextlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hbprobe.net.address import Address, cannot_listen, is_loopback
from hbprobe.net.http_server import HttpServer
from hbprobe.text import json_of

_MOST_BODY_BYTES = 64 * 1024
_MOST_DIGITS = 18
_KEEP_ALIVE_S = 75.0


class JsonApi:
    """An API that listens once it is told where."""

    _has_page = False
    """Whether the API serves a page of its own, which may call it, on loopback."""

    def __init__(self, routes: Iterable[web.AbstractRouteDef], token: str | None = None) -> None:
        """`token`: what `Authorization: Bearer` must say; None where whoever reaches the address may call."""
        self._token = None if token is None else _bytes(token)
        self._is_local = False
        app = web.Application(middlewares=[self._admit], client_max_size=_MOST_BODY_BYTES)
        app.add_routes(routes)
        self._server = HttpServer(app, keepalive_s=_KEEP_ALIVE_S)

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take requests on an address, and return it; raises OSError when it cannot be had."""
        self._is_local = is_loopback(host)
        return await self._server.listen(host, port)

    async def close(self) -> None:
        """Take no more requests."""
        await self._server.close()

    @contextlib.asynccontextmanager
    async def opened(self, where: Address, option: str) -> AsyncIterator[Address]:
        """Listen on an address, which it yields, and close at the end; `option` is how a user names another.

        Raises UserError where it cannot be had.
        """
        try:
            try:
                host, port = await self.listen(where.host, where.port)
            except OSError as error:
                raise cannot_listen(where, error, option) from None
            yield Address(host, port)
        finally:
            await self.close()

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Origin" in request.headers and not self._is_own(request):
            raise problem(web.HTTPForbidden, "no web page may call this")
        if self._is_local and not is_loopback(host_of(request.headers.get("Host", ""))):
            raise problem(web.HTTPForbidden, "call this machine by its loopback address or localhost")
        given = _bytes(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if self._token is not None and not hmac.compare_digest(given, self._token):
            raise problem(web.HTTPUnauthorized, "send Authorization: Bearer with the token")
        if (request.content_length or 0) > _MOST_BODY_BYTES:
            return _too_large()
        return await handler(request)

    def _is_own(self, request: web.Request) -> bool:
        """Whether a page that calls is the API's own."""
        origin, host = request.headers["Origin"], request.headers.get("Host", "")
        return self._has_page and self._is_local and origin == f"http://{host}"


async def read_object(request: web.Request, mend: str) -> dict[str, Any]:
    """Return the JSON object in a request's body; raises HTTPBadRequest, which says the mend, for anything else.

    A charset is of no interest: JSON has none but UTF-8 (https://www.rfc-editor.org/rfc/rfc8259, section 11).
    """
    try:
        asked = json_of(await request.read())
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or not asked:
        raise problem(web.HTTPBadRequest, mend)
    return asked


def read_number(text: str) -> int | None:
    """Return a number of a path; None for what is none, or longer than any that is counted here."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def problem(kind: type[web.HTTPException], text: str) -> web.HTTPException:
    """Return an HTTP error whose body is `{"error": text}`."""
    return kind(text=json.dumps({"error": text}), content_type="application/json")


def _too_large() -> web.Response:
    answer = web.json_response({"error": f"a body has at most {_MOST_BODY_BYTES} bytes"}, status=413)
    answer.force_close()
    return answer


def _bytes(text: str) -> bytes:
    """Return a header as it came: aiohttp keeps bytes that are no UTF-8 as surrogates."""
    return text.encode("utf-8", "surrogateescape")


def host_of(header: str) -> str:
    """Return the host that a Host header names; empty where it names none."""
    try:
        return Address.parse(header if header.rpartition(":")[2].isdecimal() else f"{header}:80").host
    except ValueError:
        return ""
