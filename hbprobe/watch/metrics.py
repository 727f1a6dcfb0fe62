"""What a watch has found, for Prometheus: read from the database at each request, so that counters never start anew.

It is read in a thread of its own, on a connection of its own: neither a disk nor another program's lock holds up the
loop that measures, and nobody who asks often can.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

from aiohttp import web

from hbprobe.errors import UserError
from hbprobe.net.address import Address, cannot_listen
from hbprobe.watch.changes import changes_of, seen_of
from hbprobe.watch.store import State, Store
from hbprobe.watch.worker import Worker

try:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.registry import Collector
except ImportError:
    raise UserError("metrics need prometheus-client: pip install 'hbprobe[watch]'") from None


class Findings(Collector):
    """The metrics of a database; one label, the target's name.

    `waiting`: so many findings are known, and not in the database yet.
    """

    def __init__(self, store: Store, targets: Sequence[str], waiting: int) -> None:
        self._store, self._targets, self._waiting = store, targets, waiting

    def collect(self) -> Iterable[Metric]:
        """Return them all."""
        limits = _Gauges()
        counts = _Counts()
        for target in self._targets:
            done = self._store.measurements(target, State.DONE)
            if done:
                limits.add(target, "survived", done[-1].survived_s)
                limits.add(target, "cut", done[-1].cut_s)
                limits.add(target, "healthy", done[-1].healthy)
                limits.add(target, "started", done[-1].started_at)
            latest = self._store.latest(target)
            limits.add(target, "running", latest is not None and latest.state is State.RUNNING)
            counts.add(target, *self._store.count(target), len(changes_of(seen_of(done))))
        words = "Findings that are kept in memory until they can be stored"
        unstored = GaugeMetricFamily("hbprobe_unstored_findings", words, value=self._waiting)
        return [*limits.families.values(), *counts.families.values(), unstored]


class _Gauges:
    """The latest finding of each target."""

    def __init__(self) -> None:
        words = {
            "survived": ("hbprobe_limit_survived_seconds", "The longest hold that survived in the last measurement"),
            "cut": ("hbprobe_limit_cut_seconds", "The shortest hold that was cut in it; absent where none was"),
            "healthy": ("hbprobe_healthy", "1 where the last measurement found no problem for Direct Push"),
            "started": ("hbprobe_last_measurement_timestamp_seconds", "When the last measurement began"),
            "running": ("hbprobe_measuring", "1 while a measurement runs"),
        }
        self.families = {key: GaugeMetricFamily(*text, labels=["target"]) for key, text in words.items()}

    def add(self, target: str, key: str, value: float | None) -> None:
        """Add a value; None stands for one that is not known, and is left out."""
        if value is not None:
            self.families[key].add_metric([target], float(value))


class _Counts:
    """What each target has seen so far."""

    def __init__(self) -> None:
        words = {
            "measurements": ("hbprobe_measurements", "Measurements, by how far they came", ["target", "state"]),
            "trials": ("hbprobe_trials", "Trials that ended, by outcome", ["target", "outcome"]),
            "changes": ("hbprobe_limit_changes", "How often the limit changed", ["target"]),
        }
        self.families = {
            key: CounterMetricFamily(name, text, labels=labels) for key, (name, text, labels) in words.items()
        }

    def add(self, target: str, states: dict[str, int], outcomes: dict[str, int], changes: int) -> None:
        """Add the counts of a target."""
        for state, count in states.items():
            self.families["measurements"].add_metric([target, state], count)
        for outcome, count in outcomes.items():
            self.families["trials"].add_metric([target, outcome], count)
        self.families["changes"].add_metric([target], changes)


@contextlib.asynccontextmanager
async def serving(
    database: Path, targets: Sequence[str], address: Address, waiting: Callable[[], int]
) -> AsyncIterator[Address]:
    """Serve `/metrics` on an address while the context is open; raises UserError where that cannot be had."""
    worker, loop = Worker("metrics"), asyncio.get_running_loop()

    async def metrics(_: web.Request) -> web.Response:
        try:
            body = await loop.run_in_executor(worker, _exposition, database, targets, waiting())
        except UserError as error:
            return web.Response(status=503, text=f"{error}\n")
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise cannot_listen(address, error) from None
        host, port = runner.addresses[0][:2]
        yield Address(host, port)
    finally:
        await runner.cleanup()
        worker.shutdown()


def _exposition(database: Path, targets: Sequence[str], waiting: int) -> bytes:
    with Store(database, create=False) as store:
        registry = CollectorRegistry()
        registry.register(Findings(store, targets, waiting))
        return generate_latest(registry)
