"""Long bodies: they pass as fast as the slower end takes them, and the box keeps next to nothing of them."""

import asyncio
import hashlib

import pytest

from hbprobe.middlebox.events import FlowExpired, Remark
from hbprobe.net.silence import Way

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
SIZE = 24_000_000
"""More than the buffers of all sockets together hold."""
BODY = bytes(range(256)) * (SIZE // 256)
KEPT = 512 * 1024
"""What the box may hold of a body: a read or two on its way, and what waits to be sent."""


def framed(body, kind):
    if kind == "sized":
        return b"Content-Length: %d\r\n\r\n" % len(body), body
    chunks = (body[at : at + 10_007] for at in range(0, len(body), 10_007))
    data = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"Transfer-Encoding: chunked\r\n\r\n", data + b"0\r\n\r\n"


kinds = pytest.mark.parametrize("kind", ["sized", "chunked"])


async def read(peer, size):
    """Read `size` bytes; return their hash."""
    digest, left = hashlib.sha256(), size
    while left:
        seen = await peer.sees(10)
        assert isinstance(seen, bytes)
        digest.update(seen)
        left -= len(seen)
    return digest.digest()


@kinds
async def test_of_a_request(stage, http_box, kind):
    end, body = framed(BODY, kind)
    async with stage(http_box()) as on:
        client = await on.client(b"POST / HTTP/1.1\r\nHost: a\r\n" + end)
        server = await on.server()
        head = await server.sees()
        sending = asyncio.ensure_future(client.send(body))
        await asyncio.sleep(100)
        assert not sending.done()
        session = next(iter(on.box._sessions))
        assert len(session._from_client) + len(session._outbox) + len(session._server._unsent) < KEPT
        expected = hashlib.sha256(body).digest()
        assert head.endswith(end)
        assert await read(server, len(body)) == expected
        await sending
        await server.send(OK)
        assert await client.sees() == OK


@kinds
async def test_of_an_answer(stage, http_box, kind):
    end, body = framed(BODY, kind)
    async with stage(http_box()) as on:
        client, server, _ = await on.both()
        await server.send(b"HTTP/1.1 200 OK\r\n" + end)
        assert (await client.sees()).endswith(end)
        sending = asyncio.ensure_future(server.send(body))
        await asyncio.sleep(100)
        assert not sending.done()
        session = next(iter(on.box._sessions))
        assert len(session._from_server) + len(session.client._unsent) < KEPT
        assert await read(client, len(body)) == hashlib.sha256(body).digest()
        await sending
        await client.send(GET)
        assert await server.sees_now() == GET


async def test_of_an_answer_that_the_server_has_done_with(stage, http_box):
    """The server sends all, and FIN; the client takes its time; then its next request finds a fresh connection."""
    async with stage(http_box()) as on:
        client, server, _ = await on.both()
        body = BODY[:3_000_000]
        sending = asyncio.ensure_future(server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + body))
        await asyncio.sleep(100)
        assert (await client.sees()).startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
        seen = 0
        while not sending.done():
            seen += len(await client.sees(1))
        server.send_fin()
        while isinstance(more := await client.sees(1), bytes):
            seen += len(more)
        assert more == "nothing"
        await client.send(GET)
        assert await (await on.server()).sees_now() == GET


async def test_the_time_between_requests_begins_when_the_client_has_its_answer(stage, http_box):
    async with stage(http_box(client_idle=5, between_bytes=5)) as on:
        client = await on.client(GET, receive_bytes=4096)
        server = await on.server()
        await server.sees()
        on.narrow()
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\nConnection: close\r\n\r\n" + BODY[:50_000])
        await asyncio.sleep(100)
        assert on.expired == []
        received, *end = await client.sees_all()
        assert (received.partition(b"\r\n\r\n")[2] == BODY[:50_000], end) == (True, ["FIN", 5])
        assert on.expired == [("client_idle", "close", 5)]


async def test_a_client_that_takes_nothing_can_only_be_stalled(stage, http_box):
    async with stage(http_box(total={"default": 10, "expiry": "silent"})) as on:
        for number in (1, 2):
            client = await on.client(GET, receive_bytes=4096)
            server = await on.server()
            on.narrow()
            sending = asyncio.ensure_future(server.send(b"HTTP/1.1 200 OK\r\n\r\n" + BODY))
            await asyncio.sleep(11)
            sending.cancel()
            await asyncio.sleep(1)
            ways = [event.ways for event in on.events if isinstance(event, FlowExpired)]
            assert [Way.STALL in way for way in ways] == [True] * number
        assert [event.text.partition(":")[0] for event in on.events if isinstance(event, Remark)] == [
            "a flow could not be made mute here"
        ]
        assert await client.sees() != "FIN"


async def test_through_a_tunnel_both_ways(stage, http_box):
    async with stage(http_box()) as on:
        client, server, _ = await on.both(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
        await server.send(b"HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
        assert (await client.sees()).startswith(b"HTTP/1.1 101 Yes\r\n")
        sending = [asyncio.ensure_future(peer.send(BODY)) for peer in (client, server)]
        await asyncio.sleep(100)
        digests = await asyncio.gather(*(read(peer, SIZE) for peer in (client, server)))
        assert digests == [hashlib.sha256(BODY).digest()] * 2
        await asyncio.gather(*sending)


async def test_the_last_bytes_reach_a_slow_client_before_the_fin(stage, http_box):
    async with stage(http_box()) as on:
        client = await on.client(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", receive_bytes=4096)
        server = await on.server()
        await server.sees()
        sending = asyncio.ensure_future(server.send(b"HTTP/1.1 200 OK\r\n\r\n" + BODY))
        await asyncio.sleep(20)
        client_sees = asyncio.ensure_future(client.sees_all(50))
        await sending
        server.send_fin()
        seen, end, _ = await client_sees
        assert (seen.partition(b"\r\n\r\n")[2] == BODY, end) == (True, "FIN")


async def test_a_client_that_never_takes_the_rest_is_given_up(stage, http_box):
    async with stage(http_box(total=30)) as on:
        client = await on.client(GET, receive_bytes=4096)
        server = await on.server()
        await server.sees()
        on.narrow()
        sending = asyncio.ensure_future(server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + BODY))
        await asyncio.sleep(31)
        with pytest.raises(ConnectionError):
            await sending
        assert (len(on.box), len(on.box.closing)) == (0, 1)
        await asyncio.sleep(60)
        assert not on.box.closing
        assert (await client.sees_all())[1] == "RST"
