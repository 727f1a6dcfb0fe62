"""Heads of HTTP/1.1, read strictly: what passes unchanged, and the gallery of those that do not pass."""

import re

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hbprobe.middlebox.http.http1 import (
    HEAD_LIMIT,
    Field,
    Framing,
    FramingKind,
    MessageError,
    find_end,
    read_request,
    read_response,
)

GET = b"GET /a?b HTTP/1.1\r\nHost: mail.example:8443\r\nX-Odd:\tone  two \r\nx-odd:\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


def head_of(*lines, start=b"POST / HTTP/1.1", host=b"Host: a"):
    return b"\r\n".join((start, *([host] if host else []), *lines)) + b"\r\n\r\n"


def objection(data, read=read_request):
    """Return status and reason of a refusal; None where there is none."""
    try:
        read(data)
    except MessageError as error:
        return error.status.value, str(error)
    return None


class TestRequests:
    def test_a_head_is_taken_apart_and_kept_as_it_came(self):
        head, end = read_request(GET)
        assert (head.method, head.start, head.is_1_1, end) == (b"GET", b"GET /a?b HTTP/1.1", True, len(GET))
        assert head.fields == (
            Field(b"host", b"mail.example:8443", b"Host: mail.example:8443"),
            Field(b"x-odd", b"one  two", b"X-Odd:\tone  two "),
            Field(b"x-odd", b"", b"x-odd:"),
        )
        assert head.framing == Framing(FramingKind.NONE)
        assert head.values(b"x-odd") == [b"one  two", b""]

    def test_what_follows_a_head_is_left_alone(self):
        assert read_request(GET + b"\n\r\0rubbish") == read_request(GET)

    def test_a_head_that_is_not_whole_is_waited_for(self):
        for end in range(len(GET)):
            assert read_request(GET[:end]) is None, end

    @pytest.mark.parametrize(
        ("line", "framing"),
        [
            (b"Content-Length: 0", Framing(FramingKind.SIZED, 0)),
            (b"content-length:10", Framing(FramingKind.SIZED, 10)),
            (b"Content-Length: 999999999999999999", Framing(FramingKind.SIZED, 10**18 - 1)),
            (b"Transfer-Encoding: chunked", Framing(FramingKind.CHUNKED)),
            (b"TRANSFER-ENCODING:\tChunked ", Framing(FramingKind.CHUNKED)),
            (b"Content-Type: text/plain", Framing(FramingKind.NONE)),
        ],
    )
    def test_how_the_body_ends(self, line, framing):
        assert read_request(head_of(line))[0].framing == framing

    @pytest.mark.parametrize(
        ("start", "host"),
        [
            (b"OPTIONS * HTTP/1.1", b"Host: a"),
            (b"GET http://a/b HTTP/1.1", b"Host: A"),
            (b"GET HTTPS://a?b HTTP/1.1", b"Host: a"),
            (b"GET / HTTP/1.0", None),
            (b"GET http://a/ HTTP/1.0", None),
            (b"X-Y!z / HTTP/1.1", b"Host:"),
            (b"GET / HTTP/1.1", b"Host: [::1]:8443"),
        ],
    )
    def test_targets_and_hosts_that_pass(self, start, host):
        assert read_request(head_of(start=start, host=host))[0].start == start

    def test_lists_are_read_over_all_their_fields(self):
        head, _ = read_request(head_of(b"Connection: Close ,,\tX-Mine", b"connection: y"))
        assert head.options == head.tokens(b"connection") == {b"close", b"x-mine", b"y"}


