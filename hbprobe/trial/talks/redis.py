"""Redis (https://redis.io/docs/latest/develop/reference/protocol-spec/): PING, which is answered without
a login, too: with `-NOAUTH`."""

from hbprobe.trial.talks.talk import Lines, told


class RedisTalk(Lines):
    """A client that sends nothing but PING, and AUTH before it where there is a login."""

    whispers = True
    _is_login = _is_asked = False

    def begin(self) -> bytes:
        """Log in, or send PING: the server speaks only when it is spoken to."""
        options = self.where.options
        if not options.user:
            return b"PING\r\n"
        self._is_login = True
        words = [word.encode() for word in ("AUTH", options.user, options.password)]
        return b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)

    def ask(self) -> bytes:
        """Send PING."""
        self.answered, self._is_asked = False, True
        return b"PING\r\n"

    def whisper(self) -> bytes:
        """Send an empty line, which is no command, and is passed over (`processInlineBuffer` in Redis' networking.c:
        https://github.com/redis/redis/blob/7.2/src/networking.c)."""
        return b"\r\n"

    def _line(self, line: bytes) -> bytes:
        if line.startswith((b"-DENIED", b"-ERR max number of clients")):
            self.trouble = f"the server turns us away: {line.decode('ascii', 'backslashreplace')[:80]}"
        elif self._is_login and line.startswith((b"+OK", b"-")):
            self._is_login, self.stands = False, line.startswith(b"+")
            if not self.stands:
                self._refused("the login", line)
        elif self.stands and not self._is_asked and line.startswith(b"-"):
            self.disconnect_notice = f"an error: {told(line)}"
        elif line.startswith((b"+PONG", b"-")):
            self.answered, self.stands, self._is_asked = self.stands, True, False
        else:
            self._not("Redis")
        return b""


make = RedisTalk
