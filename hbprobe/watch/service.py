"""The watch itself: it measures each target when its time has come, and keeps every trial that ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from hbprobe.errors import CannotMeasureError
from hbprobe.measure.conclude import conclude
from hbprobe.measure.journal import Record
from hbprobe.measure.observe import Observer
from hbprobe.measure.run import Run
from hbprobe.measure.setup import set_up
from hbprobe.net.wire import Dialer
from hbprobe.records.result import Origin, Verb
from hbprobe.report.terminal.live import describe
from hbprobe.report.terminal.words import limit_words
from hbprobe.search.prior import Prior
from hbprobe.watch.changes import Changes, Seen
from hbprobe.watch.schedule import next_start_s, phase_of
from hbprobe.watch.store import Measurement, Now, State, Store, StoredTrials
from hbprobe.watch.watchfile import WatchPlan, WatchTarget
from hbprobe.watch.words import change_words, when

_NAP_S = 30.0
"""So often the clock on the wall is looked at: a laptop sleeps, and clocks are set."""

Say: TypeAlias = Callable[[str], None]
SetUp: TypeAlias = Callable[[WatchTarget, Record, Observer, Prior | None], Awaitable[Run]]


async def run_of(target: WatchTarget, record: Record, observer: Observer, prior: Prior | None) -> Run:
    """Make the run that measures a target."""
    dialer, rng = Dialer(target.target, target.tls, start=target.start), random.SystemRandom()
    return await set_up(target.method, dialer, target.search, prior, rng, journal=record, observer=observer)


async def watch(
    plan: WatchPlan, store: Store, now: Now, say: Say, prior: Prior | None = None, make: SetUp = run_of
) -> None:
    """Measure all targets of a plan again and again, until cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            for target in plan.targets:
                one = TargetWatch(target, plan, store, now, say)
                group.create_task(one.for_ever(make, prior))
    except BaseExceptionGroup as group:  # a task group wraps even a single error
        raise group.exceptions[0] from None


class TargetWatch:
    """The watch over one target."""

    def __init__(self, target: WatchTarget, plan: WatchPlan, store: Store, now: Now, say: Say) -> None:
        self._target, self._interval_s, self._settings = target, plan.interval_s, plan.settings
        self._store, self._now = store, now
        self._say: Say = lambda text: say(f"{when(now())}  {target.name}: {text}")
        self._phase = phase_of(target.name)
        self._changes = Changes()
        for seen in seen_of(store.measurements(target.name, State.DONE)):
            self._changes.see(seen)

    async def for_ever(self, make: SetUp, prior: Prior | None) -> None:
        """Measure when it is time, and again."""
        while True:
            await self._wait()
            await self.measure(make, prior)

    async def _wait(self) -> None:
        """Wait for the next start; what was interrupted, and what was never measured, is not waited for."""
        latest = self._store.latest(self._target.name)
        if latest is None or latest.state is State.RUNNING:
            return
        start = self._next_start()
        self._say(f"next measurement at {when(start)} UTC")
        while (left_s := start - self._now()) > 0:
            await asyncio.sleep(min(left_s, _NAP_S))
            start = min(start, self._next_start())  # for a clock that was set back

    def _next_start(self) -> float:
        return next_start_s(self._now(), self._interval_s, self._phase)

    def _may_go_on(self, latest: Measurement) -> bool:
        """Whether a measurement was interrupted, asked the same, and is not so old that the path may differ now.

        A trial gives no sign of life until it ends, so its length is no age.
        """
        same = latest.state is State.RUNNING and latest.asked == self._target.asked
        trial_s = self._target.search.max_s + self._target.search.grace_s
        return same and self._now() - latest.seen_at <= self._interval_s + trial_s

    async def measure(self, make: SetUp, prior: Prior | None) -> None:
        """Measure once, or go on with a measurement that was interrupted."""
        measurement = self._begin()
        teller = _Teller(self._say)
        trials = StoredTrials(self._store, measurement.id, self._now)
        try:
            run = await make(self._target, trials, teller, prior)
            teller.told = len(run.trials)
            await run.to_the_end()
        except CannotMeasureError as error:
            self._store.end(measurement.id, State.FAILED, str(error))
            self._say(f"could not measure: {error}")
        else:
            self._finish(measurement, run)

    def _begin(self) -> Measurement:
        """Return the measurement to work on: the interrupted one, or a new one."""
        latest = self._store.latest(self._target.name)
        if latest is not None and self._may_go_on(latest):
            self._say(f"goes on with measurement {latest.id}, which was interrupted")
            return latest
        if latest is not None and latest.state is State.RUNNING:
            self._store.end(latest.id, State.GIVEN_UP, "interrupted; too old, or of other settings, to go on with")
        begun = self._store.begin(self._target.name, self._target.asked, self._now())
        self._say(f"begins measurement {begun.id}")
        return begun

    def _finish(self, measurement: Measurement, run: Run) -> None:
        result = conclude(
            run,
            self._settings,
            verb=Verb.PROBE,
            target=str(self._target.target),
            clock="real",
            wall_s=run.path_s,
            origin=Origin(self._target.name, self._target.start.source or None, self._target.family),
            began=datetime.fromtimestamp(measurement.started_at, UTC),
        )
        self._store.finish(measurement.id, result, self._now())
        self._say(limit_words(result.limit, with_how=True))
        limit = result.limit
        change = self._changes.see(Seen(measurement.started_at, limit.survived_s, limit.cut_s))
        if change is not None:
            self._say(change_words(change))


class _Teller(Observer):
    """Says of each trial of a run what it showed, once it is stored."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.told = 0

    def search(self, run: Run) -> None:
        """Say what is new."""
        for trial in run.trials[self.told :]:
            self._say(describe(trial))
        self.told = len(run.trials)


def seen_of(measurements: Sequence[Measurement]) -> list[Seen]:
    """Return what the measurements found, without those that found nothing."""
    found = [one for one in measurements if one.survived_s is not None or one.cut_s is not None]
    return [Seen(one.started_at, one.survived_s, one.cut_s) for one in found]
