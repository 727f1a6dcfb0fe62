"""Flows that are degraded while they live, on real sockets and the warp clock: what each toxic does, to both ends."""

import asyncio
import contextlib
import random
import select
import socket
import sys

import pytest
from support.boxes import Stage, make_box

from hbprobe.middlebox.faults.staged_relay import StagedRelay, What
from hbprobe.middlebox.faults.toxics import SETTINGS, Toxic, Toxics
from hbprobe.profiles.catalogue import Catalogue

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")
DOWN, UP = "downstream", "upstream"


class Scene(Stage):
    """A stage whose relay has toxics."""

    def __init__(self, profile=None, seed="seed", **toxics):
        super().__init__(profile or make_box())
        self.toxics = Toxics(seed, random.Random, Catalogue().find)
        self.news = []
        self._first = toxics

    async def __aenter__(self):
        await super().__aenter__()
        self.relay.close()
        upstream = [(socket.AF_INET, self.listener.getsockname())]
        self.relay = StagedRelay(
            self._profile,
            upstream,
            self.events.append,
            treat=self.toxics.treatment,
            told=lambda *news: self.news.append(news),
        )
        self.address = await self.relay.listen("127.0.0.1", 0)
        for kind, attributes in self._first.items():
            self.put(kind, **attributes)
        return self

    def put(self, kind, stream=DOWN, toxicity=1.0, name="", **attributes):
        settings = SETTINGS[kind](**attributes)
        now = asyncio.get_running_loop().time()
        self.toxics.put(Toxic(name or kind, kind, stream, toxicity, settings, now))
        self.relay.treat_all()

    def remove(self, name):
        self.toxics.remove(name)
        self.relay.treat_all()

    def heard(self, what):
        return [(number, by, how) for became, number, _, by, how, _ in self.news if became is what]

    async def opened(self):
        """Return both ends of a flow that stands."""
        client, server = await self.flow()
        await asyncio.sleep(0.01)
        return client, server


def now():
    return asyncio.get_running_loop().time()


async def arrives(peer, count):
    """Return how long so many bytes took from now on."""
    began, got = now(), b""
    while len(got) < count:
        seen = await peer.sees(1000)
        assert isinstance(seen, bytes), (seen, len(got))
        got += seen
    return now() - began


# Without toxics, it is the relay that it was


async def keeps_a_half_close(on, client, server):
    await client.send(b"question")
    client.send_fin()
    assert await server.sees_all() == (b"question", "fin")
    await server.send(b"answer")
    server.send_fin()
    assert await client.sees_all() == (b"answer", "fin")
    assert on.heard(What.ENDED) == [(1, "", "closed")]


async def test_a_half_close_is_kept_and_the_answer_behind_it_arrives():
    async with Scene() as on:
        await keeps_a_half_close(on, *await on.flow())


STREAM = {
    "latency": {"latency": 100},
    "bandwidth": {"rate": 1000},
    "slow_close": {"delay": 300},
    "slicer": {"average_size": 5000, "delay": 1000},
    "limit_data": {"bytes": 1000},
    "packet_loss": {"loss_rate": 0.5},
    "noop": {},
}
both_ways = pytest.mark.parametrize("stream", [UP, DOWN])


@both_ways
@pytest.mark.parametrize("kind", STREAM)
async def test_with_a_stage_a_half_close_is_kept_too(kind, stream):
    async with Scene(**{kind: STREAM[kind] | {"stream": stream}}) as on:
        await keeps_a_half_close(on, *await on.opened())


@both_ways
@pytest.mark.parametrize("kind", [*STREAM, "blank"])
async def test_rst_stays_rst(kind, stream):
    async with Scene(**({kind: STREAM[kind] | {"stream": stream}} if kind in STREAM else {})) as on:
        for of in (0, 1):
            ends = await on.opened()
            ends[of].send_rst()
            assert await ends[1 - of].sees() == "rst"
        assert [how for _, _, how in on.heard(What.ENDED)] == ["reset", "reset"]


async def test_rst_does_not_overtake_what_is_delayed():
    async with Scene(latency={"latency": 1000}) as on:
        client, server = await on.opened()
        await server.send(b"last words")
        await asyncio.sleep(0.01)
        server.send_rst()
        began = now()
        assert await client.sees_all() == (b"last words", "rst")
        assert now() - began == pytest.approx(1, abs=0.02)


