"""PostgreSQL (https://www.postgresql.org/docs/current/protocol-flow.html): before the login the server is asked
whether it encrypts. Where it does by TLS, the question after the silence begins TLS; where not, it is whether GSSAPI
does."""

from hbprobe.trial.talks.talk import Buffered

_TLS_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
_GSS_REQUEST = (8).to_bytes(4) + (80877104).to_bytes(4)
_HELLO = (
    bytes.fromhex("16 0301 0035 01 000031 0303")
    + b"hbprobe.hbprobe.hbprobe.hbprobe."
    + bytes.fromhex("00 000a c02f c030 009c 002f 00ff 0100")
)
"""A ClientHello (RFC 5246, 7.4.1.2), which is answered with a ServerHello or an alert."""
_ALERT, _HANDSHAKE = 0x15, 0x16


class PostgresqlTalk(Buffered):
    """A client that has not logged in: the server ends it after authentication_timeout, 1 minute by default."""

    _encrypts = False

    def begin(self) -> bytes:
        """Ask about TLS."""
        return _TLS_REQUEST

    def ask(self) -> bytes:
        """Begin TLS, or ask about GSSAPI (PostgreSQL 12 and later; an older one answers with an error)."""
        self.answered = False
        return _HELLO if self._encrypts else _GSS_REQUEST

    def _next(self) -> bytes | None:
        if not self._buffer:
            return None
        said = self._buffer[0]
        if self.answered:
            pass  # what else belongs to the answer is of no interest
        elif not self.stands and said in b"SN":
            self.stands, self._encrypts = True, said == ord("S")
        elif self.stands and (said in (_ALERT, _HANDSHAKE) if self._encrypts else said in b"GNE"):
            self.answered = True
        else:
            self._not("PostgreSQL")
            return None
        self._buffer.clear()
        return None


make = PostgresqlTalk
