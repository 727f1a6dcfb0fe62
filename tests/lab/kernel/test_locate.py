"""Which of three boxes forgets first, found in real time on real connection tracking. All paths side by side."""

import asyncio
import contextlib
import functools
import itertools
import json
import random
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from hbprobe.eas.client import Account
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import path
from hbprobe.lab.kernel.measure import PORT, far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.locate.finding import Code, Hop
from hbprobe.locate.hop_trials import Locating, plan
from hbprobe.locate.route import find_route
from hbprobe.measure.guard import Guard, persistently
from hbprobe.standin.service import StandIn
from hbprobe.trial.methods.table import METHODS

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.realtime]

SHORT_S, LONG_S = 2, 8
LIMIT_S = 2.5
"""Conntrack counts whole seconds."""
GRACE_S = 1.5
MOST_LATE_S = 0.4
"""Keep-alives go out once in a second, and the box forgets after two: a standstill of half a second may be a cut."""
TALKS = [name for name, row in METHODS.items() if row.talk]
NO_ICMP = "table ip quiet { chain out { type filter hook output priority 0; icmp type time-exceeded drop; }; }"


async def locate(built, boxes, nat=(), method="hold", ruleset=""):
    with kernel_path(boxes, nat=nat) as net:
        if ruleset:
            net.routers[1].run("nft", "-f", "-", text=ruleset)
        async with far_end(net) as dialer:
            await _stand(built)
            find = functools.partial(find_route, prepare=net.client.adopt)
            return await _located(dialer, plan(LIMIT_S, method, grace_s=GRACE_S), find)


async def locate_with_every_talk(built, boxes):
    """The same path for all protocols at the same time, each with a far end of its own."""
    with kernel_path(boxes) as net:
        async with contextlib.AsyncExitStack() as stack:
            find = functools.partial(find_route, prepare=net.client.adopt)
            dialers = {}
            for port, name in enumerate(TALKS, PORT):
                dialers[name] = await stack.enter_async_context(far_end(net, traits=METHODS[name], port=port))
            await _stand(built)
            asked = (plan(LIMIT_S, name, grace_s=GRACE_S) for name in TALKS)
            found = await asyncio.gather(*map(_located, dialers.values(), asked, itertools.repeat(find)))
            return dict(zip(TALKS, found, strict=True))


async def locate_by_pings(built, boxes):
    """Pings of one device, one after the other."""
    settings = Settings(min_heartbeat_s=1, max_heartbeat_s=600)
    with kernel_path(boxes) as net:
        async with far_end(net, settings, (StandIn(settings),), METHODS["ping"]) as dialer:
            await _stand(built)
            find = functools.partial(find_route, prepare=net.client.adopt)
            asked = plan(LIMIT_S, "ping", grace_s=GRACE_S)
            return await _located(dialer, asked, find, account=Account("lab", "no secret"))


async def locate_relay(built, box):
    """A proxy that ends TCP, on loopback."""
    async with path([box], Settings(), [[]]) as dialer:
        await _stand(built)
        return await _located(dialer, plan(LIMIT_S, grace_s=GRACE_S), find_route)


async def _stand(built):
    """Wait until all paths are built: that holds up the loop they share, as the far end would rightly say."""
    await built.wait()
    await asyncio.sleep(1.5)


async def _located(dialer, asked, find, account=None):
    guard = Guard(MOST_LATE_S)
    again = functools.partial(persistently, guard, outcome=lambda outcome: outcome)  # who is busy stands still, too
    locating = Locating(
        dialer, asked, random.Random(1), account=account, find=find, persist=lambda _, make: again(make)
    )
    await locating.to_the_end()
    return locating.located


async def locate_over_ipv6(boxes):
    """The same boxes, and the programs themselves, on addresses of version 6."""
    with kernel_path(boxes) as net:
        hosts = [net.client, *net.routers, net.server]
        for link, (near, far) in enumerate(pairwise(hosts)):
            near.run("ip", "-6", "address", "add", f"fd00:{link}::1/64", "dev", "server", "nodad")
            far.run("ip", "-6", "address", "add", f"fd00:{link}::2/64", "dev", "client", "nodad")
        for place, host in enumerate(hosts[:-1]):
            host.run("ip", "-6", "route", "add", "default", "via", f"fd00:{place}::2")
        for place, host in enumerate(hosts[2:], 2):
            host.run("ip", "-6", "route", "add", "fd00::/64", "via", f"fd00:{place - 1}::1")
        for router, box in zip(net.routers, net.boxes, strict=True):
            router.sysctl("net.ipv6.conf.all.forwarding", "1")
            router.run(
                "nft",
                "-f",
                "-",
                text=box.ruleset.replace("table ip ", "table ip6 ").replace("l3proto ip", "l3proto ip6"),
            )
        url = "[fd00:3::2]:8080"
        serve = await _start(net.server, "serve", "--tls", "off", "--listen", url)
        try:
            await serve.stdout.readline()
            locate = await _start(net.client, "locate", f"http://{url}", "--limit", "2.5", "--grace", "1", "--json")
            document = json.loads((await locate.communicate())[0])
            return document, locate.returncode
        finally:
            serve.terminate()
            await serve.communicate()


