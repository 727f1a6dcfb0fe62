"""What a path's limit means for Direct Push: event 1040, device by device, and the timer that would end it.

A `Judgement` has these fields, and `verdict` in a document (`records/result_parts.py`) these keys; later versions
may add more. Durations are in seconds, and whole where they can be.

    healthy        no finding is a problem
    findings       list of
      code           event-1040, event-1040-by-device, limit-below-max, limit-below-min, limit-not-reached, push-lost,
                     settings-invalid, settings-remark
      severity       problem or note
      text           one sentence or two, for people
      device         the id of the device concerned, or null
    devices        list of, each as if it were alone on the server
      id, name       of the device
      basis          how its behaviour is known: source code, documented, observed, example
      source         a URL, or null
      note           what was assumed
      refused        the server refuses what it asks for, and it does not give way
      settled_s      what it asks for most in the long run
      lowest_s       the least and the most that it asks for in the long run
      highest_s
      average_s      the window's lowest average in the long run; null where it is refused
      event_1040     Exchange logs the event
      first_sample   the number of the sample on which the event comes first, or null
      event_1040_on_open_path
                     the event comes even where nothing is cut, so no timer ends it
      lost_share     the share of its requests that are lost in the long run, 0 to 1
      deaf_share     the least share of its time in which it waits on a dead connection, 0 to 1
      push_timer_s   from this timer on none of its requests is lost in the long run; null where no timer does it
      event_timer_s  from this timer on the event stays away; null where no timer does it
      smallest_timer_s
                     from this timer on the event stays away and some of its requests get through; null where no timer
                     does it
    recommended_s  the largest push_timer_s or event_timer_s of any device: the number for the change ticket; null
                   where there is none
    carries_max_s  the timer that carries MaxHeartbeatInterval
    settings       min_heartbeat_s, max_heartbeat_s, sample_size, alert_threshold_s, and problems, a list of
      severity, text, key, line, found, event_id
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from hbprobe.duration import format_duration
from hbprobe.exchange.devices import CURRENT, Basis, DeviceKind
from hbprobe.exchange.predict import Course, follow_all, read_window
from hbprobe.exchange.settings import Settings, Severity
from hbprobe.manner import Manner
from hbprobe.text import seconds


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
        cuts = f"cuts {seconds(self.cut_s)} s"
        carries = f"carries {seconds(self.longest_s)} s and " if self.longest_s > 0 else ""
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the verdict has to say."""

    code: str
    severity: Severity
    text: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a path's limit means; the module's text explains the fields."""

    findings: tuple[Finding, ...]
    devices: tuple[DeviceVerdict, ...]
    recommended_s: int | None
    carries_max_s: int
    settings: Settings

    @property
    def healthy(self) -> bool:
        """No finding is a problem."""
        return all(finding.severity is not Severity.PROBLEM for finding in self.findings)

    @property
    def ticket(self) -> str:
        """Which timer goes into the change ticket, and why, in one sentence."""
        loud = _names(one for one in self.devices if one.event_timer_s is None)
        deaf = _names(one for one in self.devices if one.push_timer_s is None)
        if self.recommended_s is None:
            return "No timer: none of these devices needs one, or is helped by one." if self.devices else "No timer."
        exceptions = "".join(
            (
                f"; but {deaf}, which the server's settings refuse" if deaf else "",
                f"; event 1040 goes on with {loud}, which no timer changes" if loud else "",
            )
        )
        length = f"{self.recommended_s} s ({format_duration(self.recommended_s)}) or more"
        if not any(map(_suffers, self.devices)):
            return f"no change: the path is long enough for these devices, which need {length}{exceptions}."
        return f"{length}: the least with which none of these devices loses a request{exceptions}."


def judge(
    limit_survived_s: float | None,
    cut_s: float | None,
    how: str | None,
    settings: Settings,
    devices: Iterable[DeviceKind] = CURRENT,
) -> Judgement:
    """Say what a limit means: the longest hold that survived, the shortest that was cut (None: nothing was), and how.

    A heartbeat between the two counts as lost. Where nothing was cut, longer heartbeats than the longest tried count
    as surviving, and a note says so. `how` is a value of `Manner`; None with a cut is silent.
    """
    limit = PathLimit.from_bracket(limit_survived_s, cut_s, how)
    judged = tuple(judge_device(kind, limit, settings) for kind in devices)
    findings = [*_on_bracket(limit_survived_s, cut_s, settings), *_on_limit(limit, settings)]
    for device in judged:
        findings += _on_device(device, limit, settings)
    findings += _on_settings(settings)
    asked = (timer_s for device in judged for timer_s in (device.push_timer_s, device.event_timer_s))
    timers_s = [timer_s for timer_s in asked if timer_s is not None]
    carries_max_s = timer_above(settings.max_heartbeat_s)
    return Judgement(tuple(findings), judged, max(timers_s, default=None), carries_max_s, settings)


def _suffers(device: DeviceVerdict) -> bool:
    """Say whether a longer timer could do a device good."""
    return device.lost_share > 0 or (device.event_1040 and not device.event_1040_on_open_path)


def _names(devices: Iterable[DeviceVerdict]) -> str:
    return ", ".join(device.name for device in devices)


def _on_bracket(survived_s: float | None, cut_s: float | None, settings: Settings) -> Iterator[Finding]:
    if cut_s is None and survived_s is not None and survived_s < settings.max_heartbeat_s:
        text = f"Nothing was cut up to {seconds(survived_s)} s: longer heartbeats are taken to survive too."
        yield Finding("limit-not-reached", Severity.NOTE, text)


def _on_limit(limit: PathLimit, settings: Settings) -> Iterator[Finding]:
    shortest_s, longest_s = settings.min_heartbeat_s, settings.max_heartbeat_s
    if limit.longest_s < shortest_s:
        text = f"{limit}, below MinHeartbeatInterval {shortest_s} s: no Ping can ever be answered in time."
        yield Finding("limit-below-min", Severity.PROBLEM, text)
    if limit.longest_s < longest_s:
        timer_s = timer_above(longest_s)
        text = f"{limit}, below MaxHeartbeatInterval {longest_s} s: a timer of {timer_s} s would carry it."
        yield Finding("limit-below-max", Severity.PROBLEM, text)


def _on_device(device: DeviceVerdict, limit: PathLimit, settings: Settings) -> Iterator[Finding]:
    if device.event_1040_on_open_path:
        text = (
            f"Event 1040 with {device.name} on every path, however long its timers: "
            f"set HeartbeatAlertThreshold below {device.average_s} s, or change the client."
        )
        yield Finding("event-1040-by-device", Severity.NOTE, text, device.id)
    elif device.event_1040:
        text = (
            f"Event 1040 with {device.name}: it settles at {device.settled_s} s, and the window's average comes to "
            f"{settings.alert_threshold_s} s or less, first on sample {device.first_sample}. "
            f"A timer of {device.event_timer_s} s ends it."
        )
        yield Finding("event-1040", Severity.PROBLEM, text, device.id)
    if device.lost_share == 1.0:
        yield Finding("push-lost", Severity.PROBLEM, _push_lost(device, limit, settings), device.id)


def _push_lost(device: DeviceVerdict, limit: PathLimit, settings: Settings) -> str:
    if device.refused:
        return (
            f"No push for {device.name}: it asks for {device.settled_s} s, Exchange admits "
            f"{settings.min_heartbeat_s} to {settings.max_heartbeat_s} s, and it does not give way."
        )
    lost = f"{device.name} asks for {device.settled_s} s and loses every request"
    event = "" if device.event_1040 else ", and no event says so"
    mend = "" if device.push_timer_s is None else f" A timer of {device.push_timer_s} s gives it its push back."
    if limit.manner is Manner.SILENT:
        return f"{lost}{event}: mail that comes after the cut waits until the device gives up.{mend}"
    return f"{lost}{event}: it is told at once, and has to ask again each time.{mend}"


def _on_settings(settings: Settings) -> Iterator[Finding]:
    for problem in settings.problems:
        code = "settings-invalid" if problem.severity is Severity.PROBLEM else "settings-remark"
        where = "" if problem.line is None else f"line {problem.line}: "
        event = "" if problem.event_id is None else f" (event {problem.event_id})"
        yield Finding(code, problem.severity, f"{where}{problem.text}{event}")
