"""An asyncio event loop with its own clock: real, scaled, or warp.

All durations in hbprobe come from the running loop's `time()`. So the same server, relay and probe run

- in real time, on a real path;
- scaled by N, where one second of the clock takes 1/N real seconds, beside programs from outside;
- in warp, where time stands still while code runs and jumps to the next timer when nothing else is left.

Nothing is left when no socket is ready, no callback is queued, and no job runs in the thread pool. Bytes that
are still inside the kernel must not be missed. On Linux there are none: loopback delivers within the sender's
own system call (the packet passes the network softirq before `send` returns), so what was sent is readable
before the loop asks. Other systems may deliver a moment later; there the loop gives them `settle_s` of real
time before each jump.
"""

import asyncio
import contextlib
import contextvars
import selectors
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, TypeVarTuple

from hbprobe.readiness import AT_ONCE, Event, Readiness

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SETTLE_S = 0.0 if sys.platform == "linux" else 0.001
_LONGEST_WAIT_S = 1.0
"""Real time. Ctrl-C does not end a wait that it comes just before; on Windows it ends none at all."""

SHORTEST_STALL_S = 0.1
_MOST_STALLS = 256

Ready = list[tuple[selectors.SelectorKey, int]]
R = TypeVar("R")
Poll = Callable[[float | None], list[R]]


class Clock(Protocol):
    """Where a loop's time comes from, and how it passes while the loop waits."""

    rate: float
    """So many of its seconds pass in a real one, whatever the program does."""

    def time(self) -> float:
        """Return the time in seconds; the zero is arbitrary, and it never runs backwards."""
        ...

    def wait(self, poll: Poll[R], timeout_s: float | None, *, busy: bool) -> list[R]:
        """Wait for sockets with `poll`, at most `timeout_s` seconds of this clock (None: without end).

        `poll` takes real seconds. `busy` says that a job runs in the thread pool.
        """
        ...


class ScaledClock:
    """Real time, `rate` times as fast."""

    def __init__(self, rate: float = 1.0) -> None:
        if not 0 < rate < float("inf"):
            raise ValueError(f"a clock's rate is a number above 0, not {rate}")
        self.rate = rate
        self._start = time.perf_counter()

    def time(self) -> float:
        """Return the seconds since the clock was made, times the rate."""
        return (time.perf_counter() - self._start) * self.rate

    def wait(self, poll: Poll[R], timeout_s: float | None, *, busy: bool) -> list[R]:
        """Wait in real time; a job in the thread pool makes no difference."""
        del busy
        return poll(None if timeout_s is None else timeout_s / self.rate)


class WarpClock:
    """Time that passes only when there is nothing to do, and then all at once."""

    rate = 0.0

    def __init__(self, settle_s: float = SETTLE_S) -> None:
        self._now = 0.0
        self._settle_s = settle_s

    def time(self) -> float:
        """Return the seconds that were jumped so far."""
        return self._now

    def wait(self, poll: Poll[R], timeout_s: float | None, *, busy: bool) -> list[R]:
        """Return what is ready; if nothing is, jump over the timeout instead of waiting for it."""
        if timeout_s is not None and timeout_s <= 0:
            return poll(0)
        if busy or timeout_s is None:
            return poll(None)
        ready = poll(self._settle_s)
        if not ready:
            self._now += timeout_s
        return ready


