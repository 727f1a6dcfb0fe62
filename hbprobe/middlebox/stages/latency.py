"""Everything comes later."""

from dataclasses import dataclass

from hbprobe.middlebox.stages.stage import Item, Stage


@dataclass(frozen=True, slots=True)
class LatencySettings:
    """How much later, in milliseconds."""

    latency: int = 0
    jitter: int = 0
    """Up to so much more or less, evenly spread."""

    def __post_init__(self) -> None:
        """Refuse what is no time."""
        if self.latency < 0 or self.jitter < 0:
            raise ValueError("latency and jitter are milliseconds, from 0 on")


class Latency(Stage[LatencySettings]):
    """Each chunk waits for itself; what came later never overtakes."""

    settings_type = LatencySettings
    most_held = 32 * 1024 * 1024
    """What is on its way on a long path: a gigabit for a quarter of a second."""

    def feed(self, item: Item, at: float) -> None:
        """Let it wait."""
        settings = self.settings
        wait_ms = settings.latency + settings.jitter * (2 * self.chance.random() - 1 if settings.jitter else 0)
        due = max(at, at + wait_ms / 1000, self._queue[-1][0] if self._queue else at)
        self.acted = self.acted or due > at
        self._hold(item, due)