@on_linux
async def test_no_end_gets_a_keep_alive_that_nobody_asked_for():
    async with Scene(latency={"latency": 10}) as on:
        await on.opened()
        (link,) = on.relay._links
        assert [sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) for sock in link.socks] == [0, 0]


# Each toxic against theory


@both_ways
async def test_latency_is_added_once_in_its_direction(stream):
    async with Scene(latency={"latency": 250, "stream": stream}) as on:
        client, server = await on.opened()
        away, back = (client, server) if stream == UP else (server, client)
        await away.send(b"x")
        assert await arrives(back, 1) == pytest.approx(0.25, abs=1e-6)
        await back.send(b"y")
        assert await arrives(away, 1) == pytest.approx(0, abs=1e-6)


async def test_jitter_is_spread_evenly_around_latency():
    async with Scene(latency={"latency": 100, "jitter": 50}) as on:
        client, server = await on.opened()
        took = []
        for _ in range(200):
            await server.send(b"x")
            took.append(await arrives(client, 1))
        assert 0.05 <= min(took) < 0.06 and 0.14 < max(took) <= 0.15
        assert sum(took) / 200 == pytest.approx(0.1, abs=0.01)  # five standard errors


@pytest.mark.parametrize(("rate", "size"), [(100, 200_000), (1, 3_000), (5000, 3_000_000)])
async def test_bandwidth_passes_so_many_bytes_a_second(rate, size):
    async with Scene(bandwidth={"rate": rate}) as on:
        client, server = await on.opened()
        sending = asyncio.ensure_future(server.send(bytes(size)))
        assert await arrives(client, size) == pytest.approx(size / rate / 1000, rel=0.05)
        await sending


@both_ways
async def test_limit_data_passes_exactly_so_many_bytes_and_closes(stream):
    async with Scene(limit_data={"bytes": 5001, "stream": stream}) as on:
        client, server = await on.opened()
        away, back = (client, server) if stream == UP else (server, client)
        for _ in range(4):
            with contextlib.suppress(OSError):
                await away.send(bytes(2000))
        received, end = await back.sees_all()
        assert (len(received), end) == (5001, "fin")
        assert await away.sees() == "fin"
        assert on.heard(What.ENDED) == [(1, "limit_data", "closed")]


async def test_limit_data_goes_on_counting_when_the_limit_is_changed():
    async with Scene(limit_data={"bytes": 100}) as on:
        client, server = await on.opened()
        await server.send(bytes(60))
        assert len(await client.sees()) == 60
        on.put("limit_data", bytes=80)
        await server.send(bytes(60))
        received, end = await client.sees_all()
        assert (len(received), end) == (20, "fin")


async def test_slow_close_delays_only_the_end():
    async with Scene(slow_close={"delay": 500}) as on:
        client, server = await on.opened()
        await server.send(b"bye")
        server.send_fin()
        assert await arrives(client, 3) == pytest.approx(0, abs=1e-6)
        began = now()
        assert await client.sees() == "fin"
        assert now() - began == pytest.approx(0.5, abs=1e-6)


async def test_a_slicer_cuts_small_pieces_apart():
    async with Scene(slicer={"average_size": 100, "size_variation": 20, "delay": 2000}) as on:
        client, server = await on.opened()
        await server.send(bytes(1000))
        began, pieces = now(), []
        while sum(pieces) < 1000:
            pieces.append(len(await client.sees()))
        assert max(pieces) <= 120
        assert now() - began == pytest.approx((len(pieces) - 1) * 0.002, abs=1e-6)


async def test_packet_loss_loses_no_byte_and_holds_up_by_retransmission_times():
    sent = random.Random(7).randbytes(100_000)
    async with Scene(packet_loss={"loss_rate": 0.1}) as on:
        client, server = await on.opened()
        sending = asyncio.ensure_future(server.send(sent))
        began, received = now(), b""
        while len(received) < len(sent):
            received += await client.sees(1000)
        await sending
        assert received == sent
        assert (now() - began) / 0.2 == pytest.approx(round((now() - began) / 0.2), abs=1e-3)
        assert now() - began > 0.2


async def test_timeout_lets_nothing_pass_and_closes_at_its_time_whatever_is_said():
    async with Scene(timeout={"timeout": 1000}) as on:
        client, server = await on.opened()
        began = now()
        for _ in range(4):
            await server.send(b"unheard")
            await asyncio.sleep(0.2)
        assert await client.sees() == "fin"
        assert now() - began == pytest.approx(1, abs=0.02)
        assert await server.sees() == "fin"
        assert on.heard(What.ENDED) == [(1, "timeout", "closed")]


