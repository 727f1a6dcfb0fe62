"""Simulate a fleet: cohorts of devices, slice by slice of time, and Exchange's window over all of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np

from hbprobe.fleet.cohort import Cohort, Slice
from hbprobe.fleet.compiled import IS_FAST
from hbprobe.fleet.mail import DAY_S
from hbprobe.fleet.merge import Fired, WindowInArrays, together
from hbprobe.fleet.paths import PathTable
from hbprobe.fleet.tally import AverageCurve, FleetResult, PerMinute, Tally
from hbprobe.fleet.world import World

_COHORT = 12_500
"""Devices: enough that NumPy's own work counts for little, and few enough for the processor's cache."""
_LEAST = 1000
"""Devices: with fewer in a cohort, threads cost more than they save."""
_SAMPLES = 1_000_000
"""About so many at a time, which bounds the memory."""
_SLICES_S = (10.0, DAY_S)
_POINTS = 1000
_NONE_S = np.zeros(0)


def simulate(
    world: World, days: float, warm_up_s: float = DAY_S, told: Callable[[float], None] = lambda _: None
) -> FleetResult:
    """Simulate a fleet for so many days, after a time in which devices find their heartbeats.

    What happens in that time is not shown to Exchange's window, and not counted. `told` hears which share of the
    whole is done.
    """
    run = _Run(world, warm_up_s, warm_up_s + days * DAY_S, told)
    run.go()
    return run.result()


def cohorts(world: World) -> list[Cohort]:
    """Divide a fleet into cohorts: where they move in threads, a small one too."""
    paths = PathTable(world.paths)
    size = min(_COHORT, max(_LEAST, world.devices // 2)) if IS_FAST else _COHORT
    ends = [*range(size, world.devices, size), world.devices]
    return [Cohort(world, paths, first, end) for first, end in zip([0, *ends], ends, strict=False)]


class _Run:
    def __init__(self, world: World, begin_s: float, end_s: float, told: Callable[[float], None]) -> None:
        self._told = told
        self._world, self._begin_s, self._end_s = world, begin_s, end_s
        self._cohorts = cohorts(world)
        self._window = WindowInArrays(world.settings)
        minutes = int(np.ceil((end_s - begin_s) / 60))
        self._asked, self._opened = PerMinute(begin_s, minutes), PerMinute(begin_s, minutes)
        self._forgotten = PerMinute(begin_s, minutes)
        self._curve = AverageCurve(begin_s, end_s, min(_POINTS, minutes))
        self._events: list[Fired] = []
        self._now = self._slice_s = 0.0

    def go(self) -> None:
        """Some threads let the devices ask, another shows Exchange what they asked in the slice before."""
        threads = None if IS_FAST else 1  # in arrays, threads mostly wait for each other
        with ThreadPoolExecutor(threads) as devices, ThreadPoolExecutor(1) as exchange:
            looking = exchange.submit(self._look, self._advance(self._begin_s, devices))
            for cohort in self._cohorts:
                cohort.forget()
            for until_s in self._ends_s(self._begin_s, self._end_s):
                slices = self._advance(until_s, devices)
                looking.result()
                looking = exchange.submit(self._look, slices)
            looking.result()

    def _ends_s(self, now: float, end_s: float) -> Iterator[float]:
        while now < end_s:
            self._now, now = now, min(end_s, now + self._slice_s)
            yield now

    def _advance(self, until_s: float, threads: Executor) -> list[Slice]:
        slices, taken_s = [], until_s - self._now  # the last slice before an end is a short one
        for one in threads.map(lambda cohort: cohort.advance(until_s, self._begin_s), self._cohorts):
            slices.append(one)
            self._told((self._now + taken_s * len(slices) / len(self._cohorts)) / self._end_s)
        share = sum(one.asked for one in slices) / _SAMPLES
        self._slice_s = float(np.clip(taken_s / max(share, 0.1), *_SLICES_S))
        return slices

    def _look(self, slices: Sequence[Slice]) -> None:
        for one in slices:
            self._opened.add_unordered(np.concatenate([_NONE_S, *one.opened_s]))
            self._forgotten.add_unordered(np.concatenate([_NONE_S, *one.forgotten_s]))
            self._opened.before += one.remembered
        samples = together([part for one in slices for part in one.samples])
        self._asked.add(samples)
        self._events += self._curve.look(samples, self._window)

    def result(self) -> FleetResult:
        days = (self._end_s - self._begin_s) / DAY_S
        tally = Tally(self._world, self._cohorts, days)
        return FleetResult(
            world=self._world,
            days=days,
            events=tuple(Fired(event.at_s - self._begin_s, event.average_s) for event in self._events),
            lowest_s=self._curve.lowest_s(),
            mean_s=tally.mean_s(),
            mean_asked_s=tally.mean_asked_s(),
            curve=self._curve.points(),
            load=tally.load(self._asked, self._opened, self._forgotten),
            kinds=tally.kinds(),
            per_device_day=tally.per_device_day(),
            well_share=tally.well_share(),
        )
