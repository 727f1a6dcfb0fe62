"""What an event 1040 that was logged says of the path: which devices ask for so little, and on which paths.

The event carries one number, the average of what clients asked for, so at least one of them asked for that or less. A
device that does so on every path speaks for no path; one that does so only after losses, for a path that cuts.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hbprobe.exchange.devices import DeviceKind
from hbprobe.exchange.predict import follow_all
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Command
from hbprobe.manner import Manner


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """Event 1040, or 3033 of Exchange Server 2003, as it was logged. All times in seconds."""

    average_s: int | None
    """None in 2003, which tells how many samples there were in its place."""
    threshold_s: int
    command: Command | None
    """None where the release does not name it."""
    times: int = 1
    """So often it was logged like that."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths that are the same to a device: they carry so many seconds and less, and cut so many."""

    carried_s: int
    cut_s: int | None
    """None where nothing need be cut."""


@dataclass(frozen=True, slots=True)
class AskingDevice:
    """A device that asks for the average or less in the long run, and the paths on which it does."""

    id: str
    name: str
    paths: tuple[Paths, ...]

    @property
    def on_any_path(self) -> bool:
        """It needs no path that cuts."""
        return any(one.cut_s is None for one in self.paths)


def explain(event: AlertEvent, settings: Settings, devices: Iterable[DeviceKind]) -> tuple[AskingDevice, ...]:
    """Return the devices that ask for so little; none for Sync, for all known devices wait with Ping."""
    if event.command is Command.SYNC:
        return ()
    found = (AskingDevice(kind.id, kind.name, tuple(_joined(_paths(kind, event, settings)))) for kind in devices)
    return tuple(one for one in found if one.paths)


def _paths(kind: DeviceKind, event: AlertEvent, settings: Settings) -> set[tuple[float, float]]:
    """Return the paths on which a device asks for so little, in whatever manner they cut."""
    most_s = event.threshold_s if event.average_s is None else event.average_s
    fitting = set()
    for how in Manner:
        courses = follow_all(kind.new, how, settings)
        for (carried_s, course), cut_s in zip(courses.items(), [*list(courses)[1:], math.inf], strict=True):
            if any(request.heartbeat_s <= most_s for request in course.round):
                fitting.add((float(carried_s), float(cut_s)))
    return fitting


def _joined(spans: Iterable[tuple[float, float]]) -> Iterator[Paths]:
    """Join paths that follow each other or overlap."""
    joined: list[tuple[float, float]] = []
    for carried_s, cut_s in sorted(spans):
        if joined and carried_s <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], cut_s)
        else:
            joined.append((carried_s, cut_s))
    for carried_s, cut_s in joined:
        yield Paths(int(carried_s), None if math.isinf(cut_s) else int(cut_s))
