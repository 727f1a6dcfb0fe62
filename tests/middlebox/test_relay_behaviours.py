"""What only some boxes do, on real sockets: questions to the ends, revival, one FIN that ends both."""

import asyncio
import random
import sys
import threading

import pytest

from hbprobe.middlebox.events import FlowRevived
from hbprobe.middlebox.relay import Relay
from hbprobe.net.liveness import holds
from hbprobe.net.silence import mute, unmute
from hbprobe.profiles.model import TimerKind

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is unacknowledged")
each_end = pytest.mark.parametrize("upwards", [True, False], ids=["the client", "the server"])


@pytest.fixture
def box(make_box):
    """Make a packet box of an idle timer of 600 s and whatever else."""

    def make(half_close=None, **timers):
        idle = {"default": 600, "restarted_by": "any-packet"} | timers.pop("idle", {})
        made = make_box(idle=idle, **timers)
        return made.model_validate(made.model_dump(mode="json") | {"half_close": half_close})

    return make


# Questions of the box


async def test_a_box_that_asks_never_ends_a_flow_between_live_ends(stage, box):
    async with stage(box(idle={"probes": {"every": 15, "count": 5}})) as on:
        client, server = await on.flow()
        await client.send(b"question")
        assert await server.sees() == b"question"
        await asyncio.sleep(86400)
        await server.send(b"answer")
        assert await client.sees() == b"answer"
        assert on.expired == []


@on_linux
async def test_a_box_that_asks_ends_a_flow_whose_end_is_gone(stage, box):
    async with stage(box(idle={"probes": {"every": 15, "count": 5}})) as on:
        client, server = await on.flow()
        mute(client.sock)
        await server.send(b"is anybody there?")
        await asyncio.sleep(600 + 74)
        assert on.expired == []
        await asyncio.sleep(2)
        assert [event.timer for event in on.expired] == [TimerKind.IDLE]


# Data that is not acknowledged


@on_linux
@each_end
async def test_a_flow_with_unacknowledged_data_ends_sooner(stage, box, upwards):
    async with stage(box(unacknowledged={"default": 300, "restarted_by": "any-packet"})) as on:
        client, server = await on.flow()
        speaker, dead = (client, server) if upwards else (server, client)
        await asyncio.sleep(100)
        mute(dead.sock)
        await speaker.send(b"hello?")
        await asyncio.sleep(299)
        assert on.expired == []
        await asyncio.sleep(2)
        (event,) = on.expired
        assert (event.timer, round(event.quiet_s), round(event.age_s)) == (TimerKind.UNACKNOWLEDGED, 300, 400)


async def test_a_flow_with_acknowledged_data_lives_as_long_as_any(stage, box):
    async with stage(box(unacknowledged={"default": 300, "restarted_by": "any-packet"})) as on:
        client, server = await on.flow()
        await client.send(b"hello")
        assert await server.sees() == b"hello"
        await asyncio.sleep(598)
        assert on.expired == []
        await asyncio.sleep(3)
        assert [event.timer for event in on.expired] == [TimerKind.IDLE]


# Before the first data


@each_end
async def test_a_flow_on_which_nothing_was_said_ends_sooner(stage, box, upwards):
    async with stage(box(first_data={"default": 60, "restarted_by": "nothing"})) as on:
        client, server = await on.flow()
        silent = await on.flow()
        await (client if upwards else server).send(b"hello")
        await asyncio.sleep(61)
        assert [event.timer for event in on.expired] == [TimerKind.FIRST_DATA]
        await asyncio.sleep(600)
        assert [event.timer for event in on.expired] == [TimerKind.FIRST_DATA, TimerKind.IDLE]
        assert [await peer.sees() for peer in silent] == ["nothing", "nothing"]


# Luck


async def test_flows_end_at_times_of_their_own_and_the_same_ones_each_run(stage, box):
    async def ends():
        async with stage(box(idle={"jitter": 30})) as on:
            for _ in range(20):
                await on.flow()
            await asyncio.sleep(700)
            return [round(event.age_s, 3) for event in on.expired]

    first = await ends()
    assert len(first) == 20
    assert len(set(first)) > 15
    assert all(600 <= end <= 630.001 for end in first)
    assert await ends() == first


