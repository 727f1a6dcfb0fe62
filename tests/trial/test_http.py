import asyncio

import pytest

from hbprobe.net.replies import Answer, Broken, End, EndKind
from hbprobe.trial.http import USER_AGENT, Conversation


def converse(on_warp, serve, script, client, tls=None):
    async def main():
        async with serve(script, tls) as peer:
            dialer = peer.dialer("localhost" if tls else "127.0.0.1")
            wire = await dialer.open()
            try:
                return await client(Conversation(wire, "mail.example"))
            finally:
                wire.close()

    return on_warp(main())


async def ask(conversation, until_s=60.0):
    conversation.ask("POST", "/hold?seconds=5")
    return await conversation.reply(until_s)


def answered(on_warp, serve, *pieces, pause_s=0.0, then=None, tls=None):
    """What a client makes of an answer that comes in these pieces."""

    async def script(connection):
        await connection.request()
        for piece in pieces:
            connection.send(piece)
            await asyncio.sleep(pause_s)
        if then:
            getattr(connection, then)()

    return converse(on_warp, serve, script, ask, tls)


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Thing: A b\r\nContent-Length: 5\r\n\r\nhello"
HEADERS = {"content-type": "text/plain", "x-thing": "A b", "content-length": "5"}


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("POST", "POST /hold?seconds=5 HTTP/1.1\r\nHost: mail.example\r\nUser-Agent: {}\r\nAccept: */*\r\n"),
        ("GET", "GET /hold?seconds=5 HTTP/1.1\r\nHost: mail.example\r\nUser-Agent: {}\r\nAccept: */*\r\n"),
    ],
)
def test_the_request(on_warp, serve, method, head):
    heads = []

    async def script(connection):
        heads.append(await connection.request())

    async def client(conversation):
        conversation.ask(method, "/hold?seconds=5")
        await conversation.reply(1)

    converse(on_warp, serve, script, client)
    length = "Content-Length: 0\r\n" if method == "POST" else ""
    assert heads == [(head.format(USER_AGENT) + length + "\r\n").encode()]


def test_a_request_with_headers_and_a_body(on_warp, serve):
    sent = []

    async def script(connection):
        sent.extend([await connection.request(), await connection._reader.readexactly(4)])

    async def client(conversation):
        conversation.ask("POST", "/eas?Cmd=Ping", [("user-agent", "phone"), ("X-Key", "7")], b"\x03\x01\x6a\x00")
        await conversation.reply(1)

    converse(on_warp, serve, script, client)
    head = (
        b"POST /eas?Cmd=Ping HTTP/1.1\r\nHost: mail.example\r\nAccept: */*\r\n"
        b"user-agent: phone\r\nX-Key: 7\r\nContent-Length: 4\r\n\r\n"
    )
    assert sent == [head, b"\x03\x01\x6a\x00"]


def test_a_header_that_comes_twice(on_warp, serve):
    answer = b"HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    reply = answered(on_warp, serve, answer)
    assert reply.headers == {"www-authenticate": "NTLM, Basic", "content-length": "0"}


def test_an_answer(on_warp, serve, tls):
    assert answered(on_warp, serve, WHOLE, tls=tls) == Answer(200, b"hello", 0, HEADERS)


def test_an_answer_byte_by_byte(on_warp, serve, tls):
    pieces = [WHOLE[i : i + 1] for i in range(len(WHOLE))]
    reply = answered(on_warp, serve, *pieces, pause_s=0.125, tls=tls)
    assert reply == Answer(200, b"hello", (len(WHOLE) - 1) / 8, HEADERS)


@pytest.mark.parametrize(("then", "kind"), [("fin", EndKind.FIN), ("rst", EndKind.RST)])
def test_an_answer_that_ends_before_it_is_whole(on_warp, serve, then, kind):
    body_at = WHOLE.index(b"hello")
    for length in range(1, len(WHOLE)):
        reply = answered(on_warp, serve, WHOLE[:length], pause_s=2, then=then)
        if length < body_at:
            assert reply == End(kind, 2), length
        else:
            text = f"the answer was cut short after {length - body_at} bytes of its body"
            assert reply == Broken(End(kind, 2), text, 2), length


def test_an_answer_that_stops_in_the_middle(on_warp, serve):
    assert answered(on_warp, serve, WHOLE[:-1]) is None


def test_an_answer_in_chunks(on_warp, serve):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = answered(on_warp, serve, head, b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n", pause_s=1)
    assert reply == Answer(200, b"hello", 2, {"transfer-encoding": "chunked"})


def test_chunks_that_end_too_soon(on_warp, serve):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = answered(on_warp, serve, head, b"2\r\nhe\r\n", pause_s=1, then="fin")
    assert reply == Broken(End(EndKind.FIN, 2), "the answer was cut short after 2 bytes of its body", 2)


def test_an_answer_without_a_length_ends_with_the_connection(on_warp, serve):
    assert answered(on_warp, serve, b"HTTP/1.0 200 OK\r\n\r\nhello", pause_s=3, then="fin") == Answer(
        200, b"hello", 3, {}
    )


def test_an_answer_without_a_length_that_ends_with_rst_is_broken(on_warp, serve):
    reply = answered(on_warp, serve, b"HTTP/1.0 200 OK\r\n\r\nhello", pause_s=3, then="rst")
    assert reply == Broken(End(EndKind.RST, 3), "the answer was cut short after 5 bytes of its body", 3)


def test_other_messages_before_the_answer_are_passed_over(on_warp, serve):
    before = b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert answered(on_warp, serve, *before, WHOLE, pause_s=1) == Answer(200, b"hello", 2, HEADERS)


@pytest.mark.parametrize(
    "garbage",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"x" * 100_000,
    ],
)
def test_what_is_not_http(on_warp, serve, garbage):
    reply = answered(on_warp, serve, garbage)
    assert isinstance(reply, Broken)
    assert reply.end is None
    assert reply.detail.startswith("the answer is not HTTP: ")


def test_a_body_without_end(on_warp, serve):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"
    reply = answered(on_warp, serve, head, *[b"x" * 65536] * 17)
    assert (reply.end, reply.detail) == (None, "the answer is not HTTP: a body without end")


def test_nothing(on_warp, serve):
    assert answered(on_warp, serve) is None


@pytest.mark.parametrize(("then", "kind"), [("fin", EndKind.FIN), ("rst", EndKind.RST)])
def test_an_end_without_an_answer(on_warp, serve, then, kind):
    assert answered(on_warp, serve, b"", pause_s=7.5, then=then) == End(kind, 7.5)


# Turns


def in_turns(on_warp, serve, answer):
    async def script(connection):
        while True:
            await connection.request()
            connection.send(answer)

    async def client(conversation):
        first = await ask(conversation)
        if not conversation.next_turn():
            return first, None
        return first, await ask(conversation)

    return converse(on_warp, serve, script, client)


def test_another_request_on_the_same_connection(on_warp, serve):
    first, second = in_turns(on_warp, serve, WHOLE)
    assert first == second == Answer(200, b"hello", 0, HEADERS)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_a_server_that_announces_to_close(on_warp, serve, answer):
    first, second = in_turns(on_warp, serve, answer)
    assert first.body == b"hello"
    assert second is None


def test_silence_between_turns(on_warp, serve):
    async def script(connection):
        await connection.request()
        connection.send(WHOLE)
        await asyncio.sleep(10)
        connection.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.fin()

    async def client(conversation):
        await ask(conversation)
        conversation.next_turn()
        return [await conversation.silence(5), await conversation.silence(60)]

    assert converse(on_warp, serve, script, client) == [None, End(EndKind.FIN, 10)]