SMUGGLED = {
    # where the message ends
    "two lengths": (head_of(b"Content-Length: 1", b"Content-Length: 2"), "more than one Content-Length"),
    "two equal lengths": (head_of(b"Content-Length: 1", b"Content-Length: 1"), "more than one Content-Length"),
    "a list of lengths": (head_of(b"Content-Length: 1, 1"), "a Content-Length that is no length"),
    "a signed length": (head_of(b"Content-Length: +1"), "a Content-Length that is no length"),
    "a negative length": (head_of(b"Content-Length: -1"), "a Content-Length that is no length"),
    "a length in hex": (head_of(b"Content-Length: 0x1"), "a Content-Length that is no length"),
    "a length with a space": (head_of(b"Content-Length: 1 1"), "a Content-Length that is no length"),
    "an empty length": (head_of(b"Content-Length:"), "a Content-Length that is no length"),
    "an endless length": (head_of(b"Content-Length: " + b"9" * 19), "a Content-Length that is no length"),
    "digits of another script": (head_of("Content-Length: \u0661".encode()), "a Content-Length that is no length"),
    "length and chunks": (
        head_of(b"Content-Length: 1", b"Transfer-Encoding: chunked"),
        "Content-Length with Transfer-Encoding",
    ),
    "chunks and length": (
        head_of(b"Transfer-Encoding: chunked", b"Content-Length: 1"),
        "Content-Length with Transfer-Encoding",
    ),
    "another coding": (head_of(b"Transfer-Encoding: gzip"), "a Transfer-Encoding other than chunked"),
    "identity": (head_of(b"Transfer-Encoding: identity"), "a Transfer-Encoding other than chunked"),
    "chunked with more": (head_of(b"Transfer-Encoding: chunked, identity"), "a Transfer-Encoding other than chunked"),
    "more with chunked": (head_of(b"Transfer-Encoding: gzip, chunked"), "a Transfer-Encoding other than chunked"),
    "chunked with a parameter": (
        head_of(b"Transfer-Encoding: chunked;q=1"),
        "a Transfer-Encoding other than chunked",
    ),
    "almost chunked": (head_of(b"Transfer-Encoding: xchunked"), "a Transfer-Encoding other than chunked"),
    "quoted chunked": (head_of(b'Transfer-Encoding: "chunked"'), "a Transfer-Encoding other than chunked"),
    "an empty coding": (head_of(b"Transfer-Encoding:"), "a Transfer-Encoding other than chunked"),
    "chunked twice": (
        head_of(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        "a Transfer-Encoding other than chunked",
    ),
    "chunks in HTTP/1.0": (
        head_of(b"Transfer-Encoding: chunked", start=b"POST / HTTP/1.0"),
        "Transfer-Encoding in HTTP/1.0",
    ),
    "length as hop-by-hop": (
        head_of(b"Content-Length: 1", b"Connection: Content-Length"),
        "Content-Length named in Connection",
    ),
    "coding as hop-by-hop": (
        head_of(b"Transfer-Encoding: chunked", b"Connection: close, transfer-encoding"),
        "Transfer-Encoding named in Connection",
    ),
    "host as hop-by-hop": (head_of(b"Connection: host"), "Host named in Connection"),
    # where a line ends
    "bare LF": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", "a CR or LF alone"),
    "only bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", "a CR or LF alone"),
    "bare LF in a field": (head_of(b"X: a\nContent-Length: 1"), "a CR or LF alone"),
    "bare CR in a field": (head_of(b"X: a\rContent-Length: 1"), "a CR or LF alone"),
    "bare CR in the request line": (b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "a CR or LF alone"),
    "CR before CRLF": (head_of(b"X: a\r"), "a CR or LF alone"),
    "CR before CRLF in another version": (head_of(b"X: a\r", start=b"GET / HTTP/9.1"), "a CR or LF alone"),
    "LF before CRLF": (b"GET / HTTP/1.1\r\nHost: a\n\r\n\r\n", "a CR or LF alone"),
    "NUL": (head_of(b"X: a\0b"), "a NUL"),
    "NUL in the request line": (b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", "a NUL"),
    "another control character": (head_of(b"X: a\x0bb"), "a line that is no header field"),
    "DEL": (head_of(b"X: a\x7f"), "a line that is no header field"),
    # what a line says
    "space before the colon": (head_of(b"Content-Length : 1"), "white space before a colon"),
    "tab before the colon": (head_of(b"Transfer-Encoding\t: chunked"), "white space before a colon"),
    "a folded line": (head_of(b"X: a", b" chunked"), "a folded header line"),
    "a line folded with a tab": (head_of(b"Transfer-Encoding:", b"\tchunked"), "a folded header line"),
    "a folded first line": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "a folded header line"),
    "no colon": (head_of(b"Content-Length"), "a line that is no header field"),
    "no name": (head_of(b": chunked"), "a line that is no header field"),
    "a name with a space": (head_of(b"Content Length: 1"), "a line that is no header field"),
    "a name with a letter beyond ASCII": (head_of("Cöntent-Length: 1".encode()), "a line that is no header field"),
    # whom it is for
    "no host": (head_of(host=None), "no Host"),
    "two hosts": (head_of(b"Host: b"), "more than one Host"),
    "two equal hosts": (head_of(b"host: a"), "more than one Host"),
    "two hosts in HTTP/1.0": (head_of(b"Host: b", start=b"GET / HTTP/1.0"), "more than one Host"),
    "a host with a path": (head_of(host=b"Host: a/b"), "a Host that is none"),
    "a host with a user": (head_of(host=b"Host: me@a"), "a Host that is none"),
    "two hosts in one": (head_of(host=b"Host: a b"), "a Host that is none"),
    "a target of another host": (head_of(start=b"GET http://b/ HTTP/1.1"), "a target of another host than Host"),
    "a target with a user": (head_of(start=b"GET http://b@a/ HTTP/1.1"), "a target of another host than Host"),
    "a target that is no path": (head_of(start=b"GET a HTTP/1.1"), "a target that is no path"),
    "a target of another scheme": (head_of(start=b"GET gopher://a/ HTTP/1.1"), "a target that is no path"),
    "a star with another method": (head_of(start=b"GET * HTTP/1.1"), "a target that is no path"),
    # the request line
    "no version": (head_of(start=b"GET /"), "no request line"),
    "two spaces": (head_of(start=b"GET  / HTTP/1.1"), "no request line"),
    "a tab": (head_of(start=b"GET\t/ HTTP/1.1"), "no request line"),
    "a space at its end": (head_of(start=b"GET / HTTP/1.1 "), "no request line"),
    "a space before it": (head_of(start=b" GET / HTTP/1.1"), "no request line"),
    "a target beyond ASCII": (head_of(start="GET /ü HTTP/1.1".encode()), "no request line"),
    "a small version": (head_of(start=b"GET / http/1.1"), "no request line"),
    "a method that is none": (head_of(start=b"G(T / HTTP/1.1"), "no request line"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "a NUL"),
}


