"""A box of layer http with toxics: what each does to a request and its answer, and what the feed says of it."""

import asyncio
import select
import sys

import pytest
from support.http_boxes import GET, OK, POST, HttpStage, make_http_box

from hbprobe.middlebox.faults.fault_gateway import FaultGateway
from hbprobe.middlebox.faults.toxic_calls import add_toxic
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.event_feed import EventFeed
from tests.support.http2 import Http2End

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"


class Scene(HttpStage):
    """A stage whose box has toxics and a feed."""

    def make(self, *args, **more):
        self.feed = EventFeed()
        return FaultGateway(*args, seed="seed", note=self.feed.note, of={}, **more)

    def add(self, kind, stream="downstream", **more):
        attributes = {key: more.pop(key) for key in tuple(more) if key not in ("toxicity", "connection")}
        return add_toxic(self.box, {"type": kind, "stream": stream, "attributes": attributes, **more}).name

    def told(self, *names):
        """Return what the feed says, without numbers, times and clients."""
        dull = {"id", "at", "client"}
        found = [event for event in self.feed.since(0) if event["event"] in names]
        return [{key: value for key, value in event.items() if key not in dull} for event in found]

    async def asked(self, client, server, saying=GET, answer=OK):
        """Ask and answer once more; return when the request came and the answer did, in seconds."""
        began = self._loop.time()
        await client.send(saying)
        assert (await server.sees()).startswith(saying[:4])
        there_s = self._loop.time() - began
        await server.send(answer)
        assert await client.sees() == answer
        return pytest.approx([there_s, self._loop.time() - began - there_s], abs=1e-3)


async def heals(on, name, client):
    """Take a black hole away, and return what the client then gets: TCP sends again in real time."""
    on.box.remove(name)
    ready, _, _ = await asyncio.to_thread(select.select, [client.sock], [], [], 60)
    assert ready
    return await client.sees()


@pytest.mark.parametrize("tls", [False, True])
async def test_each_direction_has_its_own_stages_inside_tls_too(tls):
    server_tls, client_tls = throwaway_pair()
    async with Scene(make_http_box(), **({"tls": server_tls} if tls else {})) as on:
        client = await (on.tls_client(client_tls, GET) if tls else on.client(GET))
        server = await on.server()
        await server.sees()
        await server.send(OK)
        assert await client.sees() == OK
        slow = on.add("latency", "upstream", latency=2000)
        on.add("latency", latency=300)
        assert await on.asked(client, server) == [2.0, 0.3]
        on.box.remove(slow)
        assert await on.asked(client, server) == [0.0, 0.3]
        assert on.told("hit", "acted", "spared") == [
            {"event": "hit", "connection": 1, "toxic": "latency_upstream"},
            {"event": "hit", "connection": 1, "toxic": "latency_downstream"},
            {"event": "acted", "connection": 1, "toxic": "latency_upstream"},
            {"event": "acted", "connection": 1, "toxic": "latency_downstream"},
            {"event": "spared", "connection": 1, "toxic": "latency_upstream"},
        ]
        (one,) = on.box.connections()
        assert (one["number"], one["toxics"], one["phase"]) == (1, ["latency_downstream"], "idle")


async def test_the_timers_of_the_box_run_for_what_is_late():
    async with Scene(make_http_box(client_header=5)) as on:
        on.add("latency", "upstream", latency=9000)
        client = await on.client(GET)
        assert (await client.sees_all())[1:] == ("FIN", 5)
        assert on.told("ended") == [
            {"event": "ended", "connection": 1, "how": "close", "timer": "client_header"},
        ]


async def test_a_narrow_stage_holds_the_server_back_and_no_byte_is_missing():
    async with Scene(make_http_box()) as on:
        on.add("bandwidth", rate=100)
        client, server, _ = await on.both()
        body = bytes(range(256)) * 782
        sending = asyncio.ensure_future(server.send(LONG + body[:200_000]))
        await asyncio.sleep(1)
        (one,) = on.box.connections()
        assert 0 < one["held_bytes"]["downstream"] <= 2 * 64 * 1024
        received = b""
        while len(received) < len(LONG) + 200_000:
            received += await client.sees()
        await sending
        assert received == LONG + body[:200_000]
        assert on._loop.time() > 1.9


