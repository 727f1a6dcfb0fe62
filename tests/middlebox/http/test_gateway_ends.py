"""Ends that end their connections: FIN and RST from both sides, in every phase."""

import asyncio
import os
import socket

import pytest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n"
    b"Cache-Control: no-store\r\n"
)


def end(peer, how):
    peer.send_fin() if how == "FIN" else peer.send_rst()


either = pytest.mark.parametrize("how", ["FIN", "RST"])
manners = pytest.mark.parametrize(("manner", "seen"), [("close", "FIN"), ("reset", "RST")])


class TestTheClientEnds:
    @either
    @pytest.mark.parametrize("said", [b"", b"\r\n", b"GET / HT"], ids=["nothing", "an empty line", "half a head"])
    async def test_before_it_has_asked(self, stage, http_box, how, said):
        async with stage(http_box()) as on:
            client = await on.client(said)
            await client.sees(1)
            end(client, how)
            if how == "FIN":
                assert await client.sees(10) == "FIN"
            assert await on.nobody_calls()
            assert (len(on.box), on.ends) == (0, (1, 0, 0) if how == "FIN" else (0, 1, 0))

    @either
    async def test_between_requests(self, stage, http_box, how):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(OK)
            assert await client.sees_now() == OK
            end(client, how)
            assert await server.sees() == "FIN"
            assert on.ends == ((1, 0, 0) if how == "FIN" else (0, 1, 0))

    @either
    @manners
    @pytest.mark.parametrize(
        ("ask", "answer"),
        [
            (GET, b""),
            (POST + b"he", b""),
            (GET, b"HTTP/1.1 200"),
            (GET, SIZED + b"hell"),
            (GET, CHUNKED + b"5\r\nhell"),
            (UPGRADE, SWITCH),
        ],
        ids=["awaiting", "sending", "half a head", "half a body", "half a chunk", "tunnel"],
    )
    async def test_in_the_middle(self, stage, http_box, ask, answer, manner, seen, how):
        async with stage(http_box(http={"server_side": manner, "keeps_client": True})) as on:
            client, server, _ = await on.both(ask)
            await server.send(answer)
            await client.sees_now()
            end(client, how)
            if how == "FIN":
                assert await client.sees(10) == "FIN"
                assert await server.sees(10) == "FIN"
            else:
                assert await server.sees(10) == seen
            assert on.ends == ((1, 0, 0) if how == "FIN" else (0, 1, 0))

    @either
    async def test_while_the_server_is_called(self, stage, http_box, how):
        async with stage(http_box()) as on:
            on.server_is_deaf()
            client = await on.client(GET)
            assert await client.sees(10) == "nothing"
            end(client, how)
            await asyncio.sleep(1)
            assert (len(on.box), on.ends) == (0, (1, 0, 0) if how == "FIN" else (0, 1, 0))

    async def test_before_the_box_has_looked(self, stage, http_box):
        async with stage(http_box()) as on:
            (await on.client(GET)).send_rst()
            assert await on.nobody_calls()
            assert (len(on.box), on.box.counts.opened, on.ends) == (0, 1, (0, 1, 0))


