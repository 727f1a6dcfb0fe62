"""The calls of an HTTP API that give boxes toxics: documents as Toxiproxy has them."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from hbprobe.middlebox.faults.toxic_box import ToxicBox, toxic_document
from hbprobe.middlebox.faults.toxic_reading import ApiError, changed_toxic, read_json, read_toxic
from hbprobe.middlebox.faults.toxics import Toxic


class ToxicCalls:
    """List, add, show, change and remove the toxics of a box; all raise ApiError."""

    def __init__(self, find: Callable[[web.Request], ToxicBox]) -> None:
        """`find` returns the box that a request means; it may raise ApiError."""
        self._find = find
        self._loop = asyncio.get_running_loop()

    def routes(self, box: str) -> list[web.RouteDef]:
        """Return the routes below the path of a box."""
        toxics, toxic = f"{box}/toxics", f"{box}/toxics/{{toxic}}"
        return [
            get(toxics, self._list),
            web.post(toxics, self._add),
            get(toxic, self._show),
            web.patch(toxic, self._change),
            web.post(toxic, self._change),
            web.delete(toxic, self._remove),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response([toxic_document(toxic) for toxic in self._find(request).toxics.all()])

    async def _add(self, request: web.Request) -> web.Response:
        body = read_json(await request.read())
        return web.json_response(toxic_document(add_toxic(self._find(request), body)))

    async def _show(self, request: web.Request) -> web.Response:
        _, toxic = self._found(request)
        return web.json_response(toxic_document(toxic))

    async def _change(self, request: web.Request) -> web.Response:
        body = await request.read()
        box, toxic = self._found(request)
        changed = changed_toxic(toxic, read_json(body), self._loop.time())
        return web.json_response(toxic_document(_put(box, changed)))

    async def _remove(self, request: web.Request) -> web.Response:
        box, toxic = self._found(request)
        box.remove(toxic.name)
        return web.Response(status=204)

    def _found(self, request: web.Request) -> tuple[ToxicBox, Toxic]:
        box, name = self._find(request), request.match_info["toxic"]
        if name not in box.toxics:
            raise ApiError(404, "toxic not found")
        return box, box.toxics[name]


def add_toxic(box: ToxicBox, asked: object) -> Toxic:
    """Give a box a toxic that is asked for; raises ApiError."""
    toxic = read_toxic(asked, asyncio.get_running_loop().time())
    if toxic.name in box.toxics:
        raise ApiError(409, "toxic already exists")
    return _put(box, toxic)


def get(path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.RouteDef:
    """Return a route for GET alone: Toxiproxy answers HEAD with 405."""
    return web.get(path, handler, allow_head=False)


def _put(box: ToxicBox, toxic: Toxic) -> Toxic:
    try:
        return box.put(toxic)
    except ValueError as error:
        raise ApiError(400, str(error)) from None
