"""Diagnose boxes side by side in the kernel; a program that prints JSON.

python diagnoses.py NAME...
"""

import asyncio
import json
import random
import sys

from hbprobe import warp
from hbprobe.lab.kernel.measure import far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.measure.run import Run
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.methods.method import Environment, make

IDLE_S = 3
SEARCH = SearchSettings(1, 5, 1, connections=8, grace_s=1)
SCENARIOS = {
    "silent": ({"expiry": "silent"}, ()),
    "reset-on-next": ({"expiry": "reset-on-next"}, ()),
    "reset": ({"expiry": "reset"}, ()),
    "revived by the client": ({"expiry": "silent", "revived_by": "client"}, ()),
    "NAT, silent": ({"expiry": "silent"}, {1}),
    "NAT, reset-on-next": ({"expiry": "reset-on-next"}, {1}),
    "plain routing": (None, ()),
}


def example(idle):
    """Return a box that forgets after three seconds, in this manner; without one, a plain router."""
    profile = Catalogue().find("ten-minute-provider")
    timer = idle and profile.timers.idle.model_validate(
        {**profile.timers.idle.model_dump(), "default": IDLE_S, **idle}
    )
    return profile.model_copy(update={"timers": profile.timers.model_copy(update={"idle": timer})})


async def diagnosed(standing, idle, nat):
    """Diagnose one of them, while all stand: to build one or to take it down holds up the loop."""
    with kernel_path([example(idle)], nat=nat) as net:
        async with far_end(net) as dialer:
            await standing.wait()
            rng = random.SystemRandom()
            found = Diagnosing(Run(Search(SEARCH), make(Environment("hold", dialer, SEARCH.grace_s, rng))), dialer)
            await found.to_the_end()
            await standing.wait()
    died = next((one for one in found.seen if one.ask.question.value == "post-mortem"), None)
    limit, reasoning = found.run.search.limit, found.reasoning
    return {
        "limit": [limit.survived_s, limit.cut_s],
        "causes": reasoning.explanation.causes,
        "timer": [reasoning.runs, reasoning.counts, reasoning.direction],
        "kinds": reasoning.kinds,
        "far_end": died and died.far_end and died.far_end.state,
    }


async def all_of_them(names):
    """Diagnose all at once: each lab is a world of its own."""
    standing = asyncio.Barrier(len(names))
    found = await asyncio.gather(*(diagnosed(standing, *SCENARIOS[name]) for name in names))
    return dict(zip(names, found, strict=True))


if __name__ == "__main__":
    json.dump(warp.run(all_of_them(sys.argv[1:]), warp.ScaledClock()), sys.stdout)
