"""What one device alone would ask for on a path, and what Exchange's window makes of it.

A device on a path that does not change is periodic: sooner or later it is in a state that it was in before. So a few
requests tell of all that follow.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, dataclass
from itertools import chain, cycle, islice
from typing import NamedTuple

from hbprobe.exchange.algorithms import Device
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import HeartbeatWindow
from hbprobe.manner import Manner


class SampledPing(NamedTuple):
    """One Ping that the server took as a sample."""

    heartbeat_s: int
    timeout_s: int
    """When the device gives up, if it hears nothing."""
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Course:
    """All that a device ever asks for on one path."""

    start: tuple[SampledPing, ...]
    """What it asks for once."""
    round: tuple[SampledPing, ...]
    """What it then asks for again and again; empty where the server refuses it for ever."""
    last_asked_s: int

    @property
    def heartbeats_s(self) -> set[int]:
        """Every interval that the server admitted."""
        return {request.heartbeat_s for request in (*self.start, *self.round)}

    @property
    def settled_s(self) -> int:
        """The interval asked for most in a round, the shorter of two that are level."""
        counts = Counter(request.heartbeat_s for request in self.round)
        return min(counts, key=lambda heartbeat_s: (-counts[heartbeat_s], heartbeat_s), default=self.last_asked_s)

    @property
    def lost_share(self) -> float:
        """The share of a round's requests that are lost; 1 for a device that is refused."""
        return sum(request.is_lost for request in self.round) / len(self.round) if self.round else 1.0

    def deaf_share(self, cut_s: float, how: Manner) -> float:
        """Return the share of a round's time in which the device waits on a connection that is dead.

        Only a silent loss leaves it waiting. Pauses between requests are not counted.
        """
        waited = deaf = 0.0
        for request in self.round:
            alive_s = min(cut_s, request.heartbeat_s) if request.is_lost else request.heartbeat_s
            deaf_s = request.timeout_s - alive_s if request.is_lost and how is Manner.SILENT else 0.0
            waited, deaf = waited + alive_s + deaf_s, deaf + deaf_s
        return deaf / waited if waited else 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the window shows of a device alone."""

    first_event: int | None
    """The number of the sample on which event 1040 comes first; None where it never does."""
    average_s: int | None
    """The lowest average of a window, once the device is in its round; None where it is refused."""


def follow(device: Device, longest_s: float, how: Manner, settings: Settings) -> Course:
    """Run a device on a path that carries heartbeats up to `longest_s` and loses longer ones."""
    seen: dict[tuple[object, ...], int] = {}
    requests: list[SampledPing] = []
    while (state := astuple(device)) not in seen:
        seen[state] = len(requests)
        asked_s = device.heartbeat_s
        admitted_s = min(max(asked_s, settings.min_heartbeat_s), settings.max_heartbeat_s)
        if asked_s != admitted_s:
            # Status 5 is given before the sample is taken.
            device.corrected(admitted_s)
            continue
        request = SampledPing(asked_s, device.timeout_s, asked_s > longest_s)
        requests.append(request)
        if request.is_lost:
            device.lost(how)
        else:
            device.answered()
    first = seen[state]
    return Course(tuple(requests[:first]), tuple(requests[first:]), device.heartbeat_s)


def follow_all(new: Callable[[], Device], how: Manner, settings: Settings) -> dict[int, Course]:
    """Run a device on every kind of path that it can tell apart.

    The keys are 0 and each heartbeat that it can come to ask for; the path carries what is not longer. A path that
    carries more than one key and less than the next is to the device the same as the first.
    """
    courses: dict[int, Course] = {}
    longest = [0]
    while longest:
        longest_s = longest.pop()
        courses[longest_s] = follow(new(), longest_s, how, settings)
        longest += courses[longest_s].heartbeats_s - courses.keys() - set(longest)
    return dict(sorted(courses.items()))


def read_window(course: Course, settings: Settings) -> Reading:
    """Let a device's samples through the window until every later one is a repetition."""
    window = HeartbeatWindow(settings.sample_size, settings.alert_threshold_s)
    samples = chain(course.start, islice(cycle(course.round), settings.sample_size + len(course.round)))
    first_event, averages_s, now = None, [], 0.0
    for number, request in enumerate(samples, start=1):
        # Only the spacing of later events hangs on the time that requests take.
        now += request.heartbeat_s
        if window.register(request.heartbeat_s, now) and first_event is None:
            first_event = number
        if number > len(course.start) + settings.sample_size and window.average_s is not None:
            averages_s.append(window.average_s)
    return Reading(first_event, min(averages_s, default=None))