async def test_timeout_without_a_time_closes_when_it_is_removed():
    async with Scene(timeout={"timeout": 0}) as on:
        client, server = await on.opened()
        await server.send(b"unheard")
        assert await client.sees(86400) == "nothing"
        on.remove("timeout")
        assert await client.sees() == "fin"
        assert await server.sees() == "fin"


# Rules of flows


async def test_reset_peer_resets_both_ends_of_an_idle_flow_and_of_one_that_was_there_before():
    async with Scene() as on:
        client, server = await on.opened()
        await asyncio.sleep(100)
        on.put("reset_peer", timeout=500)
        began = now()
        assert await client.sees() == "rst"
        assert now() - began == pytest.approx(0.5, abs=1e-3)
        assert await server.sees() == "rst"
        other, far = await on.flow()
        assert (await other.sees(), await far.sees()) == ("rst", "rst")
        assert on.heard(What.ACTED) == [(1, "reset_peer", ""), (2, "reset_peer", "")]


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_idle_drop_ends_what_is_quiet_and_spares_what_speaks(how):
    async with Scene(idle_drop={"timeout": 60_000, "manner": how}) as on:
        quiet, _ = await on.opened()
        client, server = await on.opened()
        for _ in range(10):
            await asyncio.sleep(50)
            await client.send(b"ping")
            assert await server.sees() == b"ping"
        assert await quiet.sees() == {"reset": "rst", "close": "fin"}[how]
        assert on.heard(What.ENDED) == [(1, "idle_drop", how)]


async def test_idle_drop_that_only_the_client_restarts():
    async with Scene(idle_drop={"timeout": 60_000, "manner": "reset", "restarted_by": "client-data"}) as on:
        client, server = await on.opened()
        await asyncio.sleep(50)
        await server.send(b"not counted")
        await asyncio.sleep(11)
        assert await client.sees_all() == (b"not counted", "rst")


async def test_a_new_idle_drop_counts_from_when_it_was_made():
    async with Scene() as on:
        client, _ = await on.opened()
        await asyncio.sleep(1000)
        on.put("idle_drop", timeout=60_000, manner="reset", restarted_by="each-direction")
        began = now()
        assert await client.sees(100) == "rst"
        assert now() - began == pytest.approx(60, abs=1e-3)


@on_linux
async def test_a_whole_product_is_one_attribute():
    async with Scene(idle_drop={"profile": "azure-load-balancer"}) as on:
        client, _ = await on.opened()
        await client.send(b"x")
        (state,) = on.relay.flows()
        expected = Catalogue().find("azure-load-balancer").timers.idle.default
        assert state.due_in_s == pytest.approx(expected, abs=1)
        await asyncio.sleep(expected + 1)
        (expired,) = on.expired
        assert expired.expiry is Catalogue().find("azure-load-balancer").timers.idle.expiry


async def test_max_age_ends_whatever_moves():
    async with Scene(max_age={"timeout": 10_000, "manner": "close"}) as on:
        client, server = await on.opened()
        for _ in range(9):
            await asyncio.sleep(1)
            await client.send(b"x")
            assert await server.sees() == b"x"
        assert await client.sees(1.5) == "fin"


@on_linux
async def test_half_open_tells_one_end_only():
    async with Scene(half_open={"timeout": 1000}) as on:
        client, server = await on.opened()
        assert await server.sees() == "rst"
        assert await client.sees(3600) == "nothing"
        await client.send(b"is anybody there?")
        assert await client.sees() == "nothing"
        assert client.unacknowledged_segments() == 1


async def test_the_shorter_of_two_timers_counts():
    async with Scene(max_age={"timeout": 10_000, "manner": "close"}) as on:
        on.put("reset_peer", timeout=3000)
        client, _ = await on.flow()
        assert await client.sees() == "rst"
        on.remove("reset_peer")
        other, _ = await on.flow()
        assert await other.sees(11) == "fin"


# Silence that heals


