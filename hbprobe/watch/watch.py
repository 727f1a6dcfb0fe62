"""The watch itself: it measures each target when its time has come, and keeps every trial that ends."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import TypeAlias

from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.settings import Settings
from hbprobe.measure.conclude import conclude, in_force
from hbprobe.measure.journal import Record
from hbprobe.measure.observe import Observer
from hbprobe.measure.run import Run
from hbprobe.measure.setup import set_up
from hbprobe.net.wire import Dialer
from hbprobe.records.record import Origin, Verb
from hbprobe.report.terminal.live import describe
from hbprobe.report.terminal.words import limit_words
from hbprobe.search.prior import Prior
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Kind, Trial
from hbprobe.watch.changes import Changes, MeasuredBracket, seen_of
from hbprobe.watch.control import Control
from hbprobe.watch.history import change_words, when
from hbprobe.watch.schedule import next_start_s, phase_of
from hbprobe.watch.store import Measurement, Now, State, Store
from hbprobe.watch.watchfile import WatchPlan, WatchTarget
from hbprobe.watch.writer import Writer

_NAP_S = 30.0
"""So often the clock on the wall is looked at: a laptop sleeps, and clocks are set."""

SetUp: TypeAlias = Callable[[WatchTarget, Record, Observer, Prior | None], Awaitable[Run]]


async def run_of(target: WatchTarget, record: Record, observer: Observer, prior: Prior | None) -> Run:
    """Make the run that measures a target."""
    offers = METHODS[target.method].alpn
    dialer = Dialer(target.target, target.tls, start=target.start, later=target.talk.starttls, offers=offers)
    rng = random.SystemRandom()
    return await set_up(
        target.method,
        dialer,
        target.search,
        prior,
        rng,
        account=target.account,
        talk=target.talk,
        journal=record,
        observer=observer,
    )


async def watch(
    plan: WatchPlan,
    writer: Writer,
    now: Now,
    prior: Prior | None = None,
    make: SetUp = run_of,
    control: Control | None = None,
) -> None:
    """Measure all targets of a plan again and again, until cancelled; `control` may replace the plan meanwhile."""
    control = control or Control(plan)
    numbers = count(await writer.read(Store.last_number) + 1)  # this watch alone gives numbers
    running: dict[str, tuple[tuple[object, ...], asyncio.Task[None]]] = {}
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.fails())
            while True:
                wanted = {one.name: _key(one, control.plan) for one in control.plan.targets}
                await _end([running.pop(name)[1] for name, (key, _) in [*running.items()] if wanted.get(name) != key])
                for target in control.plan.targets:
                    if target.name not in running:
                        one = TargetWatch(target, control, writer, numbers, now)
                        control.running[target.name] = one
                        task = group.create_task(one.for_ever(make, prior))
                        running[target.name] = wanted[target.name], task
                control.running = {name: one for name, one in control.running.items() if name in running}
                control.happened("")
                await control.replaced()
    except BaseExceptionGroup as group:  # a task group wraps even a single error
        raise group.exceptions[0] from None


def _key(target: WatchTarget, plan: WatchPlan) -> tuple[object, ...]:
    """Return what makes another watch of a target where it is another."""
    return *target.identity, plan.interval_s, plan.settings


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


class TargetWatch(Observer):
    """The watch over one target; it looks on at its own search."""

    def __init__(
        self, target: WatchTarget, control: Control, writer: Writer, numbers: Iterator[int], now: Now
    ) -> None:
        plan = control.plan
        self._target, self._interval_s, self._settings = target, plan.interval_s, plan.settings
        self._control, self._writer, self._numbers, self._now = control, writer, numbers, now
        self._phase = phase_of(target.name)
        self._changes = Changes()
        self._hurried = asyncio.Event()
        self.run: Run | None = None
        self.number = 0
        self.next_at: float | None = None
        self._begun_at: float | None = None
        """When the last measurement began; None while one runs."""

    def search(self, run: Run) -> None:
        """Take note of what changed in the search."""
        self.run = run
        self._control.happened(self._target.name)

    def hurry(self) -> bool:
        """Begin the next measurement now, if none runs and the last is an interval old; return whether it does."""
        if self._begun_at is None or self._now() - self._begun_at < self._interval_s:
            return False
        self._hurried.set()
        return True

    async def for_ever(self, make: SetUp, prior: Prior | None) -> None:
        """Measure when it is time, and again: what was interrupted, and what was never measured, at once."""
        latest, trials = await self._writer.read(self._earlier)
        if latest is None or latest.state is State.RUNNING:
            measurement = self._resumed(latest)
            latest = measurement or self._begun()
            await self._measure(latest, trials if measurement else (), make, prior)
        self._begun_at = latest.started_at
        while True:
            await self._wait()
            self._begun_at = None
            begun = self._begun()
            await self._measure(begun, (), make, prior)
            self._begun_at = begun.started_at

    def _earlier(self, store: Store) -> tuple[Measurement | None, Sequence[Trial]]:
        """Read what earlier watches found: the last measurement, with its trials if it was interrupted."""
        for seen in seen_of(store.measurements(self._target.name, State.DONE)):
            self._changes.see(seen)
        latest = store.latest(self._target.name)
        interrupted = latest is not None and latest.state is State.RUNNING
        return latest, store.trials(latest.id) if latest is not None and interrupted else ()

    async def _wait(self) -> None:
        """Wait for the next start, or until somebody asks for it."""
        self._hurried.clear()
        self.next_at = start = self._next_start()
        self._happened_when_stored()
        self._tell(f"next measurement at {when(start)} UTC")
        while (left_s := start - self._now()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), min(left_s, _NAP_S))
                return
            self.next_at = start = min(start, self._next_start())  # for a clock that was set back

    def _next_start(self) -> float:
        return next_start_s(self._now(), self._interval_s, self._phase)

    def _may_go_on(self, latest: Measurement) -> bool:
        """Whether what was interrupted was asked the same, and is not so old that the path may differ now.

        A trial gives no sign of life until it ends, so its length is no age.
        """
        trial_s = self._target.search.max_s + self._target.search.grace_s
        is_young = self._now() - latest.seen_at <= self._interval_s + trial_s
        return is_young and latest.asked == self._target.asked

    def _resumed(self, latest: Measurement | None) -> Measurement | None:
        """Return the measurement that was interrupted, to go on with; None where it is too late for that."""
        if latest is None:
            return None
        if self._may_go_on(latest):
            self._tell(f"goes on with measurement {latest.id}, which was interrupted")
            return latest
        reason = "interrupted; too old, or of other settings, to go on with"
        self._write(f"the end of measurement {latest.id}", lambda store: store.end(latest.id, State.GIVEN_UP, reason))
        return None

    def _begun(self) -> Measurement:
        """Begin a new measurement."""
        name, asked, at, number = self._target.name, self._target.asked, self._now(), next(self._numbers)
        line = f"begins measurement {number}"
        self._write(f"measurement {number}", lambda store: store.begin(name, asked, at, number), line)
        return Measurement(number, name, asked, at, at, State.RUNNING, "", None, None, None)

    async def _measure(
        self, measurement: Measurement, trials: Sequence[Trial], make: SetUp, prior: Prior | None
    ) -> None:
        """Measure once, or go on with a measurement that was interrupted."""
        record = _Trials(trials, lambda trial: self._add(measurement, trial))
        self.number, self.next_at = measurement.id, None
        try:
            run = await make(self._target, record, self, prior)
            await run.to_the_end()
        except CannotMeasureError as error:
            why, number = str(error), measurement.id
            line = f"could not measure: {why}"
            self._write(f"the end of measurement {number}", lambda store: store.end(number, State.FAILED, why), line)
        else:
            self._finish(measurement, run)
        finally:
            self.run = None

    def _add(self, measurement: Measurement, trial: Trial) -> None:
        """Keep a trial; one that is no evidence is not told."""
        at, line = self._now(), "" if trial.outcome.kind is Kind.FAILED else describe(trial)
        name = f"trial {trial.number} of measurement {measurement.id}"
        self._write(name, lambda store: store.add_trial(measurement.id, trial, at), line)

    def _finish(self, measurement: Measurement, run: Run) -> None:
        settings, notes = in_force(run, self._settings, is_file=self._settings != Settings())
        result = conclude(
            run,
            settings,
            exchange=self._target.exchange,
            heartbeat_s=self._target.heartbeat_s,
            verb=Verb.PROBE,
            target=str(self._target.target),
            clock="real",
            wall_s=run.path_s,
            origin=Origin(self._target.name, self._target.start.source or None, self._target.family),
            notes=notes,
            began=datetime.fromtimestamp(measurement.started_at, UTC),
        )
        at, limit, number = self._now(), result.limit, measurement.id
        name, line = f"the result of measurement {number}", limit_words(limit, with_how=True)
        self._write(name, lambda store: store.finish(number, result, at), line)
        change = self._changes.see(MeasuredBracket(measurement.started_at, limit.survived_s, limit.cut_s))
        if change is not None:
            self._tell(change_words(change))
            self._control.changed(self._target, change)

    def _write(self, name: str, store: Callable[[Store], object], line: str = "") -> None:
        self._writer.write(f"{self._target.name}: {name}", store, self._dated(line) if line else "")

    def _happened_when_stored(self) -> None:
        """Let those who look on know that a measurement has ended, once they find it in the database."""
        loop, name = asyncio.get_running_loop(), self._target.name
        self._writer.write("", lambda _: loop.call_soon_threadsafe(self._control.happened, name))

    def _tell(self, text: str) -> None:
        """Say something after all that is being stored."""
        self._writer.say(self._dated(text))

    def _dated(self, text: str) -> str:
        return f"{when(self._now())}  {self._target.name}: {text}"


class _Trials:
    """The trials of one measurement, for a `Run`: it finds those of earlier watches, and each that ends is stored."""

    remarks: Sequence[str] = ()

    def __init__(self, trials: Sequence[Trial], add: Callable[[Trial], None]) -> None:
        self.trials, self._add = trials, add
        self.last_number = max((trial.number for trial in trials), default=0)

    def started(self, number: int, hold_s: float, at_s: float) -> None:
        """Note nothing: a trial that did not end is asked again."""

    def ended(self, trial: Trial) -> None:
        """Store what a trial showed."""
        self._add(trial)

    def abandoned(self, number: int, at_s: float) -> None:
        """Note nothing: nobody needs the trial any more."""

    def settle(self) -> None:
        """Wait for nothing: the store takes as long as it takes, and the loop goes on."""