@pytest.mark.parametrize(("data", "reason"), SMUGGLED.values(), ids=SMUGGLED)
class TestRefused:
    def test_with_400(self, data, reason):
        assert objection(data) == (400, reason)

    def test_also_byte_by_byte(self, data, reason):
        found = (objection(data[:end]) for end in range(len(data) + 1))
        first = next(one for one in found if one is not None)
        assert first in [(400, reason), (400, "a CR or LF alone"), (400, "a NUL")]

    def test_whatever_follows(self, data, reason):
        assert objection(data + GET) == (400, reason)


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "9.9"])
def test_another_version_is_refused_with_505(version):
    assert objection(head_of(start=f"GET / HTTP/{version}".encode())) == (505, f"HTTP/{version}")


def test_connect_is_refused_with_405():
    assert objection(head_of(start=b"CONNECT a:443 HTTP/1.1", host=b"Host: a:443")) == (405, "CONNECT")


class TestLimit:
    def head(self, length):
        return POST + b"X: " + b"y" * (length - len(POST) - 3)

    def test_a_head_may_be_long(self):
        assert read_request(self.head(HEAD_LIMIT - 4) + b"\r\n\r\n")[1] == HEAD_LIMIT

    def test_but_no_longer(self):
        assert objection(self.head(HEAD_LIMIT - 3) + b"\r\n\r\n") == (431, "more than 65536 bytes of header")

    def test_and_is_not_waited_for(self):
        assert read_request(self.head(HEAD_LIMIT - 1)) is None
        assert objection(self.head(HEAD_LIMIT))[0] == 431

    def test_many_spaces_cost_no_time(self):
        assert objection(self.head(1000) + b" " * 60000 + b"\x7f\r\n\r\n")[0] == 400


