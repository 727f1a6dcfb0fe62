"""How one device alone fares on a path, and the timer that it needs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from hbprobe.exchange.devices import Basis, DeviceKind
from hbprobe.exchange.predict import Course, follow_all, read_window
from hbprobe.exchange.settings import Settings
from hbprobe.manner import Manner


@dataclass(frozen=True, slots=True)
class PathLimit:
    """A limit as a verdict must have it: decided.

    A measured one (`hbprobe.trial.outcome.Limit`) leaves a gap between what survived and what was cut, and may not
    know its manner; here the gap counts as lost, and what is not known as silent.
    """

    longest_s: float
    """The longest heartbeat that counts as surviving; infinite where nothing was cut."""
    cut_s: float
    """The shortest that was cut; infinite where nothing was."""
    manner: Manner

    @classmethod
    def from_bracket(cls, survived_s: float | None, cut_s: float | None, how: str | None) -> Self:
        """Take a bracket: what lies between its ends counts as lost, and an unknown manner as silent."""
        if survived_s is None and cut_s is None:
            raise ValueError("a limit needs the longest hold that survived, or the shortest that was cut")
        if cut_s is None:
            return cls(math.inf, math.inf, Manner.SILENT)
        return cls(survived_s or 0.0, cut_s, Manner(how or Manner.SILENT))

    def __str__(self) -> str:
        cuts = f"cuts {self.cut_s:g} s"
        carries = f"carries {self.longest_s:g} s and " if self.longest_s > 0 else ""
        return f"The path {carries}{cuts}"


@dataclass(frozen=True, slots=True)
class DeviceVerdict:
    """How a device fares; `hbprobe.exchange.verdict` explains the fields."""

    id: str
    name: str
    basis: Basis
    source: str | None
    note: str
    refused: bool
    settled_s: int
    lowest_s: int
    highest_s: int
    average_s: int | None
    event_1040: bool
    first_sample: int | None
    event_1040_on_open_path: bool
    lost_share: float
    deaf_share: float
    push_timer_s: int | None
    event_timer_s: int | None
    smallest_timer_s: int | None


def judge_device(kind: DeviceKind, limit: PathLimit, settings: Settings) -> DeviceVerdict:
    """Run a device of this kind on a path, and on every other that it can tell from it."""
    courses = follow_all(kind.new, limit.manner, settings)
    course = courses[max(longest_s for longest_s in courses if longest_s <= limit.longest_s)]
    on_open_path = courses[max(courses)]
    reading = read_window(course, settings)
    some_s = _timer_from_which_on(courses, lambda course: course.lost_share < 1)
    push_s = _timer_from_which_on(courses, lambda course: course.lost_share == 0)
    event_s = _timer_from_which_on(courses, lambda course: read_window(course, settings).first_event is None)
    heartbeats_s = [request.heartbeat_s for request in course.round] or [course.last_asked_s]
    return DeviceVerdict(
        id=kind.id,
        name=kind.name,
        basis=kind.basis,
        source=kind.source,
        note=kind.note,
        refused=not course.round,
        settled_s=course.settled_s,
        lowest_s=min(heartbeats_s),
        highest_s=max(heartbeats_s),
        average_s=reading.average_s,
        event_1040=reading.first_event is not None,
        first_sample=reading.first_event,
        event_1040_on_open_path=read_window(on_open_path, settings).first_event is not None,
        lost_share=round(course.lost_share, 4),
        deaf_share=round(course.deaf_share(limit.cut_s, limit.manner), 4),
        push_timer_s=push_s,
        event_timer_s=event_s,
        smallest_timer_s=None if some_s is None or event_s is None else max(some_s, event_s),
    )


def timer_above(heartbeat_s: int) -> int:
    """Return the timer that carries a heartbeat: the next full minute strictly above.

    Strictly, because the answer comes at the heartbeat and must still get through.
    """
    return (heartbeat_s // 60 + 1) * 60


def _timer_from_which_on(courses: dict[int, Course], is_well: Callable[[Course], bool]) -> int | None:
    """Return the timer from which on, and for every longer one, something is so; None where no timer does it.

    What a device does changes only at heartbeats that it can ask for, so those are tried, from the longest down to
    the first with which it is not well. Nothing says that a longer timer is always better for a device; this way a
    gap in between is not taken for the end.
    """
    enough_s = None
    for longest_s, course in sorted(courses.items(), reverse=True):
        if not is_well(course):
            break
        enough_s = longest_s
    return None if enough_s is None else timer_above(enough_s)
