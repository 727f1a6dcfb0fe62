"""An http box that ends TLS, and speaks it to its server: the same things happen, and TLS says so where it can."""

import asyncio
import ssl
import sys

import pytest

from hbprobe.net.certificates import throwaway_pair

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
BODY = bytes(range(256)) * 100_000

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere bytes may be on their way for a moment")


@pytest.fixture(scope="session")
def tls():
    """TLS settings of a server on this machine, and of a client that trusts it."""
    return throwaway_pair()


async def read(peer, size):
    received = bytearray()
    while len(received) < size:
        seen = await peer.sees(10)
        assert isinstance(seen, bytes), seen
        received += seen
    return bytes(received)


class TestToTheClient:
    @on_linux
    async def test_requests_and_answers_pass(self, stage, http_box, tls):
        async with stage(http_box(), tls=tls[0]) as on:
            client = await on.tls_client(tls[1], GET)
            server = await on.server()
            for _ in range(3):
                assert await server.sees() == GET
                await server.send(OK)
                assert await client.sees() == OK
                await client.send(GET)
            await client.send_close_notify()
            assert await server.sees_all() == (GET, "FIN", 0)
            assert on.ends == (1, 0, 0)

    async def test_long_bodies_pass_at_the_pace_of_the_slower(self, stage, http_box, tls):
        async with stage(http_box(), tls=tls[0]) as on:
            length = b"Content-Length: %d\r\n\r\n" % len(BODY)
            request, answer = b"POST / HTTP/1.1\r\nHost: a\r\n" + length, b"HTTP/1.1 200 OK\r\n" + length
            client = await on.tls_client(tls[1])
            sending = asyncio.ensure_future(client.send(request + BODY))
            server = await on.server()
            await asyncio.sleep(100)
            assert not sending.done()
            assert await read(server, len(request) + len(BODY)) == request + BODY
            sending = asyncio.ensure_future(server.send(answer + BODY))
            await asyncio.sleep(100)
            assert not sending.done()
            assert await read(client, len(answer) + len(BODY)) == answer + BODY
            await sending

    @pytest.mark.parametrize(("expiry", "seen"), [("close", "FIN, signed"), ("reset", "RST"), ("silent", "nothing")])
    @on_linux
    async def test_timers_end_it(self, stage, http_box, tls, expiry, seen):
        box = http_box(server_response={"default": 3, "expiry": expiry})
        async with stage(box, tls=tls[0]) as on:
            client = await on.tls_client(tls[1], GET)
            assert await client.sees_all(100) == (b"", seen, 100 if expiry == "silent" else 3)
            assert [way.value for way in on.events[0].ways] == (["min-ttl"] if expiry == "silent" else [])

    async def test_a_status_is_encrypted_like_anything_else(self, stage, http_box, tls):
        async with stage(http_box(server_response=3), tls=tls[0]) as on:
            client = await on.tls_client(tls[1], GET)
            received, *end = await client.sees_all()
            assert (received[-5:], end) == (b"\nlate", ["FIN, signed", 3])

    async def test_an_answer_that_was_cut_short_is_not_signed(self, stage, http_box, tls):
        async with stage(http_box(between_bytes=3), tls=tls[0]) as on:
            client = await on.tls_client(tls[1], GET)
            await (await on.server()).send(SIZED + b"hell")
            assert await client.sees_all() == (SIZED + b"hell", "FIN", 3)

    async def test_one_that_is_whole_is(self, stage, http_box, tls):
        async with stage(http_box(), tls=tls[0]) as on:
            client = await on.tls_client(tls[1], GET)
            server = await on.server()
            await server.send(UNTIL_CLOSE + b"hello")
            server.send_fin()
            answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"
            assert await client.sees_all() == (answer, "FIN, signed", 0)

    async def test_also_when_the_client_says_more_than_is_heard(self, stage, http_box, tls):
        async with stage(http_box(), tls=tls[0]) as on:
            client = await on.tls_client(tls[1], GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            server = await on.server()
            await client.send(b"x" * 200_000)
            await server.send(OK)
            answer = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            assert await client.sees_all() == (answer, "FIN, signed", 0)

    async def test_a_client_that_leaves_without_a_word_leaves(self, stage, http_box, tls):
        async with stage(http_box(http={"server_side": "reset"}), tls=tls[0]) as on:
            client = await on.tls_client(tls[1], GET)
            server = await on.server()
            client.send_fin()
            assert await server.sees_all() == (GET, "RST", 0)
            assert on.ends == (1, 0, 0)

    async def test_a_handshake_that_is_not_finished_has_its_time_too(self, stage, http_box, tls):
        box = http_box(client_header={"default": 4, "expiry": "respond", "status": 408})
        async with stage(box, tls=tls[0]) as on:
            for said in (b"", b"\x16\x03\x01"):
                client = await on.client(said)
                assert await client.sees_all() == (b"", "FIN", 4)

    @pytest.mark.parametrize("end", ["FIN", "RST"])
    async def test_a_client_may_leave_in_the_handshake(self, stage, http_box, tls, end):
        async with stage(http_box(), tls=tls[0]) as on:
            client = await on.client(b"\x16\x03\x01")
            await asyncio.sleep(1)
            client.send_fin() if end == "FIN" else client.send_rst()
            await asyncio.sleep(1)
            assert (len(on.box), on.ends) == (0, (1, 0, 0) if end == "FIN" else (0, 1, 0))

    async def test_what_is_not_tls_is_turned_away(self, stage, http_box, tls):
        async with stage(http_box(), tls=tls[0]) as on:
            client = await on.client(GET)
            assert (await client.sees_all())[1] == "FIN"
            assert on.refused == ["TLS: http request"]

    async def test_so_is_a_client_that_does_not_trust_us(self, stage, http_box, tls):
        async with stage(http_box(), tls=tls[0]) as on:
            with pytest.raises(ssl.SSLCertVerificationError):
                await on.tls_client(ssl.create_default_context())
            await asyncio.sleep(1)
            assert len(on.box) == 1  # it has said nothing yet
            on._socks[-1].close()  # what it has not read makes that a RST
            await asyncio.sleep(1)
            assert (len(on.box), on.ends) == (0, (0, 1, 0))


class TestToTheServer:
    async def test_requests_and_answers_pass(self, stage, http_box, tls):
        async with stage(http_box(), upstream_tls=tls[1], upstream_name="127.0.0.1") as on:
            client = await on.client(GET)
            server = await on.tls_server(tls[0])
            for _ in range(3):
                assert await server.sees() == GET
                await server.send(OK)
                assert await client.sees() == OK
                await client.send(GET)
            assert await server.sees() == GET
            client.send_fin()
            assert await server.sees() == "FIN, signed"

    async def test_a_server_of_another_name_is_not_talked_to(self, stage, http_box, tls):
        async with stage(http_box(), upstream_tls=tls[1], upstream_name="mail.example") as on:
            client = await on.client(GET)
            with pytest.raises(ssl.SSLError, match="alert"):
                await (await on.tls_server(tls[0])).sees()
            assert (await client.sees()).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            (reason,) = on.refused
            assert reason == (
                "upstream ended the connection without an answer: TLS failed, the certificate is not trusted: "
                "Hostname mismatch, certificate is not valid for 'mail.example'."
            )

    async def test_nor_is_one_without_tls(self, stage, http_box, tls):
        async with stage(http_box(), upstream_tls=tls[1]) as on:
            client = await on.client(GET)
            await (await on.server()).send(b"HTTP/1.1 400 No\r\n\r\n")
            assert (await client.sees()).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert on.refused == ["upstream ended the connection without an answer: TLS failed, wrong version number"]

    async def test_the_handshake_is_part_of_the_connection(self, stage, http_box, tls):
        async with stage(http_box(server_connect=5), upstream_tls=tls[1]) as on:
            client = await on.client(GET)
            received, *end = await client.sees_all()
            assert (received.startswith(b"HTTP/1.1 503 "), end) == (True, ["FIN", 5])
            assert on.expired == [("server_connect", "respond", 5)]

    async def test_the_time_of_the_answer_begins_after_it(self, stage, http_box, tls):
        async with stage(http_box(server_response=3), upstream_tls=tls[1], upstream_name="127.0.0.1") as on:
            client = await on.client(GET)
            await asyncio.sleep(100)
            server = await on.tls_server(tls[0])
            assert await server.sees() == GET
            assert (await client.sees_all())[1:] == ("FIN", 3)
            assert await server.sees() == "FIN, signed"

    @pytest.mark.parametrize(("signed", "end"), [(True, "FIN"), (False, "RST")])
    async def test_an_answer_without_a_length_is_whole_when_it_is_signed(self, stage, http_box, tls, signed, end):
        async with stage(http_box(), upstream_tls=tls[1], upstream_name="127.0.0.1") as on:
            client = await on.client(GET)
            server = await on.tls_server(tls[0])
            assert await server.sees() == GET
            await server.send(UNTIL_CLOSE + b"hello")
            assert (await client.sees()).endswith(b"\r\n\r\nhello")
            if signed:
                await server.send_close_notify()
            server.send_fin()
            assert await client.sees_all() == (b"", end, 0)


async def test_on_both_sides(stage, http_box, tls):
    box = http_box({"keeps_client": True, "server_side": "reset"}, server_response=3, client_idle=6)
    async with stage(box, tls=tls[0], upstream_tls=tls[1], upstream_name="127.0.0.1") as on:
        client = await on.tls_client(tls[1], POST + b"hello")
        server = await on.tls_server(tls[0])
        assert await server.sees_all() == (POST + b"hello", "RST", 3)
        received, *end = await client.sees_all()
        assert (received[-5:], end) == (b"\nlate", ["FIN, signed", 6])
