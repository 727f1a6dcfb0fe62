"""IMAP (RFC 9051): the server's greeting, STARTTLS and a login where they are wished for, and NOOP, which needs none.

Where the URL names a mailbox, it is opened to be read, and IDLE (RFC 9051, 6.3.13) waits for its news, as phones do;
the question then ends IDLE, and begins it anew.
"""

from urllib.parse import unquote

from hbprobe.trial.talks.talk import Lines, Where

_TAG = b"hb "


class ImapTalk(Lines):
    """A client. Before the login servers give it a few minutes; RFC 9051, section 5.4, wants 30."""

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        options, mailbox = where.options, unquote(where.path.partition("?")[0].lstrip("/"))
        self._idles = bool(mailbox)
        self._left: list[tuple[str, bytes]] = []
        """What is still to be said before silence may begin: what it is, and the command."""
        self._under_way = ""
        if options.starttls:
            self._left.append(("STARTTLS", b"STARTTLS"))
        if options.user:
            login = b"LOGIN %s %s" % (_quoted(options.user), _quoted(options.password))
            self._left.append(("the login", login))
        elif mailbox:
            self.trouble = "the URL names a mailbox: nobody opens one without a login"
        if mailbox:
            self._left += [("the mailbox", b"EXAMINE " + _quoted(mailbox)), ("IDLE", b"IDLE")]

    def ask(self) -> bytes:
        """Send NOOP, or end IDLE and begin it anew."""
        self.answered = False
        return b"DONE\r\n" + _TAG + b"IDLE\r\n" if self._idles else _TAG + b"NOOP\r\n"

    def secured(self) -> bytes:
        """Say what comes next."""
        super().secured()
        return self._on()

    def _line(self, line: bytes) -> bytes:
        upper = line.upper()
        if upper.startswith(b"* BYE"):
            said = line.decode("ascii", "backslashreplace")[2:80]
            if self.stands:
                self.disconnect_notice = said
            else:
                self.trouble = f"the server turns us away: {said}"
        elif upper.startswith(_TAG.upper()):
            return self._done(upper, line)
        elif line.startswith(b"+") and (self.stands or self._under_way == "IDLE"):
            self.stands = True
        elif upper.startswith((b"* OK", b"* PREAUTH")) and not (self.stands or self._under_way):
            return self._on()
        elif not (line.startswith(b"*") and (self.stands or self._under_way)):
            self._not("IMAP")
        return b""

    def _done(self, upper: bytes, line: bytes) -> bytes:
        """Take the end of a command."""
        if self.stands:
            self.answered = True
        elif not upper.startswith(_TAG.upper() + b"OK"):
            self._refused(self._under_way or "the first command", line)
        elif self._under_way == "STARTTLS":
            self.wants_tls = True
        else:
            return self._on()
        return b""

    def _on(self) -> bytes:
        """Go on to the next command; where there is none, silence may begin."""
        if not self._left:
            self._under_way, self.stands = "", True
            return b""
        self._under_way, command = self._left.pop(0)
        return _TAG + command + b"\r\n"


def _quoted(text: str) -> bytes:
    """Return a quoted string (RFC 9051, section 9)."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


make = ImapTalk