async def _start(host, *arguments):
    argv = host.command([sys.executable, "-m", "hbprobe", *arguments])
    return await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE)


located_together = pytest.mark.xdist_group("kernel lab")


@pytest.fixture(scope="session")
def found(box, unless_it_stood_still):
    """Every path, located."""

    def chain(guilty, expiry="silent"):
        return [box(SHORT_S if place == guilty else LONG_S, expiry) for place in (1, 2, 3)]

    async def all_of_them():
        built = asyncio.Barrier(10)
        cases = {
            "2": locate(built, chain(2)),
            "1, NAT": locate(built, chain(1), nat={1}),
            "3, NAT": locate(built, chain(3), nat={1}),
            "2, reset": locate(built, chain(2, "reset-on-next"), nat={1}),
            "2, idle": locate(built, chain(2), nat={1}, method="idle"),
            "2, no ICMP": locate(built, chain(2), ruleset=NO_ICMP),
            "none": locate(built, chain(0)),
            "2, talks": locate_with_every_talk(built, chain(2)),
            "1, Pings": locate_by_pings(built, chain(1)[:1]),
            "2, IPv6": locate_over_ipv6(chain(2)),
            "a proxy": locate_relay(built, box(SHORT_S)),
        }
        return dict(zip(cases, await asyncio.gather(*cases.values()), strict=True))

    return unless_it_stood_still(all_of_them)


ADDRESSES = ["10.40.0.2", "10.40.1.2", "10.40.2.2"]


@located_together
@pytest.mark.parametrize("case", ["2", "1, NAT", "3, NAT", "2, reset", "2, idle", "1, Pings"])
def test_the_shortest_of_three(found, case):
    finding, guilty = found[case].finding, int(case[0])
    assert (finding.code, finding.hop, finding.address) == (Code.HOP, guilty, ADDRESSES[guilty - 1])


@located_together
@pytest.mark.parametrize("name", TALKS)
def test_with_every_protocol(found, name):
    finding = found["2, talks"][name].finding
    assert (finding.code, finding.hop, finding.address) == (Code.HOP, 2, ADDRESSES[1])


@located_together
def test_the_route(found):
    route = found["2"].route
    assert ([hop.address for hop in route.hops], route.distance) == (ADDRESSES, 4)


@located_together
def test_a_hop_that_sends_no_icmp(found):
    located = found["2, no ICMP"]
    assert located.route.hops[1] == Hop(2, None)
    assert (located.finding.code, located.finding.hop, located.finding.address) == (Code.HOP, 2, None)


@located_together
def test_no_box_is_short(found):
    assert found["none"].finding.code is Code.OPEN


@located_together
def test_over_ipv6(found):
    document, status = found["2, IPv6"]
    assert status == 1
    assert [hop["address"] for hop in document["hops"]] == ["fd00::2", "fd00:1::2", "fd00:2::2"]
    assert [trial["outcome"] for trial in document["trials"]] == ["cut"] * 2 + ["survived"] * 4
    assert (document["finding"]["hop"], document["finding"]["address"]) == (2, "fd00:1::2")


@located_together
def test_a_proxy_that_ends_tcp(found):
    located = found["a proxy"]
    assert (located.finding.code, located.finding.hop) == (Code.NOT_BY_KEEP_ALIVE, 1)
    assert "a proxy that ends TCP at or before hop 1" in located.finding.text


def test_the_verb_with_raw_packets_and_as_an_ordinary_user(python_without_privileges):
    """As this user without raw packets it runs over IPv6, above."""
    program = textwrap.dedent(
        """
        import json, subprocess, sys, time
        from hbprobe.lab.kernel.path import kernel_path
        from hbprobe.profiles.catalogue import Catalogue

        example = Catalogue().find("ten-minute-provider")

        def box(idle_s):
            idle = example.timers.idle.model_copy(update={"default": idle_s})
            return example.model_copy(update={"timers": example.timers.model_copy(update={"idle": idle})})

        hbprobe = [sys.executable, "-m", "hbprobe"]
        with kernel_path([box(8), box(2), box(8)], nat={1}) as net:
            address = f"{net.server.address}:8080"
            serve = net.server.command([*hbprobe, "serve", "--tls", "off", "--listen", address])
            with subprocess.Popen(serve, stdout=subprocess.PIPE) as far_end:
                far_end.stdout.readline()
                locate = [*hbprobe, "locate", f"http://{address}", "--limit", "2.5", "--grace", "1", "--json"]
                done = subprocess.run(net.client.command([*locate, *sys.argv[1:]]), capture_output=True, text=True)
                far_end.terminate()
        print(json.dumps([done.stdout, done.stderr, done.returncode]))
        """
    )
    ways = [[sys.executable, "-c", program, "--raw"], [*python_without_privileges, "-c", program]]
    with ThreadPoolExecutor(len(ways)) as pool:
        done = list(pool.map(functools.partial(subprocess.run, capture_output=True, text=True, check=True), ways))
    for one in done:
        out, err, status = json.loads(one.stdout)
        assert status == 1, err
        document = json.loads(out)
        assert [hop["address"] for hop in document["hops"]] == ADDRESSES
        finding = document["finding"]
        assert (finding["code"], finding["hop"], finding["address"]) == ("hop", 2, ADDRESSES[1])