class TestTheServerEnds:
    async def test_before_it_begins(self, stage, http_box):
        async with stage(http_box()) as on:
            on.listener.close()
            client = await on.client(GET)
            assert await client.sees_all() == (BAD_GATEWAY + b"Connection: close\r\n\r\n", "FIN", 0)
            port = on.box._upstream[0][1][1]
            assert on.refused == [f"upstream 127.0.0.1:{port}: Connection refused"]

    async def test_before_it_begins_and_the_client_stays(self, stage, http_box):
        async with stage(http_box(http={"keeps_client": True})) as on:
            on.listener.close()
            client = await on.client(GET)
            for _ in range(3):
                assert await client.sees_now() == BAD_GATEWAY + b"\r\n"
                await client.send(GET)
            assert len(on.box) == 1

    async def test_at_its_first_address(self, stage, http_box):
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            address = nobody.getsockname()
        async with stage(http_box(), tried_first=[address]) as on:
            _, _, asked = await on.both()
            assert asked == GET

    async def test_at_an_address_that_the_system_refuses_at_once(self, stage, http_box):
        async with stage(http_box(), tried_first=[("255.255.255.255", 1)]) as on:
            _, _, asked = await on.both()
            assert asked == GET

    @either
    @pytest.mark.parametrize("ask", [GET, POST + b"hello", POST + b"he"], ids=["get", "post", "half a post"])
    @pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent", b"HTTP/1.1 100 Continue\r\n\r\n"])
    async def test_before_the_answer(self, stage, http_box, ask, said, how):
        async with stage(http_box(http={"keeps_client": True})) as on:
            client, server, _ = await on.both(ask)
            await server.send(said)
            interim = await client.sees_now()
            assert interim == (said if b"100" in said else b"")
            end(server, how)
            if ask.endswith(b"he"):
                assert await client.sees_all() == (BAD_GATEWAY + b"Connection: close\r\n\r\n", "FIN", 0)
            else:
                assert await client.sees_now() == BAD_GATEWAY + b"\r\n"
            assert on.ends == (0, 0, 1)

    @either
    @pytest.mark.parametrize("begun", [SIZED + b"hell", CHUNKED + b"4\r\nhell", CHUNKED + b"4\r\nhell\r\n0\r\n"])
    async def test_in_the_middle_of_an_answer_that_shows_it(self, stage, http_box, begun, how):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(begun)
            assert await client.sees_now() == begun
            end(server, how)
            assert await client.sees_all() == (b"", "FIN", 0)
            assert on.ends == ((1, 0, 0) if how == "FIN" else (0, 1, 0))

    async def test_in_the_middle_of_an_answer_that_would_not_show_it(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(UNTIL_CLOSE + b"hell")
            assert (await client.sees_now()).endswith(b"\r\n\r\nhell")
            server.send_rst()
            assert await client.sees_all() == (b"", "RST", 0)
            assert on.ends == (0, 1, 0)

    @either
    async def test_a_tunnel(self, stage, http_box, how):
        async with stage(http_box()) as on:
            client, server, _ = await on.both(UPGRADE)
            await server.send(SWITCH + b"bye")
            end(server, how)
            seen = await client.sees_all()
            if how == "FIN":
                assert seen == (SWITCH + b"bye", "FIN", 0)
                assert await server.sees() == "FIN"
            else:
                assert seen[1:] == ("FIN", 0)

    async def test_with_rubbish(self, stage, http_box):
        async with stage(http_box(http={"server_side": "reset"})) as on:
            client, server, _ = await on.both()
            await server.send(b"220 mail.example ESMTP\r\n\r\n")
            assert await client.sees_all() == (BAD_GATEWAY + b"Connection: close\r\n\r\n", "FIN", 0)
            assert await server.sees() == "RST"
            assert on.refused == ["upstream: no status line"]

    async def test_with_rubbish_in_the_middle(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(CHUNKED + b"2\r\nhi\r\n")
            assert await client.sees_now() == CHUNKED + b"2\r\nhi\r\n"
            await server.send(b"2 \r\nhi\r\n0\r\n\r\n")
            assert await client.sees_all() == (b"", "FIN", 0)
            assert on.refused == ["upstream: a bad chunk size"]

    async def test_its_last_words_are_heard_when_it_takes_no_more(self, stage, http_box):
        """A server that refuses an upload answers and goes; the client is to learn why."""
        async with stage(http_box()) as on:
            client, server, _ = await on.both(POST.replace(b"5", b"9999999"))
            await server.send(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
            server.send_rst()
            await client.send(b"x" * 50_000)
            assert (await client.sees()).startswith(b"HTTP/1.1 413 No\r\n")


class TestTooMany:
    async def test_clients_are_reset(self, stage, http_box):
        async with stage(http_box(), max_flows=2) as on:
            first, second, third = [await on.client() for _ in range(3)]
            assert await third.sees() == "RST"
            assert on.refused == ["all 2 flows are in use"]
            second.send_fin()
            assert await second.sees() == "FIN"
            await first.send(GET)
            assert await (await on.server()).sees_now() == GET
            fourth = await on.client(GET)
            assert await (await on.server()).sees_now() == GET
            assert await fourth.sees_now() == b""

    async def test_connections_that_are_being_closed_count_too(self, stage, http_box):
        async with stage(http_box(), max_flows=1) as on:
            client = await on.client(b"rubbish\n")
            assert (await client.sees_all())[1] == "FIN"
            assert (len(on.box), len(on.box.closing)) == (0, 1)
            assert await (await on.client()).sees() == "RST"

    async def test_a_box_without_descriptors_says_502(self, stage, http_box, few_descriptors):
        async with stage(http_box(http={"keeps_client": True})) as on:
            client = await on.client()
            await client.sees(1)
            few_descriptors(1)
            last = os.open(os.devnull, os.O_RDONLY)
            await client.send(GET)
            assert await client.sees_now() == BAD_GATEWAY + b"\r\n"
            os.close(last)
            assert on.refused == ["Too many open files"]

    async def test_a_box_that_is_closed_resets_all(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            idle = await on.client()
            await idle.sees(1)
            leaving = await on.client(b"rubbish\n")
            assert (await leaving.sees_all())[1] == "FIN"
            on.box.close()
            assert [await peer.sees() for peer in (client, server, idle)] == ["RST"] * 3
