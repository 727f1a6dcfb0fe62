"""`hbprobe watch`: the same paths again and again, for weeks."""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbprobe.search.prior import Prior
    from hbprobe.watch.store import Store
    from hbprobe.watch.watchfile import WatchPlan


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "watch",
        help="measure paths again and again, and say when a limit changed",
        description="Measure the targets of a watch file at an interval, keep every trial in a database, and say "
        "when a limit changed. Ended in any way, it goes on where it was when it is started again.",
    )
    parser.add_argument(
        "file", type=Path, metavar="WATCH.yaml", help="targets, interval, database: see docs/watch.md"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb until it is told to stop."""
    from hbprobe import warp
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.search.prior import prior_of
    from hbprobe.watch.lock import only_watch
    from hbprobe.watch.store import Store
    from hbprobe.watch.watchfile import load_watch

    plan = load_watch(args.file)
    with only_watch(plan.database), Store(plan.database, create=True) as store:
        warp.run(_watch(plan, store, prior_of(Catalogue().all())), warp.ScaledClock())
    return 0


async def _watch(plan: "WatchPlan", store: "Store", prior: "Prior") -> None:
    from hbprobe.cli.serve import until_told_to_stop
    from hbprobe.watch.service import watch

    async with _metrics(plan, store):
        watching = asyncio.ensure_future(watch(plan, store, _now, _say, prior))
        stopping = asyncio.ensure_future(until_told_to_stop())
        try:
            await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    _say("stopped; start it again to go on")


@contextlib.asynccontextmanager
async def _metrics(plan: "WatchPlan", store: "Store") -> AsyncIterator[None]:
    if plan.metrics is None:
        yield
        return
    from hbprobe.watch.metrics import serving

    async with serving(store, [target.name for target in plan.targets], plan.metrics) as address:
        _say(f"metrics at http://{address}/metrics")
        yield


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _say(text: str) -> None:
    from hbprobe.text import shown

    print(shown(text), flush=True)
