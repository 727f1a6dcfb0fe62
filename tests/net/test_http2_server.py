"""HTTP/2 at the far end: its services answer as they do over HTTP/1.1, and it bears witness of how streams end."""

import asyncio
import contextlib
import json
import random

import pytest

from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import HTTP_1_1, HTTP_2, Target
from hbprobe.net.wire import Dialer
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind
from tests.support.http2 import GET, POST, Http2End


class Client(Http2End):
    """A client of a far end, over a socket of asyncio's."""

    async def connect(self, port, tls=None):
        self.reader, self.writer = await asyncio.open_connection("localhost", port, ssl=tls)
        self.writer.write(self.said())
        return self

    async def until(self, wanted, within_s=1e6):
        """Return what came, up to what is wanted; what comes after it stays away from nobody."""
        told = []
        async with asyncio.timeout(within_s):
            while wanted not in told:
                data = await self.reader.read(1 << 16)
                if not data:
                    return [*told, "FIN"]
                told += self.take(data)
                self.writer.write(self.said())
        return told

    async def get(self, number, path, headers=GET):
        self.writer.write(self.ask(number, [*headers[:1], (":path", path), *headers[2:]]))
        told = await self.until((number, "end"))
        return b"".join(what for _, what in told[:-1] if isinstance(what, bytes))


def with_far_end(on_warp, main, tls=None):
    async def run():
        far_end = FarEnd(Settings(), tls)
        _, port = await far_end.listen("127.0.0.1", 0)
        try:
            return await main(far_end, port)
        finally:
            await far_end.close()

    return on_warp(run())


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_a_hold_and_its_witness(on_warp, secure):
    server_tls, client_tls = throwaway_pair() if secure else (None, None)
    if client_tls:
        client_tls.set_alpn_protocols(["h2"])

    async def main(far_end, port):
        client, loop = await Client().connect(port, client_tls), asyncio.get_running_loop()
        began_s = loop.time()
        body = await client.get(1, "/hold?seconds=600&nonce=a", POST)
        after_s = loop.time() - began_s
        seen = json.loads(await client.get(3, "/hold/a"))
        client.writer.close()
        return body, after_s, seen

    body, after_s, seen = with_far_end(on_warp, main, server_tls)
    assert len(body) == 65
    assert round(after_s) == 600
    assert (seen["seen"], seen["times"], round(seen["answered_s"])) == (True, 1, 600)


def test_requests_do_not_wait_for_each_other(on_warp):
    async def main(far_end, port):
        client = await Client().connect(port)
        client.writer.write(client.ask(1, [*POST[:1], (":path", "/hold?seconds=600&nonce=a"), *POST[2:]]))
        client.writer.write(client.ask(3, [*GET[:1], (":path", "/"), *GET[2:]]))
        told = await client.until((3, "end"))
        holding = far_end.holding
        told += await client.until((1, "end"))
        client.writer.close()
        return holding, [number for number, what in told if what == "end"]

    assert with_far_end(on_warp, main) == (1, [3, 1])


@pytest.mark.parametrize("how", ["RST_STREAM", "FIN", "RST", "GOAWAY"])
def test_what_was_held_is_witnessed_however_it_ends(on_warp, how):
    async def main(far_end, port):
        client = await Client().connect(port)
        client.writer.write(client.ask(1, [*POST[:1], (":path", "/hold?seconds=600&nonce=a"), *POST[2:]]))
        await asyncio.sleep(60)
        match how:
            case "RST_STREAM":
                client.h2.reset_stream(1)
                client.writer.write(client.said())
            case "GOAWAY":
                client.h2.close_connection()
                client.writer.write(client.said())
            case "FIN":
                client.writer.close()
            case "RST":
                client.writer.transport.abort()
        await asyncio.sleep(1)
        holding = far_end.holding
        other = await Client().connect(port)
        seen = json.loads(await other.get(1, "/hold/a"))
        for each in (client, other):
            each.writer.close()
        return holding, seen

    holding, seen = with_far_end(on_warp, main)
    assert holding == 0
    assert round(seen["ended_s"]) == 60
    assert seen["ending"] == ("reset" if how == "RST_STREAM" else "closed")


