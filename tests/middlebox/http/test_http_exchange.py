"""A request and its answer, byte by byte, without a socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.middlebox.http.http1 import MessageError
from hbprobe.middlebox.http.http1_proxying import Additions
from hbprobe.middlebox.http.http_exchange import HttpExchange

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
OK_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


def exchange(request=GET):
    one = HttpExchange("192.0.2.1", Additions())
    one.take_request(request)
    return one


def in_pieces(take, data, cuts):
    onward, waiting, at = b"", b"", 0
    for cut in (*sorted(cuts), len(data)):
        waiting += data[at:cut]
        at = cut
        more, waiting = take(waiting)
        onward += more
    return onward, waiting


cuts = st.sets(st.integers(0, 200), max_size=12)


class TestRequests:
    @given(st.sampled_from([GET, POST, CHUNKED, b"\r\n\r\n" + GET]), st.sampled_from([b"", GET, b"\r"]), cuts)
    def test_pass_unchanged_however_they_come(self, request, following, cuts):
        one = HttpExchange("192.0.2.1", Additions())
        onward, rest = in_pieces(one.take_request, request + following, cuts)
        assert (onward, one.replay) == (request.lstrip(b"\r\n"),) * 2
        assert onward + rest == (request + following).lstrip(b"\r\n")
        assert one.request_is_done

    @given(st.sampled_from([GET, POST, CHUNKED]), st.integers(0, 100))
    def test_that_are_cut_short_are_not_done(self, request, end):
        one = HttpExchange("192.0.2.1", Additions())
        onward, rest = one.take_request(request[: min(end, len(request) - 1)])
        assert onward + rest == request[: min(end, len(request) - 1)]
        assert not one.request_is_done

    def test_are_read_to_their_end_before_any_goes_on(self):
        one = HttpExchange("192.0.2.1", Additions())
        with pytest.raises(MessageError, match=r"^a bad chunk size$") as caught:
            one.take_request(CHUNKED.replace(b"0\r\nX", b"+0\r\nX"))
        assert (caught.value.status, one.replay) == (400, b"")

    def test_are_kept_up_to_a_size(self):
        for size, kept in ((60_000, True), (70_000, False)):
            one = exchange(POST.replace(b"5", b"%d" % size))
            one.take_request(b"x" * (size - 5))
            assert one.request_is_done
            assert (one.replay is not None) == kept

    @pytest.mark.parametrize(
        ("request_", "repeated"),
        [
            (GET, True),
            (GET.replace(b"GET", b"DELETE"), True),
            (GET.replace(b"GET", b"POST"), False),
            (POST, False),
            (POST.replace(b"POST", b"PUT"), False),
            (b"GET / HT", False),
        ],
    )
    def test_may_be_repeated_where_that_does_no_harm(self, request_, repeated):
        assert exchange(request_).may_be_repeated is repeated

    def test_but_not_once_an_answer_shows(self):
        one = exchange()
        one.take_answer(b"HTTP/1.1 2")
        assert not one.may_be_repeated


class TestAnswers:
    @given(st.sampled_from([OK, OK_CHUNKED]), st.booleans(), st.sampled_from([b"", OK]), cuts)
    def test_pass_unchanged_however_they_come(self, answer, hints, following, cuts):
        one = exchange()
        answer = HINTS * 2 + answer if hints else answer
        onward, rest = in_pieces(one.take_answer, answer + following, cuts)
        assert (onward, rest) == (answer, following)
        assert (one.answer_is_done, one.keeps_client, one.keeps_server) == (True, True, True)
        assert one.answer.status == 200

    def test_show_with_the_first_byte_that_is_not_an_interim_one_s(self):
        one = exchange()
        for end in range(10):
            one.take_answer(OK[:end])
            assert not one.answer_is_showing
        one.take_answer(HINTS[:15])
        assert not one.answer_is_showing
        one.take_answer(HINTS + OK[:10])
        assert (one.answer_is_showing, one.answer) == (True, None)

    def test_end_with_the_connection_when_nothing_else_ends_them(self):
        one = exchange()
        onward, rest = one.take_answer(b"HTTP/1.1 200 OK\r\n\r\nhello")
        assert (onward, rest) == (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", b"")
        assert (one.answer_is_done, one.ends_with_connection) == (False, True)
        one.server_ended()
        assert (one.answer_is_done, one.keeps_client, one.keeps_server) == (True, False, False)

    def test_that_are_cut_short_stay_so(self):
        for answer in (OK, OK_CHUNKED):
            one = exchange()
            one.take_answer(answer[:-1])
            one.server_ended()
            assert (one.answer_is_done, one.ends_with_connection) == (False, False)

    def test_that_are_none_have_not_begun(self):
        one = exchange()
        with pytest.raises(MessageError, match=r"^a bad chunk size$") as caught:
            one.take_answer(OK_CHUNKED.replace(b"2;", b"2 ;"))
        assert (caught.value.status, one.answer) == (502, None)

    @pytest.mark.parametrize(
        ("request_", "answer", "client", "server"),
        [
            (GET, OK, True, True),
            (GET, OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), True, False),
            (GET, OK.replace(b"1.1", b"1.0"), True, False),
            (GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK, False, False),
            (GET.replace(b"1.1", b"1.0"), OK, False, False),
            (POST[:-1], OK, False, True),
        ],
    )
    def test_what_stays_after_them(self, request_, answer, client, server):
        one = exchange(request_)
        onward, _ = one.take_answer(answer)
        assert (one.keeps_client, one.keeps_server) == (client, server)
        assert (b"\r\nConnection: close\r\n" in onward) is not client


class TestTunnels:
    ASK = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    SWITCH = b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"

    def test_pass_everything(self):
        one = exchange(self.ASK)
        assert not one.is_tunnel
        assert one.take_answer(HINTS + self.SWITCH + b"\0\r\n") == (HINTS + self.SWITCH + b"\0\r\n", b"")
        assert (one.is_tunnel, one.answer_is_done) == (True, False)
        assert one.take_request(b"\r\n\r\n") == (b"\r\n\r\n", b"")
        assert one.take_answer(OK) == (OK, b"")

    @pytest.mark.parametrize(
        "answer",
        [
            SWITCH.replace(b"Connection: Upgrade\r\n", b""),
            SWITCH.replace(b"Upgrade: x\r\n", b""),
            SWITCH.replace(b"1.1", b"1.0"),
        ],
    )
    def test_need_the_server_s_consent(self, answer):
        with pytest.raises(MessageError, match=r"^an upgrade that was not asked for$"):
            exchange(self.ASK).take_answer(answer)