class Stalls:
    """When a loop stood still: what it ran took long, or the process was stopped, or the machine asleep.

    Whatever came or was due meanwhile was seen too late, and must not be told as something that the path did. Of all
    stalls it keeps those that it takes to name the longest one since any time.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[float, float]] = deque(maxlen=_MOST_STALLS)
        """The end of each and its length: none that is older and shorter than another."""

    def add(self, start_s: float, end_s: float) -> None:
        """Take note of a time during which the loop looked at nothing."""
        if (length_s := end_s - start_s) < SHORTEST_STALL_S:
            return
        while self._kept and self._kept[-1][1] <= length_s:
            self._kept.pop()
        self._kept.append((end_s, length_s))

    def longest_since(self, since_s: float) -> float:
        """Return how long the longest stall took that ended at that time or later; 0 where there was none."""
        return next((length_s for end_s, length_s in self._kept if end_s >= since_s), 0.0)


class _Waiter(selectors.DefaultSelector):
    """A selector whose waiting is done by a clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.jobs = 0
        """So many run in the thread pool, or have ended and not reached the loop yet."""
        self.stalls: Stalls | None = None
        """None while nobody asks for them: it costs a look at the clock before and after each wait."""
        self._back_s = 0.0
        self._asleep_s = 0.0

    def select(self, timeout: float | None = None) -> Ready:
        return self._wait(self._poll, timeout)

    def _wait(self, poll: Poll[R], timeout: float | None) -> list[R]:
        if self.stalls is None or not self._clock.rate:  # the warp clock stands still meanwhile
            return self._clock.wait(poll, timeout, busy=self.jobs > 0)
        return self._watched(self.stalls, self._clock, poll, timeout)

    def watch_stalls(self) -> Stalls:
        if self.stalls is None:
            self.stalls, self._back_s, self._asleep_s = Stalls(), self._clock.time(), _asleep()
        return self.stalls

    def _watched(self, stalls: Stalls, clock: Clock, poll: Poll[R], timeout: float | None) -> list[R]:
        began_s = clock.time()
        stalls.add(self._back_s, began_s)
        ready = clock.wait(poll, timeout, busy=False)
        self._back_s = clock.time()
        longest_s = _LONGEST_WAIT_S * clock.rate
        stalls.add(began_s + (longest_s if timeout is None else min(timeout, longest_s)), self._back_s)
        asleep_s = _asleep()
        stalls.add(self._back_s - (asleep_s - self._asleep_s) * clock.rate, self._back_s)
        self._asleep_s = asleep_s
        return ready

    def _poll(self, timeout_s: float | None) -> Ready:
        """Wait in real time; a loop that is woken too early goes back to sleep."""
        return super().select(_LONGEST_WAIT_S if timeout_s is None else min(timeout_s, _LONGEST_WAIT_S))


