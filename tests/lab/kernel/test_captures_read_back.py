"""Captures of a lab's links, read back with their truth: cause, maker and idle age of every connection."""

import asyncio
import random
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import dpkt
import pytest
from support.packets import pcap, read_pcap

from hbprobe import warp
from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.findings import record
from hbprobe.lab.kernel.measure import far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.manner import Manner
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Cause

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.realtime]

FLOWS = 50
IDLE_S = 3
HOLD_S = 7.5
"""So much longer that a box which looks late at its table still strikes first."""
EVERY_S = 0.04
"""All begin within two seconds: what is struck at one moment is then not so different in age that it looks like one
event."""
STOOD_STILL_S, TRIES = 1.0, 3
PATHS = {
    "silent": {},
    "reset": {"expiry": "reset"},
    "reset-on-next": {"expiry": "reset-on-next"},
    "close": {"expiry": "close"},
    "nat": {"nat": {1}},
    "open": {"idle_s": 60},
}


@pytest.fixture(scope="session")
def captures(box, tmp_path_factory):
    """Hold requests on all paths; return the captures of both sides of each path's box.

    Where this process itself stood still for long, ends were silent for other reasons than those that are looked for,
    and all is held again.
    """
    for _ in range(TRIES):
        root = tmp_path_factory.mktemp("captures")
        if warp.run(hold_all(box, root), warp.ScaledClock()) < STOOD_STILL_S:
            break
    return {name: [next((root / name).glob(f"*-{side}.pcap")) for side in ("client", "server")] for name in PATHS}


async def hold_all(box, root):
    """Hold on one path after the other, while all stand; return how long the loop stood still meanwhile.

    To build a path or to take it down holds up the loop.
    """
    standing = asyncio.Barrier(len(PATHS))
    async with asyncio.TaskGroup() as group:
        held = [
            group.create_task(hold(box, root / name, standing, after_s=number * FLOWS * EVERY_S, **changes))
            for number, (name, changes) in enumerate(PATHS.items())
        ]
    return max(one.result() for one in held)


async def hold(box, folder, standing, *, after_s, expiry="silent", nat=(), idle_s=IDLE_S):
    with kernel_path([box(idle_s, expiry)], nat=set(nat), pcap=folder) as net:
        async with far_end(net) as dialer:
            await standing.wait()
            await asyncio.sleep(0.1)
            loop = asyncio.get_running_loop()
            stalls, began_s = loop.watch_stalls(), loop.time()
            await asyncio.sleep(after_s)
            method = make(Environment("hold", dialer, 1.0, random.Random(1)))

            async def one(number):
                await asyncio.sleep(number * EVERY_S)
                await method.trial(HOLD_S)

            await asyncio.gather(*(one(number) for number in range(FLOWS)))
            await asyncio.sleep(2)  # for what the server's system sends again
            stood_still_s = stalls.longest_since(began_s)
            await standing.wait()
            return stood_still_s


CAUSES = {
    "silent": Cause.STATE_LOST_SILENTLY,
    "nat": Cause.STATE_LOST_SILENTLY,
    "reset": Cause.RESET_BY_BOX,
    "reset-on-next": Cause.STATE_LOST_RESET_ON_NEXT,
    "close": Cause.CLOSED_BY_PROXY,
}
MANNERS = {
    "silent": Manner.SILENT,
    "nat": Manner.SILENT,
    "reset": Manner.RESET,
    "reset-on-next": Manner.RESET,
    "close": Manner.CLOSED,
}
EXACT = ("reset", "close")


@pytest.fixture(scope="session")
def found(captures):
    """Return what the captures of a path show, from one side or both; each is judged once."""

    @cache
    def judged(path, sides):
        client, server = captures[path]
        return Capture({"client": [client], "server": [server], "both": [client, server]}[sides]).findings()

    return judged


def silences(path):
    """Return the longest silence of each connection that was held, as dpkt reads the capture: the truth.

    A box on a busy machine looks at its table late, so its timer alone does not tell when it struck.
    """
    times = defaultdict(list)
    with path.open("rb") as file:
        for at_s, frame in dpkt.pcap.Reader(file):
            segment = dpkt.ethernet.Ethernet(frame).data.data
            if isinstance(segment, dpkt.tcp.TCP):
                times[min(segment.sport, segment.dport), max(segment.sport, segment.dport)].append(float(at_s))
    longest = [max((two - one for one, two in pairwise(sorted(seen))), default=0.0) for seen in times.values()]
    return sorted(one for one in longest if one >= IDLE_S - 0.2)


@pytest.mark.parametrize("sides", ["client", "server", "both"])
@pytest.mark.parametrize("path", CAUSES)
def test_every_connection_gets_its_cause_its_maker_and_its_age(captures, found, path, sides):
    findings = found(path, sides)
    deaths = [verdict for verdict in findings.verdicts if verdict.is_death]
    assert len(deaths) == FLOWS
    assert Counter(verdict.causes for verdict in deaths) == {(CAUSES[path],): FLOWS}
    assert {verdict.how for verdict in deaths} == {MANNERS[path]}
    assert {verdict.maker for verdict in deaths} == {None if MANNERS[path] is Manner.SILENT else "box"}
    assert {verdict.exact for verdict in deaths} == {path in EXACT}
    ages = sorted(verdict.idle_s for verdict in deaths)
    looked_at = captures[path][sides == "server" : 1 if sides == "client" else 2]
    longest = max(map(silences, looked_at))[-FLOWS:]  # gaps between repetitions after the death may be longer still
    assert all(age <= silence + 0.2 for age, silence in zip(ages, longest, strict=True))
    assert ages[0] >= (IDLE_S - 0.2 if path in EXACT else HOLD_S - 0.5)
    (timer,) = findings.timers
    assert len(timer.flows) == FLOWS
    assert timer.limit.manner is MANNERS[path]


@pytest.mark.parametrize("path", CAUSES)
def test_two_captures_decide(found, path):
    findings = found(path, "both")
    assert findings.missing < 0.02  # a busy machine's own capture drops some
    assert abs(findings.clock.ahead_s) < 0.01
    assert len(findings.pairs) >= FLOWS
    assert any(pair.is_translated for pair in findings.pairs) is (path == "nat")
    deaths = [verdict for verdict in findings.verdicts if verdict.is_death]
    assert all(any(sign.weight == "decides" for sign in verdict.signs) for verdict in deaths)
    assert "a box between the two captures" in answer(record(findings))[0]


def test_the_order_of_the_captures_does_not_matter(captures):
    client, server = captures["reset"]
    assert [str(side) for side in Capture([server, client]).findings().sides] == ["server", "client"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sides", [slice(0, 1), slice(1, 2), slice(0, 2)], ids=["client", "server", "both"])
def test_nobody_is_accused_on_the_open_path_whatever_the_captures_lose(captures, tmp_path, sides, seed):
    rng = random.Random(seed)
    spoilt = []
    for number, path in enumerate(captures["open"][sides]):
        kept = [one for one in read_pcap(path.read_bytes()) if rng.random() > 0.03]
        moved = sorted(range(len(kept)), key=lambda at: at + rng.choice((0, 0, 0, 3.5)))
        spoilt.append(tmp_path / f"{number}.pcap")
        spoilt[-1].write_bytes(pcap([kept[at] for at in moved]))
    told = Capture(spoilt).run()
    accused = [flow for flow in told.flows if flow.ending == "idle-death" or flow.maker == "box"]
    assert accused == []
    assert told.timers == ()
