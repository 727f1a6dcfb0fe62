"""The hold service as a witness, and dripping, on the warp clock."""

import asyncio
import json
import socket
import struct
import sys

import pytest
from aiohttp import web

from hbprobe import __version__, warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.hold_request import DRIP, hold_query, hold_token
from hbprobe.farend.hold_service import HoldService
from hbprobe.farend.server import FarEnd
from hbprobe.farend.witness import Witness
from hbprobe.net.silence import Way, mute

linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO and mute sockets are Linux's")
CLOSE = b"Connection: close\r\n"


class There:
    """A far end, and connections to it, which are all closed at the end."""

    def __init__(self, port):
        self.port = port
        self.writers = []

    async def connect(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock)
        self.writers.append(writer)
        return reader, writer

    async def ask(self, nonce):
        """Ask the witness."""
        reader, writer = await self.connect()
        writer.write(f"GET /hold/{nonce} HTTP/1.1\r\nHost: x\r\n".encode() + CLOSE + b"\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0]
        assert b"\r\nCache-Control: no-store" in head
        return json.loads(body)


def served(client, said=None):
    """Run `client(there)` against a far end on the warp clock; return what it returns."""

    async def main():
        far_end = FarEnd(Settings(), None, (said if said is not None else []).append)
        _, port = await far_end.listen("127.0.0.1", 0)
        there = There(port)
        try:
            return await client(there)
        finally:
            for writer in there.writers:
                writer.transport.abort()
            await far_end.close()

    return warp.run(main(), warp.WarpClock())


def post(path, body=b"Content-Length: 0\r\n\r\n"):
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + body


# Dripping


def whole(query, body=b"Content-Length: 0\r\n\r\n"):
    """Make one request on a connection that ends with the answer; return what came, each piece with its time."""

    async def client(there):
        reader, writer = await there.connect()
        writer.write(post(query, CLOSE + body))
        pieces = []
        while data := await reader.read(65536):
            pieces.append((asyncio.get_running_loop().time(), data))
        return pieces

    return served(client)


def test_an_answer_that_drips_begins_at_once_and_ends_with_the_token():
    pieces = whole(hold_query(10, "abc", 4))
    (at_s, head), *drips = pieces
    assert at_s == 0
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nX-Accel-Buffering: no\r\n" in head
    assert [time_s for time_s, _ in drips] == [4, 8, 10]
    assert [data for _, data in drips[:2]] == [b"1\r\n.\r\n"] * 2
    assert hold_token(10, "abc") in drips[-1][1]


def test_without_a_drip_nothing_comes_before_the_answer():
    assert [at_s for at_s, _ in whole(hold_query(10, "abc"))] == [10]


@pytest.mark.parametrize("drip", ["0", "0.009", "nan", "inf", "-1", "x", "", "1e9"])
def test_drips_that_are_refused(drip):
    ((_, answer),) = whole(f"/hold?seconds=1&nonce=abc&drip={drip}")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"\r\n\r\ndrip must be a number of seconds from 0.01 to 2592000\n")


