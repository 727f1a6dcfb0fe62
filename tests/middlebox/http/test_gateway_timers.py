"""Each timer of an http box with each expiry: what both ends see, at which second."""

import asyncio
import sys

import pytest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")


def status(line, body="", *, kept):
    end = b"\r\n" if kept else b"Connection: close\r\n\r\n"
    return (
        f"HTTP/1.1 {line}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
    ).encode() + (end + body.encode())


LATE = status("504 Gateway Timeout", "late", kept=True)
manners = pytest.mark.parametrize(("manner", "seen"), [("close", "FIN"), ("reset", "RST")])
abrupt = pytest.mark.parametrize(("expiry", "seen"), [("close", "FIN"), ("reset", "RST")])


class TestServerResponse:
    @manners
    async def test_ends_with_a_status_and_the_client_stays(self, stage, http_box, manner, seen):
        async with stage(http_box({"keeps_client": True, "server_side": manner}, server_response=3)) as on:
            client, server, _ = await on.both()
            assert await client.sees_all(100) == (LATE, "nothing", 103)
            assert await server.sees() == seen
            assert on.expired == [("server_response", "respond", 3)]
            assert (len(on.box), on.box.counts.expired, on.ends) == (1, {"server_response": 1}, (0, 0, 0))
            await client.send(GET)
            assert await (await on.server()).sees_now() == GET

    @manners
    async def test_ends_with_a_status_and_the_client_goes(self, stage, http_box, manner, seen):
        async with stage(http_box({"server_side": manner}, server_response=3)) as on:
            client, server, _ = await on.both()
            assert await client.sees_all() == (status("504 Gateway Timeout", "late", kept=False), "FIN", 3)
            assert await server.sees() == seen
            assert (len(on.box), on.expired) == (0, [("server_response", "respond", 3)])

    async def test_a_client_that_wants_to_go_goes(self, stage, http_box):
        async with stage(http_box({"keeps_client": True}, server_response=3)) as on:
            client = await on.client(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await client.sees_all())[1:] == ("FIN", 3)

    async def test_a_head_gets_no_body(self, stage, http_box):
        async with stage(http_box({"keeps_client": True}, server_response=3)) as on:
            client = await on.client(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.sees_all(3.5))[0] == LATE.removesuffix(b"late")

    @pytest.mark.parametrize("expiry", ["close", "reset"])
    @manners
    async def test_may_end_without_one(self, stage, http_box, expiry, seen, manner):
        box = http_box({"server_side": manner}, server_response={"default": 3, "expiry": expiry})
        async with stage(box) as on:
            client, server, _ = await on.both()
            assert await client.sees_all() == (b"", "FIN" if expiry == "close" else "RST", 3)
            assert await server.sees_all() == (b"", seen, 0)
            assert on.expired == [("server_response", expiry, 3)]

    @on_linux
    async def test_may_end_in_silence(self, stage, http_box):
        async with stage(http_box(server_response={"default": 3, "expiry": "silent"})) as on:
            client, server, _ = await on.both()
            assert await client.sees(100) == "nothing"
            for peer in (client, server):
                await peer.send(b"anybody there?")
                assert await peer.sees(1000) == "nothing"
            assert (len(on.box), on.expired) == (0, [("server_response", "silent", 3)])
            assert [way.value for way in on.events[0].ways] == ["min-ttl"]

    async def test_runs_from_the_end_of_the_request(self, stage, http_box):
        async with stage(http_box(server_response=3)) as on:
            client, server, _ = await on.both(POST + b"he")
            await asyncio.sleep(100)
            await client.send(b"llo")
            assert await server.sees_now() == b"llo"
            assert (await client.sees_all())[2] == 3
            assert on.expired == [("server_response", "respond", 3)]

    async def test_is_not_restarted_by_interim_answers(self, stage, http_box):
        async with stage(http_box(server_response=3)) as on:
            client, server, _ = await on.both()
            await asyncio.sleep(2)
            await server.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            assert (await client.sees_all())[1:] == ("FIN", 1)

    async def test_is_over_with_the_first_byte_of_the_answer(self, stage, http_box):
        async with stage(http_box(server_response=3)) as on:
            client, server, _ = await on.both()
            await server.send(b"HTTP/1.1 2")
            assert await client.sees(1000) == "nothing"
            await server.send(OK[10:])
            assert await client.sees_now() == OK

    async def test_runs_again_for_the_next_request(self, stage, http_box):
        async with stage(http_box(server_response=3)) as on:
            client, server, _ = await on.both()
            for _ in range(5):
                await asyncio.sleep(2.5)
                await server.send(OK)
                assert await client.sees_now() == OK
                await asyncio.sleep(2.5)
                await client.send(GET)
            assert (await client.sees_all())[1:] == ("FIN", 3)

    async def test_an_answer_at_the_last_moment_is_in_time(self, stage, http_box):
        async with stage(http_box(server_response=3)) as on:
            client, server, _ = await on.both()
            await asyncio.sleep(2.99)
            await server.send(OK)
            assert await client.sees_now() == OK


