"""What monitoring asks of a watch over HTTP: metrics, the last result of a target, whether it is well, a reload.

All is read in a thread of its own, on a connection of its own: neither a disk nor another program's lock holds up the
loop that measures, and nobody who asks often can.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from prometheus_client.registry import Collector

from hbprobe.errors import UserError
from hbprobe.net.address import Address
from hbprobe.net.exposition import exposition
from hbprobe.net.json_api import JsonApi
from hbprobe.report.terminal.live import describe
from hbprobe.text import shown, without_query_values
from hbprobe.watch.control import Control
from hbprobe.watch.history import measurement_words, when
from hbprobe.watch.metrics import Itself, Probed, TargetMetrics
from hbprobe.watch.store import Now, State, Store
from hbprobe.watch.watchfile import WatchTarget
from hbprobe.watch.writer import Worker, Writer

T = TypeVar("T")


class WatchEndpoint(JsonApi):
    """The answers."""

    def __init__(
        self,
        control: Control,
        writer: Writer,
        reload: Callable[[], None],
        now: Now,
        more: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        """`more` are routes beside those of monitoring."""
        self._control, self._writer, self._reload, self._now = control, writer, reload, now
        self._worker = Worker("metrics")
        super().__init__(
            [
                web.get("/metrics", self._metrics),
                web.get("/probe", self._probe),
                web.get("/-/healthy", self._healthy),
                web.get("/-/ready", self._ready),
                web.post("/-/reload", self._reloading),
                *more,
            ]
        )

    async def close(self) -> None:
        """Take no more requests."""
        try:
            await super().close()
        finally:
            self._worker.shutdown()

    def where(self, address: Address) -> str:
        """Say where what is to be had."""
        return f"metrics at http://{address}/metrics"

    async def _metrics(self, request: web.Request) -> web.Response:
        plan = self._control.plan
        names = [target.name for target in plan.targets]
        itself = Itself(waiting=self._writer.waiting, interval_s=plan.interval_s, reloaded=self._control.reloaded)
        return await self._exposed(
            request, lambda store: [TargetMetrics(store, names, self._now()), itself], process=True
        )

    async def _probe(self, request: web.Request) -> web.Response:
        """Answer at once from what is stored, and begin the next measurement if the last is an interval old."""
        wanted, module = request.query.get("target", ""), request.query.get("module", "")
        if not wanted:
            return web.Response(status=400, text="name a target: /probe?target=NAME or URL\n")
        target = self._control.plan.find(wanted, module)
        if target is None:
            of_module = f" of module {module!r}" if module else ""
            asked = f"{without_query_values(wanted)!r}{of_module}"
            return web.Response(status=404, text=f"{asked} is no target of this watch\n")
        self._control.hurry(target.name)
        if request.query.get("debug", "") == "true":
            return await self._answer(lambda store: web.Response(text=_debug(store, target)))

        def collectors(store: Store) -> Sequence[Collector]:
            ended = [one for one in store.measurements(target.name) if one.state in (State.DONE, State.FAILED)]
            return [Probed(ended[-1] if ended else None), TargetMetrics(store, [target.name], self._now())]

        return await self._exposed(request, collectors)

    async def _healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="the watch runs\n")

    async def _ready(self, _: web.Request) -> web.Response:
        if self._writer.is_behind:
            return web.Response(status=503, text="the database cannot be written now; nothing is lost\n")
        return web.Response(text="the watch measures, and can store what it finds\n")

    async def _reloading(self, _: web.Request) -> web.Response:
        self._reload()
        return web.Response(status=202, text="the watch file is read again\n")

    async def _exposed(
        self,
        request: web.Request,
        collectors: Callable[[Store], Sequence[Collector]],
        *,
        process: bool = False,
    ) -> web.Response:
        accept = request.headers.get("Accept", "")

        def read(store: Store) -> web.Response:
            body, content_type = exposition(collectors(store), accept, process=process)
            return web.Response(body=body, headers={"Content-Type": content_type})

        return await self._answer(read)

    async def _answer(self, read: Callable[[Store], web.Response]) -> web.Response:
        try:
            return await self._read(read)
        except UserError as error:
            return web.Response(status=503, text=f"{error}\n")

    async def _read(self, read: Callable[[Store], T]) -> T:
        """Read from the database, beside the loop; raises UserError where it cannot be read."""
        path = self._control.plan.database
        return await asyncio.get_running_loop().run_in_executor(self._worker, _read, path, read)


def _read(path: Path, read: Callable[[Store], T]) -> T:
    with Store(path, create=False) as store:
        return read(store)


def _debug(store: Store, target: WatchTarget) -> str:
    """Tell the search of the latest measurement, trial by trial."""
    latest = store.latest(target.name)
    if latest is None:
        return f"{target.name}: nothing was measured yet\n"
    lines = [
        f"target {target.name}, module {target.module or '-'}, {target.target.host}",
        f"measurement {latest.id}, begun {when(latest.started_at)} UTC: {measurement_words(latest)}",
        *map(describe, store.trials(latest.id)),
    ]
    return "".join(f"{shown(line)}\n" for line in lines)