def test_the_hold_begins_when_the_request_is_whole():
    async def client(there):
        reader, writer = await there.connect()
        writer.write(post(hold_query(3, "abc"), b"Transfer-Encoding: chunked\r\n\r\n"))
        for _ in range(4):
            await asyncio.sleep(2)
            writer.write(b"1\r\n" + DRIP + b"\r\n")
        writer.write(b"0\r\n\r\n")
        answer = await reader.readuntil(hold_token(3, "abc"))
        return answer, asyncio.get_running_loop().time()

    answer, at_s = served(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert at_s == 11


def test_both_ends_may_drip():
    async def client(there):
        reader, writer = await there.connect()
        writer.write(post(hold_query(0, "abc", 3), b"Transfer-Encoding: chunked\r\n\r\n"))
        for _ in range(2):
            await asyncio.sleep(5)
            writer.write(b"1\r\n" + DRIP + b"\r\n")
        writer.write(b"0\r\n\r\n")
        answer = await reader.readuntil(b"0\r\n\r\n")
        return answer.partition(b"\r\n\r\n")[2], asyncio.get_running_loop().time()

    body, at_s = served(client)
    assert body == b"1\r\n.\r\n" * 3 + b"41\r\n" + hold_token(0, "abc") + b"\r\n0\r\n\r\n"
    assert at_s == 10


def test_a_body_without_end_is_refused():
    ((_, answer),) = whole(hold_query(1, "abc"), b"Content-Length: 2000000\r\n\r\n" + bytes(2_000_000))
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("query", [hold_query(100, "abc", 7), hold_query(100, "abc")])
def test_a_client_that_is_gone_in_the_middle_of_its_request(query):
    said = []

    async def client(there):
        _, writer = await there.connect()
        writer.write(post(query, b"Transfer-Encoding: chunked\r\n\r\n1\r\n.\r\n"))
        await asyncio.sleep(50)
        writer.close()
        await asyncio.sleep(1)
        return await there.ask("abc")

    testimony = served(client, said)
    assert said == ["127.0.0.1 was gone after 50.0 s of 100 s"]
    assert (testimony["ending"], testimony["ended_s"], testimony["answered_s"]) == ("closed", 50, None)


def test_a_late_server():
    async def main():
        app = web.Application()
        app.add_routes(HoldService(Witness(), late_s=5).routes())
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        there = There(runner.addresses[0][1])
        reader, writer = await there.connect()
        writer.write(post(hold_query(10, "abc")))
        await reader.readuntil(hold_token(10, "abc"))
        writer.close()
        at_s = asyncio.get_running_loop().time()
        await runner.cleanup()
        return at_s

    assert warp.run(main(), warp.WarpClock()) == 15


# The witness


def witnessed(then, hold_s=10, after_s=20):
    """Send a request, do something to its connection, wait, and ask the witness."""

    async def client(there):
        _, writer = await there.connect()
        writer.write(post(hold_query(hold_s, "abc")))
        await asyncio.sleep(4)
        then(writer)
        await asyncio.sleep(after_s - 4)
        return await there.ask("abc")

    return served(client)


def nothing(_):
    pass


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def silence(writer):
    assert mute(writer.get_extra_info("socket")) is Way.MIN_TTL


@linux
@pytest.mark.parametrize(
    ("then", "seen"),
    [
        (
            nothing,
            {"answered_s": 10, "ended_s": None, "ending": None, "unacknowledged": 0, "retransmits": 0},
        ),
        (
            reset,
            {"answered_s": None, "ended_s": 4, "ending": "reset", "unacknowledged": None, "retransmits": None},
        ),
        (
            lambda writer: writer.close(),
            {"answered_s": None, "ended_s": 4, "ending": "closed", "unacknowledged": None, "retransmits": None},
        ),
    ],
    ids=["nothing", "reset", "closed"],
)
def test_what_the_far_end_saw(then, seen):
    well = {"hbprobe": __version__, "held": True, "stalled_s": 0, "full_s": None}
    assert witnessed(then) == {"up_s": 20, "seen": True, "times": 1, "now_s": 20} | well | seen


@linux
def test_an_answer_that_nobody_acknowledges():
    testimony = witnessed(silence)
    assert (testimony["answered_s"], testimony["ending"]) == (10, None)
    assert testimony["unacknowledged"] == 1


def test_a_request_that_waits():
    testimony = witnessed(nothing, hold_s=30)
    assert (testimony["answered_s"], testimony["ending"], testimony["now_s"]) == (None, None, 20)


def test_a_request_that_never_came():
    async def client(there):
        await asyncio.sleep(7)
        return await there.ask("unknown")

    assert served(client) == {"hbprobe": __version__, "up_s": 7, "seen": False, "full_s": None}


def test_a_far_end_that_stood_still_says_so():
    async def main():
        far_end = FarEnd(Settings(), None)
        _, port = await far_end.listen("127.0.0.1", 0)
        there = There(port)
        try:
            _, writer = await there.connect()
            writer.write(post(hold_query(0.01, "abc")))
            await asyncio.sleep(0.05)
            asyncio.get_running_loop()._clock._start -= 3  # as if a callback had taken three seconds
            await asyncio.sleep(0.05)
            _, writer = await there.connect()
            await asyncio.sleep(1.5)
            writer.write(post(hold_query(0.01, "later")))
            await asyncio.sleep(0.05)
            return (await there.ask("abc"))["stalled_s"], (await there.ask("later"))["stalled_s"]
        finally:
            for writer in there.writers:
                writer.transport.abort()
            await far_end.close()

    before, later = warp.run(main(), warp.ScaledClock())
    assert before >= 3
    assert later < 3


def test_a_far_end_that_was_full_says_so():
    async def main():
        witness = Witness(lambda: 4.0)
        await asyncio.sleep(10)
        return witness.says("unknown")

    assert warp.run(main(), warp.WarpClock())["full_s"] == 6


def test_a_request_that_came_twice():
    async def client(there):
        for _ in range(2):
            _, writer = await there.connect()
            writer.write(post(hold_query(100, "abc")))
            await asyncio.sleep(5)
        return await there.ask("abc")

    testimony = served(client)
    assert (testimony["times"], testimony["now_s"]) == (2, 5)


def test_requests_on_one_connection_are_told_apart():
    async def client(there):
        reader, writer = await there.connect()
        for nonce in ("a", "b"):
            writer.write(post(hold_query(10, nonce)))
            await reader.readuntil(hold_token(10, nonce))
        writer.close()
        await asyncio.sleep(1)
        return [(await there.ask(nonce))["ended_s"] for nonce in ("a", "b")]

    assert served(client) == [20, 10]


def test_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr("hbprobe.farend.witness._MOST_KEPT", 2)

    async def client(there):
        for nonce in ("a", "b", "c"):
            _, writer = await there.connect()
            writer.write(post(hold_query(100, nonce)))
            await asyncio.sleep(1)
        return [(await there.ask(nonce))["seen"] for nonce in ("a", "b", "c")]

    assert served(client) == [False, True, True]
