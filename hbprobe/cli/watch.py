"""`hbprobe watch`: the same paths again and again, for weeks."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hbprobe.cli.request_options import from_request
from hbprobe.measure.observe import Observer
from hbprobe.watch.request import Watch

if TYPE_CHECKING:
    from hbprobe.watch.endpoint import WatchEndpoint


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How it is shown; the file says everything else."""

    live: Annotated[
        bool, Parameter(help="on a terminal: all targets with their histories as sparklines, and what runs")
    ] = False


class _Lines(Observer):
    """Prints what the watch says, a line each."""

    def says(self, text: str) -> None:
        from hbprobe.text import shown

        print(shown(text), flush=True)


class _Paged(Watch):
    """A watch that has a page beside its metrics."""

    def _answers(self) -> "type[WatchEndpoint]":
        from hbprobe.web.watch_page import PagedEndpoint

        return PagedEndpoint


@from_request(_Paged)
def watch(request: Watch, own: Options) -> int:
    """Measure until told to stop."""
    from hbprobe import warp

    with _shown(is_live=own.live) as observer:
        warp.run(_until_stopped(request, observer), warp.ScaledClock())
    return 0


@contextlib.contextmanager
def _shown(*, is_live: bool) -> Iterator[Observer]:
    """Show what goes on as a table that changes, where that is wanted and standard output is a terminal."""
    from rich.console import Console

    console = Console()
    if not (is_live and console.is_terminal):
        yield _Lines()
        return
    from hbprobe.watch.live_table import LiveWatch
    from hbprobe.watch.request import wall_clock

    with LiveWatch(console, wall_clock) as live:
        yield live


async def _until_stopped(request: Watch, lines: Observer) -> None:
    from hbprobe.cli.serve import until_told_to_stop

    with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has no SIGHUP
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, request.reload)
    watching = asyncio.ensure_future(request.measure(lines))
    stopping = asyncio.ensure_future(until_told_to_stop())
    try:
        await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    lines.says("stopped; start it again to go on")
