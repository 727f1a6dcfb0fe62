"""Makes the picture of docs/captures.md: `python docs/capture_picture.py`, where a kernel lab can be built.

Thirty requests are held for one to eight seconds behind a box that resets what is idle for four; both its sides are
captured, and read back.
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from hbprobe import warp
from hbprobe.evidence.captures.capture import Capture
from hbprobe.lab.kernel.measure import far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.manner import Expiry
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Profile
from hbprobe.report.plots.capture_plot import capture_plot
from hbprobe.report.plots.style import save
from hbprobe.report.terminal.capture import print_capture
from hbprobe.trial.methods.method import Environment, make

PICTURE = Path(__file__).parent / "pictures" / "captures.png"
REQUESTS = 30


def box(idle_s: float) -> Profile:
    """Return a packet box that resets what is idle for so long."""
    example = Catalogue().find("ten-minute-provider")
    idle = example.timers.idle
    assert idle is not None
    changed = idle.model_copy(update={"default": idle_s, "expiry": Expiry.RESET})
    return example.model_copy(update={"timers": example.timers.model_copy(update={"idle": changed})})


async def held(folder: Path) -> None:
    """Hold the requests, one begun after another."""
    rng = random.Random(4)
    with kernel_path([box(4)], nat={1}, pcap=folder) as net:
        async with far_end(net) as dialer:
            method = make(Environment("hold", dialer, 1.0, rng))

            async def one(number: int) -> None:
                await asyncio.sleep(number * 0.2)
                await method.trial(rng.uniform(1.0, 8.0))

            await asyncio.gather(*(one(number) for number in range(REQUESTS)))


def main() -> None:
    """Make it, and print what was found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warp.run(held(folder), warp.ScaledClock())
        sides = [next(folder.glob(f"*-{side}.pcap")) for side in ("client", "server")]
        record = Capture(sides).run()
    save(capture_plot(record), PICTURE)
    print_capture(record, Console(width=100))


if __name__ == "__main__":
    sys.exit(main())
