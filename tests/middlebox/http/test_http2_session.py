"""HTTP/2 through an http box: what clients and servers see, and which timer ends a stream, which the connection."""

import asyncio
import select
import sys

import pytest

from hbprobe.net.certificates import throwaway_pair
from tests.support.http2 import GET, POST, Http2End

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")


def pair(*protocols):
    """Return TLS settings of a server and a client, each of which agrees on these protocols."""
    made = throwaway_pair()
    for context in made:
        context.set_alpn_protocols(list(protocols))
    return made


async def both(on, headers=GET, **more):
    """Ask something; return the client's end, its peer, and the server with what it got."""
    end = Http2End()
    client = await on.client(end.said() + end.ask(1, headers, **more))
    server = await on.server()
    return end, client, server, await server.sees_now()


async def test_a_request_reaches_the_server_in_http1_and_its_answer_comes_back(stage, http_box):
    headers = [*GET, ("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2")]
    async with stage(http_box({"via": True})) as on:
        end, client, server, asked = await both(on, headers)
        assert asked == (b"GET / HTTP/1.1\r\nhost: a\r\naccept: */*\r\ncookie: a=1; b=2\r\nVia: 1.1 hbprobe\r\n\r\n")
        await server.send(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + OK)
        assert await end.all_on(client, 1) == [
            (1, {":status": "103", "a": "b", "via": "1.1 hbprobe"}),
            (1, {":status": "200", "content-length": "2", "via": "1.1 hbprobe"}),
            (1, b"hi"),
            (1, "end"),
            "nothing",
        ]
        assert await server.sees() == "FIN"
        assert [flow.phase for flow in on.box.flows()] == ["idle"]


async def test_the_preface_may_come_byte_by_byte(stage, http_box):
    async with stage(http_box()) as on:
        end, client = Http2End(), await on.client()
        for byte in end.said() + end.ask():
            await client.send(bytes([byte]))
            await asyncio.sleep(0.001)
        assert (await (await on.server()).sees()).startswith(b"GET / HTTP/1.1\r\n")


async def test_a_body_of_no_length_goes_in_chunks_with_its_trailers(stage, http_box):
    async with stage(http_box()) as on:
        end, client, server, asked = await both(on, POST, end=False, data=b"some")
        assert asked == b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n"
        end.h2.send_headers(1, [("checksum", "x")], end_stream=True)
        await client.send(end.said())
        assert await server.sees() == b"0\r\nchecksum: x\r\n\r\n"
        await server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nSum: y\r\n\r\n")
        told = await end.all_on(client, 1)
        assert told[-4:-1] == [(1, b"hi"), (1, ("trailers", {"sum": "y"})), (1, "end")]


async def test_streams_go_on_beside_each_other(stage, http_box):
    async with stage(http_box(server_response=5)) as on:
        end, client, first, _ = await both(on)
        await asyncio.sleep(2)
        await client.send(end.ask(3))
        second = await on.server()
        await second.sees_now()
        assert [flow.phase for flow in on.box.flows()] == ["2 streams"]
        await asyncio.sleep(3.1)
        told = await end.all_on(client, 0.5)
        assert told[0] == (1, {":status": "504"} | {name: told[0][1][name] for name in told[0][1] if name[0] != ":"})
        assert (1, "end") in told
        await second.send(OK)
        assert (3, b"hi") in await end.all_on(client, 1)
        assert on.expired == [("server_response", "respond", 5)]
        assert await first.sees() == "FIN"


