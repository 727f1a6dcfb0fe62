"""Whether this process was awake: what a trial shows while it, or its machine, stood still is not the path's doing.

A probe that is stopped (SIGSTOP, Ctrl-Z), starved of the processor or suspended with its machine meets deadlines that
have passed and ends that it dates too late. Two signs give that away: a tick of the loop that comes late, and clocks
that have moved against each other, for the loop's may stand still in suspend (Linux: clock_gettime(2),
CLOCK_MONOTONIC does not count it, CLOCK_BOOTTIME does; a paused virtual machine shows in the clock on the wall).

A cut or a failure that fell into such a time is void, and the trial is made again. A survival stands: standing still
makes no dead connection answer.

The warp clock does not pass while code runs, so nothing can be late on it, and the guard does nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hbprobe.errors import CannotMeasureError
from hbprobe.measure.presence import BackOff
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.warp import rate_of

T = TypeVar("T")

MOST_STALLED = 50
"""So many times in a row is a trial made again that this process slept through."""
_TICK_S = 0.1
"""Real time. A stall is known to within this, and may be told as so much shorter."""
_LEAST_S = 0.25
"""Real time. Less is what any busy machine does."""
_CLOCK_STEP_S = 0.5
"""Real time. Clocks that are being corrected drift apart by less between two ticks."""


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which this process did nothing; on the loop's clock."""

    ended_s: float
    lasted_s: float


@dataclass(slots=True)
class Watched:
    """What the guard saw while something ran."""

    stalls: list[Stall] = field(default_factory=list)

    @property
    def stalled_s(self) -> float:
        """How long the process stood still in all; 0 where it was awake."""
        return sum(stall.lasted_s for stall in self.stalls)


def clock_offsets() -> tuple[float, ...]:
    """Return by how much the clocks that go on in suspend are ahead of the one that may not."""
    now_s = time.monotonic()  # noqa: TID251  it is the clocks themselves that are compared here
    boot_s = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else now_s
    return time.time() - now_s, boot_s - now_s  # noqa: TID251


class Guard:
    """Watches over trials, any number at the same time."""

    def __init__(self, allowed_s: float, offsets: Callable[[], tuple[float, ...]] = clock_offsets) -> None:
        """`allowed_s`: on the loop's clock, so late may anything be without bending what is measured."""
        self._loop = asyncio.get_running_loop()
        rate = rate_of(self._loop)
        self._is_needed = rate > 0
        self._allowed_s = max(allowed_s, _LEAST_S * rate)
        self._step_s = max(_CLOCK_STEP_S, allowed_s / rate) if self._is_needed else 0.0
        self._tick_s = _TICK_S * rate
        self._offsets = offsets
        self._ahead: tuple[float, ...] = ()
        self._due_s = 0.0
        self._tick: asyncio.TimerHandle | None = None
        self._watched: list[Watched] = []

    @contextmanager
    def watching(self) -> Iterator[Watched]:
        """Watch until the block ends; what it yields tells what was seen."""
        watched = Watched()
        if not self._is_needed:
            yield watched
            return
        if self._watched:
            self._look()  # what was before is not this one's
        else:
            self._ahead = self._offsets()
            self._set()
        self._watched.append(watched)
        try:
            yield watched
        finally:
            self._look()
            self._watched = [other for other in self._watched if other is not watched]
            if not self._watched and self._tick is not None:
                self._tick.cancel()

    async def trial(self, make: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Make a trial, once; where this process slept through it, what it showed is void."""
        with self.watching() as watched:
            outcome = await make()
        return judged(outcome, watched.stalled_s)

    def _set(self) -> None:
        self._due_s = self._loop.time() + self._tick_s
        self._tick = self._loop.call_at(self._due_s, self._on_tick)

    def _on_tick(self) -> None:
        self._look()
        self._set()

    def _look(self) -> None:
        """See whether the tick is late, or a clock has moved on without the others."""
        now_s, ahead = self._loop.time(), self._offsets()
        late_s = max(0.0, now_s - self._due_s)
        stepped_s = max((new - old for new, old in zip(ahead, self._ahead, strict=True)), default=0.0)
        self._ahead, self._due_s = ahead, max(self._due_s, now_s)
        if late_s > self._allowed_s or stepped_s > self._step_s:
            stall = Stall(now_s, max(late_s, stepped_s))
            for watched in self._watched:
                watched.stalls.append(stall)


def judged(outcome: Outcome, stalled_s: float) -> Outcome:
    """Return what a trial means during which this process stood still for so long."""
    if not stalled_s or outcome.kind is Kind.SURVIVED:
        return replace(outcome, stalled_s=stalled_s)
    showed = outcome.how or outcome.reason
    reason = f"{standstill(stalled_s)}; what it saw then ({showed}) may be its own doing"
    return Outcome(
        Kind.FAILED,
        outcome.elapsed_s,
        reason=reason,
        again=True,
        pause_s=outcome.pause_s,
        stalled_s=stalled_s,
        connection=outcome.connection,
    )


def standstill(stalled_s: float) -> str:
    """Say that this process stood still."""
    return f"hbprobe, or the machine that it runs on, stood still for {stalled_s:.1f} s"


_PAUSES_S = (1.0, 5.0, 25.0)
"""So long path and server are left alone before another attempt, if they were out of order."""


class Repeats:
    """What was made again, and why, for the result to tell."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def note(self, name: str, why: str) -> None:
        """Note that the trial of that name is made again, or what it survived."""
        names = self._names.setdefault(why, [])
        if name not in names:
            names.append(name)

    @property
    def remarks(self) -> tuple[str, ...]:
        """A line for each reason, with all that it concerned."""
        return tuple(f"{', '.join(names)}: {why}" for why, names in self._names.items())


async def _always_there(_: BackOff) -> bool:
    return True


async def persistently(
    guard: Guard,
    make: Callable[[], Awaitable[T]],
    outcome: Callable[[T], Outcome],
    note: Callable[[str], None] = lambda _: None,
    back: Callable[[BackOff], Awaitable[bool]] = _always_there,
    doubt: Callable[[Outcome], str] = lambda _: "",
) -> T:
    """Make a trial, and again where that may help; return the last one. `outcome` tells what one showed.

    `note` is told why it is made again; `back` waits for a far end that is gone, and says whether it has come back.
    `doubt` says why a cut may be none of a timer, such as a standstill of something on the path: it is one where
    that comes again. Raises CannotMeasureError where this process stood still in every attempt.
    """
    pauses, stalled, back_off, doubted = iter(_PAUSES_S), 0, BackOff(), ""
    while True:
        with guard.watching() as watched:
            made = await make()
        showed = judged(outcome(made), watched.stalled_s)
        if doubted and showed.kind is not Kind.FAILED and not doubt(showed):
            note(f"{doubted}; asked again, that did not come again")
        if showed.kind is Kind.SURVIVED:
            if showed.stalled_s:
                note(f"survived, though {standstill(showed.stalled_s)}")
            return made
        if showed.stalled_s:
            stalled += 1
            if stalled == MOST_STALLED:
                raise CannotMeasureError(f"{standstill(showed.stalled_s)}, and so it did {stalled} times in a row")
        elif not doubted and (doubted := doubt(showed)):
            continue
        elif not showed.again:
            return made
        else:
            waited_s, stalled = back_off.waited_s, 0
            if showed.outage and not await back(back_off):
                return made
            if back_off.waited_s == waited_s:  # somebody is there
                if (pause_s := next(pauses, None)) is None:
                    return made
                await asyncio.sleep(max(pause_s, showed.pause_s))
        note(f"no evidence, and made again: {showed.reason}")
