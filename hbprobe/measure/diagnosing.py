"""A diagnosis carried out: the search for the limit, then every question about it at the same time."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hbprobe.diagnosis.fit import Spread, spread_holds, spread_of
from hbprobe.diagnosis.mend import is_of_the_path
from hbprobe.diagnosis.naming import nameless
from hbprobe.diagnosis.plan import Means, expected_s, in_heartbeats, left_out, plan
from hbprobe.diagnosis.ranking import Match, rank
from hbprobe.diagnosis.reasoning import Reasoning, reason
from hbprobe.diagnosis.saved import is_past
from hbprobe.errors import CannotMeasureError
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.guard import Repeats, persistently
from hbprobe.measure.journal import Answers
from hbprobe.measure.presence import BackOff, Presence
from hbprobe.measure.run import Run
from hbprobe.net.liveness import can_keep_alive
from hbprobe.net.wire import Dialer
from hbprobe.profiles.model import Profile
from hbprobe.records.diagnosis import Diagnosis
from hbprobe.records.result import Result
from hbprobe.text import seconds
from hbprobe.trial.classify import unless_excused
from hbprobe.trial.evidence import Ask, FarEndState, Observation, Question
from hbprobe.trial.explanation import explain
from hbprobe.trial.methods.table import METHODS, MethodTraits, Server
from hbprobe.trial.outcome import Kind, Outcome, Trial, standstill_of
from hbprobe.trial.postmortem import WitnessClient


class Diagnosing:
    """One diagnosis of one path. What it holds stays true when it is cancelled in the middle."""

    def __init__(
        self,
        run: Run,
        dialer: Dialer,
        *,
        elsewhere: Dialer | None = None,
        keep_alives: bool = True,
        trials: int = 0,
        watch: Callable[["Diagnosing"], None] = lambda _: None,
        answers: Answers | None = None,
    ) -> None:
        """`answers` are those of an earlier run, and keep those of this one.

        `trials`: so many more, to see how widely the limit scatters; `watch` is told of whatever changes.
        """
        self.run = run
        self.dialer = dialer
        self.elsewhere = elsewhere
        self.asks: tuple[Ask, ...] = ()
        """What is asked once the limit is known; empty before."""
        self.seen: list[Observation] = []
        self.spread_trials: list[Trial] = []
        self.remarks: tuple[str, ...] = ()
        """What stood in the way of a question, why one was asked again, and what stood in the way of keeping it."""
        self._repeats = Repeats()
        self.complete = False
        self.failure: CannotMeasureError | None = None
        """What stood in the way of the rest."""
        self._here = Presence(run.method, dialer)
        self._there: Presence | None = None
        self._attempts: dict[Ask, list[_Attempt]] = {}
        self._keep_alives = keep_alives and can_keep_alive()
        self._trials = trials
        self._watch = watch
        self._answers = answers or Answers(None)
        self._loop = asyncio.get_running_loop()

    async def to_the_end(self) -> None:
        """Find the limit, and ask all about it; raises CannotMeasureError when there is no finding it."""
        await self.run.to_the_end()
        await self._plan()
        self._watch(self)
        try:
            async with asyncio.TaskGroup() as group:
                for ask in self.asks:
                    group.create_task(self._ask(ask))
                slots = asyncio.Semaphore(self.run.search.settings.connections)
                for hold_s in self._spread_holds():
                    group.create_task(self._try(hold_s, slots))
            async with asyncio.TaskGroup() as group:
                for ask in self._voided():
                    group.create_task(self._ask(ask))
        except BaseExceptionGroup as group_:  # a task group wraps even a single error
            raise group_.exceptions[0] from None
        finally:
            self.remarks += self._repeats.remarks
            told = {*self.run.remarks, *self.remarks}
            self.remarks = (*self.remarks, *(remark for remark in self._answers.remarks if remark not in told))
        if self._here.given_up:
            raise CannotMeasureError(self._here.given_up)
        self.complete = True
        self._watch(self)

    # What it found

    @property
    def remaining_s(self) -> float:
        """How long the questions take at most, side by side, once they are known."""
        grace_s, connections = self.run.search.settings.grace_s, self.run.search.settings.connections
        holds = sorted(self._spread_holds(), reverse=True)
        rounds_s = sum(hold_s + grace_s for hold_s in holds[::connections])
        return max(expected_s(self.asks, grace_s), rounds_s)

    @property
    def more(self) -> int:
        """So many trials are made once the limit is known, to see how it scatters."""
        return len(self._spread_holds())

    @property
    def reasoning(self) -> Reasoning:
        """What the answers so far add up to."""
        return reason(self.run.search.limit, self.seen, self.run.method.name, tls=self.dialer.tls)

    @property
    def spread(self) -> Spread | None:
        """How the limit scatters; None where that was not asked."""
        return spread_of([*self.run.trials, *self.spread_trials]) if self.spread_trials else None

    def matches(self, profiles: Sequence[Profile]) -> tuple[Match, ...]:
        """Return which products fit, the best first."""
        return rank(profiles, self.run.search.limit, self.seen, self.reasoning, self._traits.phase)

    # What it does

    async def _plan(self) -> None:
        limit = self.run.search.limit
        if limit.cut_s is None:
            return
        must_serve = self._traits.server is Server.SERVE
        serves = must_serve and await self._bears_witness()
        if must_serve and not serves:
            self.remarks = ("the far end bears no witness, as an older hbprobe serve: fewer questions were asked",)
        possible = self.run.method.asks
        if not must_serve and (text := left_out(possible)):
            self.remarks = (text,)
        means = Means(
            serves or not must_serve, self._keep_alives, self.elsewhere is not None, pings=bool(self._traits.talk)
        )
        asks = plan(limit, means)
        asks = tuple(ask for ask in asks if ask.question in possible)
        if (takes := self.run.method.limits) is not None:
            asks = in_heartbeats(asks, limit, takes.max_s, takes.step_s or 1)
        self.asks = asks

    async def _bears_witness(self) -> bool:
        """Ask whether the far end is one that does; raises CannotMeasureError where it is gone for good."""
        witness = WitnessClient(self.dialer)
        if await witness.is_there():
            return True
        if not await self._here.back(BackOff()):
            raise CannotMeasureError(self._here.given_up)
        return await witness.is_there()

    def _asking(self, ask: Ask) -> Presence:
        """Ask in the same way at the other address, so that only the address makes a difference."""
        if ask.question is not Question.ELSEWHERE or self.elsewhere is None:
            return self._here
        if self._there is None:
            self._there = Presence(self.run.method.at(self.elsewhere), self.elsewhere, stood=False)
        return self._there

    @property
    def _traits(self) -> MethodTraits:
        return METHODS[self.run.method.name]

    def _spread_holds(self) -> tuple[float, ...]:
        if not self._trials:
            return ()
        return spread_holds(self.run.search.limit, self._trials, self.run.search.settings.max_s)

    async def _ask(self, ask: Ask) -> None:
        seen = self._answers.known(ask)
        if seen is None:
            seen = await self._asked(ask)
            self._answers.answered(seen)
        self.seen.append(seen)
        self._watch(self)

    async def _asked(self, ask: Ask) -> Observation:
        asking, grace_s = self._asking(ask), self.run.search.settings.grace_s
        attempts = self._attempts.setdefault(ask, [])

        async def make() -> tuple[Observation, Outcome]:
            began_s = self._loop.time()
            raw = await asking.ask(ask)
            seen = unless_excused(raw, grace_s)
            outcome = _with_aftermath(seen.outcome, raw, tls=self.dialer.tls)
            doubt, is_evidence = self._doubt(ask, outcome), outcome.kind is not Kind.FAILED
            attempts.append(_Attempt(began_s, self._loop.time(), doubt, is_evidence))
            return seen, outcome

        note, doubt = functools.partial(self._repeats.note, _name(ask)), functools.partial(self._doubt, ask)
        return (await persistently(self.run.guard, make, lambda made: made[1], note, asking.back, doubt))[0]

    def _doubt(self, ask: Ask, outcome: Outcome) -> str:
        """Say why what a question showed is to be met again before it is believed; empty where it is not."""
        past = ask.question is not Question.ELSEWHERE and is_past(self.run.search.limit, outcome)
        return standstill_of(ask.hold_s, outcome) or (_PAST if past else "")

    def _voided(self) -> tuple[Ask, ...]:
        """Take back what was cut while something stood still, as another question has found out; return that."""
        stood = [one for attempts in self._attempts.values() for one in _standstills(attempts)]
        cut = (one.ask for one in self.seen if one.outcome.kind is Kind.CUT)
        once = {ask: attempts[0] for ask in cut if len(attempts := self._attempts.get(ask, [])) == 1}
        voided = tuple(ask for ask, attempt in once.items() if any(attempt.meets(one) for one in stood))
        for ask in voided:
            self._repeats.note(_name(ask), _BESIDE)
        if voided:
            self.seen = [one for one in self.seen if one.ask not in voided]
            self._watch(self)
        return voided

    async def _try(self, hold_s: float, slots: asyncio.Semaphore) -> None:
        known = self._answers.known_trial(hold_s)
        if known is not None:
            self.spread_trials.append(known)
            return
        async with slots:
            started_s = self.run.path_s
            make, doubt = self._here.trial, functools.partial(standstill_of, hold_s)
            note = functools.partial(self._repeats.note, f"one more trial ({seconds(hold_s)} s)")
            outcome = await persistently(
                self.run.guard, lambda: make(hold_s), lambda outcome: outcome, note, self._here.back, doubt
            )
        if outcome.kind is not Kind.FAILED:
            number = len(self.run.trials) + len(self.spread_trials) + 1
            trial = Trial(number, hold_s, started_s, outcome)
            self._answers.tried(trial)
            self.spread_trials.append(trial)
            self._watch(self)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A question that was asked once; on the loop's clock."""

    began_s: float
    ended_s: float
    doubt: str
    """Why it was asked again; empty where it was believed."""
    is_evidence: bool

    def meets(self, other: "_Attempt") -> bool:
        """Say whether both were under way at one time."""
        return self.began_s < other.ended_s and other.began_s < self.ended_s


