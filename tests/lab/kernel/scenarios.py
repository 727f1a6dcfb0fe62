"""Measure boxes side by side in the kernel, a program that prints JSON; and as relays on the warp clock.

python scenarios.py NAME...
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab import inprocess
from hbprobe.lab.kernel.measure import KernelLab, measure
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import DEFAULT

SEARCH = SearchSettings(1, 4, 1, connections=8, grace_s=1)
IDLE_S = 2


def example(**idle):
    """Return a box that forgets after two seconds, in this manner; without one, a plain router."""
    profile = Catalogue().find("ten-minute-provider")
    timer = profile.timers.idle.model_validate({**profile.timers.idle.model_dump(), "default": IDLE_S, **idle})
    timers = profile.timers.model_copy(update={"idle": timer if idle else None})
    return profile.model_copy(update={"timers": timers})


SCENARIOS = {
    "silent": (example(expiry="silent"), False),
    "reset-on-next": (example(expiry="reset-on-next"), False),
    "reset-on-next to the client": (example(expiry="reset-on-next", tells="client"), False),
    "reset": (example(expiry="reset"), False),
    "close": (example(expiry="close"), False),
    "revived by the client": (example(expiry="silent", revived_by="client"), False),
    "NAT, silent": (example(expiry="silent"), True),
    "NAT, reset-on-next": (example(expiry="reset-on-next"), True),
    "NAT, reset": (example(expiry="reset"), True),
    "plain routing": (example(), False),
    "silent, as a Redis client": (example(expiry="silent"), False, "redis"),
}
"""Which box, whether it translates addresses, and with which method, where that is not `hold`."""


def in_the_kernel(scenarios):
    """Measure all at once, each in a thread of its own: building a path holds up a loop."""

    def one(scenario):
        box, nat, *method = scenario
        lab = KernelLab(nat={1} if nat else ())
        return warp.run(measure([box], Settings(), SEARCH, lab, method=(*method, DEFAULT)[0]), warp.ScaledClock())

    with ThreadPoolExecutor(len(scenarios)) as pool:
        return list(pool.map(one, scenarios))


def as_relays(scenarios):
    """Measure one after the other, which takes no time."""
    return [
        warp.run(inprocess.measure([box], Settings(), SEARCH, *method), warp.WarpClock())
        for box, _, *method in scenarios
    ]


def told(where, names):
    """Return what was found: survived and cut, in seconds, the manner, whether exact, the aftermath."""
    found = where([SCENARIOS[name] for name in names])
    limits = {name: findings.run.search.limit for name, findings in zip(names, found, strict=True)}
    return {name: [x.survived_s, x.cut_s, x.manner, x.exact, x.aftermath] for name, x in limits.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(told(in_the_kernel, sys.argv[1:])))
