"""What came of a fleet, in numbers and over time; `hbprobe.records.simulations.FleetPart` explains them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hbprobe.fleet.chance import Floats, Words
from hbprobe.fleet.cohort import Cohort
from hbprobe.fleet.compiled import IS_FAST, Stretches, count_minutes
from hbprobe.fleet.merge import Fired, InOrder, WindowInArrays, in_pieces, least_not_before, times_s
from hbprobe.fleet.states import FIRST_LOSS, LOSSES, Ints, RequestEnd
from hbprobe.fleet.world import World

MINUTE_S = 60.0


class PerMinute:
    """How often something happened in each minute from a time on; what came before counts as one heap."""

    __slots__ = ("_edges_s", "before", "counts")

    def __init__(self, begin_s: float, minutes: int) -> None:
        self._edges_s: Floats = begin_s + MINUTE_S * np.arange(minutes + 1, dtype=np.float64)
        self.counts: NDArray[np.int64] = np.zeros(minutes, np.int64)
        self.before = 0

    def add_unordered(self, at_s: Floats) -> None:
        """Count times in any order; those after the end do not count."""
        if IS_FAST:
            self.before += count_minutes(at_s, float(self._edges_s[0]), self.counts)
        else:
            at_s = np.sort(at_s)
            self._add(at_s[[0, -1]] if len(at_s) else at_s, lambda edges_s: np.searchsorted(at_s, edges_s))

    def add(self, samples: Words) -> None:
        """Count samples, which are in order; those after the end do not count."""
        ends = samples[[0, -1]] if len(samples) else samples
        self._add(times_s(ends), lambda edges_s: np.searchsorted(samples, least_not_before(edges_s)))

    def _add(self, ends_s: Floats, places: Callable[[Floats], Ints]) -> None:
        if len(ends_s):
            # Only the minutes that they are in.
            first, last = np.searchsorted(self._edges_s, ends_s, side="right")
            found = places(self._edges_s[max(first - 1, 0) : last + 1])
            self.before += int(found[0]) if first == 0 else 0
            self.counts[max(first - 1, 0) : last] += np.diff(found)


class AveragePoint(NamedTuple):
    """The window's average in a span of time."""

    at_s: float
    """The end of the span."""
    lowest_s: int
    mean_s: float
    highest_s: int


class AverageCurve:
    """The window's average over time: the lowest, the mean and the highest of each span."""

    __slots__ = ("_count", "_edges_s", "_high", "_low", "_span_s", "_sum")

    def __init__(self, begin_s: float, end_s: float, points: int) -> None:
        self._span_s = (end_s - begin_s) / points
        self._edges_s: Floats = begin_s + self._span_s * np.arange(points, dtype=np.float64)
        self._low = np.full(points, np.iinfo(np.int64).max)
        self._high = np.full(points, -1)
        self._sum, self._count = np.zeros(points), np.zeros(points)

    def look(self, samples: Words, window: WindowInArrays) -> list[Fired]:
        """Let a window take samples in order, and add its averages up; return the events that are logged."""
        if not IS_FAST:
            return [event for some in in_pieces(samples) for event in self._look(some, window)]
        begins = np.searchsorted(samples, least_not_before(self._edges_s))
        there = np.flatnonzero(np.diff(begins, append=len(samples)))
        found, events = window.take_in_loop(samples, begins[there])
        self._add(there, found)
        return events

    def _look(self, samples: InOrder, window: WindowInArrays) -> list[Fired]:
        averages, events = window.take(samples.at_s, samples.heartbeat_s)
        unknown = int(np.count_nonzero(averages < 0))  # which come first
        at_s, averages = samples.at_s[unknown:], averages[unknown:]
        begins = np.searchsorted(at_s, self._edges_s)
        there = np.flatnonzero(np.diff(begins, append=len(at_s)))
        begins = begins[there]
        if len(there):
            found = Stretches(
                np.minimum.reduceat(averages, begins),
                np.maximum.reduceat(averages, begins),
                np.add.reduceat(averages, begins),
                np.diff(begins, append=len(averages)),
            )
            self._add(there, found)
        return events

    def _add(self, there: Ints, found: Stretches) -> None:
        self._low[there] = np.minimum(self._low[there], found.lowest_s)
        self._high[there] = np.maximum(self._high[there], found.highest_s)
        self._sum[there] += found.sum_s
        self._count[there] += found.samples

    def lowest_s(self) -> int | None:
        """Return the lowest average of all; None where there is none."""
        return int(self._low.min()) if self._count.any() else None

    def points(self) -> tuple[AveragePoint, ...]:
        """Return the spans that have averages; their time counts from the beginning of the curve."""
        there = np.flatnonzero(self._count)
        ends_s = (there + 1) * self._span_s
        means = self._sum[there] / self._count[there]
        columns = (ends_s.tolist(), self._low[there].tolist(), means.tolist(), self._high[there].tolist())
        return tuple(AveragePoint(*values) for values in zip(*columns, strict=True))


