"""PostgreSQL (https://www.postgresql.org/docs/current/protocol-message-formats.html): before the login
two questions are answered with one byte each: whether the server encrypts by GSSAPI, and whether it does by TLS."""

from hbprobe.trial.talks.talk import Buffered

_GSS_REQUEST = (8).to_bytes(4) + (80877104).to_bytes(4)
_TLS_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)


class PostgresqlTalk(Buffered):
    """A client that has not logged in: the server ends it after authentication_timeout, 1 minute by default."""

    def begin(self) -> bytes:
        """Ask about GSSAPI (PostgreSQL 12 and later)."""
        return _GSS_REQUEST

    def ask(self) -> bytes:
        """Ask about TLS."""
        self.answered = False
        return _TLS_REQUEST

    def _next(self) -> bytes | None:
        if not self._buffer:
            return None
        said = bytes(self._buffer[:1])
        if not self.stands and said == b"G":
            self.trouble = "the server goes over to GSSAPI, which hbprobe does not speak"
        elif not self.stands and said == b"E":
            self.trouble = "the server is older than PostgreSQL 12, or stands behind a pool that knows no GSSAPI"
        elif not self.stands and said != b"N":
            self._not("PostgreSQL")
        elif self.stands and said == b"E":
            self.farewell = "an error, as for a login that took too long"
        elif self.stands and said not in b"SN":
            self._not("PostgreSQL")
        if self.trouble or said == b"E":
            self._buffer.clear()
            return None
        self.answered, self.stands = self.stands, True
        del self._buffer[:1]
        return b""


make = PostgresqlTalk