@on_linux
async def test_the_generator_gives_the_luck(stage, box, listening_socket):
    told = []
    listener = listening_socket()
    relay = Relay(
        box(idle={"jitter": 30}), [(listener.family, listener.getsockname())], told.append, chance=random.Random(7)
    )
    address = await relay.listen("127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*address)
    await asyncio.sleep(700)
    assert told[0].age_s == pytest.approx(600 + 30 * random.Random(7).random(), abs=0.01)
    writer.close()
    relay.close()
    listener.close()


# One FIN


@each_end
async def test_one_fin_ends_both(stage, box, upwards):
    async with stage(box({"allowed": False, "source": "us"})) as on:
        client, server = await on.flow()
        first, other = (client, server) if upwards else (server, client)
        await first.send(b"last words")
        first.send_fin()
        assert await other.sees_all() == (b"last words", "fin")
        assert await first.sees() == "fin"
        assert len(on.relay) == 0
        assert on.relay.counts.closed == 1


async def test_by_default_one_fin_ends_one_direction(stage, box):
    async with stage(box({"allowed": True, "source": "us"})) as on:
        client, server = await on.flow()
        client.send_fin()
        assert await server.sees() == "fin"
        await server.send(b"answer")
        assert await client.sees() == b"answer"


# Revival


@each_end
async def test_a_packet_of_one_end_brings_the_flow_back(stage, box, upwards):
    async with stage(box(idle={"revived_by": "client" if upwards else "server"})) as on:
        client, server = await on.flow()
        may, may_not = (client, server) if upwards else (server, client)
        await asyncio.sleep(601)
        assert (len(on.expired), len(on.relay)) == (1, 0)
        await may.send(b"still there?")
        assert await may_not.sees() == b"still there?"
        await may_not.send(b"yes")
        assert await may.sees() == b"yes"
        assert [event.number for event in on.told(FlowRevived)] == [1]
        assert (on.relay.counts.revived, len(on.relay)) == (1, 1)
        await asyncio.sleep(601)
        assert len(on.expired) == 2


@each_end
@on_linux
async def test_a_packet_of_the_other_end_vanishes(stage, box, upwards):
    async with stage(box(idle={"revived_by": "server" if upwards else "client"})) as on:
        client, server = await on.flow()
        may_not, may = (client, server) if upwards else (server, client)
        await asyncio.sleep(601)
        await may_not.send(b"hello?")
        assert await may.sees(60) == "nothing"
        assert may_not.unacknowledged_segments() > 0
        assert on.relay.counts.revived == 0


@each_end
async def test_a_fin_brings_a_flow_back_and_is_passed_on(stage, box, upwards):
    async with stage(box(idle={"revived_by": "both"})) as on:
        client, server = await on.flow()
        first, other = (client, server) if upwards else (server, client)
        await asyncio.sleep(601)
        first.send_fin()
        assert await other.sees() == "fin"
        other.send_fin()
        assert await first.sees() == "fin"
        assert on.relay.counts.closed == 1


async def test_a_half_closed_flow_can_be_brought_back(stage, box):
    half_closed = {"default": 60, "restarted_by": "any-packet", "revived_by": "server"}
    async with stage(box(half_closed=half_closed)) as on:
        client, server = await on.flow()
        client.send_fin()
        assert await server.sees() == "fin"
        await asyncio.sleep(61)
        assert [event.timer for event in on.expired] == [TimerKind.HALF_CLOSED]
        await server.send(b"answer")
        assert await client.sees() == b"answer"
        server.send_fin()
        assert await client.sees() == "fin"
        assert on.relay.counts.closed == 1


async def test_a_flow_of_which_one_socket_was_let_go_stays_dead(stage, box):
    async with stage(box(idle={"revived_by": "server"})) as on:
        _, server = await on.flow()
        await asyncio.sleep(601)
        assert on.relay._expired_ends.make_room()  # the client's went first
        await server.send(b"hello?")
        assert await server.sees() == "nothing"
        assert (len(on.relay), on.relay.counts.revived, on.told(FlowRevived)) == (0, 0, [])


# Whether an end holds the connection


@on_linux
async def test_an_end_that_does_not_acknowledge_does_not_hold(stage, open_path):
    async with stage(open_path) as on:
        _, server = await on.flow()
        assert holds(server.sock)
        mute(next(iter(on.relay._links)).socks[1])
        await server.send(b"hello?")
        assert not holds(server.sock)
        unmute(next(iter(on.relay._links)).socks[1])


async def test_an_end_that_reads_nothing_holds_all_the_same(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        sending = asyncio.ensure_future(server.send(b"x" * (32 << 20)))
        await asyncio.sleep(5)
        while not holds(server.sock):  # an ACK may take 40 ms of real time
            await asyncio.to_thread(threading.Event().wait, 0.01)
        assert holds(client.sock)
        sending.cancel()
        await asyncio.wait([sending])


async def test_a_connection_that_is_gone_is_held_by_nobody(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        client.send_fin()
        assert await server.sees() == "fin"
        assert holds(client.sock)
        server.send_rst()
        assert await client.sees() == "rst"
        assert not holds(client.sock)