@pytest.mark.parametrize(
    ("timers", "begun", "told", "after_s"),
    [
        ({"server_response": {"default": 3, "expiry": "close"}}, b"", (1, "reset INTERNAL_ERROR"), 3),
        ({"server_response": {"default": 3, "expiry": "reset"}}, b"", (1, "reset CANCEL"), 3),
        ({"between_bytes": 4}, b"HTTP/1.1 200 OK\r\n\r\n", (1, "reset INTERNAL_ERROR"), 4),
        ({"total": 6}, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", (1, "reset INTERNAL_ERROR"), 6),
    ],
    ids=["close", "reset", "between bytes", "total"],
)
async def test_the_timer_of_a_request_ends_its_stream_alone(stage, http_box, timers, begun, told, after_s):
    async with stage(http_box(**timers)) as on:
        began = asyncio.get_running_loop().time()
        end, client, server, _ = await both(on)
        await server.send(begun)
        came = await end.on(client)
        while told not in came:
            came = await end.on(client)
            assert came != ["nothing"]
        assert round(asyncio.get_running_loop().time() - began, 2) == after_s
        assert await server.sees() in ("FIN", "RST")
        await client.send(end.ask(3))
        await (await on.server()).send(OK)
        assert (3, b"hi") in await end.all_on(client, 1)


async def test_a_ping_is_answered_by_the_box_and_does_not_save_a_request(stage, http_box):
    async with stage(http_box(server_response=5)) as on:
        end, client, server, _ = await both(on)
        for _ in range(4):
            await asyncio.sleep(1)
            end.h2.ping(b"12345678")
            await client.send(end.said())
            assert "pong" in await end.all_on(client, 0.01)
        assert await server.sees_now() == b"", "no PING reaches the server"
        assert any(what[1].get(":status") == "504" for what in await end.on(client, 1.5) if isinstance(what[1], dict))


@pytest.mark.parametrize(
    ("counts", "lives_s"), [(False, 10), (True, 18)], ids=["it does not count", "it restarts the timer"]
)
async def test_a_connection_without_streams_dies_of_the_timer_between_requests(stage, http_box, counts, lives_s):
    http = {"http2": {"pings_count": counts, "source": "us"}}
    async with stage(http_box(http, client_idle=10, client_header=3)) as on:
        end, client, server, _ = await both(on)
        await server.send(OK)
        await end.all_on(client, 1)
        began = asyncio.get_running_loop().time() - 1
        await asyncio.sleep(7)
        end.h2.ping(b"12345678")
        await client.send(end.said())
        assert await end.all_on(client) == ["pong", "goaway NO_ERROR", "FIN"]
        assert round(asyncio.get_running_loop().time() - began, 2) == lives_s
        assert on.expired == [("client_idle", "close", 10)]


@pytest.mark.parametrize(("expiry", "seen"), [("close", ["goaway NO_ERROR", "FIN"]), ("reset", ["RST"])])
async def test_the_ends_of_a_connection_stay_told_apart(stage, http_box, expiry, seen):
    async with stage(http_box(client_idle={"default": 10, "expiry": expiry})) as on:
        end, client, server, _ = await both(on)
        await server.send(OK)
        told = await end.all_on(client)
        assert told[-len(seen) :] == seen
        assert on.expired == [("client_idle", expiry, 10)]


@on_linux
async def test_a_connection_may_end_in_silence(stage, http_box):
    async with stage(http_box(client_idle={"default": 10, "expiry": "silent"})) as on:
        end = Http2End()
        client = await on.client(end.said())
        assert (await end.all_on(client, 1000)) == ["nothing"]
        end.h2.ping(b"12345678")
        await client.send(end.said())
        assert await end.on(client, 1000) == ["nothing"]


@pytest.mark.parametrize(
    ("timers", "kind", "after_s"),
    [({"client_header": 3}, "client_header", 3), ({}, "client_idle", 10)],
    ids=["with a timer of heads", "without"],
)
@pytest.mark.parametrize("counts", [False, True], ids=["PINGs do not count", "PINGs count"])
async def test_before_the_first_request(stage, http_box, timers, kind, after_s, counts):
    http = {"http2": {"pings_count": counts, "source": "us"}}
    async with stage(http_box(http, client_idle=10, **timers)) as on:
        began, end = asyncio.get_running_loop().time(), Http2End()
        client = await on.client(end.said())
        await asyncio.sleep(2)
        end.h2.ping(b"12345678")
        await client.send(end.said())
        assert await end.all_on(client) == ["pong", "goaway NO_ERROR", "FIN"]
        assert round(asyncio.get_running_loop().time() - began, 2) == after_s + 2 * counts
        assert on.expired == [(kind, "close", after_s)]


async def test_the_lifetime_ends_what_is_under_way(stage, http_box):
    async with stage(http_box(lifetime=7)) as on:
        end, client, server, _ = await both(on)
        assert await end.all_on(client) == ["goaway NO_ERROR", "FIN"]
        assert await server.sees() == "FIN"
        assert on.expired == [("lifetime", "close", 7)]


async def test_new_timers_are_those_of_streams_and_connection(stage, http_box):
    async with stage(http_box(server_response=100)) as on:
        end, client, server, _ = await both(on)
        on.box.change(http_box(server_response=5, client_idle=20))
        assert any(what == (1, "end") for what in await end.all_on(client, 6))
        assert await server.sees() == "FIN"
        assert (await end.all_on(client, 21))[-2:] == ["goaway NO_ERROR", "FIN"]


async def test_a_client_that_resets_its_stream_costs_only_that(stage, http_box):
    async with stage(http_box()) as on:
        end, client, server, _ = await both(on)
        end.h2.reset_stream(1)
        await client.send(end.said() + end.ask(3))
        assert await server.sees() == "FIN"
        await (await on.server()).send(OK)
        assert (3, b"hi") in await end.all_on(client, 1)


@pytest.mark.parametrize("how", ["goaway", "FIN", "RST"])
async def test_a_client_that_leaves_takes_its_streams_along(stage, http_box, how):
    async with stage(http_box({"server_side": "reset"})) as on:
        end, client, server, _ = await both(on)
        match how:
            case "goaway":
                end.h2.close_connection()
                await client.send(end.said())
            case "FIN":
                client.send_fin()
            case "RST":
                client.send_rst()
        assert await server.sees() == "RST"
        assert len(on.box) == 0


async def test_a_server_that_dies_costs_502_or_the_rest_of_the_answer(stage, http_box):
    async with stage(http_box()) as on:
        end, client, server, _ = await both(on)
        server.send_fin()
        assert (1, "end") in (told := await end.all_on(client, 1))
        assert any(isinstance(what[1], dict) and what[1][":status"] == "502" for what in told if len(what) == 2)
        await client.send(end.ask(3))
        server = await on.server()
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        server.send_fin()
        assert (3, "reset INTERNAL_ERROR") in await end.all_on(client, 1)


async def test_a_client_that_takes_little_holds_the_server_back(stage, http_box):
    async with stage(http_box(between_bytes=5)) as on:
        end = Http2End()
        end.h2.update_settings({4: 1000})  # INITIAL_WINDOW_SIZE
        client = await on.client(end.said() + end.ask())
        server = await on.server()
        await server.sees_now()
        body = bytes(range(200)) * 100
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + body)
        await asyncio.sleep(10)  # what is not taken is not the server's fault
        told = await end.all_on(client, 1)
        assert b"".join(what for _, what in told[:-1] if isinstance(what, bytes)) == body[:1000]
        received = 1000
        while received < len(body):
            end.h2.increment_flow_control_window(1000, 1)
            await client.send(end.said())
            received += sum(len(what) for _, what in await end.on(client) if isinstance(what, bytes))
        assert received == len(body)
        assert not on.expired


