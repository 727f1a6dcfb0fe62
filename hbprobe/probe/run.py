"""A search carried out: the holds that it asks for become trials, and what they show goes to it and the journal."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hbprobe.errors import CannotMeasureError
from hbprobe.probe.journal import Journal
from hbprobe.probe.methods import Method
from hbprobe.probe.outcome import Kind, Outcome, Trial
from hbprobe.probe.search import Search


@dataclass(frozen=True, slots=True)
class Running:
    """A trial that has not ended yet."""

    number: int
    hold_s: float
    started_s: float


class Run:
    """One search on one path. What it holds stays true when it is cancelled in the middle."""

    def __init__(
        self,
        search: Search,
        method: Method,
        journal: Journal | None = None,
        watch: Callable[["Run"], None] | None = None,
    ) -> None:
        self.search = search
        self.method = method
        self.trials: list[Trial] = []
        self.running: list[Running] = []
        self.complete = False
        self._journal = journal
        self._watch = watch or (lambda _: None)
        self._loop = asyncio.get_running_loop()
        self._zero_s = self._loop.time()
        self._started = 0
        if journal is not None:
            self._started = journal.last_number
            for trial in journal.trials:
                self._take_up(trial)

    def _take_up(self, trial: Trial) -> None:
        """Take over a trial of an earlier run; its failures are asked again."""
        self._zero_s = min(self._zero_s, self._loop.time() - trial.started_s - trial.outcome.elapsed_s)
        if trial.outcome.kind is not Kind.FAILED:
            self.trials.append(trial)
            self.search.record(trial.hold_s, trial.outcome)

    @property
    def path_s(self) -> float:
        """Path time that the search has taken so far, earlier runs included."""
        return self._loop.time() - self._zero_s

    async def to_the_end(self) -> None:
        """Search until the limit is known; raises CannotMeasureError when a trial failed to say anything."""
        while holds := self.search.next_holds():
            await self._round(holds)
        self.complete = True
        self._watch(self)

    async def _round(self, holds: tuple[float, ...]) -> None:
        tasks: dict[asyncio.Task[Outcome], Running] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for hold_s in holds:
                    running = self._start(hold_s)
                    tasks[group.create_task(self.method.trial(hold_s))] = running
                self._watch(self)
                await self._gather(tasks)
        except BaseExceptionGroup as group:  # a task group wraps even a single error
            raise group.exceptions[0] from None
        finally:
            self.running.clear()

    async def _gather(self, tasks: dict[asyncio.Task[Outcome], Running]) -> None:
        """Take in the trials of a round as they end, and give those up whose question is answered."""
        while tasks:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            ended = sorted(((tasks.pop(task), task.result()) for task in done), key=lambda pair: pair[0].number)
            for running, outcome in ended:
                self._end(running, outcome)
            for _, outcome in ended:
                if outcome.kind is Kind.FAILED:
                    raise CannotMeasureError(outcome.reason)
            for task, running in list(tasks.items()):
                if self.search.is_moot(running.hold_s):
                    task.cancel()
                    self._abandon(tasks.pop(task))
            self._watch(self)

    def _start(self, hold_s: float) -> Running:
        self._started += 1
        running = Running(self._started, hold_s, self.path_s)
        self.running.append(running)
        if self._journal is not None:
            self._journal.started(running.number, hold_s, running.started_s)
        return running

    def _end(self, running: Running, outcome: Outcome) -> None:
        self.running.remove(running)
        trial = Trial(running.number, running.hold_s, running.started_s, outcome)
        if self._journal is not None:
            self._journal.ended(trial)
        if outcome.kind is not Kind.FAILED:
            self.trials.append(trial)
            self.search.record(running.hold_s, outcome)

    def _abandon(self, running: Running) -> None:
        self.running.remove(running)
        if self._journal is not None:
            self._journal.abandoned(running.number, self.path_s)
