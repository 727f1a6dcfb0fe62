"""A connection on which nothing is said at all: who acknowledges one more packet shows whether it stands."""

from hbprobe.trial.talks.talk import Talk, Where


class RawTalk(Talk):
    """Silence from the first moment on."""

    asks = False

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self.stands = True

    def take(self, data: bytes) -> bytes:  # noqa: ARG002
        """Take what the server says by itself."""
        return b""


make = RawTalk
