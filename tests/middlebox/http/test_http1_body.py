"""Where bodies end: whole, byte by byte, cut short, with what follows, and malformed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.middlebox.http.http1 import Framing, FramingKind, MessageError
from hbprobe.middlebox.http.http1_body import Chunked, Sized, UntilClose, body_of

CHUNKED = b'5\r\nhello\r\n00A;name="v";x\r\n0123456789\r\n0\r\n\r\n'
WITH_TRAILERS = b"1;\r\nx\r\n000\r\nX-Sum: 1\r\nY:\r\n\r\n"


REASONS = r"chunk|header|alone|trailers|colon"


def pass_through(body, data, step, told=lambda _: None):
    """Show `data` in pieces, what was not taken again each time; return what was taken, and what is left."""
    taken, waiting = b"", b""
    for at in range(0, len(data), step):
        waiting += data[at : at + step]
        end = body.take(waiting, 0)
        told(waiting[:end])
        taken, waiting = taken + waiting[:end], waiting[end:]
    return taken, waiting


steps = pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])


class TestSized:
    @steps
    def test_takes_so_much_and_no_more(self, step):
        body = Sized(10)
        assert pass_through(body, b"0123456789next", step) == (b"0123456789", b"next")
        assert body.done

    def test_nothing_is_a_body_too(self):
        body = Sized(0)
        assert body.done
        assert body.take(b"next", 0) == 0

    def test_is_taken_from_where_the_head_ended(self):
        body = Sized(3)
        assert body.take(b"head12", 4) == 6
        assert not body.done
        body.end_here()
        assert not body.done


class TestUntilClose:
    @steps
    def test_takes_everything(self, step):
        body = UntilClose()
        assert pass_through(body, b"0123456789next", step) == (b"0123456789next", b"")
        assert not body.done
        body.end_here()
        assert body.done


class TestChunked:
    @steps
    @pytest.mark.parametrize("data", [CHUNKED, WITH_TRAILERS, b"0\r\n\r\n"])
    def test_takes_up_to_the_last_chunk(self, data, step):
        body = Chunked()
        assert pass_through(body, data + b"GET /next", step) == (data, b"GET /next")
        assert body.done

    @pytest.mark.parametrize("data", [CHUNKED, WITH_TRAILERS])
    def test_is_not_done_when_cut_short(self, data):
        for end in range(len(data)):
            body = Chunked()
            taken, waiting = pass_through(body, data[:end], 3)
            body.end_here()
            assert not body.done, end
            assert taken + waiting == data[:end]

    def test_a_line_that_is_not_whole_is_not_passed_on(self):
        body = Chunked()
        assert [body.take(data, 0) for data in (b"5", b"5;x", b"5;x\r", b"5;x\r\nhe")] == [0, 0, 0, 7]
        assert [body.take(data, 0) for data in (b"llo", b"\r", b"\r\n0\r\n", b"\r")] == [3, 0, 5, 0]

    @pytest.mark.parametrize(
        ("data", "passed"),
        [
            (b"x\r\n", b""),
            (b"\r\n", b""),
            (b"+5\r\nhello\r\n", b""),
            (b"-5\r\n", b""),
            (b" 5\r\n", b""),
            (b"5 \r\n", b""),
            (b"5 ;x\r\n", b""),
            (b"5\t\r\n", b""),
            (b"0x5\r\n", b""),
            (b"5_0\r\n", b""),
            (b"5,\r\n", b""),
            (b"5\n", b""),
            (b"5\nhello\r\n", b""),
            (b"5\rhello", b""),
            (b"5;x\ny\r\n", b""),
            (b"5;x\0\r\n", b""),
            (b"5;\r\r\n", b""),
            (b"1" * 16 + b"\r\n", b""),
            (b"0" * 16 + b"\r\n", b""),
            (b"5;" + b"x" * 5000, b""),
            ("\u0665\r\n".encode(), b""),
            (b"5\r\nhelloX", b"5\r\nhello"),
            (b"5\r\nhello\n", b"5\r\nhello"),
            (b"5\r\nhello\rX", b"5\r\nhello"),
            (b"5\r\nhello0\r\n\r\n", b"5\r\nhello"),
            (b"5\r\nhello\r\n5 \r\n", b"5\r\nhello\r\n"),
            (b"0\r\nX : y\r\n\r\n", b"0\r\n"),
            (b"0\r\n X: y\r\n\r\n", b"0\r\n"),
            (b"0\r\nX: y\n\r\n\r\n", b"0\r\n"),
            (b"0\r\n\n", b"0\r\n"),
            (b"0\r\nContent-Length: 1\r\n\r\n", b"0\r\n"),
            (b"0\r\nX: y\r\ntransfer-encoding: chunked\r\n\r\n", b"0\r\n"),
            (b"0\r\nHost: b\r\n\r\n", b"0\r\n"),
        ],
    )
    def test_what_is_malformed_is_refused_and_never_passed_on(self, data, passed):
        with pytest.raises(ValueError, match=REASONS):
            Chunked().take(data, 0)
        taken = []
        with pytest.raises(ValueError, match=REASONS):
            pass_through(Chunked(), data, 1, taken.append)
        assert b"".join(taken) == passed

    def test_reasons(self):
        for data, reason in [
            (b"5 \r\n", "a bad chunk size"),
            (b"1\r\nxy", "a chunk that is longer than its size"),
            (b"0\r\nContent-Length: 1\r\nHost: b\r\n\r\n", "Content-Length, Host in the trailers"),
        ]:
            with pytest.raises(ValueError, match=f"^{reason}$"):
                Chunked().take(data, 0)

    def test_trailers_have_the_limit_of_a_head(self):
        body = Chunked()
        assert body.take(b"0\r\nX: " + b"y" * 65000, 0) == 3
        with pytest.raises(MessageError, match="more than 65536 bytes"):
            body.take(b"X: " + b"y" * 65536, 0)

    @given(st.binary(max_size=60), st.integers(1, 10))
    def test_rubbish_is_taken_in_pieces_as_it_is_whole(self, data, step):
        outcomes = []
        for size in (step, len(data) + 1):
            body = Chunked()
            try:
                outcomes.append((*pass_through(body, data, size), body.done))
            except ValueError:
                outcomes.append("refused")
        assert outcomes[0] == outcomes[1]

    @given(st.lists(st.binary(min_size=1, max_size=300), max_size=10), st.integers(1, 400), st.binary(max_size=9))
    def test_chunks_of_any_size_pass_unchanged(self, chunks, step, rest):
        data = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
        body = Chunked()
        assert pass_through(body, data + rest, step) == (data, rest)
        assert body.done


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FramingKind.NONE, Sized),
        (FramingKind.SIZED, Sized),
        (FramingKind.CHUNKED, Chunked),
        (FramingKind.UNTIL_CLOSE, UntilClose),
    ],
)
def test_each_framing_has_its_body(kind, body):
    assert type(body_of(Framing(kind))) is body
