"""`hbprobe watch`: the same paths again and again, for weeks."""

import argparse
import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbprobe.measure.observe import Observer
    from hbprobe.watch.request import Watch


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
    from hbprobe.measure.observe import Observer
    from hbprobe.text import shown
    from hbprobe.watch.request import Watch

    class Lines(Observer):
        """Prints what the watch says, a line each."""

        def says(self, text: str) -> None:
            print(shown(text), flush=True)

    lines = Lines()
    warp.run(_watch(Watch(args.file), lines), warp.ScaledClock())
    return 0


async def _watch(request: "Watch", lines: "Observer") -> None:
    from hbprobe.cli.serve import until_told_to_stop

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
