"""Which value is enough: of the firewall's timer for the fleet to be well, of the share on a path for event 1040."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from hbprobe.fleet.paths import FleetPath
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


def size(timers_s: Sequence[int], simulate: Callable[[Sequence[int]], Iterable[FleetResult]]) -> Iterable[AtTimer]:
    """Say what came of each timer. `simulate` takes all of them, in seconds."""
    for timer_s, result in zip(timers_s, simulate(timers_s), strict=True):
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


_STEPS = range(0, 101, 10)
"""Per cent."""


@dataclass(frozen=True, slots=True)
class AtShare:
    """What came of a fleet with this share of it on the path."""

    share: float
    events: int
    lowest_s: int | None
    mean_s: float
    """Of all samples."""
    mean_asked_s: float
    """What devices ask for at the end, on average: each counts once, however often it asks."""


@dataclass(frozen=True, slots=True)
class ShareSweep:
    """What came of the fleet with one share after another on the path, the least first."""

    path: str
    tried: tuple[AtShare, ...]

    @property
    def enough(self) -> AtShare | None:
        """The least share, to one per cent, with which the event came; None where it never did."""
        return next((one for one in self.tried if one.events), None)


def with_share(paths: Sequence[FleetPath], name: str, share: float) -> tuple[FleetPath, ...]:
    """Return the paths with this share, 0 to 1, of the devices on one; the others keep their proportions."""
    others = sum(path.share for path in paths if path.name != name)
    if others == 0:  # nobody is anywhere else
        return tuple(replace(path, share=1.0 if path.name == name else 0.0) for path in paths)
    return tuple(
        replace(path, share=share if path.name == name else (1 - share) * path.share / others) for path in paths
    )


def sweep_share(path: str, simulate: Callable[[Sequence[float]], Iterable[FleetResult]]) -> ShareSweep:
    """Try shares in steps of ten per cent, and halve the step in which the event first comes down to one per cent.

    `simulate` takes some shares, from 0 to 1.
    """
    tried = _at(_STEPS, simulate)
    first = next((percent for percent in _STEPS if tried[percent].events), 0)
    low, high = first - _STEPS.step, first
    while first and high - low > 1:
        middle = (low + high) // 2
        tried |= _at([middle], simulate)
        low, high = (low, middle) if tried[middle].events else (middle, high)
    return ShareSweep(path, tuple(one for _, one in sorted(tried.items())))


def _at(percents: Sequence[int], simulate: Callable[[Sequence[float]], Iterable[FleetResult]]) -> dict[int, AtShare]:
    results = zip(percents, simulate([percent / 100 for percent in percents]), strict=True)
    return {
        percent: AtShare(percent / 100, len(result.events), result.lowest_s, result.mean_s, result.mean_asked_s)
        for percent, result in results
    }
