"""When a path's limit changed, told apart from one measurement that went wrong.

A change is said when the next measurement confirms it, and dated back to the first that showed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hbprobe.trial.outcome import Limit


@dataclass(frozen=True, slots=True)
class MeasuredBracket:
    """What one measurement found."""

    at_s: float
    """When it began, in seconds since 1970."""
    survived_s: float | None
    cut_s: float | None

    def agrees(self, other: "MeasuredBracket") -> bool:
        """Return whether both can have met the same timer: whether their brackets overlap, or all but."""
        return Limit(self.survived_s, self.cut_s).agrees(Limit(other.survived_s, other.cut_s))


@dataclass(frozen=True, slots=True)
class Change:
    """The limit was one, and is another since."""

    before: MeasuredBracket
    after: MeasuredBracket
    """The first measurement that showed it."""


class Changes:
    """Follows the measurements of one path, in the order of time."""

    def __init__(self) -> None:
        self._level: MeasuredBracket | None = None
        self._suspected: MeasuredBracket | None = None

    def see(self, seen: MeasuredBracket) -> Change | None:
        """Take in a measurement; return the change that it confirms."""
        if seen.survived_s is None and seen.cut_s is None:
            return None
        if self._level is None:
            self._level = seen
            return None
        if seen.agrees(self._level):
            self._suspected = None
            return None
        if self._suspected is None or not seen.agrees(self._suspected):
            self._suspected = seen
            return None
        change = Change(self._level, self._suspected)
        self._level, self._suspected = self._suspected, None
        return change


def changes_of(measurements: "list[MeasuredBracket]") -> list[Change]:
    """Return all changes in a history."""
    changes = Changes()
    return [change for seen in measurements if (change := changes.see(seen)) is not None]


class Found(Protocol):
    """A measurement that is over: when it began, and what it found."""

    @property
    def started_at(self) -> float:
        """In seconds since 1970."""
        ...

    @property
    def survived_s(self) -> float | None:
        """The longest hold that survived."""
        ...

    @property
    def cut_s(self) -> float | None:
        """The shortest that was cut."""
        ...


def seen_of(measurements: Sequence[Found]) -> list[MeasuredBracket]:
    """Return what the measurements found, without those that found nothing."""
    found = [one for one in measurements if one.survived_s is not None or one.cut_s is not None]
    return [MeasuredBracket(one.started_at, one.survived_s, one.cut_s) for one in found]
