"""Nothing passes, then the connection is closed."""

import math
from dataclasses import dataclass

from hbprobe.middlebox.stages.stage import Item, Stage, StreamEnd


@dataclass(frozen=True, slots=True)
class TimeoutSettings:
    """When, in milliseconds from when the stage was put there, whatever is said; 0 for never."""

    timeout: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no time."""
        if self.timeout < 0:
            raise ValueError("timeout is milliseconds, from 0 on")


class Timeout(Stage[TimeoutSettings]):
    """What it is fed is lost, so the connection is of no use any more: it is closed when the stage is taken away."""

    settings_type = TimeoutSettings
    _closed = False

    def feed(self, item: Item, at: float) -> None:
        """Lose it."""
        del item, at
        self.acted = True

    def due(self) -> float:
        """Return when the connection is closed."""
        return (
            self.began_at + self.settings.timeout / 1000 if self.settings.timeout and not self._closed else math.inf
        )

    def advance(self, at: float) -> Item:
        """Close it."""
        del at
        self._closed = self.acted = True
        return StreamEnd.CLOSE

    def left(self) -> list[Item]:
        """Close it."""
        return [StreamEnd.CLOSE]
