"""Requests that are refused before a byte of them goes on, and what is wrong later."""

import asyncio

import pytest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(*lines):
    return b"\r\n".join((b"POST / HTTP/1.1", b"Host: a", *lines)) + b"\r\n\r\n"


SMUGGLED = {
    "two lengths": (post(b"Content-Length: 5", b"Content-Length: 6") + b"hello", "more than one Content-Length"),
    "two equal lengths": (
        post(b"Content-Length: 5", b"Content-Length: 5") + b"hello",
        "more than one Content-Length",
    ),
    "length with chunks": (
        post(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + GET,
        "Content-Length with Transfer-Encoding",
    ),
    "not quite chunked": (post(b"Transfer-Encoding: xchunked"), "a Transfer-Encoding other than chunked"),
    "bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", "a CR or LF alone"),
    "bare LF in a value": (post(b"X: y\nContent-Length: 5") + b"hello", "a CR or LF alone"),
    "bare CR in a value": (post(b"X: y\rContent-Length: 5") + b"hello", "a CR or LF alone"),
    "space before a colon": (post(b"Transfer-Encoding : chunked"), "white space before a colon"),
    "a folded line": (post(b"X: y", b" z"), "a folded header line"),
    "NUL": (post(b"X: \0"), "a NUL"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "no Host"),
    "two hosts": (post(b"Host: b"), "more than one Host"),
    "a signed chunk size": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", "a bad chunk size"),
    "a chunk size with a space": (CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n", "a bad chunk size"),
    "a chunk size without end": (CHUNKED + b"fffffffffffffffff\r\n", "a bad chunk size"),
    "a chunk without CRLF": (CHUNKED + b"5\r\nhello0\r\n\r\n", "a chunk that is longer than its size"),
    "a chunk size with bare LF": (CHUNKED + b"5\nhello\r\n0\r\n\r\n", "a bad chunk size"),
    "a length in the trailers": (CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n", "Content-Length in the trailers"),
}


@pytest.mark.parametrize(("request_", "reason"), SMUGGLED.values(), ids=SMUGGLED)
@pytest.mark.parametrize("first", [b"", GET], ids=["at once", "as the second"])
async def test_what_smuggles_is_refused_before_a_byte_goes_on(stage, http_box, request_, reason, first):
    async with stage(http_box({"keeps_client": True, "server_side": "reset"})) as on:
        client = await on.client(first)
        if first:
            server = await on.server()
            assert await server.sees_now() == GET
            await server.send(OK)
            assert await client.sees_now() == OK
        await client.send(request_)
        answer, end, _ = await client.sees_all()
        assert answer == (
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n"
            b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        assert end == "FIN"
        assert on.refused == [f"400: {reason}"]
        if first:
            seen, how, _ = await server.sees_all()
            assert seen == b""
            assert how in ("FIN", "RST")
        assert await on.nobody_calls()


@pytest.mark.parametrize("bad", [b"+5\r\nhello\r\n", b"5\r\nhelloX", b"0\r\nContent-Length: 1\r\n\r\n"])
async def test_a_chunk_that_is_bad_later_does_not_go_on_either(stage, http_box, bad):
    async with stage(http_box({"server_side": "reset"})) as on:
        client, server, asked = await on.both(CHUNKED + b"2\r\nhi\r\n")
        assert asked == CHUNKED + b"2\r\nhi\r\n"
        await client.send(bad)
        assert (await client.sees()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        seen, end, _ = await server.sees_all()
        assert bad.startswith(seen)
        assert seen in (b"", b"5\r\nhello", b"0\r\n")
        assert end == "RST"


@pytest.mark.parametrize(
    ("request_", "line", "reason"),
    [
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "405 Method Not Allowed", "405: CONNECT"),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported", "505: HTTP/2.0"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", "400 Bad Request", "400: a CR or LF alone"),
        (
            b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000,
            "431 Request Header Fields Too Large",
            "431: more than 65536 bytes of header",
        ),
    ],
    ids=["CONNECT", "HTTP/2", "TLS", "too long"],
)
async def test_other_refusals(stage, http_box, request_, line, reason):
    async with stage(http_box()) as on:
        client = await on.client(request_)
        answer, end, _ = await client.sees_all()
        assert (answer.startswith(f"HTTP/1.1 {line}\r\n".encode()), end) == (True, "FIN")
        assert on.refused == [reason]
        assert await on.nobody_calls()


async def test_http2_where_it_is_not_spoken(stage, http_box):
    async with stage(http_box({"http2": {"spoken": False, "source": "us"}})) as on:
        client = await on.client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        answer, end, _ = await client.sees_all()
        assert (answer.startswith(b"HTTP/1.1 505 HTTP Version Not Supported\r\n"), end) == (True, "FIN")


async def test_what_the_client_still_sends_does_not_cost_it_the_answer(stage, http_box):
    async with stage(http_box()) as on:
        client = await on.client(b"rubbish\n")
        for _ in range(50):
            await client.send(b"more of it\n" * 1000)
        assert (await client.sees()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert await client.sees() == "FIN"
        assert len(on.box.closing) == 1
        await asyncio.sleep(5.001)
        assert not on.box.closing