class _DirectWaiter(_Waiter):
    """One that waits in another epoll object, in which all that it watches itself is one entry.

    As long as only calls for descriptors of that other one are made, and these leave the loop nothing to do, it stays
    in its wait.
    """

    def __init__(self, clock: Clock, readiness: Readiness) -> None:
        super().__init__(clock)
        self.has_work = False
        """The loop has been given something to do since it began to wait."""
        self.registered: set[int] = set()
        """The descriptors that asyncio watches."""
        self._readiness = readiness
        self._poll_epoll = readiness.poll
        self._own_is_ready = False
        readiness.add_reader(self.fileno(), (self._look, ()))

    def register(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self.registered.add(key.fd)
        return key

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self.registered.discard(key.fd)
        return key

    def select(self, timeout: float | None = None) -> Ready:
        clock, tell = self._clock, self._readiness.tell
        end_s = None if timeout is None else clock.time() + timeout
        while True:
            self.has_work = False
            if self.stalls is None:
                events = clock.wait(self._poll_both, timeout, busy=self.jobs > 0)
            else:
                events = self._wait(self._poll_both, timeout)
            tell(events)
            if self._own_is_ready:
                self._own_is_ready = False
                return super(_Waiter, self).select(0)
            if self.has_work or not events:
                return []
            if end_s is not None and (timeout := end_s - clock.time()) <= 0:
                return []

    def close(self) -> None:
        self._readiness.close()
        super().close()

    def _look(self) -> None:
        self._own_is_ready = True

    def _poll_both(self, timeout_s: float | None) -> list[Event]:
        return self._poll_epoll(
            _LONGEST_WAIT_S if timeout_s is None or timeout_s > _LONGEST_WAIT_S else timeout_s, AT_ONCE
        )


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop that lives by the given clock.

    A job in the thread pool holds the warp clock still from the moment it is handed over until its result has
    reached the loop; otherwise a name look-up would take hours of path time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.time = clock.time  # type: ignore[method-assign]  # asked for more often than anything else
        super().__init__(self._make_waiter(clock))
        self.set_default_executor(ThreadPoolExecutor(thread_name_prefix="hbprobe"))

    def _make_waiter(self, clock: Clock) -> _Waiter:
        self._waiter = _Waiter(clock)
        return self._waiter

    def watch_stalls(self) -> Stalls:
        """Return where it is noted, from now on, when this loop stood still."""
        return self._waiter.watch_stalls()

    @property
    def rate(self) -> float:
        """So many of its seconds pass in a real one, whatever the program does; none on the warp clock."""
        return self._clock.rate

    def set_default_executor(self, executor: ThreadPoolExecutor) -> None:  # type: ignore[override]  # as asyncio does
        """Run jobs in `executor` where no other is named."""
        super().set_default_executor(executor)
        self._pool = executor

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run `func` in a thread; the warp clock stands still meanwhile."""
        job = (executor or self._pool).submit(func, *args)
        self._waiter.jobs += 1
        future = asyncio.wrap_future(job, loop=self)
        # Registered after wrap_future's own callback: the result reaches the loop before the clock may move.
        job.add_done_callback(self._tell_of_end)
        return future

    def _tell_of_end(self, _: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # a job may outlive the loop
            self.call_soon_threadsafe(self._job_ended)

    def _job_ended(self) -> None:
        self._waiter.jobs -= 1

    async def shutdown_default_executor(self, *args: float | None, **kwargs: float | None) -> None:
        """Wait for the pool's threads; a join is a job, too."""
        self._waiter.jobs += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._waiter.jobs -= 1


def _asleep() -> float:
    """Return how long the machine has been suspended since it was started (clock_gettime(2), Linux); 0 elsewhere."""
    if sys.platform != "linux":
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def rate_of(loop: asyncio.AbstractEventLoop) -> float:
    """Return how many seconds pass on a loop's clock in a real one while code runs: none where the clock warps."""
    return loop.rate if isinstance(loop, ClockLoop) else 1.0


class DirectLoop(ClockLoop):
    """One that calls what waits for a descriptor without asyncio's handles: see `Readiness` (Linux)."""

    def __init__(self, clock: Clock) -> None:
        self.readiness = Readiness(self._failed)
        super().__init__(clock)

    def _make_waiter(self, clock: Clock) -> _Waiter:
        self._waiter = self._direct = _DirectWaiter(clock, self.readiness)
        return self._waiter

    def add_reader(self, fd: "FileDescriptorLike", callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Call back whenever a file can be read."""
        self.readiness.add_reader(_descriptor(fd), (callback, args))

    def add_writer(self, fd: "FileDescriptorLike", callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Call back whenever a file can be written to."""
        self.readiness.add_writer(_descriptor(fd), (callback, args))

    def remove_reader(self, fd: "FileDescriptorLike") -> bool:
        """Call back no more; return whether that was wanted."""
        descriptor = _descriptor(fd)
        if descriptor in self._direct.registered:  # asyncio adds its own by another way, and removes them by this one
            return super().remove_reader(descriptor)
        return self.readiness.remove_reader(descriptor)

    def remove_writer(self, fd: "FileDescriptorLike") -> bool:
        """Call back no more; return whether that was wanted."""
        descriptor = _descriptor(fd)
        if descriptor in self._direct.registered:
            return super().remove_writer(descriptor)
        return self.readiness.remove_writer(descriptor)

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Call back when the loop comes to it."""
        self._direct.has_work = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back at a time."""
        self._direct.has_work = True
        return super().call_at(when, callback, *args, context=context)

    def stop(self) -> None:
        """Stop when the loop comes to it."""
        self._direct.has_work = True
        super().stop()

    def _failed(self, error: Exception) -> None:
        self.call_exception_handler({"message": "a callback for a descriptor failed", "exception": error})


def _descriptor(file: "FileDescriptorLike") -> int:
    return file if isinstance(file, int) else file.fileno()


def clock_from_text(text: str) -> Clock:
    """Make the clock that a user names: `warp`, `real`, or a rate such as `20`.

    Raises ValueError, in words a user can act on, for anything else.
    """
    if text == "warp":
        return WarpClock()
    if text == "real":
        return ScaledClock()
    try:
        return ScaledClock(float(text))
    except ValueError:
        raise ValueError(f"{text!r} is no clock: use warp, real, or a rate above 0 such as 20") from None


def new_loop(clock: Clock) -> ClockLoop:
    """Make a loop that lives by a clock, of the faster kind where that runs."""
    return DirectLoop(clock) if sys.platform == "linux" else ClockLoop(clock)


def run(main: Coroutine[Any, Any, T], clock: Clock) -> T:
    """Run `main` to its end on a fresh loop with that clock, as `asyncio.run` does on the real one.

    SIGINT cancels `main` between two callbacks. asyncio's own handler does it at once, maybe in the middle of a
    timer's callback; that then meets a future that is done, and the loop prints a traceback.
    """
    interrupted = False
    task: asyncio.Task[T] | None = None

    async def interruptible() -> T:
        nonlocal task
        task = asyncio.current_task()
        return await main

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        if interrupted or task is None or task.done():
            raise KeyboardInterrupt
        interrupted = True
        task.get_loop().call_soon_threadsafe(task.cancel)

    is_handled = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else somebody else does
    is_alone = is_handled and threading.current_thread() is threading.main_thread()
    with asyncio.Runner(loop_factory=lambda: new_loop(clock)) as runner:
        if not is_alone:
            return runner.run(main)
        # Set before asyncio looks: it sets none of its own then, which `signal` would put into words at the end, with
        # the whole result.
        signal.signal(signal.SIGINT, interrupt)
        try:
            return runner.run(interruptible())
        except asyncio.CancelledError:
            if interrupted:
                raise KeyboardInterrupt from None
            raise
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