@on_linux
@pytest.mark.realtime
def test_a_blackhole_heals_without_losing_a_byte():
    async def scene():
        async with Scene() as on:
            client, server = await on.opened()
            await client.send(b"before ")
            await server.send(b"vorher ")
            assert (await server.sees(), await client.sees()) == (b"before ", b"vorher ")
            on.put("blackhole")
            await client.send(b"during")
            await server.send(b"dabei")
            await asyncio.sleep(0.3)
            assert (client.unacknowledged_segments(), server.unacknowledged_segments()) == (1, 1)
            on.remove("blackhole")
            assert (await server.sees(20), await client.sees(20)) == (b"during", b"dabei")
            await client.send(b"after")
            assert await server.sees(20) == b"after"
            assert on.heard(What.ENDED) == []

    asyncio.run(scene())


@on_linux
@pytest.mark.parametrize("how", ["reset", "close"])
async def test_what_ends_a_flow_in_a_blackhole_is_lost_with_all_else(how):
    async with Scene(idle_drop={"timeout": 60_000, "manner": how}) as on:
        client, server = await on.opened()
        on.put("blackhole")
        await asyncio.sleep(61)
        assert on.heard(What.ENDED) == [(1, "idle_drop", how)]
        on.remove("blackhole")
        await client.send(b"hello?")
        assert (await client.sees(), await server.sees()) == ("nothing", "nothing")


async def repeated(peer):
    """Wait until the kernel has repeated what was lost, which takes real time."""
    ready, _, _ = await asyncio.to_thread(select.select, [peer.sock], [], [], 60)
    assert ready


@on_linux
@pytest.mark.parametrize("before", [True, False])
async def test_what_forgot_a_flow_answers_nothing_in_a_blackhole_and_answers_when_it_is_over(before):
    async with Scene(idle_drop={"timeout": 60_000, "manner": "reset-on-next"}) as on:
        client, _ = await on.opened()
        await asyncio.sleep(61 * before)
        on.put("blackhole")
        await asyncio.sleep(61)
        await client.send(b"hello?")
        assert await client.sees() == "nothing"
        on.remove("blackhole")
        await repeated(client)
        assert await client.sees() == "rst"


@on_linux
async def test_a_blackhole_is_for_those_flows_that_it_hits():
    async with Scene() as on:
        ends = [await on.opened() for _ in range(8)]
        on.put("blackhole", toxicity=0.5)
        dark = {number for number, _, _ in on.heard(What.HIT)}
        assert 0 < len(dark) < 8
        for number, (client, server) in enumerate(ends, 1):
            await client.send(b"x")
            assert await server.sees() == ("nothing" if number in dark else b"x")


@on_linux
async def test_a_flow_that_is_opened_in_a_blackhole_is_silent():
    async with Scene(blackhole={"toxicity": 0.999}) as on:
        client, _ = await on.opened()
        await client.send(b"hello?")
        assert await client.sees(100) == "nothing"
        assert client.unacknowledged_segments() == 1


@on_linux
@pytest.mark.parametrize("of_all", [False, True])
async def test_flows_whose_ends_had_to_wait_end_when_the_blackhole_heals_and_the_others_go_on(of_all):
    delay = {"latency": 1000}
    async with Scene() as on:
        on.put("latency", DOWN, name="down", **delay)
        on.put("latency", UP, name="up", **delay)
        flows = [await on.opened() for _ in range(6)]
        for ends in flows[::2]:
            for end in ends:
                await end.send(b"bye")
                end.sock.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.3)
        if of_all:
            on.relay.blackhole()
        else:
            on.put("blackhole")
        await asyncio.sleep(3)
        if of_all:
            on.relay.heal()
        else:
            on.remove("blackhole")
        await asyncio.sleep(1)
        assert len(on.relay) == 3
        for number, (client, server) in enumerate(flows):
            if number % 2:
                await client.send(b"hello")
                assert await server.sees() == b"hello"
            else:
                assert [await client.sees(), await client.sees()] == [b"bye", "fin"]
                assert [await server.sees(), await server.sees()] == [b"bye", "fin"]


@on_linux
@pytest.mark.parametrize("of_all", [False, True])
async def test_what_is_left_of_a_flow_that_a_toxic_has_shut_waits_until_the_blackhole_heals(of_all):
    async with Scene(timeout={"timeout": 1000}) as on:
        client, server = await on.opened()
        await asyncio.sleep(2)
        assert (await client.sees(), await server.sees()) == ("fin", "fin")
        if of_all:
            on.relay.blackhole()
        else:
            on.put("blackhole")
        await client.send(b"and more")
        await asyncio.sleep(60)
        assert (client.unacknowledged_segments(), len(on.relay._closing)) == (1, 2)
        if of_all:
            on.relay.heal()
        else:
            on.remove("blackhole")
        while client.unacknowledged_segments():
            await asyncio.to_thread(select.select, [], [], [], 0.01)
        await asyncio.sleep(6)
        assert not on.relay._closing


