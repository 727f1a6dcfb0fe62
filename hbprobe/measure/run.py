"""A search carried out: the holds that it asks for become trials, and what they show goes to it and the journal.

A trial that is no evidence is made again where that may help: one that this process slept through, one to which the
server had something else to say, and one that found path or server out of order, be it only after it was cut. What
cannot pass ends the search, with all that is known so far.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hbprobe.errors import CannotMeasureError
from hbprobe.measure.guard import MOST_STALLED, Guard, judged, standstill
from hbprobe.measure.journal import Record
from hbprobe.measure.presence import FIRST_PATIENCE_S, PATIENCE_S, BackOff, Presence
from hbprobe.net.wire import Dialer
from hbprobe.search.search import Search
from hbprobe.text import seconds
from hbprobe.trial.classify import PROMPT_S
from hbprobe.trial.methods.method import Method
from hbprobe.trial.outcome import Kind, Outcome, Trial

_MOST_VOID = 5
"""So many rounds in a row may end without evidence, for reasons that may pass, before the search gives up."""
_LONGEST_PAUSE_S = 1800.0
"""A server that asks for a longer pause is not waited for."""
_FIRST_LOOK = "the first look at the far end"


class UnfinishedError(CannotMeasureError):
    """The search ended before its time; what it has found so far stands."""

    def __init__(self, reason: str, run: "Run") -> None:
        super().__init__(reason)
        self.run = run


@dataclass(frozen=True, slots=True)
class Running:
    """A trial that has not ended yet."""

    number: int
    hold_s: float
    started_s: float


class Run:
    """One search on one path. What it holds stays true when it is cancelled in the middle."""

    rate = 1.0
    """Seconds of the path in one of the loop's."""

    def __init__(
        self,
        search: Search,
        method: Method,
        journal: Record | None = None,
        watch: Callable[["Run"], None] | None = None,
        guard: Guard | None = None,
        dialer: Dialer | None = None,
    ) -> None:
        """`dialer` reaches the far end that the method holds its connections to."""
        self.search = search
        self.method = method
        self._presence = Presence(method, dialer)
        self.trials: list[Trial] = []
        self.running: list[Running] = []
        self.complete = False
        self.remarks: list[str] = []
        """What went on beside the evidence: trials that had to be repeated, pauses, a disk that is full."""
        self._void = self._stalled = 0
        """So many rounds in a row had no evidence, for want of a server in order, or because this process slept."""
        self._is_counted = False
        """This round is among them: its trials are held side by side, and meet one trouble together."""
        self._outage: _Outage | None = None
        self._has_stood = False
        """The far end has shown what it is, or a request was held for a while: path and server can do that."""
        self._pause_s = 0.0
        self._journal = journal
        self._watch = watch or (lambda _: None)
        self._loop = asyncio.get_running_loop()
        self._guard = guard
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
            self._has_stood = True
            self.trials.append(trial)
            self.search.record(trial.hold_s, trial.outcome)

    @property
    def path_s(self) -> float:
        """Path time that the search has taken so far, earlier runs included."""
        return self._loop.time() - self._zero_s

    @property
    def guard(self) -> Guard:
        """Who watches whether this process is awake; what bends a limit by less than half its precision may pass."""
        if self._guard is None:
            settings = self.search.settings
            self._guard = Guard(min(settings.grace_s, settings.precision_s) / 2 / self.rate)
        return self._guard

    async def to_the_end(self) -> None:
        """Search until the limit is known; raises UnfinishedError where that cannot be."""
        try:
            if holds := self.search.next_holds():
                await self._prove()
            while holds:
                await self._round(holds)
                await self._pause()
                holds = self.search.next_holds()
            self.complete = True
        finally:
            if self._journal is not None:
                self._journal.settle()
            self._tell()

    async def _prove(self) -> None:
        """See first whether there is at the other end what the method needs."""
        while True:
            self._is_counted = False
            with self.guard.watching() as watched:
                objection = await self.method.prove()
            if objection is None:
                self._has_stood = True
                return self._take_heart()
            self._weigh(_FIRST_LOOK, judged(objection, watched.stalled_s))
            await self._pause()

    async def _round(self, holds: tuple[float, ...]) -> None:
        tasks: dict[asyncio.Task[Outcome], Running] = {}
        self._is_counted = False
        try:
            async with asyncio.TaskGroup() as group:
                for hold_s in holds:
                    running = self._start(hold_s)
                    tasks[group.create_task(self._trial(hold_s))] = running
                self._tell()
                await self._gather(tasks)
        except BaseExceptionGroup as group:  # a task group wraps even a single error
            raise group.exceptions[0] from None
        finally:
            self.running.clear()

    async def _trial(self, hold_s: float) -> Outcome:
        return await self.guard.trial(lambda: self._presence.trial(hold_s))

    async def _gather(self, tasks: dict[asyncio.Task[Outcome], Running]) -> None:
        """Take in the trials of a round as they end, and give those up whose question is answered."""
        while tasks:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            ended = sorted(((tasks.pop(task), task.result()) for task in done), key=lambda pair: pair[0].number)
            for running, outcome in ended:
                self._end(running, outcome)
            for running, outcome in ended:
                name = f"trial {running.number} (hold {seconds(running.hold_s)} s)"
                self._weigh(name, outcome)
            for task, running in list(tasks.items()):
                if self.search.is_moot(running.hold_s):
                    task.cancel()
                    self._abandon(tasks.pop(task))
            self._tell()

    def _weigh(self, name: str, outcome: Outcome) -> None:
        """Give up where something failed for good, or too often; note the pause that was asked for."""
        self._pause_s = max(self._pause_s, outcome.pause_s)
        self._has_stood |= outcome.elapsed_s >= PROMPT_S
        if outcome.kind is not Kind.FAILED:
            if outcome.stalled_s:
                text = f"{standstill(outcome.stalled_s)} during {name}, which survived all the same"
                self.remarks.append(text)
            self._take_heart()
        elif not outcome.again:
            raise UnfinishedError(outcome.reason, self)
        elif outcome.stalled_s:
            self._void_by_stall(name, outcome)
        elif outcome.outage:
            self._void_by_outage(name, outcome)
        else:
            self._void_by_server(name, outcome)

    def _take_heart(self) -> None:
        """Take path and server for well again."""
        if self._outage is not None:
            lasted_s = self._loop.time() - self._outage.since_s
            self.remarks.append(f"after {lasted_s:.0f} s and {self._outage.trials} attempts it went on")
        self._void = self._stalled = 0
        self._outage = None

    def _void_by_stall(self, name: str, outcome: Outcome) -> None:
        self._stalled += not self._is_counted
        self._is_counted = True
        if self._stalled == MOST_STALLED:
            raise UnfinishedError(f"{MOST_STALLED} times in a row: {outcome.reason}", self)
        self._remark_void(name, outcome)

    def _void_by_outage(self, name: str, outcome: Outcome) -> None:
        if self._outage is None:
            self._outage = _Outage(self._loop.time())
        outage = self._outage
        outage.trials += 1
        outage.is_new = True
        lasted_s = self._loop.time() - outage.since_s
        is_over = (
            outage.back_off.waited_s >= PATIENCE_S
            if self._has_stood
            else outage.back_off.rounds and lasted_s >= FIRST_PATIENCE_S
        )
        if is_over:
            tried = (
                f"; {outage.back_off.rounds} more attempts in {lasted_s:.0f} s were in vain"
                if self._has_stood
                else ""
            )
            raise UnfinishedError(outcome.reason + tried, self)
        if outcome.reason not in outage.reasons:
            outage.reasons.add(outcome.reason)
            self._remark_void(name, outcome)

    def _void_by_server(self, name: str, outcome: Outcome) -> None:
        self._void += not self._is_counted
        self._is_counted = True
        if self._void == _MOST_VOID:
            text = f"{_MOST_VOID} times in a row no trial was evidence, lastly: {outcome.reason}"
            raise UnfinishedError(text, self)
        self._remark_void(name, outcome)

    def _remark_void(self, name: str, outcome: Outcome) -> None:
        self.remarks.append(f"{name} was no evidence: {outcome.reason}")

    async def _pause(self) -> None:
        """Leave the server alone for as long as it asked, and an outage some time to pass."""
        pause_s, self._pause_s = self._pause_s, 0.0
        if pause_s > _LONGEST_PAUSE_S:
            most = f"hbprobe waits for {_LONGEST_PAUSE_S:g} s at most"
            raise UnfinishedError(f"the server asks for a pause of {pause_s:g} s, and {most}: try again then", self)
        if pause_s:
            self.remarks.append(f"the server asked for a pause of {pause_s:g} s, and got it")
            self._tell()
        if self._outage is not None and self._outage.is_new:
            self._outage.is_new = False
            pause_s = max(pause_s, self._outage.back_off.next_s())
        if pause_s:
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

    def _tell(self) -> None:
        """Let whoever watches know, also of what the journal has to say."""
        if self._journal is not None:
            told = set(self.remarks)
            self.remarks += [remark for remark in self._journal.remarks if remark not in told]
        self._watch(self)


@dataclass(slots=True)
class _Outage:
    """A time in which path or server are out of order."""

    since_s: float
    trials: int = 0
    back_off: BackOff = field(default_factory=BackOff)
    is_new: bool = False
    """Something failed since the last pause."""
    reasons: set[str] = field(default_factory=set)
