"""Feeds what servers and clients say over the network, in pieces, to its readers: no test of pytest's.

    pip install atheris
    mkdir -p /tmp/said && python tests/fuzz/conversations.py /tmp/said -max_total_time=300

The first byte says which reader, the second how large the pieces are; an empty folder is first given a beginning of
each kind. Whatever comes: a talk stands, answers or names its trouble; an HTTP message is read the same whole and in
pieces, or refused with a status.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from hbprobe.middlebox.http import http1, http_exchange
    from hbprobe.trial.talks import http2, imap, ldap, mqtt, postgresql, redis, smtp, sse, ssh, websocket

from hbprobe.middlebox.http.http1_proxying import Additions
from hbprobe.trial.talks.talk import MOST_BYTES, NO_OPTIONS, Talk, TalkOptions, Where

_TALKS: tuple[type[Talk], ...] = (
    http2.Http2Talk,
    imap.ImapTalk,
    ldap.LdapTalk,
    mqtt.MqttTalk,
    postgresql.PostgresqlTalk,
    postgresql.PostgresqlSession,
    redis.RedisTalk,
    smtp.SmtpTalk,
    sse.EventsTalk,
    ssh.SshTalk,
    websocket.WebSocketTalk,
)
_HEADS = (
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok"
_GREETINGS = {
    http2.Http2Talk: b"\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0\0\0\x08\6\1\0\0\0\0hbprobe!",
    imap.ImapTalk: b"* OK ready\r\na1 OK done\r\n",
    ldap.LdapTalk: b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
    mqtt.MqttTalk: b"\x20\x02\x00\x00\xd0\x00",
    postgresql.PostgresqlTalk: b"SN",
    postgresql.PostgresqlSession: b"R\0\0\0\x08\0\0\0\0Z\0\0\0\5I",
    redis.RedisTalk: b"+PONG\r\n-NOAUTH Authentication required.\r\n",
    smtp.SmtpTalk: b"220-a\r\n220 a\r\n250 ok\r\n",
    sse.EventsTalk: b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\ndata: 1\n\n",
    ssh.SshTalk: b"SSH-2.0-OpenSSH_9.2\r\n\0\0\0\x0c\x0a\x14" + bytes(20),
    websocket.WebSocketTalk: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
}


def read(data: bytes) -> None:
    """Give bytes to the reader that their first one names, in pieces as large as their second says."""
    if len(data) < 2:
        return
    which, size, rest = data[0], data[1] or 1, data[2:]
    pieces = [rest[at : at + size] for at in range(0, len(rest), size)]
    if which < len(_TALKS):
        talk = _TALKS[which]
        login = TalkOptions(user="ada", password="x") if talk is postgresql.PostgresqlSession else NO_OPTIONS
        _converse(talk(Where("a.example", hold_s=60.0, options=login)), pieces)
    elif which == len(_TALKS):
        assert _through([rest]) == _through(pieces)
    elif which == len(_TALKS) + 1:
        assert _answered([rest]) == _answered(pieces)


def _converse(talk: Talk, pieces: list[bytes]) -> None:
    talk.begin()
    has_asked = False
    for piece in pieces:
        said = talk.take(piece)
        assert len(said) <= MOST_BYTES
        if talk.trouble:
            assert "\n" not in talk.trouble
            return
        if talk.stands and talk.asks and not has_asked:
            talk.ask()
            has_asked = True
        assert not talk.answered or has_asked or talk.due


def _through(pieces: list[bytes]) -> tuple[bytes, int | None]:
    """Take a request through a box; return what goes on, and the status that refuses it."""
    exchange = http_exchange.HttpExchange("192.0.2.1", Additions())
    return _passed(pieces, exchange.take_request, lambda: exchange.request_is_done)


def _answered(pieces: list[bytes]) -> tuple[bytes, int | None]:
    """Take an answer through a box; return what goes on, and the status that refuses it."""
    exchange = http_exchange.HttpExchange("192.0.2.1", Additions())
    exchange.take_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    return _passed(pieces, exchange.take_answer, lambda: exchange.answer_is_done)


def _passed(
    pieces: list[bytes], take: Callable[[bytes], tuple[bytes, bytes]], is_done: Callable[[], bool]
) -> tuple[bytes, int | None]:
    onward, kept = bytearray(), b""
    for piece in pieces:
        if is_done():
            break
        try:
            sent, kept = take(kept + piece)
        except http1.MessageError as refused:
            return b"", refused.status  # a head may have gone on before its body was found to be wrong
        onward += sent
    return bytes(onward), None


if __name__ == "__main__":
    seeds = [bytes([_TALKS.index(talk), 5]) + said for talk, said in _GREETINGS.items()]
    seeds += [bytes([len(_TALKS), 5]) + head for head in _HEADS]
    seeds.append(bytes([len(_TALKS) + 1, 5]) + _ANSWER)
    for argument in sys.argv[1:]:
        if not argument.startswith("-") and not any(Path(argument).iterdir()):
            for number, seed in enumerate(seeds):
                (Path(argument) / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