# Changes while data is on its way, and ends that do not read


@both_ways
@pytest.mark.parametrize("kind", [*STREAM, "timeout"])
async def test_an_end_that_never_reads_holds_up_no_change(kind, stream):
    attributes = (STREAM | {"timeout": {}})[kind]
    async with Scene(**{kind: attributes | {"stream": stream}}) as on:
        client, server = await on.opened()
        away = client if stream == UP else server
        flood = asyncio.ensure_future(away.send(bytes(10_000_000)))
        await asyncio.sleep(1)
        on.put(kind, stream, **attributes)
        on.remove(kind)
        await asyncio.sleep(1)
        flood.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await flood


async def test_what_is_held_comes_in_order_when_its_stage_is_removed():
    sent = random.Random(3).randbytes(1_500_000)
    async with Scene(latency={"latency": 60_000}) as on:
        client, server = await on.opened()
        on.put("bandwidth", rate=100)
        sending = asyncio.ensure_future(server.send(sent))
        await asyncio.sleep(61)
        on.remove("latency")
        await asyncio.sleep(0.5)
        on.put("slicer", average_size=1000)
        await asyncio.sleep(0.5)
        on.remove("bandwidth")
        received = b""
        while len(received) < len(sent):
            received += await client.sees(100)
        await sending
        on.remove("slicer")
        assert received == sent
        (link,) = on.relay._links
        assert link.pipes == (None, None)
        await server.send(b"on the plain path")
        assert await client.sees() == b"on the plain path"


async def test_memory_stays_bounded_while_nobody_reads():
    async with Scene(latency={"latency": 10}, bandwidth={"rate": 1}) as on:
        _, server = await on.opened()
        flood = asyncio.ensure_future(server.send(bytes(100_000_000)))
        await asyncio.sleep(5)
        ((_, held),) = [held for _, held in on.relay.treatments().values()]
        assert held <= 33 * 1024 * 1024
        flood.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flood


# Chance


async def test_a_toxicity_hits_its_share_of_flows_and_a_seed_hits_the_same_again():
    async with Scene() as on:
        on.put("latency", latency=100, toxicity=0.3)
        rules = on.relay._rules

        def hit(toxics):
            return {number for number in range(1, 1001) if toxics.treatment(rules, number, 0.0).names}

        first = hit(on.toxics)
        assert 263 <= len(first) <= 338  # binomial, 99 % two-sided
        again, other = (Toxics(seed, random.Random, Catalogue().find) for seed in ("seed", "other"))
        for toxics in (again, other):
            toxics.put(on.toxics["latency"])
        assert hit(again) == first != hit(other)
        on.put("latency", latency=100, toxicity=0.5)
        assert hit(on.toxics) > first
        on.put("latency", latency=100, toxicity=0)
        assert hit(on.toxics) == set()
        on.put("latency", latency=100, toxicity=1)
        assert len(hit(on.toxics)) == 1000


@pytest.mark.parametrize("kind", ["reset_peer", "latency", "blackhole"])
async def test_a_toxicity_of_0_is_off(kind):
    async with Scene(**{kind: {"toxicity": 0}}) as on:
        client, server = await on.opened()
        await client.send(b"hello")
        assert await server.sees() == b"hello"
        assert await client.sees(100) == "nothing"


async def test_news_says_which_toxic_hit_and_acted_on_which_flow():
    async with Scene(latency={"latency": 10}) as on:
        on.put("limit_data", bytes=10)
        client, server = await on.opened()
        await server.send(b"x")
        await client.sees()
        assert on.heard(What.HIT) == [(1, "latency", ""), (1, "limit_data", "")]
        assert on.heard(What.ACTED) == [(1, "latency", "")]
        on.remove("latency")
        assert on.heard(What.SPARED) == [(1, "latency", "")]


async def test_both_ends_get_fin_when_the_box_goes_down():
    async with Scene(latency={"latency": 10}) as on:
        client, server = await on.opened()
        on.relay.close_ends()
        assert (await client.sees(), await server.sees()) == ("fin", "fin")
