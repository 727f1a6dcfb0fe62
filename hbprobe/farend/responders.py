"""Servers of the protocols that a talk is held in, without I/O: what they say first, and what they answer.

Each knows what a client needs that begins, is silent and asks whether the connection still stands: no login, no mail,
no data. A lab has them at its far end; what they say is what a real server may say, in the form that its protocol
asks for.
"""

from collections.abc import Callable
from typing import ClassVar, TypeAlias


class Responder:
    """One connection to such a server, which never speaks by itself but to greet."""

    greeting: ClassVar[bytes] = b""
    """What it says first."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def take(self, data: bytes) -> bytes:
        """Take what came, in whatever pieces; return what is said to it."""
        self._buffer += data
        return b"".join(iter(self._next, None))

    def _next(self) -> bytes | None:
        """Take one whole thing off the buffer and return the answer; None where there is none."""
        raise NotImplementedError

    def _taken(self, size: int) -> bytes:
        """Take so many bytes off the buffer."""
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


MakeResponder: TypeAlias = Callable[[], Responder]


class EchoResponder(Responder):
    """It says back what it is told (RFC 862)."""

    def _next(self) -> bytes | None:
        return self._taken(len(self._buffer)) or None


class _Lines(Responder):
    """A server of a protocol whose commands are lines."""

    def _next(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        return None if end < 0 else self._line(self._taken(end + 1).rstrip(b"\r\n"))

    def _line(self, line: bytes) -> bytes:
        raise NotImplementedError


class RedisResponder(_Lines):
    """Inline commands (https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands)."""

    def _line(self, line: bytes) -> bytes:
        if not line:
            return b""
        return b"+PONG\r\n" if line.upper() == b"PING" else b"-ERR unknown command\r\n"


class SmtpResponder(_Lines):
    """RFC 5321: NOOP is answered, and all else is not implemented (section 4.2.4)."""

    greeting = b"220 hbprobe.invalid ESMTP\r\n"

    def _line(self, line: bytes) -> bytes:
        return b"250 OK\r\n" if line.upper() == b"NOOP" else b"502 Command not implemented\r\n"


class ImapResponder(_Lines):
    """RFC 9051 before the login: NOOP is answered (section 6.1.2)."""

    greeting = b"* OK [CAPABILITY IMAP4rev2] ready\r\n"

    def _line(self, line: bytes) -> bytes:
        tag, _, command = line.partition(b" ")
        if command.upper() == b"NOOP":
            return tag + b" OK NOOP completed\r\n"
        return (tag or b"*") + b" BAD unknown command\r\n"


class MqttResponder(Responder):
    """A broker of MQTT 3.1.1 (https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html) that takes everyone."""

    _ANSWERS: ClassVar = {0x10: bytes.fromhex("20020000"), 0xC0: bytes.fromhex("d000")}
    """CONNACK to CONNECT (section 3.2), PINGRESP to PINGREQ (3.13)."""
    _MOST_LENGTH_BYTES = 4

    def _next(self) -> bytes | None:
        length = 0
        for at, byte in enumerate(self._buffer[1 : 1 + self._MOST_LENGTH_BYTES]):  # section 2.2.3
            length |= (byte & 0x7F) << 7 * at
            if not byte & 0x80:
                size = 2 + at + length
                return None if len(self._buffer) < size else self._ANSWERS.get(self._taken(size)[0], b"")
        return None


class LdapResponder(Responder):
    """A directory (RFC 4511) with nothing in it, which takes every login."""

    _ANSWERS: ClassVar = {0x60: 0x61, 0x63: 0x65}
    """BindResponse to BindRequest (section 4.2.2), SearchResultDone to SearchRequest (4.5.2)."""
    _SUCCESS = bytes.fromhex("0a0100 0400 0400")
    _LONG = 0x80

    def _next(self) -> bytes | None:
        head = 2
        if len(self._buffer) < head:
            return None
        length = self._buffer[1]
        if length & self._LONG:  # X.690, 8.1.3.5
            more = length & ~self._LONG
            head, length = head + more, int.from_bytes(self._buffer[head : head + more])
        if len(self._buffer) < head + length:
            return None
        message = self._taken(head + length)[head:]
        after = 2 + int.from_bytes(message[1:2])
        answer = self._ANSWERS.get(int.from_bytes(message[after : after + 1]))
        if answer is None:
            return b""
        body = message[:after] + bytes((answer, len(self._SUCCESS))) + self._SUCCESS
        return bytes((0x30, len(body))) + body


class PostgresqlResponder(Responder):
    """A server that has neither TLS nor GSSAPI, and says so
    (https://www.postgresql.org/docs/current/protocol-flow.html)."""

    _LEAST, _TLS, _GSSAPI = 8, 80877103, 80877104

    def _next(self) -> bytes | None:
        size = max(self._LEAST, int.from_bytes(self._buffer[:4]))
        if len(self._buffer) < size:
            return None
        code = int.from_bytes(self._taken(size)[4:])
        return b"N" if code in (self._TLS, self._GSSAPI) else b""


def _ssh_packet(payload: bytes) -> bytes:
    """Return a packet without encryption (RFC 4253, section 6)."""
    padding = 4 + (-9 - len(payload)) % 8
    return (1 + len(payload) + padding).to_bytes(4) + bytes((padding,)) + payload + bytes(padding)


class SshResponder(Responder):
    """A server before keys are exchanged, which knows no message (RFC 4253, section 11.4)."""

    _KEXINIT, _UNIMPLEMENTED, _COOKIE, _NAME_LISTS = 20, 3, 16, 10
    _OFFER = bytes((_KEXINIT,)) + bytes(_COOKIE + 4 * _NAME_LISTS + 1 + 4)
    """No algorithm of any kind: nobody gets so far as to choose one (RFC 4253, section 7.1)."""
    greeting = b"SSH-2.0-hbprobe\r\n" + _ssh_packet(_OFFER)

    def __init__(self) -> None:
        super().__init__()
        self._packets: int | None = None
        """How many came; None before the client's version."""

    def _next(self) -> bytes | None:
        if self._packets is None:
            end = self._buffer.find(b"\n")
            if end < 0:
                return None
            self._taken(end + 1)
            self._packets = 0
            return b""
        length = int.from_bytes(self._buffer[:4])
        if len(self._buffer) < 4 + length or not length:
            return None
        self._taken(4 + length)
        number, self._packets = self._packets, self._packets + 1
        return _ssh_packet(bytes((self._UNIMPLEMENTED,)) + number.to_bytes(4))
