"""The end comes later."""

from dataclasses import dataclass

from hbprobe.middlebox.stages.stage import Item, Stage, StreamEnd


@dataclass(frozen=True, slots=True)
class SlowCloseSettings:
    """How much later, in milliseconds."""

    delay: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no time."""
        if self.delay < 0:
            raise ValueError("delay is milliseconds, from 0 on")


class SlowClose(Stage[SlowCloseSettings]):
    """Bytes pass at once; the FIN that follows them waits."""

    settings_type = SlowCloseSettings

    def feed(self, item: Item, at: float) -> None:
        """Let an end wait."""
        delay_s = self.settings.delay / 1000 if isinstance(item, StreamEnd) else 0.0
        self.acted = self.acted or delay_s > 0
        self._hold(item, at + delay_s)
