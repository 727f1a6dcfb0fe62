"""IMAP (RFC 9051): the server's greeting, and NOOP, which needs no login."""

from hbprobe.trial.talks.talk import Lines


class ImapTalk(Lines):
    """A client that has not logged in. Servers give that a few minutes; RFC 9051, section 5.4, wants 30."""

    def ask(self) -> bytes:
        """Send NOOP."""
        self.answered = False
        return b"hb NOOP\r\n"

    def _line(self, line: bytes) -> bytes:
        upper = line.upper()
        if upper.startswith(b"* BYE"):
            said = line.decode("ascii", "backslashreplace")[2:80]
            if self.stands:
                self.farewell = said
            else:
                self.trouble = f"the server turns us away: {said}"
        elif upper.startswith((b"* OK", b"* PREAUTH")):
            self.stands = True
        elif upper.startswith(b"HB "):
            self.answered = True
        elif not (self.stands and line.startswith(b"*")):
            self._not("IMAP")
        return b""


make = ImapTalk
