"""Redis (https://redis.io/docs/latest/develop/reference/protocol-spec/): PING, which is answered without
a login, too: with `-NOAUTH`."""

from hbprobe.trial.talks.talk import Lines


class RedisTalk(Lines):
    """A client that has sent nothing but PING."""

    def begin(self) -> bytes:
        """Send PING: the server speaks only when it is spoken to."""
        return b"PING\r\n"

    def ask(self) -> bytes:
        """Send PING."""
        self.answered = False
        return b"PING\r\n"

    def _line(self, line: bytes) -> bytes:
        if line.startswith((b"-DENIED", b"-ERR max number of clients")):
            self.trouble = f"the server turns us away: {line.decode('ascii', 'backslashreplace')[:80]}"
        elif line.startswith((b"+PONG", b"-")):
            self.answered, self.stands = self.stands, True
        else:
            self._not("Redis")
        return b""


make = RedisTalk
