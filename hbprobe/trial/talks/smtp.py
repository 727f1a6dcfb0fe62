"""SMTP (RFC 5321): the server's greeting, STARTTLS (RFC 3207) where it is wished for, and NOOP, which is answered at
any time (section 4.1.1.9)."""

from hbprobe.trial.talks.talk import Lines, Where


class SmtpTalk(Lines):
    """A client that sends no mail. RFC 5321, section 4.5.3.2.7, wants servers to wait 5 minutes.

    They say 421 when they end it, and not all do (Exchange: 451 4.7.0): an error that nobody asked for is a farewell.
    """

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self._left = [b"EHLO hbprobe.invalid\r\n", b"STARTTLS\r\n"] if where.options.starttls else []
        self._is_starttls = self._is_asked = False

    def ask(self) -> bytes:
        """Send NOOP."""
        self.answered, self._is_asked = False, True
        return b"NOOP\r\n"

    def secured(self) -> bytes:
        """Say nothing: silence may begin."""
        self.stands = True
        return super().secured()

    def _line(self, line: bytes) -> bytes:
        code, rest = line[:3], line[3:4]
        if len(code) < 3 or not code.isdigit() or rest not in (b"", b" ", b"-"):
            self._not("SMTP")
        elif rest == b"-":
            pass  # more lines follow
        elif code in (b"421", b"554") or (self.stands and not self._is_asked and code[:1] in b"45"):
            said = line.decode("ascii", "backslashreplace")[:80]
            if self.stands:
                self.disconnect_notice = said
            else:
                self.trouble = f"the server turns us away: {said}"
        elif not self.stands and not code.startswith(b"2"):
            self._refused("STARTTLS" if self._is_starttls else "the greeting", line)
        elif self._left:
            command = self._left.pop(0)
            self._is_starttls = not self._left
            return command
        elif self._is_starttls and not self.stands:
            self.wants_tls = True
        else:
            self.answered, self.stands, self._is_asked = self.stands, True, False
        return b""


make = SmtpTalk
