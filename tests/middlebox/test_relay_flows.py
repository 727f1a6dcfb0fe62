"""The flows of a relay: how they open, how they are refused, when they expire, how they are closed."""

import asyncio
import contextlib
import errno
import os
import socket

import pytest

from hbprobe.middlebox.events import FlowRefused
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.relay import _BUFFER_BYTES
from hbprobe.profiles.model import TimerKind

# Opening


async def test_a_refused_client_gets_rst_and_the_observer_the_reason(stage, open_path, listening_socket):
    with listening_socket() as gone:
        upstream = gone.getsockname()
    async with stage(open_path, upstream=[(socket.AF_INET, upstream)]) as on:
        client = on.client()
        name = "{}:{}".format(*client.sock.getsockname())
        assert await client.sees() == "rst"
        reason = f"upstream 127.0.0.1:{upstream[1]}: {os.strerror(errno.ECONNREFUSED)}"
        assert on.events == [FlowRefused(0.0, name, reason)]
        assert (len(on.relay), on.relay.counts.refused) == (0, 1)


async def test_upstream_addresses_are_tried_in_order(stage, open_path, listening_socket):
    with listening_socket() as second, listening_socket() as third:
        with listening_socket() as gone:
            first = gone.getsockname()
        upstream = [(socket.AF_INET, address) for address in (first, second.getsockname(), third.getsockname())]
        async with stage(open_path, upstream=upstream) as on:
            client = on.client()
            sock, _ = await asyncio.get_running_loop().sock_accept(second)
            with sock:
                await client.send(b"hello")
                assert await asyncio.get_running_loop().sock_recv(sock, 99) == b"hello"
            assert on.events == []
            with pytest.raises(BlockingIOError):
                third.accept()


async def test_an_address_of_no_use_is_passed_over(stage, open_path, listening_socket):
    with listening_socket() as second:
        broadcast = ("255.255.255.255", 1)  # refused by connect() itself
        upstream = [(socket.AF_INET, address) for address in (broadcast, second.getsockname())]
        async with stage(open_path, upstream=upstream) as on:
            on.client()
            sock, _ = await asyncio.get_running_loop().sock_accept(second)
            sock.close()


async def test_the_last_of_several_addresses_gives_the_reason(stage, open_path):
    broadcast = ("255.255.255.255", 1)
    async with stage(open_path, upstream=[(socket.AF_INET, broadcast)] * 2) as on:
        client = on.client()
        assert await client.sees() == "rst"
        (refused,) = on.refused
        assert refused.reason.startswith("upstream 255.255.255.255:1: ")


async def test_more_flows_than_allowed_are_refused(stage, open_path):
    async with stage(open_path, max_flows=2) as on:
        flows = [await on.flow() for _ in range(2)]
        late = on.client()
        assert await late.sees() == "rst"
        name = "{}:{}".format(*late.sock.getsockname())
        assert on.events == [FlowRefused(0.0, name, "all 2 flows are in use")]
        assert (len(on.relay), on.relay.counts.opened, on.relay.counts.refused) == (2, 2, 1)
        flows[0][0].send_rst()
        await asyncio.sleep(1)
        client, server = await on.flow()
        await client.send(b"in")
        assert await server.sees() == b"in"


async def test_out_of_descriptors_it_keeps_the_flows_that_it_has(stage, open_path, few_descriptors):
    async with stage(open_path) as on:
        client, server = await on.flow()
        late = [on.keep(socket.socket()) for _ in range(3)]
        few_descriptors(1)  # enough to accept, not to go on to the server
        for sock in late:
            sock.connect(on.address)
            sock.setblocking(False)
        await asyncio.sleep(3600)
        assert [refused.reason for refused in on.refused] == [os.strerror(errno.EMFILE)] * 3
        for sock in late:
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
        await client.send(b"still there?")
        assert await server.sees() == b"still there?"
        assert len(on.relay) == 1


async def test_dead_flows_make_room_for_live_ones(stage, make_box, few_descriptors):
    async with stage(make_box(idle={"default": 60})) as on:
        await on.flow()
        await asyncio.sleep(61)
        assert len(on.expired) == 1
        late = on.keep(socket.socket())
        few_descriptors(1)
        late.connect(on.address)
        late.send(b"hello")
        await asyncio.sleep(1)
        few_descriptors(1)  # for the server, which is of this process, too
        server = await on.server()
        assert await server.sees() == b"hello"
        assert on.refused == []


# Timers


async def test_half_open_ends_a_flow_whose_server_does_not_answer(stage, make_box, listening_socket):
    box = make_box(half_open={"default": 30, "expiry": "reset"}, idle={"default": 600})
    with listening_socket(backlog=0) as mute:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:  # a full queue lets no more connections stand
            filler.setblocking(False)
            filler.connect_ex(mute.getsockname())
        async with stage(box, upstream=[(socket.AF_INET, mute.getsockname())]) as on:
            client = on.client()
            assert await client.sees(29.9) == "nothing"
            assert await client.sees() == "rst"
            (expired,) = on.expired
            assert (expired.timer, expired.at_s, expired.quiet_s) == (TimerKind.HALF_OPEN, 30, 30)
        for filler in fillers:
            filler.close()


async def test_half_open_is_over_when_the_connection_stands(stage, make_box):
    async with stage(make_box(half_open={"default": 30})) as on:
        await on.flow()
        await asyncio.sleep(3600)
        assert (len(on.relay), on.events) == (1, [])


