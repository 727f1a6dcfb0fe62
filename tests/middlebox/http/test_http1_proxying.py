"""What a proxy changes in a head, and what it leaves alone."""

import pytest

from hbprobe.middlebox.http.http1 import read_request, read_response
from hbprobe.middlebox.http.http1_proxying import (
    Additions,
    is_idempotent,
    keeps_connection,
    own_answer,
    request_onward,
    response_onward,
    wants_upgrade,
)

PLAIN = Additions()
ALL = Additions(via=True, forwarded_for=True)


def request(*lines, start="GET /a HTTP/1.1"):
    return read_request("\r\n".join((start, "Host: a", *lines, "", "")).encode("latin-1"))[0]


def response(*lines, start="HTTP/1.1 200 OK"):
    return read_response("\r\n".join((start, *lines, "", "")).encode("latin-1"), b"GET")[0]


def lines_of(head):
    assert head.endswith(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n")[:-2]


class TestRequests:
    def test_pass_unchanged(self):
        kept = ["cookie: b=1", "Cookie:a=2 ", "X-ODD:\t x", "x-odd: \xfc", "Content-Length: 5", "Trailer: X-Sum"]
        assert lines_of(request_onward(request(*kept), "10.0.0.1", PLAIN)) == ["GET /a HTTP/1.1", "Host: a", *kept]

    @pytest.mark.parametrize(
        "dropped",
        [
            ["Connection: keep-alive"],
            ["connection: close"],
            ["Keep-Alive: timeout=5"],
            ["Proxy-Connection: keep-alive"],
            ["TE: trailers"],
            ["Upgrade: websocket"],
            ["Connection: X-Mine, y", "x-mine: 1", "X-MINE: 2", "Y: 3"],
            ["Connection: Upgrade", "Upgrade: h2c"],
            ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c, websocket", "HTTP2-Settings: AAMAAABk"],
        ],
    )
    def test_lose_what_speaks_of_one_connection(self, dropped):
        assert lines_of(request_onward(request(*dropped, "Accept: */*"), "10.0.0.1", PLAIN)) == [
            "GET /a HTTP/1.1",
            "Host: a",
            "Accept: */*",
        ]

    def test_keep_chunks_as_they_are(self):
        head = request("Transfer-Encoding: chunked", start="POST / HTTP/1.1")
        assert lines_of(request_onward(head, "10.0.0.1", PLAIN))[2:] == ["Transfer-Encoding: chunked"]

    def test_may_ask_for_another_protocol(self):
        head = request(
            "Connection: keep-alive, Upgrade, X-Mine", "Upgrade: WebSocket", "X-Mine: 1", "Sec-WebSocket-Key: k"
        )
        assert wants_upgrade(head)
        assert lines_of(request_onward(head, "10.0.0.1", PLAIN))[2:] == [
            "Upgrade: WebSocket",
            "Sec-WebSocket-Key: k",
            "Connection: Upgrade",
        ]

    def test_keep_their_version(self):
        head = request("Connection: Upgrade", "Upgrade: websocket", start="GET / HTTP/1.0")
        assert not wants_upgrade(head)
        assert lines_of(request_onward(head, "10.0.0.1", PLAIN)) == ["GET / HTTP/1.0", "Host: a"]

    def test_say_whence_they_came_where_the_profile_says_so(self):
        head = request("X-Forwarded-For: 192.0.2.1", "Via: 1.1 other")
        assert lines_of(request_onward(head, "10.0.0.1", ALL))[2:] == [
            "X-Forwarded-For: 192.0.2.1",
            "Via: 1.1 other",
            "Via: 1.1 hbprobe",
            "X-Forwarded-For: 10.0.0.1",
        ]

    @pytest.mark.parametrize(
        ("lines", "start", "kept"),
        [
            ([], "GET / HTTP/1.1", True),
            (["Connection: Close"], "GET / HTTP/1.1", False),
            (["Connection: x", "Connection: y, close"], "GET / HTTP/1.1", False),
            (["Connection: closed"], "GET / HTTP/1.1", True),
            (["Connection: keep-alive"], "GET / HTTP/1.0", False),
        ],
    )
    def test_say_whether_more_will_come(self, lines, start, kept):
        assert keeps_connection(request(*lines, start=start)) is kept

    def test_may_be_idempotent(self):
        methods = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "get"]
        assert [is_idempotent(request(start=f"{method} / HTTP/1.1")) for method in methods] == [True] * 6 + [
            False
        ] * 3


class TestResponses:
    def test_pass_unchanged(self):
        kept = ["set-cookie: a", "Set-Cookie: b", "Date:x", "Transfer-Encoding: chunked", "Trailer: X-Sum"]
        head = response(*kept, start="HTTP/1.1 200 All \xfcber")
        assert lines_of(response_onward(head, PLAIN, keep=True)) == ["HTTP/1.1 200 All \xfcber", *kept]

    def test_lose_what_speaks_of_one_connection(self):
        head = response("Connection: close, X-Mine", "X-Mine: 1", "Keep-Alive: max=1", "Upgrade: h2c", "Server: x")
        assert lines_of(response_onward(head, PLAIN, keep=True))[1:] == ["Server: x"]

    def test_say_when_the_connection_ends(self):
        assert lines_of(response_onward(response(), PLAIN, keep=False)) == ["HTTP/1.1 200 OK", "Connection: close"]

    def test_are_of_our_version(self):
        assert lines_of(response_onward(response(start="HTTP/1.0 404 "), PLAIN, keep=False))[0] == "HTTP/1.1 404 "

    def test_may_agree_to_another_protocol(self):
        head = response("Connection: upgrade", "Upgrade: websocket", start="HTTP/1.1 101 Switching Protocols")
        assert wants_upgrade(head)
        assert lines_of(response_onward(head, ALL, keep=True, upgrade=True))[1:] == [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Via: 1.1 hbprobe",
        ]


class TestOwnAnswers:
    def test_carry_the_body_of_the_profile(self):
        assert own_answer(504, "<h1>Zu sp\xe4t</h1>", keep=True) == (
            b"HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 17\r\n"
            b"Cache-Control: no-store\r\n\r\n<h1>Zu sp\xc3\xa4t</h1>"
        )

    def test_say_when_the_connection_ends(self):
        assert own_answer(408, "", keep=False) == (
            b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n"
            b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )

    def test_have_no_body_for_a_head(self):
        answer = own_answer(504, "late", keep=True, to_head=True)
        assert b"Content-Length: 4\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")

    def test_may_have_a_number_of_a_product_s_own(self):
        assert own_answer(524, "", keep=True).startswith(b"HTTP/1.1 524 \r\n")

    def test_say_which_methods_are_allowed(self):
        assert b"\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n" in own_answer(405, "", keep=False)