TWICE_MORE = {"default": 3, "retries": 2}


class TestRetries:
    async def test_make_the_limit_longer(self, stage, http_box):
        async with stage(http_box({"keeps_client": True, "server_side": "reset"}, server_response=TWICE_MORE)) as on:
            client, server, _ = await on.both(POST + b"hello")
            for _ in range(2):
                assert await server.sees_all() == (b"", "RST", 3)
                server = await on.server()
                assert await server.sees_now() == POST + b"hello"
            assert await client.sees_all(2.9) == (b"", "nothing", 2.9)
            assert await client.sees() == LATE
            assert on.expired == [("server_response", "respond", 3)]
            assert on.events[0].age_s == pytest.approx(9, abs=1e-3)

    async def test_a_later_server_may_answer(self, stage, http_box):
        async with stage(http_box(server_response=TWICE_MORE)) as on:
            client, server, _ = await on.both()
            assert await server.sees_all() == (b"", "FIN", 3)
            again = await on.server()
            assert await again.sees_now() == GET
            await again.send(OK)
            assert await client.sees_now() == OK
            assert on.expired == []
            await client.send(GET)  # the next request has retries of its own
            assert await again.sees_all() == (GET, "FIN", 3)
            await (await on.server()).send(OK)
            assert await client.sees_now() == OK

    async def test_a_long_request_is_not_sent_again(self, stage, http_box):
        async with stage(http_box(server_response=TWICE_MORE)) as on:
            client, server, _ = await on.both(POST.replace(b"5", b"70000") + b"x" * 70_000)
            assert await server.sees_now() == b""
            assert (await client.sees_all())[1:] == ("FIN", 3)
            assert await on.nobody_calls()


class TestServerConnect:
    async def test_ends_with_a_status(self, stage, http_box):
        async with stage(http_box({"keeps_client": True}, server_connect=5, server_response=3)) as on:
            on.server_is_deaf()
            client = await on.client(GET)
            assert await client.sees_all(7) == (status("503 Service Unavailable", kept=True), "nothing", 12)
            assert on.expired == [("server_connect", "respond", 5)]

    async def test_what_the_client_says_meanwhile_is_bounded(self, stage, http_box):
        async with stage(http_box(server_connect=5)) as on:
            on.server_is_deaf()
            client = await on.client(POST.replace(b"5", b"99999999"))
            sent = client.sock.send(b"x" * 99999999)
            assert sent < 99999999
            assert await client.sees(4) == "nothing"
            assert on.box.counts.bytes_from_client <= 64 * 1024 * 2
            assert (await client.sees()).startswith(b"HTTP/1.1 503 ")

    @abrupt
    async def test_may_end_without_one(self, stage, http_box, expiry, seen):
        async with stage(http_box(server_connect={"default": 5, "expiry": expiry})) as on:
            on.server_is_deaf()
            client = await on.client(GET)
            assert await client.sees_all() == (b"", seen, 5)


class TestClientHeader:
    @pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n"])
    async def test_ends_with_a_status(self, stage, http_box, said):
        box = http_box({"keeps_client": True}, client_header={"default": 4, "expiry": "respond", "status": 408})
        async with stage(box) as on:
            client = await on.client(said)
            assert await client.sees_all() == (status("408 Request Timeout", kept=False), "FIN", 4)
            assert on.expired == [("client_header", "respond", 4)]
            assert await on.nobody_calls()

    @abrupt
    async def test_may_end_without_one(self, stage, http_box, expiry, seen):
        async with stage(http_box(client_header={"default": 4, "expiry": expiry})) as on:
            client = await on.client(b"GET")
            assert await client.sees_all() == (b"", seen, 4)

    async def test_nothing_restarts_it(self, stage, http_box):
        async with stage(http_box(client_header=4)) as on:
            client = await on.client()
            for byte in GET[:3]:
                await client.send(bytes([byte]))
                await asyncio.sleep(1)
            assert await client.sees_all() == (b"", "FIN", 1)

    async def test_runs_from_the_first_byte_of_a_later_request(self, stage, http_box):
        async with stage(http_box(client_header=4, client_idle=50)) as on:
            client, server, _ = await on.both()
            await server.send(OK)
            assert await client.sees(40) == OK
            assert await client.sees(40) == "nothing"
            await client.send(b"GET")
            assert await client.sees_all() == (b"", "FIN", 4)
            assert await server.sees() == "FIN"
            assert on.expired == [("client_header", "close", 4)]


