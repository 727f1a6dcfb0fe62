"""A box of layer http whose cables are cut: silence on both sides, timers that run on, and then all that was sent."""

import asyncio
import select
import socket
import sys

import pytest

from hbprobe.net.certificates import throwaway_pair

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def something_for(peer):
    """Wait until the kernel has repeated what was lost, which takes real time."""
    ready, _, _ = await asyncio.to_thread(select.select, [peer.sock], [], [], 60)
    assert ready


async def test_an_answer_waits_until_it_heals(stage, http_box):
    async with stage(http_box()) as on:
        client, server, _ = await on.both()
        on.box.blackhole()
        on.box.blackhole()
        await server.send(OK)
        assert await client.sees(60) == "nothing"
        on.box.heal()
        on.box.heal()
        await something_for(client)
        assert await client.sees() == OK
        await client.send(GET)
        assert (await server.sees()).startswith(b"GET / ")


async def test_a_request_waits_until_it_heals_over_tls_too(stage, http_box):
    server_tls, client_tls = throwaway_pair()
    async with stage(http_box(), tls=server_tls, upstream_tls=client_tls, upstream_name="127.0.0.1") as on:
        client = await on.tls_client(client_tls, GET)
        server = await on.tls_server(server_tls)
        assert (await server.sees()).startswith(b"GET / ")
        await server.send(OK)
        assert await client.sees() == OK
        on.box.blackhole()
        await client.send(GET)
        assert await server.sees(60) == "nothing"
        on.box.heal()
        await something_for(server)
        assert (await server.sees()).startswith(b"GET / ")


async def test_a_status_of_a_timer_that_ran_out_meanwhile_arrives_when_it_heals(stage, http_box):
    async with stage(http_box(server_response=60)) as on:
        client, _, _ = await on.both()
        on.box.blackhole()
        await asyncio.sleep(61)
        assert on.expired == [("server_response", "respond", 60)]
        assert await client.sees(60) == "nothing"
        on.box.heal()
        await something_for(client)
        assert (await client.sees()).startswith(b"HTTP/1.1 504 ")


async def test_a_fin_of_a_timer_that_ran_out_meanwhile_arrives_when_it_heals(stage, http_box):
    async with stage(http_box(client_idle=60)) as on:
        client, server, _ = await on.both()
        await server.send(OK)
        assert await client.sees() == OK
        on.box.blackhole()
        assert await client.sees(3600) == "nothing"
        assert on.expired == [("client_idle", "close", 60)]
        on.box.heal()
        assert await client.sees() == "FIN"


async def test_a_rst_of_a_timer_that_ran_out_meanwhile_is_lost(stage, http_box):
    async with stage(http_box(lifetime={"default": 60, "expiry": "reset"})) as on:
        client, _, _ = await on.both()
        on.box.blackhole()
        await asyncio.sleep(61)
        assert on.expired == [("lifetime", "reset", 60)]
        on.box.heal()
        await client.send(GET)
        assert await client.sees(60) == "nothing"


async def test_a_long_request_is_whole(stage, http_box):
    body = b"x" * 3_000_000
    async with stage(http_box()) as on:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        client, server, _ = await on.both(head)
        sending = asyncio.ensure_future(client.send(body))
        await asyncio.sleep(0.1)
        on.box.blackhole()
        await asyncio.sleep(60)
        on.box.heal()
        received = 0
        while received < len(body):
            await something_for(server)
            received += len(await server.sees_now())
        await sending
        await server.send(OK)
        assert await client.sees() == OK


async def test_an_end_that_is_sent_already_is_not_forgotten(stage, http_box):
    async with stage(http_box()) as on:
        client, server, _ = await on.both(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n")
        await server.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi")
        server.send_fin()
        assert await client.sees_now() != b""
        on.box.blackhole()
        await asyncio.sleep(60)
        on.box.heal()
        await asyncio.sleep(60)
        assert not on.box.closing


async def test_a_dark_box_can_be_closed(stage, http_box):
    async with stage(http_box()) as on:
        client, _, _ = await on.both()
        on.box.blackhole()
        on.box.close()
        assert await client.sees() == "RST"


async def test_who_connects_hears_nothing_until_it_heals(stage, http_box):
    async with stage(http_box()) as on:
        on.box.blackhole()
        sock = on.keep(socket.socket())
        sock.setblocking(False)
        connecting = asyncio.ensure_future(asyncio.get_running_loop().sock_connect(sock, on.address))
        await asyncio.sleep(60)
        assert not connecting.done()
        on.box.heal()
        await asyncio.to_thread(select.select, [], [sock], [], 60)
        await connecting