async def test_an_end_waits_behind_what_is_late():
    async with Scene(make_http_box()) as on:
        on.add("latency", latency=1000)
        client = await on.client(b"nonsense\r\n\r\n")
        told = await client.sees_all()
        assert told[0].startswith(b"HTTP/1.1 400 ") and told[1:] == ("FIN", 1)
        assert on.told("ended") == [{"event": "ended", "connection": 1, "how": "refused"}]
        on.add("slow_close", delay=5000)
        client, server, _ = await on.both(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await server.send(OK)
        told = await client.sees_all()
        assert told[0].endswith(b"hi") and told[1:] == ("FIN", 6)


async def test_the_end_of_the_client_waits_behind_what_it_said():
    async with Scene(make_http_box()) as on:
        client, server, _ = await on.both()
        await server.send(OK)
        assert await client.sees() == OK
        on.add("latency", "upstream", latency=1000)
        await client.send(POST + b"hello")
        client.send_fin()
        told = await server.sees_all()
        assert told[0].endswith(b"hello") and told[1:] == ("FIN", 1)


@pytest.mark.parametrize(("kind", "attributes"), [("limit_data", {"bytes": 20}), ("timeout", {"timeout": 1000})])
async def test_a_stage_that_closes_does_so_with_fin_and_is_named(kind, attributes):
    async with Scene(make_http_box()) as on:
        name = on.add(kind, **attributes)
        client, server, _ = await on.both()
        await server.send(OK)
        assert (await client.sees_all())[:2] == (OK[: attributes.get("bytes", 0)], "FIN")
        assert await server.sees() == "FIN"
        assert on.told("acted", "ended") == [
            {"event": "acted", "connection": 1, "toxic": name},
            {"event": "ended", "connection": 1, "toxic": name, "how": "closed"},
        ]


async def test_what_stages_hold_of_a_connection_that_has_ended_is_reset_when_the_box_closes():
    async with Scene(make_http_box()) as on:
        on.add("latency", latency=10**6)
        client = await on.client(b"nonsense\r\n\r\n")
        await asyncio.sleep(1)
        assert len(on.box) == 0
        on.box.close()
        assert await client.sees() == "RST"


@LINUX
async def test_a_black_hole_heals_and_what_stages_held_comes():
    async with Scene(make_http_box()) as on:
        client, server, _ = await on.both()
        on.add("latency", latency=5000)
        await server.send(OK)
        await asyncio.sleep(1)
        dark = on.add("blackhole")
        assert await client.sees(60) == "nothing"
        assert await heals(on, dark, client) == OK
        assert on.told("acted") == [
            {"event": "acted", "connection": 1, "toxic": "latency_downstream"},
            {"event": "acted", "connection": 1, "toxic": "blackhole_downstream"},
        ]


@LINUX
@pytest.mark.parametrize("tls", [False, True])
async def test_a_black_hole_is_for_one_connection_and_its_server_side(tls):
    server_tls, client_tls = throwaway_pair()
    async with Scene(make_http_box(), **({"tls": server_tls} if tls else {})) as on:
        client = await (on.tls_client(client_tls, GET) if tls else on.client(GET))
        server = await on.server()
        await server.sees()
        other = await (on.tls_client(client_tls, GET) if tls else on.client(GET))
        behind = await on.server()
        await behind.sees()
        dark = on.add("blackhole", connection=1)
        await server.send(OK)
        await behind.send(OK)
        assert await other.sees() == OK
        assert await client.sees(600) == "nothing"
        assert [one["toxics"] for one in on.box.connections()] == [[dark], []]
        assert await heals(on, dark, client) == OK
        assert on.told("hit", "acted", "spared") == [
            {"event": what, "connection": 1, "toxic": dark} for what in ("hit", "acted", "spared")
        ]


@LINUX
async def test_a_black_hole_for_a_share_has_those_connections_from_their_start():
    async with Scene(make_http_box()) as on:
        dark = on.add("blackhole", toxicity=0.5)
        meets = [bool(on.box.toxics.dark(number)) for number in range(1, 7)]
        assert {True, False} == set(meets)
        clients = [await on.client(GET) for _ in meets]
        for _ in range(meets.count(False)):
            server = await on.server()
            await server.sees()
            await server.send(OK)
        assert [await client.sees(600) == "nothing" for client in clients] == meets
        on.box.remove(dark)
        for client in (client for client, was_dark in zip(clients, meets, strict=True) if was_dark):
            server = await on.server()
            await server.sees()
            await server.send(OK)
            assert await client.sees() == OK


@LINUX
async def test_streams_of_http2_are_in_the_black_hole_of_their_connection():
    async with Scene(make_http_box()) as on:
        end = Http2End()
        client = await on.client(end.said() + end.ask())
        server = await on.server()
        await server.sees()
        await end.all_on(client, 1)
        dark = on.add("blackhole", connection=1)
        await server.send(OK)
        assert await client.sees(600) == "nothing"
        on.box.remove(dark)
        await asyncio.to_thread(select.select, [client.sock], [], [], 60)
        assert (1, "end") in await end.all_on(client, 2)


@LINUX
async def test_what_the_box_says_in_a_black_hole_comes_when_it_heals_which_stays_until_then():
    async with Scene(make_http_box(server_response=30)) as on:
        client, _, _ = await on.both(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        on.add("latency", latency=100, connection=1)
        dark = on.add("blackhole", connection=1)
        assert await client.sees(600) == "nothing"
        assert on.told("ended")[0]["timer"] == "server_response"
        assert len(on.box) == 0 and dark in on.box.toxics
        assert (await heals(on, dark, client)).startswith(b"HTTP/1.1 504 ")
        assert await client.sees() == "FIN"
        assert on.box.toxics.all() == []


@LINUX
async def test_a_server_hears_of_an_end_that_stages_held_in_a_black_hole():
    async with Scene(make_http_box()) as on:
        client, server, _ = await on.both(POST)
        slow = on.add("latency", "upstream", latency=1000)
        client.send_fin()
        await asyncio.sleep(0.5)
        dark = on.add("blackhole")
        await asyncio.sleep(60)
        on.box.remove(dark)
        assert slow in on.box.toxics
        assert await server.sees(60) == "FIN"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"type": "idle_drop", "attributes": {"timeout": 5}}, "idle_drop is a timer of boxes that relay bytes"),
        ({"type": "reset_peer"}, "change its timers, or put a box beside it, as in hbprobe proxy open-path box"),
        ({"type": "noop", "connection": 7}, "there is no connection 7"),
    ],
)
async def test_what_makes_no_sense_here_is_refused_with_the_reason(asked, error):
    async with Scene(make_http_box()) as on:
        with pytest.raises(Exception, match=error):
            add_toxic(on.box, asked)
        assert on.box.toxics.all() == []