class TestClientIdle:
    @abrupt
    async def test_ends_between_requests(self, stage, http_box, expiry, seen):
        box = http_box({"server_side": "reset"}, client_idle={"default": 6, "expiry": expiry}, server_response=60)
        async with stage(box) as on:
            client, server, _ = await on.both()
            await asyncio.sleep(50)
            await server.send(OK)
            assert await client.sees_all() == (OK, seen, 6)
            assert await server.sees() == "FIN"
            assert on.expired == [("client_idle", expiry, 6)]

    async def test_may_end_with_a_status(self, stage, http_box):
        async with stage(http_box(client_idle={"default": 6, "expiry": "respond", "status": 408})) as on:
            client, server, _ = await on.both()
            await server.send(OK)
            assert await client.sees_all() == (OK + status("408 Request Timeout", kept=False), "FIN", 6)

    async def test_runs_after_a_status_too(self, stage, http_box):
        async with stage(http_box({"keeps_client": True}, client_idle=6, server_response=3)) as on:
            client = await on.client(GET)
            assert await client.sees_all() == (LATE, "FIN", 9)

    async def test_is_not_for_the_first_request(self, stage, http_box):
        async with stage(http_box(client_idle=6)) as on:
            assert await (await on.client()).sees(100) == "nothing"

    async def test_a_request_begins_anew(self, stage, http_box):
        async with stage(http_box(client_idle=6)) as on:
            client, server, _ = await on.both()
            for _ in range(3):
                await server.send(OK)
                assert await client.sees(1) == OK
                assert await client.sees(5) == "nothing"
                await client.send(GET)
                assert await server.sees_now() == GET


