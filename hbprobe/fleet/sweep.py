"""What share of the devices on one path is enough for event 1040."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hbprobe.fleet.paths import FleetPath
from hbprobe.fleet.tally import FleetResult

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


def sweep_share(path: str, simulate: Callable[[float], FleetResult]) -> ShareSweep:
    """Try shares in steps of ten per cent, and halve the step in which the event first comes down to one per cent.

    `simulate` takes a share, from 0 to 1.
    """
    tried = {percent: _at(percent, simulate) for percent in _STEPS}
    first = next((percent for percent in _STEPS if tried[percent].events), 0)
    low, high = first - _STEPS.step, first
    while first and high - low > 1:
        middle = (low + high) // 2
        tried[middle] = _at(middle, simulate)
        low, high = (low, middle) if tried[middle].events else (middle, high)
    return ShareSweep(path, tuple(one for _, one in sorted(tried.items())))


def _at(percent: int, simulate: Callable[[float], FleetResult]) -> AtShare:
    result = simulate(percent / 100)
    return AtShare(percent / 100, len(result.events), result.lowest_s, result.mean_s, result.mean_asked_s)
