"""Feeds both ends of HTTP/2, as boxes and the far end speak it, with frames that are made up: no test of pytest's.

    pip install atheris
    mkdir -p /tmp/http2 && python tests/fuzz/http2.py /tmp/http2 -max_total_time=300

The first byte says which end reads and whether it answers, the second how large the pieces are; an empty folder is
first given a beginning of each kind. Whatever comes: an event of a few kinds, an end that is told once, requests that
the strict reader of HTTP/1.1 takes or refuses with a status, and no more streams than a client may have.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from hbprobe.net.http2_streams import PREFACE, Came, Drained, Http2Streams, Over, Reset

from h2.errors import ErrorCodes

from hbprobe.middlebox.http.http1 import MessageError
from hbprobe.middlebox.http.http1_proxying import Additions
from hbprobe.middlebox.http.http_exchange import HttpExchange

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
_MOST_STREAMS = 100
_REQUEST = b"\x82\x84\x86\x41\x01a"
"""GET / http a, packed."""
_SEEDS = (
    b"\0\5\0\0\0\4\0\0\0\0\0" + b"\0\0\6\1\5\0\0\0\1" + _REQUEST,
    b"\1\x40\0\0\0\4\0\0\0\0\0" + b"\0\0\6\1\4\0\0\0\1" + _REQUEST + b"\0\0\2\0\1\0\0\0\1hi",
    b"\1\5\0\0\0\4\0\0\0\0\0\0\0\x08\6\0\0\0\0\0hbprobe!\0\0\4\3\0\0\0\0\1\0\0\0\x08",
    b"\2\5\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\4\0\0\0\1\x88" + b"\0\0\2\0\1\0\0\0\1hi",
    b"\2\5\0\0\0\4\0\0\0\0\0" + b"\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\0\0",
)


def read(data: bytes) -> None:
    """Give bytes to the end that their first one names, in pieces as large as their second says."""
    if len(data) < 2:
        return
    which, size, rest = data[0], data[1] or 1, data[2:]
    end = Http2Streams(is_client=bool(which & 2))
    if end.is_client:
        end.send(end.open(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    else:
        rest = PREFACE + rest
    exchanges: dict[int, tuple[HttpExchange, bytes]] = {}
    told_end = False
    for number, at in enumerate(range(0, len(rest), size)):
        for event in end.take(rest[at : at + size], number * 0.001):
            assert isinstance(event, Came | Drained | Reset | Over)
            assert not told_end
            told_end = isinstance(event, Over)
            if isinstance(event, Came) and not end.is_client:
                _ask(end, event, exchanges, answers=bool(which & 1))
        assert end.is_over is told_end
        assert len(end) <= _MOST_STREAMS
        end.data_to_send()


def _ask(end: Http2Streams, event: Came, exchanges: dict[int, tuple[HttpExchange, bytes]], *, answers: bool) -> None:
    exchange, kept = exchanges.get(event.stream) or (HttpExchange("192.0.2.1", Additions()), b"")
    try:
        _, kept = exchange.take_request(kept + event.data)
    except MessageError:
        end.reset(event.stream, ErrorCodes.PROTOCOL_ERROR)
        return
    exchanges[event.stream] = exchange, kept
    if answers and exchange.request_is_done:
        end.send(event.stream, _ANSWER)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-") and not any(Path(argument).iterdir()):
            for number, seed in enumerate(_SEEDS):
                (Path(argument) / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
