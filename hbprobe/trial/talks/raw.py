"""A protocol that is not known: silence from the first moment on, then the bytes that the user wants to be sent.

Where none are given, who acknowledges one more packet shows whether the connection stands.
"""

from hbprobe.trial.talks.talk import MOST_LINE_BYTES, Talk, Where, told


class RawTalk(Talk):
    """A client that knows nothing of its server but what to say to it, if that."""

    otherwise = "give bytes that the server answers (--send, --expect), or the URL of its protocol"

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self.stands = True
        self.asks = self.repeats = bool(where.options.send)
        self._came: bytearray | None = None
        """What came since the question; None before it."""

    def ask(self) -> bytes:
        """Send what the user wants to be sent."""
        self.answered, self.instead, self._came = False, "", bytearray()
        return self.where.options.send

    def take(self, data: bytes) -> bytes:
        """Take what the server says: by itself, or in answer."""
        if self._came is not None and not self.answered:
            expected = self.where.options.expect
            self._came += data
            self.answered = expected in self._came
            other = f"the answer is not the one that is expected: {told(bytes(self._came))}"
            self.instead = "" if self.answered else other
            del self._came[: -MOST_LINE_BYTES - len(expected)]
        return b""


make = RawTalk