def _standstills(attempts: Sequence[_Attempt]) -> list[_Attempt]:
    """Return those attempts at one question in which something stood still, as the last one shows."""
    last = attempts[-1] if attempts else None
    is_told = last is not None and last.is_evidence and not last.doubt
    return [one for one in attempts if one.doubt] if is_told else []


def _name(ask: Ask) -> str:
    return f"{ask.question} ({seconds(ask.hold_s)} s)"


_PAST = "it ended well past the limit, as where something on the path stands still"
_BESIDE = "it was cut while something on the path stood still, as another question shows; asked again"

_LOST = (FarEndState.UNACKNOWLEDGED, FarEndState.UNREACHABLE, FarEndState.RESTARTED)
"""Packets from the far end came to nobody."""


def _with_aftermath(outcome: Outcome, seen: Observation, *, tls: bool) -> Outcome:
    """Return what a question showed, with what is known of its connection: alive where nothing speaks against it."""
    if outcome.kind is not Kind.CUT or outcome.how is not Manner.SILENT:
        return outcome
    if seen.socket is not None and seen.socket.aftermath is not None:
        return replace(outcome, aftermath=seen.socket.aftermath, causes=explain(seen, tls=tls).causes)
    is_lost = seen.far_end is not None and seen.far_end.state in _LOST
    return replace(outcome, aftermath=None if is_lost else Aftermath.ACKNOWLEDGED)


def sum_up(found: Diagnosing, result: Result, profiles: Sequence[Profile]) -> Diagnosis:
    """Sum a diagnosis up that has run: its answers, with the result of its search."""
    reasoning = found.reasoning
    verdict = result.verdict if is_of_the_path(reasoning) else None
    return Diagnosis(
        result=replace(result, complete=found.complete, verdict=verdict, notes=(*result.notes, *found.remarks)),
        asks=found.asks,
        seen=tuple(sorted(found.seen, key=lambda one: found.asks.index(one.ask))),
        reasoning=reasoning,
        matches=found.matches(profiles),
        nameless=nameless(profiles, found.seen),
        spread=found.spread,
        elsewhere=None if found.elsewhere is None else str(found.elsewhere.target),
    )
