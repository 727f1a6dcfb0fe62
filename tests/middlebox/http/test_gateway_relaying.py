"""Requests and answers through an http box, in every shape that they can have."""

import pytest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"5;x\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class TestOneAfterTheOther:
    async def test_requests_share_a_connection_to_the_server(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, asked = await on.both(GET)
            for _ in range(3):
                assert asked == GET
                await server.send(OK)
                assert await client.sees_now() == OK
                await client.send(GET)
                asked = await server.sees_now()
            assert await on.nobody_calls()
            assert (len(on.box), on.box.counts.opened) == (1, 1)
            assert on.box.counts.bytes_from_client == 4 * len(GET)
            assert on.box.counts.bytes_from_server == 3 * len(OK)

    async def test_a_request_waits_for_the_answer_to_the_one_before(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, asked = await on.both(GET + POST + b"hel")
            assert asked == GET
            await server.send(OK)
            assert await client.sees_now() == OK
            assert await server.sees_now() == POST + b"hel"
            await client.send(b"lo" + GET)
            assert await server.sees_now() == b"lo"

    async def test_many_requests_at_once_are_not_read_ahead(self, stage, http_box):
        async with stage(http_box()) as on:
            client, _, asked = await on.both(GET)
            assert asked == GET
            flood = GET * 400_000
            client.sock.setblocking(False)
            sent = client.sock.send(flood)
            await client.sees(1)
            assert sent < len(flood)
            assert on.box.counts.bytes_from_client < 200_000

    async def test_the_connection_is_opened_again_when_the_server_has_closed_it(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            for end in ("send_fin", "send_rst"):
                await server.send(OK)
                assert await client.sees_now() == OK
                getattr(server, end)()
                assert await client.sees_now() == b""
                await client.send(POST + b"hello")
                server = await on.server()
                assert await server.sees_now() == POST + b"hello"

    async def test_also_when_the_server_said_that_it_would(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
            assert await client.sees_now() == OK
            assert await server.sees() == "FIN"
            await client.send(GET)
            assert await (await on.server()).sees_now() == GET

    async def test_a_request_that_meets_the_server_s_fin_is_sent_again(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(OK)
            assert await client.sees_now() == OK
            await client.send(GET)
            server.send_fin()  # neither has been looked at by the box
            again = await on.server()
            assert await again.sees_now() == GET
            await again.send(OK)
            assert await client.sees_now() == OK
            assert on.refused == []

    async def test_but_not_one_that_might_be_done_twice(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(OK)
            assert await client.sees_now() == OK
            await client.send(POST + b"hello")
            assert await server.sees_now() == POST + b"hello"
            server.send_fin()
            assert (await client.sees()).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert on.refused == ["upstream ended the connection without an answer: FIN"]

    async def test_nor_on_a_fresh_connection(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            server.send_rst()
            assert (await client.sees()).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert on.refused == ["upstream ended the connection without an answer: RST, Connection reset by peer"]
            assert await on.nobody_calls()

    async def test_what_nobody_asked_for_ends_the_server_s_connection(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(OK + OK)
            assert await client.sees_now() == OK
            await server.send(OK)
            assert await server.sees() == "FIN"
            await client.send(GET)
            assert await (await on.server()).sees_now() == GET

    async def test_a_client_may_say_that_it_was_the_last(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, asked = await on.both(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert asked == GET
            await server.send(OK)
            assert await client.sees_all() == (
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
                "FIN",
                0,
            )
            assert await server.sees() == "FIN"
            assert on.ends == (1, 0, 0)

    async def test_a_client_of_http_1_0_gets_one_answer(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, asked = await on.both(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert asked == b"GET / HTTP/1.0\r\n\r\n"
            await server.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            assert await client.sees_all() == (
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
                "FIN",
                0,
            )

    async def test_empty_lines_before_a_request_are_dropped(self, stage, http_box):
        async with stage(http_box()) as on:
            _, _, asked = await on.both(b"\r\n\r\n" + GET)
            assert asked == GET


class TestBodies:
    @pytest.mark.parametrize("request_", [POST + b"hello", CHUNKED + CHUNKS], ids=["sized", "chunked"])
    async def test_of_requests_pass_unchanged_and_at_once(self, stage, http_box, request_):
        async with stage(http_box()) as on:
            head_end = request_.index(b"\r\n\r\n") + 4
            client = await on.client()
            for at in range(head_end):
                assert await on.nobody_calls(), "(before the head is whole)"
                await client.send(request_[at : at + 1])
            server = await on.server()
            seen = await server.sees_now()
            for at in range(head_end, len(request_)):
                await client.send(request_[at : at + 1])
                seen += await server.sees_now()
            assert seen == request_
            await server.send(OK)
            assert await client.sees_now() == OK

    @pytest.mark.parametrize(
        "answer",
        [
            OK,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
        ],
        ids=["sized", "chunked", "204", "304", "empty", "after interim answers"],
    )
    async def test_of_answers_pass_unchanged_and_are_over_when_they_are(self, stage, http_box, answer):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            seen = b""
            for byte in answer:
                await server.send(bytes([byte]))
                seen += await client.sees_now()
            assert seen == answer
            await client.send(GET)
            assert await server.sees_now() == GET

    async def test_of_an_answer_to_head_stay_away(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            assert await client.sees_now() == b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
            await client.send(GET)
            assert await server.sees_now() == GET

    async def test_may_end_with_the_connection(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(b"HTTP/1.1 200 OK\r\n\r\nhel")
            assert await client.sees_now() == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhel"
            await server.send(b"lo")
            server.send_fin()
            assert await client.sees_all() == (b"lo", "FIN", 0)
            assert await server.sees() == "FIN"
            assert on.ends == (1, 0, 0)

    async def test_are_sent_when_the_server_says_continue(self, stage, http_box):
        async with stage(http_box()) as on:
            ask = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
            client, server, asked = await on.both(ask)
            assert asked == ask
            await server.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert await client.sees_now() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(b"hello")
            assert await server.sees_now() == b"hello"
            await server.send(OK)
            assert await client.sees_now() == OK

    async def test_are_not_sent_when_it_does_not(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both(
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
            )
            await server.send(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
            assert await client.sees_all() == (
                b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                "FIN",
                0,
            )
            assert await server.sees() == "FIN"

    async def test_of_request_and_answer_may_overlap(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both(CHUNKED)
            await server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert await client.sees_now() == (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            )
            for _ in range(3):
                await client.send(b"1\r\nx\r\n")
                assert await server.sees_now() == b"1\r\nx\r\n"
                await server.send(b"1\r\ny\r\n")
                assert await client.sees_now() == b"1\r\ny\r\n"
            await client.send(b"0\r\n\r\n")
            await server.send(b"0\r\n\r\n")
            assert await client.sees_all() == (b"0\r\n\r\n", "FIN", 0)
            assert await server.sees_now() == (b"0\r\n\r\n", "FIN")

    async def test_an_answer_may_be_over_before_its_request(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both(POST + b"he")
            await server.send(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
            assert await client.sees_all() == (
                b"HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
                "FIN",
                0,
            )
            assert await server.sees() == "FIN"
            for _ in range(3):  # what the client still sends does not turn its FIN into a RST
                await client.send(b"x" * 1000)
                assert await client.sees() == "FIN"
            client.send_fin()
            assert await client.sees(10) == "FIN"


class TestHeads:
    async def test_what_a_proxy_adds(self, stage, http_box):
        async with stage(http_box(http={"via": True, "forwarded_for": True})) as on:
            client, server, asked = await on.both()
            assert asked == GET[:-2] + b"Via: 1.1 hbprobe\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"
            await server.send(OK)
            assert await client.sees_now() == (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 hbprobe\r\n\r\nhi")

    async def test_everything_else_is_as_it_was(self, stage, http_box):
        async with stage(http_box()) as on:
            odd = b"GET /%zz?a|b HTTP/1.1\r\nhOST:a\r\nX-Odd:\t \xfc \r\nx-odd:\r\nAccept:*/*\r\n\r\n"
            client, server, asked = await on.both(odd)
            assert asked == odd
            answer = b"HTTP/1.1 299 Odd \xfc\r\nx:1\r\nX:  2 \r\ncontent-length: 0\r\n\r\n"
            await server.send(answer)
            assert await client.sees_now() == answer


class TestUpgrade:
    ASK = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

    async def test_makes_a_tunnel(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, asked = await on.both(self.ASK)
            assert asked == self.ASK
            await server.send(self.SWITCH + b"\0early")
            assert await client.sees_now() == self.SWITCH + b"\0early"
            for word in (b"\r\n\r\n", b"\xff" * 100, GET):
                await client.send(word)
                assert await server.sees_now() == word
                await server.send(word)
                assert await client.sees_now() == word

    async def test_takes_along_what_came_too_early(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, asked = await on.both(self.ASK + b"frames")
            assert asked == self.ASK
            await server.send(self.SWITCH)
            assert await client.sees_now() == self.SWITCH
            assert await server.sees_now() == b"frames"

    async def test_may_be_declined(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both(self.ASK + GET)
            await server.send(OK)
            assert await client.sees_now() == OK
            assert await server.sees_now() == GET

    async def test_to_http_2_is_not_offered(self, stage, http_box):
        async with stage(http_box()) as on:
            _, _, asked = await on.both(
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                b"HTTP2-Settings: AAMAAABk\r\n\r\n"
            )
            assert asked == GET

    @pytest.mark.parametrize("ask", [GET, POST + b"he"])
    async def test_that_nobody_asked_for_is_no_answer(self, stage, http_box, ask):
        async with stage(http_box()) as on:
            client, server, _ = await on.both(ask)
            await server.send(self.SWITCH + b"\0")
            assert (await client.sees()).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert await server.sees() == "FIN"
            assert on.refused == ["upstream: an upgrade that was not asked for"]


class TestMoreThanTheAnswer:
    """What a server says beyond its answer is nobody's answer: nginx 1.22 and HAProxy 2.6 drop it, too."""

    @pytest.mark.parametrize(
        "left", [OK.replace(b"hi", b"no"), b"junk", b"\r\n"], ids=["answer", "junk", "empty line"]
    )
    @pytest.mark.parametrize("at_once", [True, False], ids=["in one write", "behind it"])
    async def test_it_ends_the_connection_to_the_server(self, stage, http_box, left, at_once):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(OK + left if at_once else OK)
            assert await client.sees_now() == OK
            if not at_once:
                await server.send(left)
            assert await client.sees_now() == b""
            await client.send(GET)
            server = await on.server()
            assert await server.sees_now() == GET
            await server.send(OK)
            assert await client.sees_now() == OK

    async def test_also_before_a_request_that_waited(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, asked = await on.both(GET + POST + b"hello")
            assert asked == GET
            await server.send(OK + OK.replace(b"hi", b"no"))
            assert await client.sees_now() == OK
            server = await on.server()
            assert await server.sees_now() == POST + b"hello"
            await server.send(OK)
            assert await client.sees_now() == OK

    async def test_also_when_nobody_has_read_it_yet(self, stage, http_box):
        async with stage(http_box()) as on:
            client, server, _ = await on.both()
            await server.send(OK)
            assert await client.sees_now() == OK
            client.sock.send(GET)
            server.sock.send(OK.replace(b"hi", b"no"))  # both are there when the box looks next
            server = await on.server()
            assert await server.sees_now() == GET

    async def test_a_body_where_none_may_be(self, stage, http_box):
        async with stage(http_box()) as on:
            head, _, _ = OK.partition(b"\r\n\r\n")
            client, server, _ = await on.both(GET.replace(b"GET", b"HEAD"))
            await server.send(OK)
            assert await client.sees_now() == head + b"\r\n\r\n"
            await client.send(GET)
            server = await on.server()
            assert await server.sees_now() == GET
