"""The timer of the firewall before the server: what each value would cost, and which is long enough."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hbprobe.fleet.tally import FleetResult

SHARES = (1.0, 0.99, 0.95)
"""Of the devices that shall be well."""


@dataclass(frozen=True, slots=True)
class AtTimer:
    """What came of the fleet behind a firewall with this timer; per device and day where nothing else is said."""

    timer_s: int
    events_per_day: float
    """Event 1040."""
    lowest_s: int | None
    """The window's lowest average."""
    wakeups: float
    requests_per_s: float
    table_entries: float
    """Connections that the firewall remembers, on average; dead ones too."""
    kilobytes: float
    without_push_min: float
    well_share: float
    """The share of devices that the timer cost no more than a hundredth of their push."""

    def heals(self, share: float) -> bool:
        """Say whether event 1040 stays away and so many devices are well."""
        return self.events_per_day == 0 and self.well_share >= share


@dataclass(frozen=True, slots=True)
class Enough:
    """The least timer that is long enough for a share of the devices."""

    share: float
    timer_s: int | None
    """None where no timer that was tried is."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """What came of each timer, the shortest first."""

    tried: tuple[AtTimer, ...]

    @property
    def enough(self) -> tuple[Enough, ...]:
        """The timers from which on, and for every longer one, the fleet is well."""
        return tuple(Enough(share, self._enough_s(share)) for share in SHARES)

    @property
    def event_on_all(self) -> bool:
        """Event 1040 comes with every timer, so that none ends it."""
        return all(one.events_per_day > 0 for one in self.tried)

    def _enough_s(self, share: float) -> int | None:
        enough_s = None
        for one in reversed(self.tried):
            if not one.heals(share):
                break
            enough_s = one.timer_s
        return enough_s


def size(timers_s: Iterable[int], simulate: Callable[[int], FleetResult]) -> Iterable[AtTimer]:
    """Try one timer after another. `simulate` takes the timer in seconds."""
    for timer_s in timers_s:
        result = simulate(timer_s)
        mean = result.per_device_day
        yield AtTimer(
            timer_s=timer_s,
            events_per_day=len(result.events) / result.days,
            lowest_s=result.lowest_s,
            wakeups=mean.wakeups,
            requests_per_s=result.load.requests_per_s,
            table_entries=result.load.table_entries,
            kilobytes=result.load.bytes_per_device_day / 1000,
            without_push_min=mean.without_push_min,
            well_share=result.well_share,
        )
