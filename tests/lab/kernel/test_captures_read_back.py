"""Captures of a lab's links, read back with their truth: cause, maker and idle age of every connection."""

import asyncio
import contextlib
import random
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import dpkt
import pytest
from support.packets import pcap, read_pcap

from hbprobe.errors import CannotMeasureError
from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.findings import record
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.lab.kernel.measure import PORT, far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.manner import Manner
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Cause

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.realtime]

FLOWS = 20
IDLE_S = 3
HOLD_S = 7.5
"""So much longer that a box which looks late at its table still strikes first."""
EVERY_S = 0.04
"""All begin within a second: what is struck at one moment is then not so different in age that it looks like one
event."""
STOOD_STILL_S = 2.0
HELD = range(20_000, 20_000 + FLOWS)
"""The ports of the connections that requests are held on. What a busy machine keeps silent otherwise, such as
questions to the far end, a box may forget as well."""
PATHS = {
    "silent": {},
    "reset": {"expiry": "reset"},
    "reset-on-next": {"expiry": "reset-on-next"},
    "close": {"expiry": "close"},
    "nat": {"nat": {1}},
    "open": {"idle_s": 60},
}


@pytest.fixture(scope="session")
def captures(box, tmp_path_factory, unless_it_stood_still):
    """Hold requests on all paths; return the captures of both sides of each path's box.

    Where this process itself stood still for nearly as long as the boxes wait, connections were forgotten before
    anything was held on them, and all is held again.
    """

    async def held():
        root = tmp_path_factory.mktemp("captures")
        _not_stood_still(await hold_all(box, root))
        return {name: _both_sides(root / name) for name in PATHS}

    return unless_it_stood_still(held)


def _not_stood_still(longest_s):
    if longest_s >= STOOD_STILL_S:
        raise CannotMeasureError(f"stood still for {longest_s} s")


def _both_sides(folder):
    return [next(folder.glob(f"*-{side}.pcap")) for side in ("client", "server")]


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

            async def one(number, port):
                await asyncio.sleep(number * EVERY_S)
                own = dialer.prepared(ports(port))
                await make(Environment("hold", own, 1.0, random.Random(1))).trial(HOLD_S)

            await asyncio.gather(*(one(number, port) for number, port in enumerate(HELD)))
            await asyncio.sleep(2)  # for what the server's system sends again
            stood_still_s = stalls.longest_since(began_s)
            await standing.wait()
            return stood_still_s


def ports(first):
    """Return what gives a port to the first socket that it is given; the system chooses those of the others."""
    left = [first]
    return lambda sock: sock.bind(("", left.pop())) if left else None


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
    """Return the longest silence of each connection by its client's port, as dpkt reads the capture: the truth.

    A box on a busy machine looks at its table late, so its timer alone does not tell when it struck.
    """
    times = defaultdict(list)
    with path.open("rb") as file:
        for at_s, frame in dpkt.pcap.Reader(file):
            segment = dpkt.ethernet.Ethernet(frame).data.data
            if isinstance(segment, dpkt.tcp.TCP):
                times[segment.dport if segment.sport == PORT else segment.sport].append(float(at_s))
    return {
        port: max((two - one for one, two in pairwise(sorted(seen))), default=0.0) for port, seen in times.items()
    }


def is_held(verdict):
    return verdict.flow.client_port in HELD


@pytest.mark.parametrize("sides", ["client", "server", "both"])
@pytest.mark.parametrize("path", CAUSES)
def test_every_connection_gets_its_cause_its_maker_and_its_age(captures, found, path, sides):
    findings = found(path, sides)
    deaths = [verdict for verdict in findings.verdicts if verdict.is_death]
    looked_at = captures[path][sides == "server" : 1 if sides == "client" else 2]
    truth = [silences(one) for one in looked_at]
    longest = {port: max(one.get(port, 0.0) for one in truth) for one in truth for port in one}
    assert [verdict for verdict in deaths if longest[verdict.flow.client_port] < IDLE_S - 0.2] == []
    held = [verdict for verdict in deaths if is_held(verdict)]
    assert sorted(verdict.flow.client_port for verdict in held) == list(HELD)
    assert Counter(verdict.causes for verdict in held) == {(CAUSES[path],): FLOWS}
    assert {verdict.how for verdict in held} == {MANNERS[path]}
    assert {verdict.maker for verdict in held} == {None if MANNERS[path] is Manner.SILENT else "box"}
    assert {verdict.exact for verdict in held} == {path in EXACT}
    least_s = IDLE_S - 0.2 if path in EXACT else HOLD_S - 0.5
    # gaps between repetitions after the death may be longer still
    assert all(least_s <= verdict.idle_s <= longest[verdict.flow.client_port] + 0.2 for verdict in held)
    timer = max(findings.timers, key=lambda timer: len(timer.flows))
    assert {verdict.flow.client_port for verdict in timer.flows} >= set(HELD)
    assert timer.limit.manner is MANNERS[path]