async def test_a_toxic_for_one_connection_leaves_the_others_alone_and_goes_with_it():
    async with Scene(make_http_box()) as on:
        client, server, _ = await on.both()
        await server.send(OK)
        assert await client.sees() == OK
        other, behind, _ = await on.both()
        on.add("latency", latency=1000, connection=1)
        await behind.send(OK)
        began = on._loop.time()
        assert await other.sees() == OK
        assert await on.asked(client, server) == [0.0, 1.0]
        assert on._loop.time() - began == pytest.approx(1, abs=0.1)
        client.send_fin()
        await asyncio.sleep(2)
        assert on.box.toxics.all() == []


async def test_a_connection_of_http2_has_stages_of_its_own():
    async with Scene(make_http_box(client_idle=75)) as on:
        on.add("latency", latency=300)
        end, loop = Http2End(), asyncio.get_running_loop()
        client = await on.client(end.said() + end.ask())
        server = await on.server()
        await server.sees()
        await end.all_on(client, 1)
        began = loop.time()
        await server.send(OK)
        while (1, "end") not in await end.on(client):
            pass
        assert loop.time() - began == pytest.approx(0.3, abs=1e-3)
        assert [one["phase"] for one in on.box.connections()] == ["idle"]
        assert (await end.all_on(client))[-2:] == ["goaway NO_ERROR", "FIN"]
        assert on.told("ended") == [{"event": "ended", "connection": 1, "how": "close", "timer": "client_idle"}]
