"""The calls, with Toxiproxy's answers, errors and status codes.

Beside them: toxics in the body of a proxy, `GET /proxies/{proxy}/connections`, and `GET /events`.
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from hbprobe.net.json_api import JsonApi, read_number
from hbprobe.toxiproxy.api_documents import metrics_text, toxic_document
from hbprobe.toxiproxy.api_reading import (
    ApiError,
    ProxyAsked,
    changed_toxic,
    read_json,
    read_proxy,
    read_toxic,
    require,
)
from hbprobe.toxiproxy.feed import Feed
from hbprobe.toxiproxy.toxic_proxy import Proxy

VERSION = "2.13.0"
"""Whose API this is: clients look whether it is new enough."""
_BROWSER = "Mozilla/"


class ToxiproxyApi(JsonApi):
    """Proxies, and the API that makes and steers them."""

    def __init__(self, token: str | None = None, seed: int = 0) -> None:
        """`token`: what callers must send; `seed`: which connections a toxic with a toxicity below 1 hits."""
        self._seed = seed
        self._proxies: dict[str, Proxy] = {}
        self._one_at_a_time = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self.feed = Feed()
        proxy, toxics = "/proxies/{proxy}", "/proxies/{proxy}/toxics"
        toxic = f"{toxics}/{{toxic}}"
        super().__init__(
            [
                _get("/version", self._version),
                _get("/metrics", self._metrics),
                _get("/events", self._events),
                _get("/proxies", self._all),
                web.post("/proxies", self._create),
                web.post("/populate", self._populate),
                web.post("/reset", self._reset),
                _get(proxy, self._show),
                web.patch(proxy, self._update),
                web.post(proxy, self._update),
                web.delete(proxy, self._delete),
                _get(f"{proxy}/connections", self._connections),
                _get(toxics, self._toxics),
                web.post(toxics, self._add_toxic),
                _get(toxic, self._show_toxic),
                web.patch(toxic, self._update_toxic),
                web.post(toxic, self._update_toxic),
                web.delete(toxic, self._remove_toxic),
            ],
            token,
        )

    async def close(self) -> None:
        """Take no more requests, and take all proxies down."""
        await super().close()
        for proxy in self._proxies.values():
            proxy.close()

    async def populate(self, asked: object) -> list[Proxy]:
        """Make proxies of a configuration, `[{"name", "listen", "upstream", "enabled", "toxics"}]`.

        One that is there as asked for is left alone, another one of its name is replaced. Raises ApiError.
        """
        made: list[Proxy] = []
        await self._populate_with(_entries(asked), made)
        return made

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await super()._admit(request, self._answering(handler))
        except web.HTTPException as error:  # who calls is wrong
            answer = error_answer(error.status, json.loads(error.text or "{}").get("error", error.reason))
        if not answer.prepared:
            answer.headers["X-Toxiproxy-Request-Id"] = uuid.uuid4().hex
        return answer

    def _answering(self, handler: Handler) -> Handler:
        async def answering(request: web.Request) -> web.StreamResponse:
            if request.headers.get("User-Agent", "").startswith(_BROWSER):
                return web.Response(status=403, text="User agent not allowed\n")
            try:
                return await handler(request)
            except ApiError as error:
                return error_answer(error.status, error.text)
            except web.HTTPMethodNotAllowed as error:
                return web.Response(status=405, headers={"Allow": error.headers.get("Allow", "")})
            except web.HTTPNotFound:
                return web.Response(status=404, text="404 page not found\n", headers=_NO_SNIFF)

        return answering

    # Proxies

    async def _version(self, _: web.Request) -> web.Response:
        return web.Response(
            text=f'{{"version": "{VERSION}"}}\n', headers={"Content-Type": "application/json;charset=utf-8"}
        )

    async def _all(self, _: web.Request) -> web.Response:
        return _json({name: proxy.document() for name, proxy in self._proxies.items()})

    async def _create(self, request: web.Request) -> web.Response:
        asked = read_proxy(read_json(await request.read()))
        require([asked])
        async with self._one_at_a_time:
            if asked.name in self._proxies:
                raise ApiError(409, "proxy already exists")
            proxy = await self._made(asked)
        return _json(proxy.document(), 201)

    async def _made(self, asked: ProxyAsked) -> Proxy:
        """Make a proxy with its toxics, or nothing at all; raises ApiError."""
        name, upstream = asked.name or "", asked.upstream or ""
        proxy = Proxy(name, asked.listen or "", upstream, self._seed, self.feed.tell)
        try:
            for toxic in asked.toxics:
                read = read_toxic(toxic, self._loop.time())
                if read.name in proxy.toxics:
                    raise ApiError(409, "toxic already exists")
                proxy.put(read)
            if asked.enabled is not False:
                await proxy.start()
        except ApiError:
            proxy.close()
            raise
        self._proxies[name] = proxy
        return proxy

    async def _populate(self, request: web.Request) -> web.Response:
        entries = read_json(await request.read())
        made: list[Proxy] = []
        try:
            await self._populate_with(_entries(entries), made)
        except ApiError as error:
            documents = [proxy.document() for proxy in made] or None
            return _json({"error": error.text, "status": error.status, "proxies": documents}, error.status)
        return _json({"proxies": [proxy.document() for proxy in made] or None}, 201)

    async def _populate_with(self, entries: Sequence[ProxyAsked], made: list[Proxy]) -> None:
        require(entries, numbered=True)
        async with self._one_at_a_time:
            for asked in entries:
                assert asked.name is not None
                there = self._proxies.get(asked.name)
                if there is not None and await there.leads(asked.listen or "", asked.upstream or ""):
                    made.append(there)
                    continue
                if there is not None:
                    self._drop(there)
                made.append(await self._made(asked))

    async def _show(self, request: web.Request) -> web.Response:
        return _json(self._proxy(request).document())

    async def _update(self, request: web.Request) -> web.Response:
        async with self._one_at_a_time:
            proxy = self._proxy(request)
            asked = read_proxy(read_json(await request.read()))
            listen, upstream = asked.listen or proxy.listen, asked.upstream or proxy.upstream
            enabled = proxy.enabled if asked.enabled is None else asked.enabled
            if not await proxy.leads(listen, upstream):
                proxy.stop()
                proxy.listen, proxy.upstream = listen, upstream
            if enabled:
                await proxy.start()
            else:
                proxy.stop()
        return _json(proxy.document())

    async def _delete(self, request: web.Request) -> web.Response:
        async with self._one_at_a_time:
            self._drop(self._proxy(request))
        return web.Response(status=204)

    def _drop(self, proxy: Proxy) -> None:
        del self._proxies[proxy.name]
        proxy.close()

    async def _reset(self, _: web.Request) -> web.Response:
        async with self._one_at_a_time:
            for proxy in self._proxies.values():
                proxy.remove_all()
                await proxy.start()
        return web.Response(status=204)

    async def _connections(self, request: web.Request) -> web.Response:
        return _json({"connections": self._proxy(request).connections()})

    # Toxics

    async def _toxics(self, request: web.Request) -> web.Response:
        return _json([toxic_document(toxic) for toxic in self._proxy(request).toxics.all()])

    async def _add_toxic(self, request: web.Request) -> web.Response:
        body = read_json(await request.read())
        proxy = self._proxy(request)
        toxic = read_toxic(body, self._loop.time())
        if toxic.name in proxy.toxics:
            raise ApiError(409, "toxic already exists")
        return _json(toxic_document(proxy.put(toxic)))

    async def _show_toxic(self, request: web.Request) -> web.Response:
        proxy, name = self._toxic(request)
        return _json(toxic_document(proxy.toxics[name]))

    async def _update_toxic(self, request: web.Request) -> web.Response:
        body = await request.read()
        proxy, name = self._toxic(request)
        changed = changed_toxic(proxy.toxics[name], read_json(body), self._loop.time())
        return _json(toxic_document(proxy.put(changed)))

    async def _remove_toxic(self, request: web.Request) -> web.Response:
        proxy, name = self._toxic(request)
        proxy.remove(name)
        return web.Response(status=204)

    def _proxy(self, request: web.Request) -> Proxy:
        try:
            return self._proxies[request.match_info["proxy"]]
        except KeyError:
            raise ApiError(404, "proxy not found") from None

    def _toxic(self, request: web.Request) -> tuple[Proxy, str]:
        proxy, name = self._proxy(request), request.match_info["toxic"]
        if name not in proxy.toxics:
            raise ApiError(404, "toxic not found")
        return proxy, name

    # What happens

    async def _metrics(self, _: web.Request) -> web.Response:
        text = metrics_text(proxy.measures() for proxy in self._proxies.values())
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        text = request.headers.get("Last-Event-ID") or request.query.get("last_event_id", "0")
        if (last := read_number(text)) is None:
            raise ApiError(400, "Last-Event-ID must be the number of an event, or 0 for all that are kept")
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"},
        )
        await answer.prepare(request)
        async for event in self.feed.listen(last):
            await answer.write(event)
        return answer


_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def error_answer(status: int, text: str) -> web.Response:
    """Return an error as Toxiproxy writes it: JSON that is called text."""
    body = json.dumps({"error": text, "status": status}) + "\n"
    return web.Response(status=status, text=body, headers=_NO_SNIFF)


def _get(path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.RouteDef:
    return web.get(path, handler, allow_head=False)


def _json(document: object, status: int = 200) -> web.Response:
    return web.json_response(document, status=status)


def _entries(asked: object) -> list[ProxyAsked]:
    if not isinstance(asked, list):
        raise ApiError(400, "bad request body: an array of proxies is wanted")
    return [read_proxy(one) for one in asked]
