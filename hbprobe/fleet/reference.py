"""The fleet with one object a device, one event at a time: what the arrays of `hbprobe.fleet.cohort` must agree with.

A device asks, and what comes first counts: mail, the path's cut, the end of its interval, or that it leaves the
network. What all have asked goes through Exchange's window in the order of time.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hbprobe.exchange.algorithms import Device
from hbprobe.exchange.window import Event1040, HeartbeatWindow
from hbprobe.fleet import chance
from hbprobe.fleet.chance import OfRequest, OfVisit
from hbprobe.fleet.mail import Mailbox
from hbprobe.fleet.paths import PathTable, forgotten_at
from hbprobe.fleet.states import FIRST_LOSS, LOSSES, RequestEnd, settle, tell
from hbprobe.fleet.ticks import on_grid
from hbprobe.fleet.world import World
from hbprobe.manner import Manner


class FleetSample(NamedTuple):
    """A request that Exchange took as a sample."""

    at_s: float
    device: int
    heartbeat_s: int


@dataclass(slots=True)
class Reference:
    """What came of a fleet."""

    samples: list[FleetSample] = field(default_factory=list)
    """In the order of time; those of one tick go by their interval. What boxes ask again is among them."""
    events: list[Event1040] = field(default_factory=list)
    ends: Counter[RequestEnd] = field(default_factory=Counter)
    corrections: int = 0
    pauses: int = 0
    opened_s: list[float] = field(default_factory=list)
    forgotten_s: list[float] = field(default_factory=list)
    deaf_s: float = 0.0
    deaf_at_firewall_s: float = 0.0
    late_mails: int = 0
    late_s: float = 0.0


def simulate(world: World, until_s: float) -> Reference:
    """Simulate a fleet, request by request, as long as requests begin before a time."""
    paths, seen = PathTable(world.paths), Reference()
    window = HeartbeatWindow(world.settings.sample_size, world.settings.alert_threshold_s)
    devices = [PlainDevice(world, paths, seen, number) for number in range(world.devices)]
    for device in devices:
        while device.due_s < until_s:
            device.step()
    seen.samples = sorted(
        (sample for sample in seen.samples if sample.at_s < until_s),
        key=lambda sample: (sample.at_s, sample.heartbeat_s, sample.device),
    )
    events = (window.register(sample.heartbeat_s, sample.at_s) for sample in seen.samples)
    seen.events = [event for event in events if event is not None]
    return seen


class PlainDevice:
    """One device, its owner, and the path that it is on."""

    __slots__ = (
        "_at_firewall",
        "_connected",
        "_device",
        "_how",
        "_key",
        "_leaves_s",
        "_limit_s",
        "_mail",
        "_mail_waits",
        "_paths",
        "_refused",
        "_requests",
        "_row",
        "_seen",
        "_spread_s",
        "_tries",
        "_visit_key",
        "_visits",
        "_wait_s",
        "_world",
        "due_s",
        "number",
    )

    def __init__(self, world: World, paths: PathTable, seen: Reference, number: int) -> None:
        self.number = number
        self._world, self._paths, self._seen = world, paths, seen
        self._device: Device = world.kinds[world.kind_of(number)].new()
        self._key = chance.key(world.seed, number)
        self._visit_key = chance.visit_key(self._key)
        self._visits = self._requests = 0
        self._connected = self._mail_waits = False
        _, self._refused = settle(self._device, world.settings)
        self._wait_s = on_grid(world.habits.wait_s)
        self.due_s = on_grid(world.habits.start_s * chance.uniform(self._visit_key, 0, OfVisit.START))
        self._mail = Mailbox(world.habits.mail, self._key, self.due_s)
        self._visit()

    def network(self) -> int:
        """Return the number of the path that it is on, in the order of the world's paths."""
        return int(self._paths.path[self._row])

    def step(self) -> int | None:
        """Make the request that is due; return its interval, or None for one that is refused."""
        if self._leaves_s <= self.due_s:
            self._arrive()
        asked_s, refused = self.due_s, self._refused
        heartbeat_s = self._device.heartbeat_s
        self._open()
        first_s = asked_s if refused else asked_s + self._limit_s + self._spread()
        cut_s = asked_s + (first_s - asked_s) * self._tries
        mail_s = self._mail.next_s
        end, next_s = self._fate(asked_s, first_s, cut_s, mail_s)
        if self._leaves_s < next_s:
            end, next_s = RequestEnd.LEFT, self._leaves_s
        if not refused:
            self._seen.samples.append(FleetSample(asked_s, self.number, heartbeat_s))
            self._ask_again(asked_s, first_s, next_s)
        self._close(end, asked_s, cut_s, next_s)
        next_s = self._pause(end, next_s)
        if first_s <= asked_s + heartbeat_s and end not in (RequestEnd.ANSWERED, RequestEnd.MAIL, RequestEnd.AT_ONCE):
            self._go_deaf(max(next_s - cut_s, 0.0), refused)
        self._keep_mail(mail_s, next_s, refused)
        if end is RequestEnd.MAIL:
            self._mail.take()
        self._mail.leave_until(next_s)
        self._end(end)
        self.due_s, self._requests = next_s, self._requests + 1
        return None if refused else heartbeat_s

    def _fate(self, asked_s: float, first_s: float, cut_s: float, mail_s: float) -> tuple[RequestEnd, float]:
        """Say how the request ends if the device stays where it is, and when it notices."""
        answer_s = asked_s + self._device.heartbeat_s
        if self._refused:
            return RequestEnd.REFUSED, asked_s + self._wait_s
        if self._mail_waits:
            return RequestEnd.AT_ONCE, asked_s
        gives_up_s = asked_s + on_grid(self._device.timeout_s)
        if mail_s < (answer_s if first_s > answer_s else min(cut_s, gives_up_s)):
            return RequestEnd.MAIL, mail_s
        if first_s > answer_s:
            return RequestEnd.ANSWERED, answer_s
        if gives_up_s < cut_s or self._how is Manner.SILENT:
            return RequestEnd.SILENT, gives_up_s
        return RequestEnd(FIRST_LOSS + LOSSES.index(self._how)), cut_s

    def _ask_again(self, asked_s: float, first_s: float, next_s: float) -> list[float]:
        """Let the box make the request again at other servers for as long as the device waits; return when."""
        all_s = [asked_s + before * (first_s - asked_s) for before in range(1, self._tries)]
        again_s = [at_s for at_s in all_s if at_s < next_s]
        self._seen.samples += [FleetSample(at_s, self.number, self._device.heartbeat_s) for at_s in again_s]
        return again_s

    def _pause(self, end: RequestEnd, next_s: float) -> float:
        if not FIRST_LOSS <= end < RequestEnd.REFUSED:
            return next_s
        if chance.uniform(self._key, self._requests, OfRequest.PAUSE) > self._world.habits.waiting_share:
            return next_s
        self._seen.pauses += 1
        return min(next_s + self._wait_s, self._leaves_s)

    def _open(self) -> None:
        if not self._connected:
            self._seen.opened_s.append(self.due_s)

    def _close(self, end: RequestEnd, asked_s: float, cut_s: float, next_s: float) -> None:
        served = end <= RequestEnd.AT_ONCE
        self._connected = end is RequestEnd.REFUSED or (served and self._device.reuses_connection)
        if self._connected:
            return
        if served:
            forgotten_s = next_s
        elif end > RequestEnd.SILENT or (end is RequestEnd.SILENT and self._at_firewall):
            forgotten_s = min(cut_s, next_s)
        else:
            forgotten_s = forgotten_at(asked_s, self._device.heartbeat_s, self._world.firewall.limit_s)
        self._seen.forgotten_s.append(forgotten_s)

    def _go_deaf(self, deaf_s: float, refused: bool) -> None:
        self._seen.deaf_s += deaf_s
        if self._at_firewall and not refused:
            self._seen.deaf_at_firewall_s += deaf_s

    def _keep_mail(self, mail_s: float, next_s: float, refused: bool) -> None:
        late = mail_s < next_s
        if late:
            self._seen.late_mails += 1
            self._seen.late_s += next_s - mail_s
        self._mail_waits = late or (refused and self._mail_waits)

    def _end(self, end: RequestEnd) -> None:
        tell(self._device, end)
        corrections, self._refused = settle(self._device, self._world.settings)
        self._seen.ends[end] += 1
        self._seen.corrections += corrections

    def _arrive(self) -> None:
        self._end(RequestEnd.ARRIVED)
        self._connected = False
        self._visits += 1
        self._visit()

    def _visit(self) -> None:
        firewall, of, visit = self._world.firewall, self._visit_key, self._visits
        row = self._paths.rows(np.array([chance.uniform(of, visit, OfVisit.PATH)]))
        self._row = int(row[0])
        limit_s = float(self._paths.limits_s(row, np.array([chance.uniform(of, visit, OfVisit.VALUE)]))[0])
        self._at_firewall = firewall.limit_s <= limit_s
        if self._at_firewall:
            self._limit_s, self._spread_s, self._how = firewall.limit_s, firewall.spread_s, firewall.manner
            self._tries = firewall.tries
        else:
            self._limit_s, self._spread_s = limit_s, float(self._paths.spread_s[row[0]])
            self._tries = int(self._paths.tries[row[0]])
            self._how = LOSSES[int(self._paths.manner[row[0]])]
        self._limit_s = on_grid(self._limit_s)
        stay_s = self._world.habits.stay_s * chance.exponential(of, visit, OfVisit.STAY)
        self._leaves_s = on_grid(self.due_s + stay_s)

    def _spread(self) -> float:
        return on_grid(self._spread_s * chance.uniform(self._key, self._requests, OfRequest.SPREAD))
