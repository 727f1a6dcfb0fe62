"""What locating showed: its JSON form, `hbprobe.location/1` (docs/locate.md), and the terminal's."""

import json
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from hbprobe import __version__
from hbprobe.locate.finding import ALL, NONE, Code, Finding, Reached, Route
from hbprobe.locate.hop_trials import Asked
from hbprobe.report.terminal.layout import pairs, table_of
from hbprobe.report.terminal.words import how_words
from hbprobe.text import counted, seconds
from hbprobe.trial.outcome import Kind, Limit

SCHEMA = "hbprobe.location/1"


@dataclass(frozen=True, slots=True)
class Location:
    """What one path showed."""

    target: str
    asked: Asked | None
    """None where a search found nothing to locate."""
    limit_s: float | None
    """Its upper end; None where nothing was cut."""
    is_given: bool
    """The user named the limit; otherwise it was searched."""
    route: Route
    seen: tuple[Reached, ...]
    finding: Finding
    wall_s: float
    notes: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 where nothing was cut, 1 for a finding."""
        return 0 if self.finding.code is Code.OPEN else 1

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with seconds rounded to the tenth of a millisecond."""
        finding = self.finding
        return {
            "schema": SCHEMA,
            "hbprobe": __version__,
            "target": self.target,
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


def print_location(location: Location, console: Console) -> None:
    """Print what was seen hop by hop, and what it means."""
    console.print(pairs(_facts(location)))
    console.print()
    if location.seen:
        console.print(_hop_table(location))
        console.print()
    finding = [("finding", location.finding.text), *(("but", doubt) for doubt in location.finding.doubts)]
    console.print(pairs([*finding, *(("note", note) for note in location.notes)]))


def _facts(location: Location) -> list[tuple[str, str]]:
    facts = [("target", location.target)]
    if location.limit_s is not None:
        facts.append(("limit", f"cut at {seconds(location.limit_s)} s{', as was said' if location.is_given else ''}"))
    if (asked := location.asked) is not None:
        held = f"{counted(len(location.seen), 'request')} for {seconds(asked.hold_s)} s, side by side"
        facts.append(("held", f"{held}; a keep-alive every {asked.every_s} s"))
    return facts


def _hop_table(location: Location) -> Table:
    return table_of(("hop", "address", "round trip", "request"), ("hop", "round trip"), _rows(location))


def _rows(location: Location) -> list[tuple[str, str, str, str]]:
    """Return a row for each reach, in order: how far keep-alives went, and what became of the request."""
    route, known = location.route, {hop.ttl: hop for hop in location.route.hops}
    rows = []
    for ttl in dict.fromkeys(one.ttl for one in location.seen):
        hop = known.get(ttl)
        name = {NONE: "-", ALL: "all"}.get(ttl, str(ttl))
        where = {NONE: "no keep-alives", ALL: "keep-alives all the way", route.distance: "answers TCP"}
        address = where.get(ttl) or (hop.address if hop is not None else None) or "?"
        trip = f"{hop.round_trip_s * 1000:.1f} ms" if hop is not None and hop.round_trip_s is not None else ""
        outcomes = dict.fromkeys(_outcome(one) for one in location.seen if one.ttl == ttl)
        guilty = " <-" if ttl == location.finding.hop and location.finding.code is not Code.NOT_BY_KEEP_ALIVE else ""
        rows.append((name, address, trip, "; ".join(outcomes) + guilty))
    return rows


def _outcome(one: Reached) -> str:
    outcome = one.outcome
    if outcome.kind is Kind.SURVIVED:
        return "lived"
    if outcome.kind is Kind.FAILED:
        return f"told nothing: {outcome.reason}"
    when = f" at {outcome.elapsed_s:.2f} s" if outcome.exact else ""
    return f"cut: {how_words(Limit(None, None, outcome.how, outcome.status))}{when}"


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
    }


def _rounded(seconds_: float | None) -> float | None:
    return None if seconds_ is None else round(seconds_, 4)