def test_events_come_when_they_are_told(on_warp):
    async def main(far_end, port):
        client, loop = await Client().connect(port), asyncio.get_running_loop()
        began_s = loop.time()
        client.writer.write(client.ask(1, [*GET[:1], (":path", "/events?silence=100&every=15"), *GET[2:]]))
        came = []
        for number in (1, 2):
            await client.until((1, f"id: {number}\ndata: hbprobe\n\n".encode()))
            came.append(round(loop.time() - began_s))
        client.writer.close()
        return came

    assert with_far_end(on_warp, main) == [100, 115]


def test_a_connection_without_requests_stands_for_hours(on_warp):
    server_tls, client_tls = throwaway_pair()

    async def main(far_end, port):
        dialer = Dialer(Target(True, "localhost", port, "/"), client_tls, offers=HTTP_2)
        method = make(Environment("http2", dialer, 3.0, random.Random(1)))
        return await method.prove(), await method.trial(7200)

    objection, outcome = with_far_end(on_warp, main, server_tls)
    assert objection is None
    assert (outcome.kind, round(outcome.elapsed_s)) == (Kind.SURVIVED, 7200)


def test_who_shares_tls_settings_offers_what_it_offered_before(on_warp):
    server_tls, client_tls = throwaway_pair()

    async def main(far_end, port):
        dialer = Dialer(Target(True, "localhost", port, "/"), client_tls)
        agreed = []
        for one in (dialer, dialer.offering(HTTP_2), dialer, dialer.offering(HTTP_1_1), dialer.offering(HTTP_2)):
            wire = await one.open()
            agreed.append(wire.alpn)
            wire.close()
        return agreed

    assert with_far_end(on_warp, main, server_tls) == [HTTP_1_1, HTTP_2, HTTP_1_1, HTTP_1_1, HTTP_2]


@pytest.mark.parametrize("begun", [b"", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_who_begins_and_says_nothing_is_let_go(on_warp, begun):
    async def main(far_end, port):
        reader, writer = await asyncio.open_connection("localhost", port)
        writer.write(begun)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while await reader.read(1000):
            pass
        writer.close()
        return round(loop.time() - began_s)

    assert with_far_end(on_warp, main) == 60


def test_a_large_body_is_read_as_fast_as_it_comes_and_no_faster(on_warp):
    async def main(far_end, port):
        client = await Client().connect(port)
        headers = [*POST[:1], (":path", "/hold?seconds=1&nonce=b"), *POST[2:]]
        client.writer.write(client.ask(1, headers, end=False))
        left = 300_000
        while left:
            room = min(left, client.h2.local_flow_control_window(1), 10_000)
            if room:
                client.h2.send_data(1, b"x" * room)
                left -= room
                client.writer.write(client.said())
            else:
                client.take(await client.reader.read(1000))
        client.h2.end_stream(1)
        client.writer.write(client.said())
        told = await client.until((1, "end"))
        client.writer.close()
        return next(what for number, what in told if isinstance(what, dict))

    assert with_far_end(on_warp, main)[":status"] == "200"


def test_http1_is_spoken_as_before(on_warp):
    async def main(far_end, port):
        reader, writer = await asyncio.open_connection("localhost", port)
        writer.write(b"P")
        await asyncio.sleep(1)
        writer.write(b"OST /hold?seconds=1&nonce=a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        line = await reader.readline()
        writer.close()
        return line

    assert with_far_end(on_warp, main) == b"HTTP/1.1 200 OK\r\n"


def test_a_flood_ends_its_connection(on_warp):
    async def main(far_end, port):
        client = await Client().connect(port)
        for number in range(1, 2001, 2):
            client.writer.write(client.ask(number, [*POST[:1], (":path", "/hold?seconds=9&nonce=a"), *POST[2:]]))
            client.h2.reset_stream(number)
            client.writer.write(client.said())
        with contextlib.suppress(ConnectionResetError):  # it reads no more
            await client.until("FIN")
        client.writer.close()
        other = await Client().connect(port)
        await other.get(1, "/")
        other.writer.close()
        return far_end.holding

    assert with_far_end(on_warp, main) == 0
