"""SMTP (RFC 5321): the server's greeting, and NOOP, which is answered at any time (section 4.1.1.9)."""

from hbprobe.trial.talks.talk import Lines


class SmtpTalk(Lines):
    """A client that has not said who it is. RFC 5321, section 4.5.3.2.7, wants servers to wait 5 minutes."""

    def ask(self) -> bytes:
        """Send NOOP."""
        self.answered = False
        return b"NOOP\r\n"

    def _line(self, line: bytes) -> bytes:
        code, rest = line[:3], line[3:4]
        if len(code) < 3 or not code.isdigit() or rest not in (b"", b" ", b"-"):
            self._not("SMTP")
        elif rest == b"-":
            pass  # more lines follow
        elif code in (b"421", b"554"):
            said = line.decode("ascii", "backslashreplace")[:80]
            if self.stands:
                self.farewell = said
            else:
                self.trouble = f"the server turns us away: {said}"
        else:
            self.answered, self.stands = self.stands, True
        return b""


make = SmtpTalk
