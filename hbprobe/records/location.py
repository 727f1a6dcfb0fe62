"""What locating showed, and its JSON form, `hbprobe.location/1` (docs/locate.md)."""

from dataclasses import dataclass
from typing import Any

from hbprobe import __version__
from hbprobe.errors import CannotMeasureError
from hbprobe.locate.finding import Code, HopFinding, Reached, Route
from hbprobe.locate.hop_trials import HopQuestion
from hbprobe.records.record import JsonRecord


@dataclass(frozen=True, slots=True)
class Location(JsonRecord):
    """What one path showed."""

    target: str
    asked: HopQuestion | None
    """None where a search found nothing to locate."""
    limit_s: float | None
    """Its upper end; None where nothing was cut."""
    is_given: bool
    """The user named the limit; otherwise it was searched."""
    route: Route
    seen: tuple[Reached, ...]
    finding: HopFinding
    wall_s: float
    notes: tuple[str, ...] = ()
    label: str = ""
    """What the user calls the path."""
    source: str | None = None
    family: str = "any"
    complete: bool = True
    """False where it was stopped before its end."""
    hbprobe: str = __version__
    """Version of the program that measured."""

    @property
    def exit_status(self) -> int:
        """0 where nothing was cut, 1 for a finding, 3 where the end was not reached."""
        if not self.complete:
            return CannotMeasureError.exit_status
        return 0 if self.finding.code is Code.OPEN else 1

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with seconds rounded to the tenth of a millisecond."""
        from hbprobe.records.documents import LocationPart  # pydantic: only those who write or read wait for it

        return LocationPart.of(self).to_dict()


def read_location(data: object) -> Location:
    """Read the JSON form; raises ValueError, in one line that names the key and the mend, for anything else."""
    from hbprobe.records.documents import LocationPart  # pydantic: only those who read wait for it

    part = LocationPart.read(data)
    asked = None
    if part.method is not None and part.hold_s is not None and part.every_s is not None:
        asked = HopQuestion(part.method, part.hold_s, round(part.every_s))
    alike = ("target", "notes", "label", "source", "family", "complete", "hbprobe")
    return Location(
        asked=asked,
        route=Route(tuple(hop.value() for hop in part.hops), part.distance),
        seen=tuple(one.value() for one in part.seen),
        finding=HopFinding(**dict(part.finding)),
        **dict(part.limit),
        **dict(part.seconds),
        **{name: getattr(part, name) for name in alike},
    )