async def test_data_puts_the_end_off(stage, make_box):
    async with stage(make_box(idle={"default": 600, "expiry": "reset"})) as on:
        client, server = await on.flow()
        for _ in range(20):
            await asyncio.sleep(599)
            await server.send(b".")
            assert await client.sees() == b"."
        assert await client.sees(599.9) == "nothing"
        assert await client.sees() == "rst"
        (expired,) = on.expired
        assert (expired.timer, expired.quiet_s) == (TimerKind.IDLE, 600)
        assert expired.age_s == expired.at_s == pytest.approx(20 * 599 + 600)


async def test_data_that_waits_in_the_box_puts_the_end_off_when_it_goes_on(stage, make_box):
    async with stage(make_box(idle={"default": 60, "expiry": "reset"})) as on:
        client = on.keep(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        client.connect(on.address)
        client.setblocking(False)
        server = await on.server()
        (link,) = on.relay._links
        link.socks[Side.CLIENT].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
        link.socks[Side.SERVER].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        await server.send(b"." * 2 * _BUFFER_BYTES)
        await asyncio.sleep(1)
        taken = on.relay.counts.bytes_from_server
        while on.relay.counts.bytes_from_server == taken:  # for that long nothing comes from the server
            await asyncio.sleep(20)
            with contextlib.suppress(BlockingIOError):
                client.recv(1 << 20)
        assert asyncio.get_running_loop().time() > 100
        assert on.events == []


async def test_the_lifetime_ends_a_flow_that_moves(stage, make_box):
    box = make_box(idle={"default": 600}, lifetime={"default": 3600, "expiry": "close"})
    async with stage(box) as on:
        client, server = await on.flow()
        for _ in range(35):
            await asyncio.sleep(100)
            await client.send(b".")
        assert await server.sees_all() == (b"." * 35, "nothing")
        assert await client.sees(100) == "fin"
        (expired,) = on.expired
        assert (expired.timer, expired.at_s, expired.age_s, expired.quiet_s) == (TimerKind.LIFETIME, 3600, 3600, 3600)


async def test_after_a_fin_the_shorter_timer_runs(stage, make_box):
    box = make_box(idle={"default": 3600}, half_closed={"default": 120, "expiry": "reset"})
    async with stage(box) as on:
        client, server = await on.flow()
        await asyncio.sleep(1000)
        client.send_fin()
        assert await server.sees() == "fin"
        assert await server.sees(119.9) == "nothing"
        assert await server.sees() == "rst"
        assert await client.sees() == "rst"
        assert on.expired[0].timer is TimerKind.HALF_CLOSED
        assert on.expired[0].quiet_s == pytest.approx(120)


async def test_a_box_that_sweeps_finds_the_flow_late(stage, make_box):
    async with stage(make_box(sweep=60, idle={"default": 100, "expiry": "reset"})) as on:
        await asyncio.sleep(10)
        client, _ = await on.flow()
        assert await client.sees(109.9) == "nothing"
        assert await client.sees() == "rst"
        (expired,) = on.expired
        assert (expired.at_s, expired.age_s, expired.quiet_s) == (120, 110, 110)


async def test_a_flow_that_its_ends_ended_does_not_expire(stage, make_box):
    async with stage(make_box(idle={"default": 600})) as on:
        (one, other), (third, fourth) = await on.flow(), await on.flow()
        one.send_fin()
        other.send_fin()
        third.send_rst()
        assert [await end.sees() for end in (one, other, fourth)] == ["fin", "fin", "rst"]
        await asyncio.sleep(601)
        assert (on.events, len(on.relay._alarm)) == ([], 0)


async def test_each_flow_has_its_own_timer(stage, make_box):
    async with stage(make_box(idle={"default": 600, "expiry": "reset"})) as on:
        names = []
        for _ in range(5):
            client, _ = await on.flow()
            names.append("{}:{}".format(*client.sock.getsockname()))
            await asyncio.sleep(100)
        await asyncio.sleep(1000)
        assert [(event.number, event.at_s) for event in on.expired] == [(n, 500 + 100 * n) for n in range(1, 6)]
        assert [event.client for event in on.expired] == names
        assert (len(on.relay), on.relay.counts.expired) == (0, {TimerKind.IDLE: 5})


# Closing


async def test_closing_resets_what_is_left(stage, make_box):
    async with stage(make_box(idle={"default": 600})) as on:
        client, server = await on.flow()
        half, other_half = await on.flow()
        half.send_fin()
        assert await other_half.sees() == "fin"
        dead, _ = await on.flow()
        await asyncio.sleep(500)
        await client.send(b".")
        await half.sees()
        await other_half.send(b".")
        assert await half.sees() == b"."
        await asyncio.sleep(200)
        assert (len(on.expired), len(on.relay)) == (1, 2)
        on.relay.close()
        assert [await end.sees() for end in (client, half, other_half, dead)] == ["rst"] * 4
        assert await server.sees_all() == (b".", "rst")
        on.relay.close()
        with pytest.raises(ConnectionRefusedError):
            on.client()


async def test_closing_while_a_flow_opens(stage, open_path):
    async with stage(open_path) as on:
        client = on.client()
        await asyncio.sleep(0)
        on.relay.close()
        assert await client.sees() == "rst"
