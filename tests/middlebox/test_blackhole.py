"""A box through which nothing passes for a while, as if a cable were cut: silence, and then all that was sent."""

import asyncio
import select
import socket
import sys

import pytest

from hbprobe.net.liveness import holds

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")


@pytest.fixture
def box(make_box):
    """A box with an idle timer of ten minutes."""

    def make(**idle):
        return make_box(idle={"default": 600} | idle)

    return make


async def something_for(peer):
    """Wait until the kernel has repeated what was lost, which takes real time."""
    ready, _, _ = await asyncio.to_thread(select.select, [peer.sock], [], [], 60)
    assert ready


async def test_nothing_passes_and_nothing_is_lost(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        on.relay.blackhole()
        await client.send(b"from the client")
        await server.send(b"from the server")
        assert (await client.sees(60), await server.sees(60)) == ("nothing", "nothing")
        on.relay.heal()
        await something_for(client)
        await something_for(server)
        assert (await client.sees(), await server.sees()) == (b"from the server", b"from the client")
        await client.send(b"more")
        assert await server.sees() == b"more"


@on_linux
async def test_what_is_sent_is_not_acknowledged(stage, open_path):
    async with stage(open_path) as on:
        client, _ = await on.flow()
        on.relay.blackhole()
        await client.send(b"hello?")
        assert not holds(client.sock)
        on.relay.heal()
        while not holds(client.sock):
            await asyncio.to_thread(select.select, [], [], [], 0.01)


async def test_bytes_that_waited_for_a_slow_end_come_after_it(stage, open_path):
    data = b"x" * (16 << 20)
    async with stage(open_path) as on:
        client, server = await on.flow()
        sending = asyncio.ensure_future(client.send(data))
        await asyncio.sleep(1)
        on.relay.blackhole()
        await asyncio.sleep(60)
        on.relay.heal()
        received = 0
        while received < len(data):
            await something_for(server)
            received += len(await server.sees())
        await sending


async def test_fin_waits_too(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        on.relay.blackhole()
        client.send_fin()
        assert await server.sees() == "nothing"
        on.relay.heal()
        await something_for(server)
        assert await server.sees() == "fin"


async def test_a_half_closed_connection_goes_on(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        client.send_fin()
        assert await server.sees() == "fin"
        on.relay.blackhole()
        await server.send(b"late answer")
        assert await client.sees() == "nothing"
        on.relay.heal()
        await something_for(client)
        assert await client.sees() == b"late answer"
        server.send_rst()
        assert await client.sees() == "rst"


@on_linux
async def test_who_connects_hears_nothing_until_it_is_over(stage, open_path):
    async with stage(open_path) as on:
        on.relay.blackhole()
        sock = on.keep(socket.socket())
        sock.setblocking(False)
        connecting = asyncio.ensure_future(asyncio.get_running_loop().sock_connect(sock, on.address))
        await asyncio.sleep(60)
        assert not connecting.done()
        assert len(on.relay) == 0
        on.relay.heal()
        await asyncio.to_thread(select.select, [on.listener], [], [], 60)
        await on.server()
        await connecting


async def test_a_connection_that_is_being_made_goes_dark(stage, open_path):
    async with stage(open_path) as on:
        client = on.client()
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(on.relay) == 1
        on.relay.blackhole()
        server = await on.server()
        await client.send(b"hello")
        assert await server.sees() == "nothing"
        on.relay.heal()
        await something_for(server)
        assert await server.sees() == b"hello"


# Timers run on


@on_linux
@pytest.mark.parametrize("expiry", ["reset", "close"])
async def test_what_the_box_says_meanwhile_is_lost(stage, box, expiry):
    async with stage(box(expiry=expiry)) as on:
        client, server = await on.flow()
        on.relay.blackhole()
        await asyncio.sleep(601)
        assert len(on.expired) == 1
        on.relay.heal()
        await client.send(b"hello?")
        assert (await client.sees(), await server.sees()) == ("nothing", "nothing")


@on_linux
async def test_what_it_answers_is_answered_afterwards(stage, box):
    async with stage(box(expiry="reset-on-next")) as on:
        client, server = await on.flow()
        on.relay.blackhole()
        await asyncio.sleep(601)
        await client.send(b"hello?")
        assert await client.sees() == "nothing"
        on.relay.heal()
        await something_for(client)
        assert await client.sees() == "rst"
        await server.send(b"hello?")
        assert await server.sees() == "rst"


@on_linux
async def test_what_had_expired_before_answers_nothing_meanwhile(stage, box):
    async with stage(box(expiry="reset-on-next")) as on:
        client, _ = await on.flow()
        await asyncio.sleep(601)
        on.relay.blackhole()
        await client.send(b"hello?")
        assert await client.sees() == "nothing"
        on.relay.heal()
        await something_for(client)
        assert await client.sees() == "rst"


async def test_an_expired_connection_stays_silent(stage, box):
    async with stage(box()) as on:
        client, _ = await on.flow()
        await asyncio.sleep(601)
        on.relay.blackhole()
        on.relay.heal()
        await client.send(b"hello?")
        assert await client.sees() == "nothing"


async def test_twice_is_once(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        on.relay.heal()
        on.relay.blackhole()
        on.relay.blackhole()
        on.relay.heal()
        on.relay.heal()
        await client.send(b"x")
        assert await server.sees() == b"x"


async def test_a_dark_box_can_be_closed(stage, open_path):
    async with stage(open_path) as on:
        client, _ = await on.flow()
        on.relay.blackhole()
        on.relay.close()
        assert await client.sees() == "rst"
