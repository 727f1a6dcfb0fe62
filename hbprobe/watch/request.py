"""The request for a watch: paths measured again and again, as a watch file says."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import RequestError
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import File, Request

if TYPE_CHECKING:
    from hbprobe.watch.watchfile import WatchPlan
    from hbprobe.watch.writer import Writer


@dataclass(frozen=True, kw_only=True)
class Watch(Request[None]):
    """Measure the targets of a watch file at an interval, until cancelled, and say when a limit changed.

    Every trial is kept in the database that the file names. Ended in any way, it goes on where it was when it is
    started again.
    """

    file: File = field(kw_only=False)
    """targets, interval, database: see docs/watch.md"""

    def check(self) -> None:
        """Raise RequestError for no file."""
        if not fspath(self.file):
            raise RequestError("{file}: name a watch file", "file")

    async def _measured(self, observer: Observer) -> None:
        from hbprobe.profiles.catalogue import Catalogue
        from hbprobe.search.prior import prior_of
        from hbprobe.watch.lock import only_watch
        from hbprobe.watch.service import watch
        from hbprobe.watch.watchfile import load_watch
        from hbprobe.watch.writer import Writer

        plan = load_watch(Path(self.file))
        with only_watch(plan.database):
            async with Writer(plan.database, observer.says) as writer, _metrics(plan, writer, observer):
                await watch(plan, writer, _now, prior_of(Catalogue().all()))


@contextlib.asynccontextmanager
async def _metrics(plan: "WatchPlan", writer: "Writer", observer: Observer) -> AsyncIterator[None]:
    if plan.metrics is None:
        yield
        return
    from hbprobe.watch.metrics import serving

    names = [target.name for target in plan.targets]
    async with serving(plan.database, names, plan.metrics, lambda: writer.waiting) as address:
        observer.says(f"metrics at http://{address}/metrics")
        yield


def _now() -> float:
    return datetime.now(UTC).timestamp()
