"""A history for people and programs: what is listed, drawn, and written as `hbprobe.history/1`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hbprobe import __version__
from hbprobe.text import seconds
from hbprobe.watch.changes import Change, MeasuredBracket, changes_of, seen_of
from hbprobe.watch.store import Measurement, State, Store
from hbprobe.watch.words import change_words

if TYPE_CHECKING:
    from hbprobe.report.plots.history_plot import History

SCHEMA = "hbprobe.history/1"


@dataclass(frozen=True, slots=True)
class TargetHistory:
    """All that was measured of one target."""

    target: str
    measurements: tuple[Measurement, ...]

    @property
    def changes(self) -> list[Change]:
        """When the limit changed, and how."""
        return changes_of(self._seen())

    def picture(self) -> "History":
        """Return it as it is drawn."""
        from hbprobe.report.plots.history_plot import History, Point

        points = tuple(Point(seen.at_s, seen.survived_s, seen.cut_s) for seen in self._seen())
        changes = tuple((change.after.at_s, _label(change)) for change in self.changes)
        return History(self.target, points, changes)

    def to_dict(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "measurements": [_measurement_dict(one) for one in self.measurements],
            "changes": [change_dict(change) for change in self.changes],
        }

    def _seen(self) -> list[MeasuredBracket]:
        return seen_of([one for one in self.measurements if one.state is State.DONE])


def histories(store: Store, target: str | None = None) -> list[TargetHistory]:
    """Return the history of one target, or of each in the order of their names."""
    measured: dict[str, list[Measurement]] = {}
    for one in store.measurements(target):
        measured.setdefault(one.target, []).append(one)
    return [TargetHistory(name, tuple(measured[name])) for name in sorted(measured)]


def to_dict(found: Sequence[TargetHistory]) -> dict[str, Any]:
    """Return the whole JSON document."""
    return {"schema": SCHEMA, "hbprobe": __version__, "targets": [one.to_dict() for one in found]}


def _label(change: Change) -> str:
    after, before = change.after, change.before
    return f"{_limit(after)} instead of {_limit(before)}"


def _limit(seen: MeasuredBracket) -> str:
    return f"{seconds(seen.cut_s)} s" if seen.cut_s is not None else f"{seconds(seen.survived_s or 0)} s or more"


def _measurement_dict(one: Measurement) -> dict[str, Any]:
    return {
        "id": one.id,
        "started_at": iso(one.started_at),
        "ended_at": None if one.state is State.RUNNING else iso(one.seen_at),
        "state": one.state,
        "reason": one.reason,
        "survived": one.survived_s,
        "cut": one.cut_s,
        "healthy": one.healthy,
    }


def change_dict(change: Change) -> dict[str, Any]:
    """Return the JSON form of a change."""
    ends = {
        name: {"survived": seen.survived_s, "cut": seen.cut_s}
        for name, seen in (("before", change.before), ("after", change.after))
    }
    return {"since": iso(change.after.at_s), **ends, "text": change_words(change)}


def iso(at_s: float) -> str:
    """Write a time, given in seconds since 1970, as ISO 8601 in UTC, to the second."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