@pytest.mark.parametrize("path", CAUSES)
def test_two_captures_decide(found, path):
    findings = found(path, "both")
    assert findings.missing == 0
    assert abs(findings.clock.ahead_s) < 0.01
    assert len(findings.pairs) >= FLOWS
    assert any(pair.is_translated for pair in findings.pairs) is (path == "nat")
    deaths = [verdict for verdict in findings.verdicts if is_held(verdict)]
    assert all(any(sign.weight == "decides" for sign in verdict.signs) for verdict in deaths)
    assert "a box between the two captures" in answer(record(findings))[0]


def test_the_order_of_the_captures_does_not_matter(captures):
    client, server = captures["reset"]
    assert [str(side) for side in Capture([server, client]).findings().sides] == ["server", "client"]


@pytest.mark.parametrize("sides", [slice(0, 1), slice(1, 2), slice(0, 2)], ids=["client", "server", "both"])
def test_nobody_is_accused_on_the_open_path_whatever_the_captures_lose(captures, tmp_path, sides):
    for seed in range(10):
        rng = random.Random(seed)
        spoilt = []
        for number, path in enumerate(captures["open"][sides]):
            kept = [one for one in read_pcap(path.read_bytes()) if rng.random() > 0.03]
            moved = sorted(range(len(kept)), key=lambda at, rng=rng: at + rng.choice((0, 0, 0, 3.5)))
            spoilt.append(tmp_path / f"{seed}-{number}.pcap")
            spoilt[-1].write_bytes(pcap([kept[at] for at in moved]))
        told = Capture(spoilt).run()
        accused = [flow for flow in told.flows if flow.ending == "idle-death" or flow.maker == "box"]
        assert accused == [], seed
        assert told.timers == (), seed


# A proxy, which ends both its connections itself

PROXIES = {
    "haproxy-debian-tcp": (Manner.CLOSED, {Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER}),
    "azure-sql-gateway": (Manner.RESET, {Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER}),
}
FIRST_PORT, FEW = 9001, 10


@contextlib.contextmanager
def proxies(net):
    """Run each in the router, on a port of its own."""
    with contextlib.ExitStack() as stack:
        for port, profile in enumerate(PROXIES, FIRST_PORT):
            addresses = ("--listen", f"{net.routers[0].address}:{port}", "--upstream", f"{net.server.address}:{PORT}")
            argv = [sys.executable, "-P", "-m", "hbprobe", "proxy", profile, *addresses, "--set", f"idle={IDLE_S}"]
            running = subprocess.Popen(net.routers[0].command(argv), stdout=subprocess.PIPE, text=True)
            stack.enter_context(running)
            stack.callback(running.kill)
            assert running.stdout.readline()
        yield


async def hold_through_proxies(box, folder):
    """Hold requests through all; return how long the loop stood still meanwhile."""
    with kernel_path([box(60)], nat=set(), pcap=folder) as net, proxies(net):
        host = net.routers[0].address
        server_tls, client_tls = throwaway_pair(host)
        server = FarEnd(Settings(), server_tls)
        await server.listen_on(net.server.listen(PORT))
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        stalls, began_s = loop.watch_stalls(), loop.time()
        async with asyncio.TaskGroup() as group:
            for place in range(len(PROXIES)):
                target = Target(tls=True, host=host, port=FIRST_PORT + place, path="/")
                dialer = Dialer(target, client_tls, net.client.adopt)
                for port in HELD[place * FEW : (place + 1) * FEW]:
                    own = dialer.prepared(ports(port))
                    group.create_task(make(Environment("hold", own, 1.0, random.Random(1))).trial(IDLE_S + 1.5))
        await server.close()
        return stalls.longest_since(began_s)


@pytest.fixture(scope="session")
def proxied(box, tmp_path_factory, unless_it_stood_still):
    async def held():
        root = tmp_path_factory.mktemp("proxied")
        _not_stood_still(await hold_through_proxies(box, root))
        return _both_sides(root)

    return unless_it_stood_still(held)


@pytest.mark.parametrize("place", range(len(PROXIES)), ids=PROXIES)
def test_one_capture_leaves_open_whether_a_proxy_or_the_server_ended_it(proxied, place):
    manner, causes = list(PROXIES.values())[place]
    deaths = [verdict for verdict in Capture([proxied[0]]).findings().verdicts if verdict.is_death]
    held = [one for one in deaths if one.flow.client_port in HELD[place * FEW : (place + 1) * FEW]]
    assert len(held) == FEW
    assert {(one.ending, one.maker, one.how, one.exact) for one in held} == {("ended-idle", "unknown", manner, True)}
    assert all(set(one.causes) == causes for one in held)
    assert all(IDLE_S - 0.2 <= one.idle_s < IDLE_S + 1.5 for one in held)


def test_two_captures_name_the_proxy(proxied):
    """The connections on its two sides are matched by payload: nothing else is the same."""
    findings = Capture(proxied).findings()
    for place, (manner, causes) in enumerate(PROXIES.values()):
        held = [one for one in findings.verdicts if one.flow.client_port in HELD[place * FEW : (place + 1) * FEW]]
        assert len(held) == FEW
        assert {(one.ending, one.maker, one.how, one.exact) for one in held} == {("idle-death", "box", manner, True)}
        assert {one.causes for one in held} == {(min(causes, key=lambda cause: "server" in cause),)}
        assert all(any(sign.weight == "decides" for sign in one.signs) for one in held)