@on_linux
async def test_what_was_said_in_the_dark_arrives_when_it_heals(stage, http_box):
    async with stage(http_box()) as on:
        end, client, server, _ = await both(on)
        await end.all_on(client, 0.01)
        on.box.blackhole()
        await server.send(OK)
        assert await end.on(client, 60) == ["nothing"]
        on.box.heal()
        ready, _, _ = await asyncio.to_thread(select.select, [client.sock], [], [], 60)  # the kernel says it again
        assert ready
        assert (1, b"hi") in await end.all_on(client, 1)


class TestServerOfHttp2:
    """Where the server speaks HTTP/2, so does the box."""

    async def test_over_tls_where_that_is_agreed_on(self, stage, http_box):
        tls_server, tls_client = pair("h2")
        async with stage(http_box(server_response=5), upstream_tls=tls_client, upstream_name="localhost") as on:
            end, there = Http2End(), Http2End(client=False)
            client = await on.client(end.said() + end.ask(1, POST, data=b"some"))
            server = await on.tls_server(tls_server)
            await server.send(there.said())
            told = await there.on(server)
            assert told[0][1][":method"] == "POST"
            assert told[0][1]["te"] == "trailers"
            assert told[1:] == [(1, b"some"), (1, "end")]
            there.h2.send_headers(1, [(":status", "200")])
            there.h2.send_data(1, b"hi")
            there.h2.send_headers(1, [("grpc-status", "0")], end_stream=True)
            await server.send(there.said())
            came = await end.all_on(client, 1)
            assert came[1:] == [(1, b"hi"), (1, ("trailers", {"grpc-status": "0"})), (1, "end"), "nothing"]
            assert await there.all_on(server) == ["goaway NO_ERROR", "FIN, signed"]

    async def test_grpc_in_the_clear(self, stage, http_box):
        async with stage(http_box(server_response=5)) as on:
            end, there = Http2End(), Http2End(client=False)
            asked = [*POST, ("content-type", "application/grpc"), ("te", "trailers")]
            client = await on.client(end.said() + end.ask(1, asked, data=b"some"))
            server = await on.server()
            await server.send(there.said())
            assert (await there.on(server))[-1] == (1, "end")
            there.h2.send_headers(1, [(":status", "200"), ("grpc-status", "5")], end_stream=True)
            await server.send(there.said())
            came = await end.all_on(client, 1)
            assert came[0][1]["grpc-status"] == "5"
            assert came[1:] == [(1, "end"), "nothing"], "an answer of trailers only stays one"

    @pytest.mark.parametrize("how", ["reset", "goaway"])
    async def test_one_that_gives_the_request_up(self, stage, http_box, how):
        async with stage(http_box()) as on:
            end, there = Http2End(), Http2End(client=False)
            client = await on.client(end.said() + end.ask(1, [*POST, ("content-type", "application/grpc")]))
            server = await on.server()
            await server.send(there.said())
            await there.on(server)
            there.h2.reset_stream(1) if how == "reset" else there.h2.close_connection()
            await server.send(there.said())
            told = await end.all_on(client, 1)
            assert told[0][1][":status"] == "502"
            assert on.refused[0].startswith("upstream ended the connection without an answer: RST")

    async def test_http1_where_tls_agrees_on_that(self, stage, http_box):
        tls_server, tls_client = pair("http/1.1")
        async with stage(http_box(), upstream_tls=tls_client, upstream_name="localhost") as on:
            end = Http2End()
            client = await on.client(end.said() + end.ask())
            server = await on.tls_server(tls_server)
            assert (await server.sees()).startswith(b"GET / HTTP/1.1\r\n")
            await server.send(OK)
            assert (1, b"hi") in await end.all_on(client, 1)


async def test_http2_is_agreed_on_in_tls(stage, http_box):
    tls_server, tls_client = pair("h2")
    async with stage(http_box(), tls=tls_server) as on:
        end = Http2End()
        client = await on.tls_client(tls_client, end.said() + end.ask())
        assert client.protocol == "h2"
        await (await on.server()).send(OK)
        assert (1, b"hi") in await end.all_on(client, 1)
