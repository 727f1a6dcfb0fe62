"""Exchange's window of heartbeat samples, whose average raises event 1040.

A sample is the interval that a client *asked for*, in seconds; how long the request lived does not matter.
Exchange Server 2003 has the same window and says so in public (https://mskb.pkisolutions.com/kb/905013). The
order of the steps, the integer average and the 900 seconds are those of Exchange Server 2013.
"""

from dataclasses import dataclass
from enum import StrEnum

EVENT_PERIOD_S = 900
"""Exchange logs the same event for the same command at most once in this time."""

_TEST_DEVICE_PREFIX = "TestActiveSyncConnectivity"


class Command(StrEnum):
    """The commands that wait for changes; each has a window of its own."""

    PING = "Ping"
    SYNC = "Sync"


@dataclass(frozen=True, slots=True)
class Event1040:
    """The warning "average heartbeat too low", with the three values that its text carries."""

    at_s: float
    """On the clock that `HeartbeatWindow.register` was given."""
    average_s: int
    command: Command
    threshold_s: int


def is_sampled(device_type: str) -> bool:
    """Say whether requests of this DeviceType enter the window: those of Exchange's own test do not."""
    return not device_type.startswith(_TEST_DEVICE_PREFIX)


class HeartbeatWindow:
    """The last `sample_size` intervals that clients asked for with one command.

    There is one such window per command and worker process, for all users and devices together.
    """

    __slots__ = ("_command", "_count", "_last_event_s", "_next", "_ring", "_sum_s", "_threshold_s")

    def __init__(self, sample_size: int, threshold_s: int, command: Command = Command.PING) -> None:
        if sample_size < 1:
            raise ValueError(f"a window needs room for a sample, not for {sample_size}")
        self._ring = [0] * sample_size
        self._next = 0
        self._count = 0
        self._sum_s = 0
        self._threshold_s = threshold_s
        self._command = command
        self._last_event_s: float | None = None

    @property
    def average_s(self) -> int | None:
        """The average in whole seconds, rounded down; None until the window is full."""
        return self._sum_s // self._count if self._count == len(self._ring) else None

    def register(self, interval_s: int, now: float) -> Event1040 | None:
        """Take one sample, and return the event if it is logged.

        The average is looked at only where the window was full before this sample, so first on sample
        `sample_size` + 1.
        """
        was_full = self._count == len(self._ring)
        self._sum_s += interval_s - self._ring[self._next]
        self._ring[self._next] = interval_s
        self._next = (self._next + 1) % len(self._ring)
        if not was_full:
            self._count += 1
            return None
        average_s = self._sum_s // self._count
        if average_s > self._threshold_s or self._is_suppressed(now):
            return None
        self._last_event_s = now
        return Event1040(now, average_s, self._command, self._threshold_s)

    def _is_suppressed(self, now: float) -> bool:
        return self._last_event_s is not None and now - self._last_event_s < EVENT_PERIOD_S
