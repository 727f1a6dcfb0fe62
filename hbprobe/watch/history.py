"""A history for people and programs: in sentences, listed, drawn, and written as `hbprobe.history/1`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hbprobe import __version__
from hbprobe.records.documents import ChangePart, HistoryPart, MeasurementPart, TargetPart
from hbprobe.report.terminal.words import limit_words
from hbprobe.text import seconds
from hbprobe.trial.outcome import Limit
from hbprobe.watch.changes import Change, MeasuredBracket, changes_of, seen_of
from hbprobe.watch.store import Measurement, State, Store

if TYPE_CHECKING:
    from hbprobe.report.plots.history_plot import History


def when(at_s: float) -> str:
    """Write a time, given in seconds since 1970: `2026-11-24 14:00:05`, in UTC."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}"


def change_words(change: Change) -> str:
    """Say what the path does since when: `since Tuesday 2026-11-24 14:00 UTC the path cuts at 5 s instead of 9 s`.

    The time is that of the first measurement that showed it.
    """
    since = f"{datetime.fromtimestamp(change.after.at_s, UTC):%A %Y-%m-%d %H:%M} UTC"
    return f"since {since} the path {_now(change.after)} instead of {_before(change.before, change.after)}"


def _now(seen: MeasuredBracket) -> str:
    return f"carries {seconds(seen.survived_s or 0)} s" if seen.cut_s is None else f"cuts at {seconds(seen.cut_s)} s"


def _before(seen: MeasuredBracket, after: MeasuredBracket) -> str:
    if seen.cut_s is None:
        return f"carrying {seconds(seen.survived_s or 0)} s"
    return f"{seconds(seen.cut_s)} s" if after.cut_s is not None else f"cutting at {seconds(seen.cut_s)} s"


def measurement_words(one: Measurement) -> str:
    """Say how a measurement ended: its limit, or why there is none."""
    if one.state is State.DONE:
        return limit_words(Limit(one.survived_s, one.cut_s))
    if one.state is State.RUNNING:
        return "has not ended yet"
    return f"{'could not measure' if one.state is State.FAILED else 'given up'}: {one.reason}"


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

    def part(self) -> TargetPart:
        """Return it as it is written."""
        measurements, changes = map(_measurement, self.measurements), map(change_part, self.changes)
        return TargetPart(target=self.target, measurements=tuple(measurements), changes=tuple(changes))

    def _seen(self) -> list[MeasuredBracket]:
        return seen_of([one for one in self.measurements if one.state is State.DONE])


def histories(store: Store, target: str | None = None) -> list[TargetHistory]:
    """Return the history of one target, or of each in the order of their names."""
    measured: dict[str, list[Measurement]] = {}
    for one in store.measurements(target):
        measured.setdefault(one.target, []).append(one)
    return [TargetHistory(name, tuple(measured[name])) for name in sorted(measured)]


def document(found: Sequence[TargetHistory]) -> HistoryPart:
    """Return them as they are written, `hbprobe.history/1`."""
    return HistoryPart(hbprobe=__version__, targets=tuple(one.part() for one in found))


def _label(change: Change) -> str:
    after, before = change.after, change.before
    return f"{_limit(after)} instead of {_limit(before)}"


def _limit(seen: MeasuredBracket) -> str:
    return f"{seconds(seen.cut_s)} s" if seen.cut_s is not None else f"{seconds(seen.survived_s or 0)} s or more"


def _measurement(one: Measurement) -> MeasurementPart:
    ended_at = None if one.state is State.RUNNING else iso(one.seen_at)
    return MeasurementPart.of(one, started_at=iso(one.started_at), ended_at=ended_at)


def change_part(change: Change) -> ChangePart:
    """Return a change as it is written."""
    return ChangePart.of(change, since=iso(change.after.at_s), text=change_words(change))


def iso(at_s: float) -> str:
    """Write a time, given in seconds since 1970, as ISO 8601 in UTC, to the second."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
