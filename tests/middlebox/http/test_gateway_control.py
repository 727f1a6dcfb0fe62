"""What an http box can be asked and told while it runs."""

import asyncio

import pytest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def test_it_lists_its_connections(stage, http_box):
    async with stage(http_box(client_header=50, server_response=30, total=100)) as on:
        silent = await on.client()
        await asyncio.sleep(1)
        client, server, _ = await on.both()
        await asyncio.sleep(2)
        rows = [
            (flow.number, flow.phase, *(round(value, 3) for value in (flow.age_s, flow.quiet_s, flow.due_in_s)))
            for flow in on.box.flows()
        ]
        assert rows == [(1, "header", 3, 3, 47), (2, "awaiting", 2, 2, 28)]
        assert [flow.client.partition(":")[0] for flow in on.box.flows()] == ["127.0.0.1"] * 2
        await server.send(OK)
        assert await client.sees() == OK
        silent.send_fin()
        await asyncio.sleep(1)
        (left,) = on.box.flows()
        assert (left.number, left.phase, left.due_in_s) == (2, "idle", None)


async def test_it_takes_other_timers_for_what_is_under_way(stage, http_box):
    async with stage(http_box(server_response=100)) as on:
        client, _, _ = await on.both()
        await asyncio.sleep(10)
        on.box.change(http_box({"via": True}, server_response=40))
        assert (await client.sees_all())[1:] == ("FIN", 30)
        assert on.box.profile.timers.server_response.default == 40
        on.box.change(http_box({"via": True}, server_response=80))
        client, _, asked = await on.both()
        assert b"\r\nVia: 1.1 hbprobe\r\n" in asked
        assert (await client.sees_all())[1:] == ("FIN", 80)


async def test_it_expires_a_connection_when_told(stage, http_box):
    async with stage(http_box({"keeps_client": True}, server_response=100)) as on:
        client, server, _ = await on.both()
        await asyncio.sleep(10)
        assert on.box.expire(1)
        assert (await client.sees()).endswith(b"\r\n\r\nlate")
        assert await server.sees() == "FIN"
        assert on.expired == [("server_response", "respond", 10)]
        assert not on.box.expire(1), "(nothing runs)"
        assert not on.box.expire(2), "(there is none)"


async def test_it_drains(stage, http_box):
    async with stage(http_box()) as on:
        client, server, _ = await on.both()
        on.box.drain()
        with pytest.raises(ConnectionRefusedError):
            await on.client()
        await server.send(OK)
        assert await client.sees() == OK
        client.send_fin()
        assert await client.sees() == "FIN"
        assert len(on.box) == 0
