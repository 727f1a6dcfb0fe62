"""A search carried out: the holds that it asks for become trials, and what they show goes to it and the journal."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hbprobe.errors import CannotMeasureError
from hbprobe.measure.journal import Record
from hbprobe.search.search import Search
from hbprobe.trial.methods import Method
from hbprobe.trial.outcome import Kind, Outcome, Trial

_MOST_VOID = 5
"""So many trials in a row may end without evidence, for reasons that may pass, before the search gives up."""
_LONGEST_PAUSE_S = 1800.0
"""A server that asks for a longer pause is not waited for."""


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
        journal: Record | None = None,
        watch: Callable[["Run"], None] | None = None,
    ) -> None:
        self.search = search
        self.method = method
        self.trials: list[Trial] = []
        self.running: list[Running] = []
        self.complete = False
        self.remarks: list[str] = []
        """What went on beside the evidence: trials that had to be repeated, pauses that the server asked for."""
        self._void = 0
        self._pause_s = 0.0
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
            await self._pause()
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
            for running, outcome in ended:
                self._weigh(running, outcome)
            for task, running in list(tasks.items()):
                if self.search.is_moot(running.hold_s):
                    task.cancel()
                    self._abandon(tasks.pop(task))
            self._watch(self)

    def _weigh(self, running: Running, outcome: Outcome) -> None:
        """Give up where a trial failed for good, or too many failed in a row; note the pause that was asked for."""
        self._pause_s = max(self._pause_s, outcome.pause_s)
        if outcome.kind is not Kind.FAILED:
            self._void = 0
            return
        if not outcome.again:
            raise CannotMeasureError(outcome.reason)
        self._void += 1
        if self._void == _MOST_VOID:
            raise CannotMeasureError(f"{_MOST_VOID} trials in a row were no evidence, lastly: {outcome.reason}")
        self.remarks.append(f"trial {running.number} (hold {running.hold_s:g} s) was no evidence: {outcome.reason}")

    async def _pause(self) -> None:
        """Leave the server alone for as long as it asked."""
        pause_s, self._pause_s = self._pause_s, 0.0
        if pause_s > _LONGEST_PAUSE_S:
            most = f"hbprobe waits for {_LONGEST_PAUSE_S:g} s at most"
            raise CannotMeasureError(f"the server asks for a pause of {pause_s:g} s, and {most}: try again then")
        if pause_s:
            self.remarks.append(f"the server asked for a pause of {pause_s:g} s, and got it")
            self._watch(self)
            await asyncio.sleep(pause_s)

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
