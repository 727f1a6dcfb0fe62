"""How many requests are held at once, and for how long: on a path that is played."""

import asyncio
import random
import re
import socket
import sys

import pytest

from hbprobe import warp
from hbprobe.locate.finding import Code, Hop, Route
from hbprobe.locate.hop_trials import Locating, plan
from hbprobe.manner import Manner
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.ping_answer import HeartbeatLimits

ROUTE = Route((Hop(1, "192.0.2.1", 0.001), Hop(2, "192.0.2.2", 0.002)), 3)
LIMIT_S = 600.0


class Played(Locating):
    """A path of which the second hop forgets; how many requests are held at once is counted."""

    held = most_held = 0

    async def _peer(self):
        return socket.AF_INET, ("203.0.113.9", 443)

    async def _trial(self, ttl, _):
        self.held += 1
        self.most_held = max(self.held, self.most_held)
        await asyncio.sleep(self._asked.hold_s)
        self.held -= 1
        return Outcome(Kind.SURVIVED, 618) if ttl >= 2 else Outcome(Kind.CUT, 621, Manner.SILENT)


def located(method):
    """Locate; return who did, how long it took, and what was said first."""
    said = []

    async def find(*_):
        return ROUTE

    async def main():
        dialer = Dialer(Target(False, "203.0.113.9", 443, "/"), None)
        played = Played(dialer, plan(LIMIT_S, method), random.Random(1), find=find, say=said.append)
        await played.to_the_end()
        return played, asyncio.get_running_loop().time()

    return *warp.run(main(), warp.WarpClock()), said[0]


@pytest.mark.skipif(sys.platform != "linux", reason="locating needs Linux")
@pytest.mark.parametrize(
    ("method", "most", "took_s", "told"),
    [
        ("hold", 5, 618.08, "TCP is answered at hop 3; holding 5 requests for 618 s, side by side"),
        (
            "ping",
            1,
            5 * 618,
            "TCP is answered at hop 3; holding 5 requests for 618 s, one after the other: 51 min 55 s at most",
        ),
    ],
)
def test_pings_are_held_one_after_the_other(method, most, took_s, told):
    played, at_s, said = located(method)
    assert (played.most_held, round(at_s, 2), said) == (most, took_s, told)
    assert (played.located.finding.code, played.located.finding.hop) == (Code.HOP, 2)


@pytest.mark.parametrize(
    ("limit_s", "takes", "hold_s"),
    [
        (600.0, None, 618),
        (610.0, None, 629),
        (600.0, HeartbeatLimits(60, 3540), 618),
        (600.0, HeartbeatLimits(60, 3540, 5), 620),
        (600.0, HeartbeatLimits(max_s=618), 618),
    ],
)
def test_a_ping_is_held_for_a_heartbeat_that_the_server_takes(limit_s, takes, hold_s):
    assert plan(limit_s, "ping", takes=takes).hold_s == hold_s


@pytest.mark.parametrize(
    ("limit_s", "takes", "heartbeat_s"),
    [
        (600.0, HeartbeatLimits(60, 617), 618),
        (600.0, HeartbeatLimits(60, 619, 5), 620),
        (50.0, HeartbeatLimits(60), 52),
    ],
)
def test_a_heartbeat_that_the_server_refuses(limit_s, takes, heartbeat_s):
    told = f"a heartbeat of {heartbeat_s} s would have to be held, and the server takes those {takes}"
    with pytest.raises(ValueError, match=re.escape(told)):
        plan(limit_s, "ping", takes=takes)
