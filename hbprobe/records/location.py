"""What locating showed, and its JSON form, `hbprobe.location/1` (docs/locate.md)."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from hbprobe import __version__
from hbprobe.errors import CannotMeasureError
from hbprobe.locate.finding import ALL, Code, Hop, HopFinding, Reached, Route
from hbprobe.locate.hop_trials import HopQuestion
from hbprobe.trial.outcome import Outcome

SCHEMA = "hbprobe.location/1"


@dataclass(frozen=True, slots=True)
class Location:
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
        finding = self.finding
        return {
            "schema": SCHEMA,
            "hbprobe": self.hbprobe,
            "label": self.label,
            "target": self.target,
            "source": self.source,
            "family": self.family,
            "method": None if self.asked is None else self.asked.method,
            "limit": {"cut": _rounded(self.limit_s), "given": self.is_given},
            "hold": None if self.asked is None else _rounded(self.asked.hold_s),
            "interval": None if self.asked is None else self.asked.every_s,
            "distance": self.route.distance,
            "hops": [
                {
                    "ttl": hop.ttl,
                    "address": hop.address,
                    "round_trip": _rounded(hop.round_trip_s),
                    "refuses": hop.refuses,
                }
                for hop in self.route.hops
            ],
            "trials": [_trial_dict(one) for one in self.seen],
            "complete": self.complete,
            "finding": {
                "code": finding.code,
                "hop": finding.hop,
                "address": finding.address,
                "text": finding.text,
                "doubts": list(finding.doubts),
            },
            "seconds": {"wall": _rounded(self.wall_s)},
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


def read_location(data: object) -> Location:
    """Read the JSON form; raises ValueError, in one line that names the key and the mend, for anything else."""
    from hbprobe.records.documents import LocationPart  # pydantic: only those who read wait for it

    part = LocationPart.read(data)
    asked = None
    if part.method is not None and part.hold is not None and part.interval is not None:
        asked = HopQuestion(part.method, part.hold, round(part.interval))
    hops = tuple(Hop(hop.ttl, hop.address, hop.round_trip, hop.refuses) for hop in part.hops)
    finding = part.finding
    return Location(
        target=part.target,
        asked=asked,
        limit_s=part.limit.cut,
        is_given=part.limit.given,
        route=Route(hops, part.distance),
        seen=tuple(
            Reached(
                ALL if one.ttl is None else one.ttl,
                Outcome(one.outcome, one.elapsed, one.how, one.exact, one.status, one.aftermath, one.reason),
            )
            for one in part.trials
        ),
        finding=HopFinding(finding.code, finding.text, finding.hop, finding.address, finding.doubts),
        wall_s=part.seconds.wall,
        notes=part.notes,
        label=part.label,
        source=part.source,
        family=part.family,
        complete=part.complete,
        hbprobe=part.hbprobe,
    )


def _trial_dict(one: Reached) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "ttl": None if one.ttl == ALL else one.ttl,
        "outcome": outcome.kind,
        "how": outcome.how,
        "status": outcome.status,
        "elapsed": _rounded(outcome.elapsed_s),
        "exact": outcome.exact,
        "aftermath": outcome.aftermath,
        "reason": outcome.reason,
        "connection": None if outcome.connection is None else asdict(outcome.connection),
    }


def _rounded(seconds_: float | None) -> float | None:
    return None if seconds_ is None else round(seconds_, 4)
