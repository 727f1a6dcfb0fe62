"""PostgreSQL (https://www.postgresql.org/docs/current/protocol-flow.html), before the login or after it.

Before it, the server is asked whether it encrypts. Where it does by TLS, the question after the silence begins TLS;
where not, it is whether GSSAPI does. With a login, the question is Sync, which any session answers.
"""

import hashlib

from hbprobe.trial.talks.scram import Scram
from hbprobe.trial.talks.talk import Buffered, Talk, Where, told

_TLS_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
_GSS_REQUEST = (8).to_bytes(4) + (80877104).to_bytes(4)
_HELLO = (
    bytes.fromhex("16 0301 0035 01 000031 0303")
    + b"hbprobe.hbprobe.hbprobe.hbprobe."
    + bytes.fromhex("00 000a c02f c030 009c 002f 00ff 0100")
)
"""A ClientHello (RFC 5246, 7.4.1.2), which is answered with a ServerHello or an alert."""
_ALERT, _HANDSHAKE = 0x15, 0x16
_VERSION = 3 << 16
_SCRAM = "SCRAM-SHA-256"
_MOST_MESSAGE_BYTES = 1 << 16


class PostgresqlTalk(Buffered):
    """A client that does not log in: the server ends it after authentication_timeout, 1 minute by default."""

    repeats = False
    _encrypts = _is_secured = _is_asked = False

    def begin(self) -> bytes:
        """Ask about TLS."""
        return _TLS_REQUEST

    def ask(self) -> bytes:
        """Begin TLS, or ask about GSSAPI (PostgreSQL 12 and later; an older one answers with an error).

        Within TLS only a login can be begun, which is answered by what the server wants for it.
        """
        self.answered, self._is_asked = False, True
        if self._is_secured:
            return _startup("hbprobe", "")
        return _HELLO if self._encrypts else _GSS_REQUEST

    def secured(self) -> bytes:
        """Say nothing: silence may begin."""
        self.stands = self._is_secured = True
        return super().secured()

    def _next(self) -> bytes | None:
        if not self._buffer:
            return None
        said = self._buffer[0]
        if self.answered:
            pass  # what else belongs to the answer is of no interest
        elif not self.stands and said in b"SN":
            self._agreed(encrypts=said == ord("S"))
        elif self.stands and not self._is_asked and said == ord("E"):
            self.disconnect_notice = f"an error: {_error(bytes(self._buffer[5:]))}"  # a pooler before the server
        elif self.stands and said in self._answers():
            self.answered = True
        else:
            self._not("PostgreSQL")
            return None
        self._buffer.clear()
        return None

    def _agreed(self, *, encrypts: bool) -> None:
        if not self.where.options.starttls:
            self.stands, self._encrypts = True, encrypts
        elif encrypts:
            self.wants_tls = True
        else:
            self.trouble = "the server does not encrypt: it has no TLS"

    def _answers(self) -> bytes:
        if self._is_secured:
            return b"RE"
        return bytes((_ALERT, _HANDSHAKE)) if self._encrypts else b"GNE"


class PostgresqlSession(Buffered):
    """A client that logs in."""

    whispers = True

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self._options = where.options
        self._asks_for_tls = self._options.starttls
        self._scram = Scram(self._options.password, where.nonce)
        self._is_server = True
        """Nothing has shown that it does not know the password."""

    def begin(self) -> bytes:
        """Ask about TLS, or for a session."""
        return _TLS_REQUEST if self._asks_for_tls else self._startup()

    def ask(self) -> bytes:
        """Send Sync, which is answered with ReadyForQuery."""
        self.answered = False
        return _message(b"S")

    def whisper(self) -> bytes:
        """Send Flush, which has nothing to flush, and is not answered."""
        return _message(b"H")

    def secured(self) -> bytes:
        """Ask for a session."""
        super().secured()
        return self._startup()

    def _startup(self) -> bytes:
        return _startup(self._options.user, self.where.path.partition("?")[0].strip("/"))

    def _next(self) -> bytes | None:
        if self._asks_for_tls:
            self._agree()
            return None
        if len(self._buffer) < 5:
            return None
        kind, length = bytes(self._buffer[:1]), int.from_bytes(self._buffer[1:5])
        if not kind.isalpha() or not 4 <= length <= _MOST_MESSAGE_BYTES:
            self._not("PostgreSQL")
            return None
        if len(self._buffer) < 1 + length:
            return None
        body = bytes(self._buffer[5 : 1 + length])
        del self._buffer[: 1 + length]
        said = self._message(kind, body)
        return None if self.trouble else said

    def _agree(self) -> None:
        if not self._buffer:
            return
        if self._buffer[:1] == b"S":
            self._asks_for_tls, self.wants_tls = False, True
            self._buffer.clear()
        elif self._buffer[:1] == b"N":
            self.trouble = "the server does not encrypt: it has no TLS"
        else:
            self._not("PostgreSQL")

    def _message(self, kind: bytes, body: bytes) -> bytes:
        match kind:
            case b"R" if not self.stands:
                return self._authenticate(int.from_bytes(body[:4]), body[4:])
            case b"Z":
                self.answered, self.stands = self.stands, True
            case b"E" if self.stands:
                self.disconnect_notice = f"an error: {_error(body)}"
            case b"E":
                self.trouble = f"the server refuses the login: {_error(body)}"
        return b""

    def _authenticate(self, kind: int, body: bytes) -> bytes:
        user, password = self._options.user.encode(), self._options.password.encode()
        try:
            match kind:
                case 0 if self._is_server:
                    return b""
                case 3:
                    return _message(b"p", password + b"\0")
                case 5:
                    inner = hashlib.md5(password + user, usedforsecurity=False).hexdigest().encode()
                    outer = hashlib.md5(inner + body[:4], usedforsecurity=False).hexdigest().encode()
                    return _message(b"p", b"md5" + outer + b"\0")
                case 10 if _SCRAM.encode() in body.split(b"\0"):
                    first, self._is_server = self._scram.first(), False
                    return _message(b"p", _SCRAM.encode() + b"\0" + len(first).to_bytes(4) + first)
                case 11:
                    return _message(b"p", self._scram.final(body))
                case 12 if self._scram.is_server(body):
                    self._is_server = True
                    return b""
        except ValueError as error:
            self.trouble = f"the login fails: {error}"
            return b""
        self.trouble = f"the server wants a login of another kind, or does not know the password itself ({kind})"
        return b""


def _startup(user: str, database: str) -> bytes:
    words = ["user", user, *(("database", database) if database else ()), "application_name", "hbprobe"]
    body = _VERSION.to_bytes(4) + b"".join(word.encode() + b"\0" for word in words) + b"\0"
    return (4 + len(body)).to_bytes(4) + body


def _message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (4 + len(body)).to_bytes(4) + body


def _error(body: bytes) -> str:
    """Return the words of an ErrorResponse."""
    fields = {field[:1]: field[1:] for field in body.split(b"\0") if field}
    return told(fields.get(b"M", b"?"))


def make(where: Where) -> Talk:
    """Return a talk with a login where there is one."""
    return PostgresqlSession(where) if where.options.user else PostgresqlTalk(where)
