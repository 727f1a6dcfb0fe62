"""The shell of the small APIs: who may call, and what is no JSON object. No answer is 500."""

import asyncio
import json
import logging

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from hbprobe import warp
from hbprobe.net.json_api import JsonApi, read_number, read_object

MEND = "send a JSON object"
NOTHING = 0
"""Instead of a status: the connection was let go, with its request unfinished."""


async def echo(request):
    return web.json_response({"got": await read_object(request, MEND)})


def call(*requests, token=None, host="127.0.0.1"):
    """Send raw requests, each on a connection of its own; return (status, body) of each."""

    async def main():
        api = JsonApi([web.post("/", echo)], token)
        _, port = await api.listen(host, 0)
        try:
            return [await ask(port, request) for request in requests]
        finally:
            await api.close()

    return warp.run(main(), warp.WarpClock())


async def ask(port, request):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        answer = await reader.read()
    finally:
        writer.transport.abort()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else NOTHING, body


def post(body=b'{"a": 1}', *headers, host="localhost"):
    lines = [b"POST / HTTP/1.1", f"Host: {host}".encode(), b"Connection: close", *headers]
    return b"\r\n".join([*lines, f"Content-Length: {len(body)}".encode(), b"", body])


def test_an_object_is_taken():
    ((status, body),) = call(post())
    assert (status, json.loads(body)) == (200, {"got": {"a": 1}})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"1",
        b"null",
        b"{",
        b"\xff\xfe{",
        b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"a":' * 9_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        b"\x1f\x8b\x08\x00garbage",
        rb'{"name": "\ud800"}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_object_is_told_the_mend(body):
    ((status, answer),) = call(post(body))
    assert (status, json.loads(answer)) == (400, {"error": MEND})


@pytest.mark.parametrize("charset", [b"nonsense", b"utf-16", b"\xff", b"base64", b""])
def test_a_charset_changes_nothing(charset):
    ((status, _),) = call(post(b'{"a": 1}', b"Content-Type: application/json; charset=" + charset))
    assert status == 200


def test_a_body_that_is_coded_is_not_taken_and_none_is_inflated():
    ((status, _),) = call(post(b"x" * 100, b"Content-Encoding: gzip"))
    assert status == 415


def test_a_body_without_end_is_not_read():
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
    chunks = (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"8000\r\n%s\r\n" % (b"x" * 0x8000) * 4
    )
    answers = call(head, chunks)
    assert [status for status, _ in answers] == [413, 413]


def test_a_broken_body_is_told():
    ((status, _),) = call(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert status == 400


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "", "10.0.0.1", "localhost.evil.example", "[::", "\xff"]
)
def test_another_host_is_refused_before_the_token_is_looked_at(host):
    ((status, body),) = call(post(host=host), token="secret")
    assert (status, json.loads(body)) == (403, {"error": "call this machine by its loopback address or localhost"})


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:80"])
def test_the_host_of_this_machine(host):
    ((status, _),) = call(post(host=host))
    assert status == 200


def test_beyond_this_machine_it_goes_by_any_name():
    assert (
        call(post(b'{"a": 1}', b"Authorization: Bearer t", host="box.example"), token="t", host="0.0.0.0")[0][0]
        == 200
    )


def test_a_web_page_is_refused():
    assert call(post(b'{"a": 1}', b"Origin: http://localhost"))[0][0] == 403


@pytest.mark.parametrize(
    "given_token",
    [b"", b"Bearer", b"Bearer wrong", b"Bearer \xff\xfe", b"Bearer s\xc3\xa9cret\xff", b"Basic x", b"\xe9"],
)
def test_a_wrong_token_is_refused(given_token):
    ((status, body),) = call(post(b'{"a": 1}', b"Authorization: " + given_token), token="sécret")
    assert (status, json.loads(body)) == (401, {"error": "send Authorization: Bearer with the token"})


@pytest.mark.parametrize("token", ["secret", "sécret"])
def test_the_right_token(token):
    assert call(post(b'{"a": 1}', b"Authorization: Bearer " + token.encode()), token=token)[0][0] == 200


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("42", 42),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("9" * 5000, None),
        ("", None),
        ("-1", None),
        ("²", None),
    ],
)
def test_numbers_of_a_path(text, number):
    assert read_number(text) == number


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.binary(max_size=300), min_size=1, max_size=8),
    st.sampled_from([b"", b"Content-Encoding: br", b"Expect: x"]),
)
def test_whatever_comes_is_answered_and_nothing_is_logged(bodies, header):
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    try:
        requests = [post(body, *filter(None, [header])) for body in bodies] + [body + b"\r\n\r\n" for body in bodies]
        statuses = [status for status, _ in call(*requests)]
    finally:
        logging.getLogger().removeHandler(handler)
    assert all(status < 500 for status in statuses)
    assert [record.getMessage() for record in records] == []