TOLERATED_MIN_PER_DAY = 14.4
"""Minutes a day without push, one per cent of the time, that still count as well. A choice of ours."""
_WAKING = (
    RequestEnd.ANSWERED,
    RequestEnd.MAIL,
    RequestEnd.SILENT,
    RequestEnd.RESET,
    RequestEnd.CLOSED,
    RequestEnd.STATUS,
    RequestEnd.REFUSED,
)
"""The ends that a device wakes up for. Mail that waits, and a new network, find it awake."""


@dataclass(frozen=True, slots=True)
class KindResult:
    """What came of the devices of a kind; per device and day."""

    id: str
    name: str
    devices: int
    heartbeats: tuple[tuple[int, float], ...]
    requests_per_day: float
    wakeups_per_day: float
    without_push_min_per_day: float
    lost_share: float


@dataclass(frozen=True, slots=True)
class Load:
    """What the server and the firewall before it have to carry."""

    requests_per_s: float
    requests_per_s_peak: float
    handshakes_per_s: float
    handshakes_per_s_peak: float
    table_entries: float
    table_entries_peak: int
    bytes_per_device_day: float


@dataclass(frozen=True, slots=True)
class PerDeviceDay:
    """The mean of all devices, per day."""

    requests: float
    wakeups: float
    without_push_min: float
    late_mails: float
    late_mail_s: float


@dataclass(frozen=True, slots=True)
class FleetResult:
    """What came of a fleet."""

    world: World
    days: float
    events: tuple[Fired, ...]
    lowest_s: int | None
    mean_s: float
    mean_asked_s: float
    curve: tuple[AveragePoint, ...]
    load: Load
    kinds: tuple[KindResult, ...]
    per_device_day: PerDeviceDay
    well_share: float