class TestResponses:
    @pytest.mark.parametrize(
        ("start", "method", "lines", "framing"),
        [
            (b"HTTP/1.1 200 OK", b"GET", [b"Content-Length: 5"], Framing(FramingKind.SIZED, 5)),
            (b"HTTP/1.1 200 OK", b"GET", [b"Transfer-Encoding: chunked"], Framing(FramingKind.CHUNKED)),
            (b"HTTP/1.1 200 OK", b"GET", [], Framing(FramingKind.UNTIL_CLOSE)),
            (b"HTTP/1.0 200 OK", b"GET", [], Framing(FramingKind.UNTIL_CLOSE)),
            (b"HTTP/1.1 200", b"GET", [], Framing(FramingKind.UNTIL_CLOSE)),
            (b"HTTP/1.1 599 ", b"GET", [], Framing(FramingKind.UNTIL_CLOSE)),
            (b"HTTP/1.1 200 OK", b"HEAD", [b"Content-Length: 5"], Framing(FramingKind.NONE)),
            (b"HTTP/1.1 204 No Content", b"GET", [], Framing(FramingKind.NONE)),
            (b"HTTP/1.1 304 Not Modified", b"GET", [b"Content-Length: 5"], Framing(FramingKind.NONE)),
            (b"HTTP/1.1 100 Continue", b"POST", [], Framing(FramingKind.NONE)),
            (b"HTTP/1.1 101 Switching", b"GET", [b"Upgrade: x"], Framing(FramingKind.NONE)),
            (b"HTTP/1.1 200 \xfcber", b"GET", [b"Content-Length: 0"], Framing(FramingKind.SIZED, 0)),
        ],
    )
    def test_how_the_body_ends(self, start, method, lines, framing):
        data = head_of(*lines, start=start, host=None)
        head, end = read_response(data + b"body", method)
        assert (head.framing, head.start, end) == (framing, start, len(data))
        assert head.status == int(start[9:12])

    def test_a_head_that_is_not_whole_is_waited_for(self):
        data = head_of(b"Content-Length: 5", start=b"HTTP/1.1 200 OK", host=None)
        for end in range(len(data)):
            assert read_response(data[:end], b"GET") is None, end

    @pytest.mark.parametrize(
        ("start", "lines", "reason"),
        [
            (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Content-Length: 5"], "more than one Content-Length"),
            (
                b"HTTP/1.1 200 OK",
                [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
                "Content-Length with Transfer-Encoding",
            ),
            (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: gzip, chunked"], "a Transfer-Encoding other than chunked"),
            (b"HTTP/1.0 200 OK", [b"Transfer-Encoding: chunked"], "Transfer-Encoding in HTTP/1.0"),
            (b"HTTP/1.1 200 OK", [b"X : y"], "white space before a colon"),
            (b"HTTP/1.1 200 OK", [b"X: y\nz"], "a CR or LF alone"),
            (b"HTTP/1.1 099 No", [], "no status line"),
            (b"HTTP/1.1 600 No", [], "no status line"),
            (b"HTTP/1.1  200 OK", [], "no status line"),
            (b"HTTP/2 200", [], "no status line"),
            (b"ICY 200 OK", [], "no status line"),
            (b"220 mail.example ESMTP", [], "no status line"),
            (b"HTTP/1.1 200 OK", [b"X: " + b"y" * HEAD_LIMIT], "more than 65536 bytes of header"),
        ],
    )
    def test_what_is_none_is_refused_with_502(self, start, lines, reason):
        data = head_of(*lines, start=start, host=None)
        assert objection(data, lambda some: read_response(some, b"GET")) == (502, reason)


def test_the_end_is_found_where_a_line_is_empty():
    assert find_end(b"a: b\r\n\r\nbody") == 4
    assert find_end(b"a: b\r\n\r") is None
    assert find_end(b"") is None


# Against another reader

_LINES = st.lists(
    st.sampled_from(
        [
            b"Host: a",
            b"Host : a",
            b"Content-Length: 3",
            b"Content-Length: 4",
            b"Content-Length: +3",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: identity",
            b"Connection: close",
            b" folded",
            b"X: y\0",
            b"X: y\rz",
            b"X:\xff",
            b"X",
        ]
    ),
    max_size=4,
)
_STARTS = st.sampled_from([b"GET / HTTP/1.1", b"POST /x HTTP/1.1", b"GET / HTTP/1.0", b"GET  / HTTP/1.1", b"\0"])
_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])


@given(start=_STARTS, lines=_LINES, line_end=_ENDS)
def test_what_passes_means_the_same_to_h11(start, lines, line_end):
    data = line_end.join([start, *lines]) + line_end * 2
    try:
        found = read_request(data)
    except MessageError:
        return
    if found is None:
        return
    head, end = found
    assert end == len(data)
    theirs = h11.Connection(h11.SERVER)
    theirs.receive_data(data)
    request = theirs.next_event()
    assert (request.method, request.http_version) == (head.method, head.start[-3:])
    assert list(request.headers) == [(field.name, field.value) for field in head.fields]
    after = theirs.next_event()
    has_body = head.framing.kind is FramingKind.CHUNKED or head.framing.length > 0
    assert (after is h11.NEED_DATA) == has_body


@given(st.binary(max_size=300))
@example(b"! ! HTTP/0.0\r\n\r\n")
@example(b"CONNECT ! HTTP/1.1\r\n\r\n")
def test_rubbish_is_refused_or_waited_for(data):
    """Among it may be a request, of a version or with a method that is refused otherwise."""
    status, reason = objection(data + b"\r\n") or (400, "")
    otherwise = {"CONNECT": 405} | ({reason: 505} if re.fullmatch(r"HTTP/\d\.\d", reason) else {})
    assert status == otherwise.get(reason, 400)


@given(st.lists(st.sampled_from(b"GET / HTTP/1.1\r\n:ahostHOST \t\0"), max_size=60).map(bytes))
def test_near_misses_raise_nothing_else(data):
    head = b"GET / HTTP/1.1\r\nHost: a" + data + b"\r\n\r\n"
    assert (objection(head) or (400,))[0] == 400
    assert objection(head, lambda some: read_response(some, b"GET"))[0] == 502
