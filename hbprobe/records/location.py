"""What locating showed, and its JSON form, `hbprobe.location/1` (docs/locate.md)."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from hbprobe import __version__
from hbprobe.errors import CannotMeasureError
from hbprobe.locate.finding import ALL, Code, HopFinding, Reached, Route
from hbprobe.locate.hop_trials import HopQuestion

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
            "hbprobe": __version__,
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
