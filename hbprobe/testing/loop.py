"""The warp loop for other people's tests, which cannot hang.

`hbprobe.warp` jumps over waiting. A test needs three things besides: an error with the stacks of all tasks where
nothing can ever wake the loop, or where path time runs without end; a clock that runs at real pace while somebody
outside the loop owes an answer; and `time.monotonic` in step with the loop.
"""

import asyncio
import contextlib
import functools
import sys
import time
import traceback
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from hbprobe.duration import format_duration
from hbprobe.measure.field_values import Duration, read_fields
from hbprobe.testing.monotonic import carried_by, zero_s
from hbprobe.warp import SETTLE_S, Poll, R, WarpClock

if sys.platform == "linux":
    from hbprobe.warp import DirectLoop as _Loop
else:
    from hbprobe.warp import ClockLoop as _Loop

T = TypeVar("T")

LIMIT = 86400.0
_PATIENCE_S = 1.0
"""Real time in which a thread or a signal may still wake a loop that has nothing left to wait for."""


class StuckError(RuntimeError):
    """A test on the warp clock cannot come to its end; the text has the stacks of its tasks."""


class _Clock(WarpClock):
    """A warp clock that knows when there is nothing to jump to, and runs at real pace for whom is asked for."""

    def __init__(self, settle_s: float, limit_s: float) -> None:
        super().__init__(settle_s)
        self._limit_s = limit_s
        self._ends_s = limit_s
        self._asked = 0
        """So many wait for somebody outside."""
        self._real_since_s = 0.0

    def time(self) -> float:
        """Return the seconds that were jumped so far, and those that were waited for somebody outside."""
        now_s = super().time()
        return now_s + time.perf_counter() - self._real_since_s if self._asked else now_s

    def wait(self, poll: Poll[R], timeout_s: float | None, *, busy: bool) -> list[R]:
        """Jump as a warp clock does; raise StuckError where there is nothing to jump to, or the limit is passed."""
        if self._asked:
            return poll(timeout_s)
        if timeout_s is None and not busy:
            if ready := _wait_whole(poll, _PATIENCE_S):
                return ready
            raise StuckError(
                "nothing can ever wake this: no timer runs, no socket has anything to read, no job runs in a thread. "
                "Who waits for another process or thread says so with hbprobe.testing.outside()"
            )
        ready = super().wait(functools.partial(_wait_whole, poll) if self._settle_s else poll, timeout_s, busy=busy)
        if self._now > self._ends_s:
            self._ends_s = self._now + self._limit_s  # tasks that are cancelled now may still wait for something
            raise StuckError(
                f"{format_duration(self._limit_s)} of path time have passed, which is this test's limit: does "
                "something set a timer again and again? A test that is meant to last longer says limit="
            )
        return ready

    @contextlib.contextmanager
    def at_real_pace(self) -> Iterator[None]:
        """Run as any clock does."""
        if not self._asked:
            self._real_since_s = time.perf_counter()
        self._asked += 1
        try:
            yield
        finally:
            if self._asked == 1:
                self._now = self.time()
            self._asked -= 1


def _wait_whole(poll: Poll[R], real_s: float | None) -> list[R]:
    """Wait with `poll`, which comes back after a second at the latest, for so long in real time."""
    if not real_s:
        return poll(real_s)
    ends_s = time.perf_counter() + real_s
    while not (ready := poll(max(0.0, ends_s - time.perf_counter()))) and time.perf_counter() < ends_s:
        pass
    return ready


class WarpLoop(_Loop):
    """An event loop on the warp clock, fit for any runner of asynchronous tests."""

    def __init__(self, settle_s: float, limit_s: float, *, carries_monotonic: bool) -> None:
        self._pace = _Clock(settle_s, limit_s)
        super().__init__(self._pace)
        self._zero_s = zero_s() if carries_monotonic else None

    def run_forever(self) -> None:
        """Run until it is stopped, with `time.monotonic` in step; raise StuckError where that cannot come."""
        __tracebackhide__ = True  # pytest shows the test's own lines
        with contextlib.ExitStack() as stack:
            if self._zero_s is not None:
                stack.enter_context(carried_by(self, self._zero_s))
            try:
                super().run_forever()
            except StuckError as error:
                raise StuckError(f"{error}\n{stacks_of(self)}") from None

    def at_real_pace(self) -> contextlib.AbstractContextManager[None]:
        """Let the clock run as any clock does."""
        return self._pace.at_real_pace()


@dataclass(frozen=True, slots=True)
class LoopFactory:
    """Makes loops of the same options: what `new_loop` takes. Two with the same are equal.

    pytest keeps a loop, and the fixtures that run on it, from one test to the next where both are given an equal one.
    """

    settle: Duration = SETTLE_S
    limit: Duration = LIMIT
    monotonic: bool = True

    def __post_init__(self) -> None:
        read_fields(self)

    def __call__(self) -> WarpLoop:
        """Return a fresh one, in warp from the start."""
        return WarpLoop(float(self.settle), float(self.limit), carries_monotonic=self.monotonic)


def new_loop(*, settle: Duration = SETTLE_S, limit: Duration = LIMIT, monotonic: bool = True) -> WarpLoop:
    """Make a loop whose clock jumps over waiting: a `loop_factory` for asyncio.Runner, pytest-asyncio or anyio.

    `settle`: real time that bytes from outside get before each jump. `limit`: path time after which StuckError is
    raised. `monotonic`: whether `time.monotonic` follows. Durations are seconds, or text such as "50ms" and "2h".
    Raises RequestError for what is none.
    """
    return LoopFactory(settle, limit, monotonic)()


def run(
    main: Coroutine[Any, Any, T], *, settle: Duration = SETTLE_S, limit: Duration = LIMIT, monotonic: bool = True
) -> T:
    """Run a coroutine to its end on a fresh loop of `new_loop`, as `asyncio.run` does on the real clock."""
    __tracebackhide__ = True
    try:
        refuse_running_loop("run")
        loop_factory = LoopFactory(settle, limit, monotonic)
    except BaseException:
        main.close()  # or Python would also complain that nobody has awaited it
        raise
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


def refuse_running_loop(name: str) -> None:
    """Raise RuntimeError where a loop runs in this thread: a function of this name makes one of its own."""
    if asyncio._get_running_loop() is not None:
        raise RuntimeError(f"{name}() in a running event loop: it makes one of its own; call it where none runs")


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """Let the clock run at real pace while another process or thread owes an answer; on any other loop, nothing.

    with outside():
        await process.wait()
    """
    loop = asyncio.get_running_loop()
    with loop.at_real_pace() if isinstance(loop, WarpLoop) else contextlib.nullcontext():
        yield


def stacks_of(loop: asyncio.AbstractEventLoop) -> str:
    """Return where each task of a loop stands, down to what it waits for, in words."""
    tasks = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
    return "\n".join(f"{task.get_name()}:\n{_stack_of(task)}" for task in tasks)


def _stack_of(task: asyncio.Task[Any]) -> str:
    summary = traceback.StackSummary()
    waits: Any = task.get_coro()
    while waits is not None:
        frame = _first(waits, ("cr_frame", "gi_frame", "ag_frame"))
        if frame is not None:
            summary.append(traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        waits = _first(waits, ("cr_await", "gi_yieldfrom", "ag_await"))
    return "".join(summary.format()).rstrip()


def _first(holder: object, names: tuple[str, str, str]) -> Any:  # noqa: ANN401 - nobody can say what it is
    """Return what a coroutine or generator has under the name that its kind uses, or None."""
    return next((found for name in names if (found := getattr(holder, name, None)) is not None), None)
