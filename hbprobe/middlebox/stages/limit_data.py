"""So many bytes, then the connection is closed."""

from dataclasses import dataclass

from hbprobe.middlebox.stages.stage import Item, Stage, StreamEnd


@dataclass(frozen=True, slots=True)
class LimitDataSettings:
    """How many."""

    bytes: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no number of bytes."""
        if self.bytes < 0:
            raise ValueError("bytes is a number of bytes, from 0 on")


class LimitData(Stage[LimitDataSettings]):
    """Counts what passes in one direction of one connection, over changes of the limit, too."""

    settings_type = LimitDataSettings
    passed = 0
    """So many bytes."""

    def feed(self, item: Item, at: float) -> None:
        """Let pass what is left; the connection is closed behind the last byte, or by the first beyond it."""
        if self.acted:
            return
        if not isinstance(item, bytes):
            self._hold(item, at)
            return
        allowed = item[: max(0, self.settings.bytes - self.passed)]
        self.passed += len(allowed)
        if allowed:
            self._hold(allowed, at)
        if self.passed >= self.settings.bytes:
            self.acted = True
            self._hold(StreamEnd.CLOSE, at)