class Tally:
    """Adds up what cohorts have counted."""

    def __init__(self, world: World, cohorts: Sequence[Cohort], days: float) -> None:
        table = world.table
        self._world, self._days = world, days
        self._ends: NDArray[np.intp] = sum((cohort.ends for cohort in cohorts), np.zeros_like(cohorts[0].ends))
        self._ends = self._ends.reshape(len(RequestEnd), len(table))
        self._pauses: NDArray[np.intp] = sum((cohort.pauses for cohort in cohorts), np.zeros_like(cohorts[0].pauses))
        self._asked_again: NDArray[np.intp] = sum(
            (cohort.asked_again for cohort in cohorts), np.zeros_like(cohorts[0].asked_again)
        )
        self._deaf_s = np.concatenate([cohort.deaf_s for cohort in cohorts])
        self._deaf_at_firewall_s = np.concatenate([cohort.deaf_at_firewall_s for cohort in cohorts])
        self._asked_s = np.concatenate([cohort.asks_s for cohort in cohorts])
        self._late_mails = sum(cohort.late_mails for cohort in cohorts)
        self._late_s = sum(cohort.late_s for cohort in cohorts)

    def requests(self) -> NDArray[np.intp]:
        """Return how many requests there were in each state, those that status 5 answered among them."""
        asked: NDArray[np.intp] = self._ends[: RequestEnd.ARRIVED].sum(axis=0)
        asked += (self._ends * self._world.table.corrections).sum(axis=0)
        return asked

    def wakeups(self) -> NDArray[np.intp]:
        """Return how often devices woke up, by state."""
        woken: NDArray[np.intp] = self._ends[list(_WAKING)].sum(axis=0) + self._pauses
        return woken

    def lost(self) -> NDArray[np.intp]:
        """Return how many requests were lost, by state."""
        found: NDArray[np.intp] = self._ends[FIRST_LOSS : FIRST_LOSS + len(LOSSES)].sum(axis=0)
        return found

    def kinds(self) -> tuple[KindResult, ...]:
        """Add up by kind; kinds without devices are left out."""
        deaf_s = np.bincount(
            self._world.kinds_of(np.arange(self._world.devices)), self._deaf_s, len(self._world.kinds)
        )
        return tuple(self._kind(number, deaf_s[number]) for number, count in enumerate(self._world.counts) if count)

    def _kind(self, number: int, deaf_s: float) -> KindResult:
        kind, table, here = self._world.kinds[number], self._world.table, self._world.table.kind == number
        device_days = self._world.counts[number] * self._days
        requests = self.requests()[here]
        whole = max(1, int(requests.sum()))
        by_heartbeat: dict[int, float] = {}
        for heartbeat_s, count in zip(table.heartbeat_s[here].tolist(), requests.tolist(), strict=True):
            by_heartbeat[int(heartbeat_s)] = by_heartbeat.get(int(heartbeat_s), 0.0) + count / whole
        return KindResult(
            id=kind.id,
            name=kind.name,
            devices=self._world.counts[number],
            heartbeats=tuple((one, share) for one, share in sorted(by_heartbeat.items()) if share > 0),
            requests_per_day=float(requests.sum() / device_days),
            wakeups_per_day=float(self.wakeups()[here].sum() / device_days),
            without_push_min_per_day=float(deaf_s / device_days / MINUTE_S),
            lost_share=float(self.lost()[here].sum() / whole),
        )

    def load(self, asked: PerMinute, opened: PerMinute, forgotten: PerMinute) -> Load:
        """Add up what server and firewall have to carry."""
        entries = opened.before - forgotten.before + np.cumsum(opened.counts - forgotten.counts)
        device_days, costs = self._world.devices * self._days, self._world.costs
        handshakes = int(opened.counts.sum())
        octets = costs.request_bytes * int(self.requests().sum()) + costs.handshake_bytes * handshakes
        return Load(
            requests_per_s=float(asked.counts.mean() / MINUTE_S),
            requests_per_s_peak=float(asked.counts.max() / MINUTE_S),
            handshakes_per_s=float(opened.counts.mean() / MINUTE_S),
            handshakes_per_s_peak=float(opened.counts.max() / MINUTE_S),
            table_entries=float(entries.mean()),
            table_entries_peak=int(entries.max()),
            bytes_per_device_day=octets / device_days,
        )

    def per_device_day(self) -> PerDeviceDay:
        """Return the mean of all devices."""
        device_days = self._world.devices * self._days
        return PerDeviceDay(
            requests=float(self.requests().sum() / device_days),
            wakeups=float(self.wakeups().sum() / device_days),
            without_push_min=float(self._deaf_s.sum() / device_days / MINUTE_S),
            late_mails=self._late_mails / device_days,
            late_mail_s=self._late_s / max(1, self._late_mails),
        )

    def mean_s(self) -> float:
        """Return the mean of all intervals that were taken as samples."""
        sampled = self._ends[: RequestEnd.REFUSED].sum(axis=0) + self._asked_again
        return float((sampled * self._world.table.heartbeat_s).sum()) / max(1, int(sampled.sum()))

    def mean_asked_s(self) -> float:
        """Return what devices ask for now, on average."""
        return float(self._asked_s.mean())

    def well_share(self) -> float:
        """Return the share of devices that the firewall's timer cost no more push than is tolerated."""
        minutes = self._deaf_at_firewall_s / self._days / MINUTE_S
        return float(np.count_nonzero(minutes <= TOLERATED_MIN_PER_DAY) / len(minutes))
