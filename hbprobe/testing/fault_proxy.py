"""The fault proxy in a test's own process: `async with FaultProxy({"name": "db", "upstream": ...}) as faults`."""

import time
from collections.abc import Mapping
from typing import Any

from hbprobe.errors import UserError
from hbprobe.middlebox.faults.toxic_reading import ApiError, read_toxic
from hbprobe.net.event_feed import EventFeed, time_of_day
from hbprobe.testing.in_flight import wait_until_delivered
from hbprobe.testing.loop import WarpLoop
from hbprobe.testing.on_loop import OnLoop
from hbprobe.toxiproxy.api import ToxiproxyApi
from hbprobe.toxiproxy.toxic_proxy import Proxy

_BLACKHOLE = "blackhole"
_HERE = "127.0.0.1"


class FaultProxy(OnLoop):
    """Proxies on loopback with toxics, and Toxiproxy's API at `url`, which programs in any language can call.

    `async with` runs it on the loop of the test, whatever its clock. `with` runs it in a thread of its own in real
    time, for clients that block.
    """

    kind = "fault proxy"

    def __init__(self, *proxies: Mapping[str, Any], seed: int = 0) -> None:
        """Have these proxies from the start, as `POST /populate` takes them; they listen where a port is free.

        `seed`: which connections a toxic with a toxicity below 1 hits. A proxy that cannot be is a UserError when it
        is opened.
        """
        self.host = _HERE
        self.port = 0
        """The API's, once it runs."""
        self._asked = [{"listen": f"{_HERE}:0", **proxy} for proxy in proxies]
        self._seed = seed
        self._feed = EventFeed(self._now)
        self._began = (time_of_day(), 0.0)
        self._api: ToxiproxyApi | None = None
        self._dark_since_s: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<FaultProxy at {self.url}>"

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://{self.host}:{self.port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """What has happened so far, as `GET /events` tells it; `at` is on the clock of its loop."""
        return self._do(lambda: self._feed.since(0))

    def address(self, name: str) -> tuple[str, int]:
        """Return where clients of a proxy connect."""
        host, _, port = self._do(lambda: self._proxy(name).listen).rpartition(":")
        return host.strip("[]"), int(port)

    def add(
        self, proxy: str, toxic: str, *, stream: str = "downstream", toxicity: float = 1.0, **attributes: object
    ) -> None:
        """Give a proxy a toxic by its type, or change the one that it has: `add("db", "latency", latency=200)`.

        Raises UserError where that cannot be.
        """
        asked = {"name": toxic, "type": toxic, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        self._do(lambda: self._add(proxy, asked))

    def remove(self, proxy: str, toxic: str) -> None:
        """Take a toxic away. What a black hole swallowed is sent again by TCP; the warp clock waits for that."""
        self._do(lambda: self._remove(proxy, toxic))

    def _add(self, name: str, asked: dict[str, Any]) -> None:
        box = self._proxy(name).box
        try:
            box.put(read_toxic(asked, self._loop.time()))
        except (ApiError, ValueError) as error:
            raise UserError(f"{asked['type']}: {error}") from None
        if asked["type"] == _BLACKHOLE:
            self._dark_since_s.setdefault(name, time.perf_counter())

    def _remove(self, name: str, toxic: str) -> None:
        proxy = self._proxy(name)
        if toxic not in proxy.box.toxics:
            raise UserError(f"{name} has no toxic {toxic}: it has {', '.join(proxy.box.toxics.names) or 'none'}")
        proxy.box.remove(toxic)
        since_s = self._dark_since_s.pop(name, None) if toxic == _BLACKHOLE else None
        if since_s is not None and isinstance(self._loop, WarpLoop):  # a job in a thread holds its clock
            own, server = (int(address.rpartition(":")[2]) for address in (proxy.listen, proxy.upstream))
            self._loop.run_in_executor(None, wait_until_delivered, own, server, time.perf_counter() - since_s)

    def _proxy(self, name: str) -> Proxy:
        if self._api is None:
            raise UserError("the fault proxy does not run: use it inside `async with` or `with`")
        if name not in self._api.proxies:
            raise UserError(f"no proxy {name}: there are {', '.join(self._api.proxies) or 'none'}")
        return self._api.proxies[name]

    def _now(self) -> float:
        at_s, of_loop_s = self._began
        return at_s + self._loop.time() - of_loop_s

    async def _open(self) -> None:
        self._began = (time_of_day(), self._loop.time())
        self._dark_since_s.clear()
        self._api = ToxiproxyApi(seed=self._seed, feed=self._feed)
        try:
            await self._api.populate(self._asked)
        except ApiError as error:
            raise UserError(f"a fault proxy cannot have these proxies: {error}") from None
        self.host, self.port = await self._api.listen(_HERE, 0)

    async def _close(self) -> None:
        if self._api is not None:
            await self._api.close()
            self._api = None
