"""The calls, with Toxiproxy's answers, errors and status codes.

Beside them: toxics in the body of a proxy, `GET /proxies/{proxy}/connections`, and `GET /events`.
"""

import asyncio
import json
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from hbprobe.middlebox.faults.toxic_calls import ToxicCalls, add_toxic, get
from hbprobe.middlebox.faults.toxic_reading import ApiError, read_json
from hbprobe.net.event_feed import EventFeed
from hbprobe.net.json_api import JsonApi
from hbprobe.toxiproxy.api_reading import PLAIN, ProxyAsked, read_proxy, require
from hbprobe.toxiproxy.toxic_proxy import Proxy

VERSION = "2.13.0"
"""Whose API this is: clients look whether it is new enough."""
_BROWSER = "Mozilla/"


class ToxiproxyApi(JsonApi):
    """Proxies, and the API that makes and steers them."""

    def __init__(
        self,
        token: str | None = None,
        seed: int = 0,
        feed: EventFeed | None = None,
        folder: Path | None = None,
        more: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        """`token`: what callers must send; `seed`: which connections a toxic with a toxicity below 1 hits.

        `feed` is to be told what happens. `folder` holds the files that proxies may name for TLS; None for any.
        `more` are routes beside those of the API.
        """
        self._seed = seed
        self._folder = folder
        self.proxies: dict[str, Proxy] = {}
        """By name."""
        self._one_at_a_time = asyncio.Lock()
        self.feed = feed or EventFeed()
        proxy = "/proxies/{proxy}"
        super().__init__(
            [
                get("/version", self._version),
                get("/metrics", self._metrics),
                get("/events", self._events),
                get("/proxies", self._all),
                web.post("/proxies", self._create),
                web.post("/populate", self._populate),
                web.post("/reset", self._reset),
                get(proxy, self._show),
                web.patch(proxy, self._update),
                web.post(proxy, self._update),
                web.delete(proxy, self._delete),
                get(f"{proxy}/connections", self._connections),
                *ToxicCalls(lambda request: self._proxy(request).box).routes(proxy),
                *more,
            ],
            token,
        )

    async def close(self) -> None:
        """Take no more requests, and take all proxies down."""
        await super().close()
        for proxy in self.proxies.values():
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

    def _lets_browser(self, request: web.Request) -> bool:
        """Whether a browser may ask for this."""
        del request
        return False

    def _answering(self, handler: Handler) -> Handler:
        async def answering(request: web.Request) -> web.StreamResponse:
            is_browser = request.headers.get("User-Agent", "").startswith(_BROWSER)
            if is_browser and not self._lets_browser(request):
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
        return _json({name: proxy.document() for name, proxy in self.proxies.items()})

    async def _create(self, request: web.Request) -> web.Response:
        asked = read_proxy(read_json(await request.read()))
        require([asked])
        async with self._one_at_a_time:
            if asked.name in self.proxies:
                raise ApiError(409, "proxy already exists")
            proxy = await self._made(asked)
        return _json(proxy.document(), 201)

    async def _made(self, asked: ProxyAsked) -> Proxy:
        """Make a proxy with its toxics, or nothing at all; raises ApiError."""
        name, upstream = asked.name or "", asked.upstream or ""
        proxy = Proxy(name, asked.listen or "", upstream, self._seed, self.feed)
        try:
            proxy.speak(asked.tls or PLAIN, self._folder)
            for toxic in asked.toxics:
                add_toxic(proxy.box, toxic)
            if asked.enabled is not False:
                await proxy.start()
        except ApiError:
            proxy.close()
            raise
        self.proxies[name] = proxy
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
                there = self.proxies.get(asked.name)
                if there is not None and await there.leads(
                    asked.listen or "", asked.upstream or "", asked.tls or PLAIN
                ):
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
            tls = proxy.tls if asked.tls is None else asked.tls
            if not await proxy.leads(listen, upstream, tls):
                before, proxy.upstream = proxy.upstream, upstream
                try:
                    proxy.speak(tls, self._folder)
                except ApiError:
                    proxy.upstream = before
                    raise
                proxy.stop()
                proxy.listen = listen
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
        del self.proxies[proxy.name]
        proxy.close()

    async def _reset(self, _: web.Request) -> web.Response:
        async with self._one_at_a_time:
            for proxy in self.proxies.values():
                proxy.box.remove_all()
                await proxy.start()
        return web.Response(status=204)

    async def _connections(self, request: web.Request) -> web.Response:
        return _json({"connections": self._proxy(request).box.connections()})

    def _proxy(self, request: web.Request) -> Proxy:
        try:
            return self.proxies[request.match_info["proxy"]]
        except KeyError:
            raise ApiError(404, "proxy not found") from None

    # What happens

    async def _metrics(self, request: web.Request) -> web.Response:
        # imported where they are served: most tests of others never ask
        from hbprobe.net.exposition import exposition
        from hbprobe.toxiproxy.metrics import Proxies

        body, kind = exposition([Proxies(self.proxies.values())], request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self.feed.answer(request)


_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def error_answer(status: int, text: str) -> web.Response:
    """Return an error as Toxiproxy writes it: JSON that is called text."""
    body = json.dumps({"error": text, "status": status}) + "\n"
    return web.Response(status=status, text=body, headers=_NO_SNIFF)


def _json(document: object, status: int = 200) -> web.Response:
    return web.json_response(document, status=status)


def _entries(asked: object) -> list[ProxyAsked]:
    if not isinstance(asked, list):
        raise ApiError(400, "bad request body: an array of proxies is wanted")
    return [read_proxy(one) for one in asked]