class TestBetweenBytes:
    @pytest.mark.parametrize(
        "begun", [SIZED + b"hell", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell"]
    )
    @manners
    async def test_cuts_the_answer_short(self, stage, http_box, begun, manner, seen):
        async with stage(http_box({"server_side": manner}, between_bytes=7, server_response=3)) as on:
            client, server, _ = await on.both()
            await server.send(begun[:-2])
            await asyncio.sleep(6)
            await server.send(begun[-2:])
            assert await client.sees_all() == (begun, "FIN", 7)
            assert await server.sees() == seen
            assert on.expired == [("between_bytes", "close", 7)]

    async def test_an_answer_without_a_length_ends_so_that_it_shows(self, stage, http_box):
        async with stage(http_box(between_bytes=7)) as on:
            client, server, _ = await on.both()
            await server.send(b"HTTP/1.1 200 OK\r\n\r\nhell")
            assert (await client.sees_all())[1:] == ("RST", 7)
            assert await server.sees() == "FIN"

    @pytest.mark.parametrize(("expiry", "seen"), [("reset", "RST"), ("silent", "nothing")])
    async def test_may_end_otherwise(self, stage, http_box, expiry, seen):
        async with stage(http_box(between_bytes={"default": 7, "expiry": expiry})) as on:
            client, server, _ = await on.both()
            await server.send(SIZED + b"hell")
            assert await client.sees() == SIZED + b"hell"
            assert await client.sees(7.5) == seen
            assert await server.sees(1) == ("FIN" if expiry == "reset" else "nothing")

    async def test_is_not_restarted_by_the_client(self, stage, http_box):
        async with stage(http_box(between_bytes=7)) as on:
            client, server, _ = await on.both(POST)
            await server.send(SIZED)
            for byte in b"hel":
                await asyncio.sleep(2)
                await client.send(bytes([byte]))
            assert (await client.sees_all())[1:] == ("FIN", 1)

    async def test_a_client_that_does_not_read_is_not_the_server_s_fault(self, stage, http_box):
        async with stage(http_box(between_bytes=7)) as on:
            client = await on.client(GET, receive_bytes=4096)
            server = await on.server()
            body = b"x" * 20_000_000
            await server.send(SIZED.replace(b"9", b"20000000"))
            sending = asyncio.ensure_future(server.send(body))
            await asyncio.sleep(1000)
            assert not sending.done()
            seen, how, _ = await client.sees_all(5)
            assert (len(seen), how) == (len(body) + len(SIZED) + 7, "nothing")
            await sending
            assert on.expired == []

    async def test_but_runs_again_when_it_reads(self, stage, http_box):
        async with stage(http_box(between_bytes=7)) as on:
            client = await on.client(GET, receive_bytes=4096)
            server = await on.server()
            await server.send(SIZED.replace(b"9", b"20000000"))
            sending = asyncio.ensure_future(server.send(b"x" * 19_999_999))
            await asyncio.sleep(1000)
            assert (await client.sees_all())[1:] == ("FIN", 7)
            await sending


class TestTunnelIdle:
    @pytest.mark.parametrize("expiry", ["close", "reset"])
    @manners
    async def test_ends_the_tunnel(self, stage, http_box, expiry, manner, seen):
        box = http_box({"server_side": manner}, tunnel_idle={"default": 8, "expiry": expiry}, between_bytes=2)
        async with stage(box) as on:
            client, server, _ = await on.both(UPGRADE)
            await server.send(SWITCH)
            assert await client.sees() == SWITCH
            for peer, other in ((client, server), (server, client)):
                await asyncio.sleep(7)
                await peer.send(b"x")
                assert await other.sees() == b"x"
            assert await client.sees_all() == (b"", "FIN" if expiry == "close" else "RST", 8)
            assert await server.sees() == seen
            assert on.expired == [("tunnel_idle", expiry, 8)]

    @pytest.mark.parametrize(("restarted_by", "wins"), [("client-data", "client"), ("server-data", "server")])
    async def test_may_listen_to_one_side_only(self, stage, http_box, restarted_by, wins):
        async with stage(http_box(tunnel_idle={"default": 8, "restarted_by": restarted_by})) as on:
            client, server, _ = await on.both(UPGRADE)
            await server.send(SWITCH)
            assert await client.sees() == SWITCH
            await asyncio.sleep(5)
            await (client if wins == "client" else server).send(b"x")
            await asyncio.sleep(1)
            await (server if wins == "client" else client).send(b"x")
            assert (await client.sees_all())[1:] == ("FIN", 7)


class TestTotal:
    async def test_nothing_restarts_it(self, stage, http_box):
        async with stage(http_box(total=10, between_bytes=4)) as on:
            client, server, _ = await on.both()
            await server.send(SIZED)
            for _ in range(5):
                await asyncio.sleep(1.9)
                await server.send(b"x")
            assert await client.sees_all() == (SIZED + b"xxxxx", "FIN", 0.5)
            assert on.expired == [("total", "respond", 10)]

    @pytest.mark.parametrize("ask", [GET, POST + b"he"])
    async def test_answers_where_no_answer_has_begun(self, stage, http_box, ask):
        async with stage(http_box({"keeps_client": True}, total=10)) as on:
            client = await on.client(ask)
            if ask == GET:
                assert await client.sees_all(100) == (
                    status("504 Gateway Timeout", "over", kept=True),
                    "nothing",
                    110,
                )
            else:
                assert (await client.sees_all())[1:] == ("FIN", 10)
            assert on.expired == [("total", "respond", 10)]

    async def test_begins_anew_with_each_request(self, stage, http_box):
        async with stage(http_box(total=10)) as on:
            client, server, _ = await on.both()
            for _ in range(3):
                await asyncio.sleep(9)
                await server.send(OK)
                assert await client.sees() == OK
                await asyncio.sleep(9)
                await client.send(GET)
            assert (await client.sees_all())[1:] == ("FIN", 10)

    async def test_holds_for_retries_and_tunnels_too(self, stage, http_box):
        async with stage(http_box(total=10, server_response={"default": 4, "retries": 9}, tunnel_idle=9)) as on:
            client = await on.client(GET)
            assert (await client.sees_all())[1:] == ("FIN", 10)
            await on.server()
            await on.server()
            client = await on.client(UPGRADE)
            await (await on.server()).sees_now()
            server = await on.server()
            await server.send(SWITCH)
            await asyncio.sleep(5)
            await server.send(b"x")
            assert (await client.sees_all())[1] == "FIN"
            assert on.expired[1][0] == "total"

    async def test_may_end_otherwise(self, stage, http_box):
        async with stage(http_box(total={"default": 10, "expiry": "reset"})) as on:
            client, server, _ = await on.both()
            assert await client.sees_all() == (b"", "RST", 10)
            assert await server.sees() == "FIN"


class TestLifetime:
    async def test_ends_whatever_is_going_on(self, stage, http_box):
        async with stage(http_box({"server_side": "reset"}, lifetime=20, client_idle=15)) as on:
            client, server, _ = await on.both()
            await asyncio.sleep(9)
            await server.send(OK)
            assert await client.sees() == OK
            await asyncio.sleep(9)
            await client.send(GET)
            assert await client.sees_all() == (b"", "FIN", 2)
            assert await server.sees_now() == (GET, "RST")
            assert on.expired == [("lifetime", "close", 20)]


async def test_without_timers_nothing_ends(stage, http_box):
    async with stage(http_box()) as on:
        client, server, _ = await on.both()
        assert await client.sees(1e6) == "nothing"
        await server.send(OK)
        assert await client.sees() == OK
        assert await client.sees(1e6) == "nothing"


async def test_many_clients_each_have_their_own_time(stage, http_box):
    async with stage(http_box(server_response=100)) as on:
        clients = []
        for _ in range(50):
            clients.append(await on.client(GET))
            await asyncio.sleep(1)
        for number, client in enumerate(clients):
            _, how, _ = await client.sees_all()
            assert (how, round(asyncio.get_running_loop().time(), 3)) == ("FIN", 100 + number)
