"""`hbprobe watch`: the same paths again and again, for weeks."""

import asyncio
import contextlib
import signal
from dataclasses import dataclass

from cyclopts import Parameter

from hbprobe.cli.request_options import from_request
from hbprobe.measure.observe import Observer
from hbprobe.watch.request import Watch


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """None: the file says everything."""


class _Lines(Observer):
    """Prints what the watch says, a line each."""

    def says(self, text: str) -> None:
        from hbprobe.text import shown

        print(shown(text), flush=True)


@from_request(Watch)
def watch(request: Watch, own: Options) -> int:  # noqa: ARG001  there are none
    """Measure until told to stop."""
    from hbprobe import warp

    warp.run(_until_stopped(request, _Lines()), warp.ScaledClock())
    return 0


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
