"""Every shipped profile of layer packet, in the kernel and as a relay on the warp clock: do they agree?

    python tests/benchmarks/kernel.py

Each profile's idle timer is scaled to two real seconds. It takes about a minute, needs what `hbprobe lab --kernel`
needs, and ends with status 1 where limit or manner differ.
"""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab import inprocess
from hbprobe.lab.kernel.measure import KernelLab, measure
from hbprobe.manner import Layer
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import draw
from hbprobe.search.search import SearchSettings

IDLE_S = 2
WITHOUT_IDLE_S = 600
SIDE_BY_SIDE = 8


def both(profile):
    """Return what the kernel and the relay show: longest hold that survives, manner, answer to one more packet."""
    idle = profile.timers.idle
    rate = (idle.default if idle else WITHOUT_IDLE_S) / IDLE_S
    search = SearchSettings(rate, 4 * rate, rate, connections=8, grace_s=rate)
    in_kernel = measure([profile], Settings(), search, KernelLab(rate))
    relayed = inprocess.measure([profile], Settings(), search)
    found = warp.run(in_kernel, warp.ScaledClock()), warp.run(relayed, warp.WarpClock())
    limits = [findings.run.search.limit for findings in found]
    return [(limit.survived_s, limit.manner, limit.aftermath) for limit in limits]


def main():
    """Print each profile that differs, and the sum."""
    boxes = [draw(box, random.Random(0))[0] for box in Catalogue().all() if box.layer is Layer.PACKET]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        shown = list(pool.map(both, boxes))
    different = [(box.id, *seen) for box, seen in zip(boxes, shown, strict=True) if seen[0] != seen[1]]
    for name, in_kernel, relayed in different:
        sys.stdout.write(f"{name}: kernel {in_kernel}, relay {relayed}\n")
    sys.stdout.write(f"{len(boxes) - len(different)} of {len(boxes)} profiles agree\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
