"""The request for a watch: paths measured again and again, as a watch file says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import RequestError, UserError
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import File, Request
from hbprobe.search.prior import shipped_prior
from hbprobe.text import counted

if TYPE_CHECKING:
    from hbprobe.watch.control import Control
    from hbprobe.watch.endpoint import WatchEndpoint
    from hbprobe.watch.notify import Notifier
    from hbprobe.watch.writer import Writer

_LOOK_S = 15.0
"""So often is looked whether a file that names targets has changed."""


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

    _reload: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False, compare=False)

    def reload(self) -> None:
        """Let a running watch read its file again, and go on with what that says; to be called on its loop."""
        self._reload.set()

    def _answers(self) -> "type[WatchEndpoint]":
        """Return what answers over HTTP."""
        from hbprobe.watch.endpoint import WatchEndpoint

        return WatchEndpoint

    @contextlib.asynccontextmanager
    async def _served(self, control: "Control", writer: "Writer") -> AsyncIterator[None]:
        if control.plan.metrics is None:
            yield
            return
        endpoint = self._answers()(control, writer, self.reload, wall_clock)
        async with endpoint.opened(control.plan.metrics, "--listen HOST:PORT") as address:
            control.says(endpoint.where(address))
            yield

    async def _measured(self, observer: Observer) -> None:
        from hbprobe.watch.control import Control
        from hbprobe.watch.history import change_part
        from hbprobe.watch.notify import Notifier
        from hbprobe.watch.store import only_watch
        from hbprobe.watch.watch import watch
        from hbprobe.watch.watchfile import load_watch
        from hbprobe.watch.writer import Writer

        plan = load_watch(Path(self.file))
        control = Control(plan, observers=[observer])
        with only_watch(plan.database):
            async with (
                Writer(plan.database, control.says) as writer,
                Notifier(plan.notify, control.says) as notifier,
            ):
                control.changed = lambda target, change: notifier.tell(
                    {"target": target.name, **change_part(change).to_dict()}
                )
                async with self._served(control, writer):
                    reloading = asyncio.ensure_future(_reloading(self, control, notifier))
                    try:
                        await watch(plan, writer, wall_clock, shipped_prior(), control=control)
                    finally:
                        reloading.cancel()


async def _reloading(request: Watch, control: "Control", notifier: "Notifier") -> None:
    """Read the watch file again when that is asked for, or when a file that names targets has changed."""
    from hbprobe.watch.watchfile import discovery_stamps, load_watch

    file = Path(request.file)
    before = await asyncio.to_thread(discovery_stamps, control.plan)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(request._reload.wait(), _LOOK_S)
        is_asked = request._reload.is_set()
        request._reload.clear()
        stamps = await asyncio.to_thread(discovery_stamps, control.plan)
        if not is_asked and stamps == before:
            continue
        before = stamps
        try:
            plan = await asyncio.to_thread(load_watch, file)
        except UserError as error:
            control.reloaded = False
            control.says(f"{error}; the watch goes on as before")
            continue
        old, control.reloaded, notifier.whom = control.plan, True, plan.notify
        if (plan.database, plan.metrics) != (old.database, old.metrics):
            control.says("database and metrics stay as they are until the watch is started again")
        control.replace(replace(plan, database=old.database, metrics=old.metrics))
        control.says(f"{file}: read again: {counted(len(plan.targets), 'target')}")


def wall_clock() -> float:
    """Return the time in seconds since 1970."""
    return datetime.now(UTC).timestamp()
