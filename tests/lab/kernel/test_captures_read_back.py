"""Captures of a lab's links, read back with their truth: cause, maker and idle age of every connection."""

import asyncio
import random
from collections import Counter

import pytest

from hbprobe import warp
from hbprobe.evidence.captures.capture import Capture
from hbprobe.lab.kernel.far_end import far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.trial.methods import make_method
from hbprobe.trial.outcome import Cause, How

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.realtime]

FLOWS = 50
IDLE_S = 4
HOLD_S = 7.0


def captured(folder, box, *, expiry="silent", nat=(), hold_s=HOLD_S, idle_s=IDLE_S, netem=None):
    """Hold requests on a path with one box, begun one after another; return the captures of both its sides."""

    async def hold_all():
        with kernel_path([box(idle_s, expiry)], nat=set(nat), pcap=folder) as net:
            if netem is not None:
                for host, link in ((net.client, "server"), (net.server, "client")):
                    host.run("tc", "qdisc", "add", "dev", link, "root", "netem", *netem.split())
            async with far_end(net) as dialer:
                method = make_method("hold", dialer, 2.0, random.Random(1))

                async def one(number):
                    await asyncio.sleep(number * 0.06)
                    return await method.trial(hold_s)

                outcomes = await asyncio.gather(*(one(number) for number in range(FLOWS)))
                await asyncio.sleep(3)  # for what is sent again
                return outcomes

    outcomes = warp.run(hold_all(), warp.ScaledClock())
    (client,) = folder.glob("*-client.pcap")
    (server,) = folder.glob("*-server.pcap")
    return client, server, outcomes


def held(findings):
    """Return the verdicts on the connections that were held; the others carried questions to the far end."""
    return [one for one in findings.verdicts if one.is_death or one.longest_s >= IDLE_S - 1]


if __name__ == "__main__":
    import sys
    from pathlib import Path
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.model import Expiry
    example = Catalogue().find("ten-minute-provider")
    def make(idle_s, expiry="silent", **changes):
        idle = example.timers.idle.model_copy(update={"default": idle_s, "expiry": Expiry(expiry), **changes})
        return example.model_copy(update={"timers": example.timers.model_copy(update={"idle": idle})})
    for name, kw in {"silent": {}, "reset": dict(expiry="reset"), "next": dict(expiry="reset-on-next"), "close": dict(expiry="close"), "nat": dict(nat={1}), "open": dict(idle_s=60)}.items():
        c, s, o = captured(Path("/tmp/caps")/name, make, **kw)
        print(name, Counter((x.kind.value, x.how and x.how.value, round(x.elapsed_s,1)) for x in o).most_common(4))
