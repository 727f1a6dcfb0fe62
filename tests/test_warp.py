"""The event loop with its own clock."""

import asyncio
import logging
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hbprobe
from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import path
from hbprobe.manner import Manner
from hbprobe.middlebox.events import FlowExpired
from hbprobe.profiles.model import Profile
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind

HOUR = 3600.0
A_WHILE_S = 0.05
"""Real time in which a clock that is not held would run away; on a slow machine it only takes longer."""


def on_warp(main):
    """Run a coroutine function on the warp clock."""
    return warp.run(main(), warp.WarpClock())


@pytest.fixture
def gate():
    """Something for a job to wait for; `open_later` opens it after a while of real time."""

    class Gate(threading.Event):
        def open_later(self):
            self.timer = threading.Timer(A_WHILE_S, self.set)
            self.timer.start()

    made = Gate()
    made.timer = None
    yield made
    made.set()
    if made.timer is not None:
        made.timer.join()


# Time on the warp clock


def test_time_begins_at_zero_and_stands_still_while_code_runs():
    async def main():
        times = [asyncio.get_running_loop().time()]
        for _ in range(1000):
            await asyncio.sleep(0)
        sum(range(1_000_000))
        times.append(asyncio.get_running_loop().time())
        return times

    assert on_warp(main) == [0, 0]


@pytest.mark.parametrize("seconds", [0.001, 1.0, HOUR, 3540.0, 30 * 86400.0])
def test_jumps_exactly_to_the_next_timer(seconds):
    async def main():
        await asyncio.sleep(seconds)
        return asyncio.get_running_loop().time()

    assert on_warp(main) == seconds


def test_timers_run_in_order_each_at_its_time():
    async def main():
        loop = asyncio.get_running_loop()
        rang = []
        for at in (HOUR, 5.0, 60.0, 5.0):
            loop.call_at(at, lambda at=at: rang.append((at, loop.time())))
        loop.call_at(30.0, lambda: loop.call_later(10.0, lambda: rang.append((40.0, loop.time()))))
        await asyncio.sleep(2 * HOUR)
        return rang

    assert on_warp(main) == [(at, at) for at in (5.0, 5.0, 40.0, 60.0, HOUR)]


def test_does_not_jump_to_a_timer_that_was_cancelled():
    async def main():
        loop = asyncio.get_running_loop()
        loop.call_at(10.0, print).cancel()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        return loop.time()

    assert on_warp(main) == 60


def test_what_was_sent_comes_before_the_clock_moves():
    async def main():
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            far.setblocking(False)
            sleeper = asyncio.ensure_future(asyncio.sleep(0.001))
            for number in range(100):
                await loop.sock_sendall(near, bytes([number]))
                assert await loop.sock_recv(far, 1) == bytes([number])
            assert (loop.time(), sleeper.done()) == (0, False)
            await sleeper

    on_warp(main)


def test_a_loop_without_timers_waits_for_a_thread_to_call(gate):
    async def main():
        loop = asyncio.get_running_loop()
        called = loop.create_future()

        def call():
            gate.wait()
            loop.call_soon_threadsafe(called.set_result, "from a thread")

        thread = threading.Thread(target=call)
        thread.start()
        gate.open_later()
        result = await called
        thread.join()
        return result, loop.time()

    assert on_warp(main) == ("from a thread", 0)


# Jobs in threads


def test_a_job_holds_the_clock(gate):
    async def main():
        loop = asyncio.get_running_loop()
        sleeper = asyncio.ensure_future(asyncio.sleep(HOUR))
        gate.open_later()
        assert await loop.run_in_executor(None, gate.wait) is True
        assert (loop.time(), sleeper.done()) == (0, False)
        await sleeper
        return loop.time()

    assert on_warp(main) == HOUR


def test_the_clock_is_held_until_the_last_of_several_jobs_ends(gate):
    async def main():
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(None, time.perf_counter) for _ in range(3)]
        slow = loop.run_in_executor(None, gate.wait)
        await asyncio.gather(*jobs)
        gate.open_later()
        await asyncio.sleep(HOUR)
        return slow.done()

    assert on_warp(main) is True


def test_a_job_in_an_executor_of_ones_own_holds_the_clock(gate):
    async def main():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "mine") as pool:
            gate.open_later()
            job = loop.run_in_executor(pool, lambda: (gate.wait(), threading.current_thread().name))
            await asyncio.sleep(HOUR)
            assert job.done()
            return (await job)[1]

    assert on_warp(main) == "mine_0"


def test_the_default_executor_can_be_another(gate):
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1, "mine"))
        gate.open_later()
        job = loop.run_in_executor(None, lambda: (gate.wait(), threading.current_thread().name))
        await asyncio.sleep(HOUR)
        return job.result()[1]

    assert on_warp(main) == "mine_0"


def test_a_name_look_up_takes_no_time():
    async def main():
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(0.001):
            await loop.getaddrinfo("localhost", 443)
        return loop.time()

    assert on_warp(main) == 0


def test_a_job_that_fails_lets_the_clock_go():
    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 / 0)
        await asyncio.sleep(HOUR)
        return loop.time()

    assert on_warp(main) == HOUR


def test_a_cancelled_job_holds_the_clock_while_it_still_runs(gate):
    async def main():
        running = threading.Event()
        job = asyncio.get_running_loop().run_in_executor(None, lambda: (running.set(), gate.wait()))
        running.wait()
        job.cancel()
        gate.open_later()
        await asyncio.sleep(HOUR)
        return gate.is_set()

    assert on_warp(main) is True


def test_a_job_that_is_cancelled_before_it_runs_lets_the_clock_go(gate):
    async def main():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            first = loop.run_in_executor(pool, gate.wait)
            second = loop.run_in_executor(pool, pytest.fail)
            second.cancel()
            gate.open_later()
            await first
            await asyncio.sleep(HOUR)
            assert second.cancelled()
        return loop.time()

    assert on_warp(main) == HOUR


def test_a_job_that_is_not_taken_does_not_hold_the_clock():
    async def main():
        pool = ThreadPoolExecutor(1)
        pool.shutdown()
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            asyncio.get_running_loop().run_in_executor(pool, print)
        await asyncio.sleep(HOUR)

    on_warp(main)


def test_a_job_may_outlive_the_loop(gate, caplog):
    async def main():
        asyncio.get_running_loop().run_in_executor(pool, gate.wait).cancel()

    with caplog.at_level(logging.DEBUG, "concurrent.futures"), ThreadPoolExecutor(1) as pool:
        on_warp(main)
        gate.set()
    assert caplog.records == []


# The end of a run


def test_at_the_end_the_pools_threads_are_gone(gate):
    async def main():
        rang = []
        loop = asyncio.get_running_loop()
        loop.call_later(HOUR, rang.append, "too far")
        loop.run_in_executor(None, gate.wait)
        gate.open_later()
        return rang, loop

    rang, loop = on_warp(main)
    assert gate.is_set()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("hbprobe")] == []
    assert (rang, loop.time(), loop.is_closed()) == ([], 0, True)


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((300.0,), {}), ((), {"timeout": 300.0})])
def test_the_pool_is_shut_down_as_each_python_does_it(monkeypatch, args, kwargs, gate):
    """Since 3.12 there is a timeout, which on the warp clock would be over at once."""
    given = []

    async def shut_down(loop, *args, **kwargs):
        given.append((args, kwargs))
        joined = loop.create_future()
        thread = threading.Thread(target=lambda: (gate.wait(), loop.call_soon_threadsafe(joined.set_result, None)))
        thread.start()
        gate.open_later()
        async with asyncio.timeout(300):
            await joined
        thread.join()

    async def main():
        loop = asyncio.get_running_loop()
        await loop.shutdown_default_executor(*args, **kwargs)
        assert loop.time() == 0
        await asyncio.sleep(HOUR)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.SelectorEventLoop, "shutdown_default_executor", shut_down)
        on_warp(main)
    assert given[0] == (args, kwargs)


def test_a_run_hands_out_results_and_errors():
    async def fails():
        raise LookupError("not here")

    assert warp.run(asyncio.sleep(HOUR, "done"), warp.WarpClock()) == "done"
    with pytest.raises(LookupError, match="not here"):
        on_warp(fails)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("main", ["asyncio.Event().wait()", "sleep_on()"], ids=["waits", "jumps"])
@pytest.mark.parametrize("clock", ["warp", "real"])
def test_ctrl_c_cancels_what_runs(main, clock):
    program = f"""
        import asyncio
        from hbprobe import warp

        async def sleep_on():
            while True:
                await asyncio.sleep(3600)

        async def main():
            print("ready", flush=True)
            try:
                await {main}
            except asyncio.CancelledError:
                print("cancelled", flush=True)
                raise

        try:
            warp.run(main(), warp.clock_from_text({clock!r}))
        except KeyboardInterrupt:
            print("interrupted")
    """
    environment = os.environ | {"PYTHONPATH": str(Path(hbprobe.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60) == ("cancelled\ninterrupted\n", "")
        finally:
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_ctrl_c_in_the_middle_of_a_timer_is_no_fault_of_the_timer():
    """asyncio's own handler would cancel at once what the callback is about to answer."""
    faults = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context))
        answer = loop.create_future()

        def on_timer():
            signal.raise_signal(signal.SIGINT)
            answer.set_result(None)

        loop.call_later(HOUR, on_timer)
        await answer
        await asyncio.sleep(HOUR)

    with pytest.raises(KeyboardInterrupt):
        warp.run(main(), warp.WarpClock())
    assert faults == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_result_is_returned_and_not_put_into_words():
    """asyncio's own handler of SIGINT knows the task, and `signal` makes words of a handler that it gives back."""
    said = []

    class Result:
        def __repr__(self):
            said.append("all of it")
            return "a result"

    async def main():
        return Result()

    assert type(warp.run(main(), warp.WarpClock())) is Result
    assert said == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# The clocks by themselves


class Poll:
    """Stands for a selector: notes how long it was to wait, and says what is ready."""

    def __init__(self, *ready):
        self.waits = []
        self._ready = list(ready)

    def __call__(self, timeout_s):
        self.waits.append(timeout_s)
        return self._ready


@pytest.mark.parametrize(
    ("timeout_s", "busy", "ready", "waits", "now"),
    [
        (0, False, (), [0], 0),
        (-1, False, (), [0], 0),
        (0, True, (), [0], 0),
        (None, False, ("key",), [None], 0),
        (None, True, ("key",), [None], 0),
        (60, True, ("key",), [None], 0),
        (60, False, ("key",), [0.25], 0),
        (60, False, (), [0.25], 60),
    ],
)
def test_how_the_warp_clock_waits(timeout_s, busy, ready, waits, now):
    clock, poll = warp.WarpClock(settle_s=0.25), Poll(*ready)
    assert clock.wait(poll, timeout_s, busy=busy) == list(ready)
    assert (poll.waits, clock.time()) == (waits, now)


@pytest.mark.parametrize(("timeout_s", "real_s"), [(None, 1), (600, 1), (0.25, 0.25), (0, 0)])
def test_no_wait_is_so_long_that_ctrl_c_goes_unnoticed(monkeypatch, timeout_s, real_s):
    poll = Poll("key")
    with warp._Waiter(warp.ScaledClock()) as waiter:
        monkeypatch.setattr(selectors.DefaultSelector, "select", staticmethod(poll))
        assert waiter.select(timeout_s) == ["key"]
    assert poll.waits == [real_s]


def test_a_wait_that_ends_early_does_not_move_the_clock(monkeypatch, gate):
    monkeypatch.setattr(warp, "_LONGEST_WAIT_S", A_WHILE_S / 10)

    async def main():
        loop = asyncio.get_running_loop()
        sleeper = asyncio.ensure_future(asyncio.sleep(HOUR))
        gate.open_later()
        await loop.run_in_executor(None, gate.wait)
        return loop.time(), sleeper.cancel()

    assert on_warp(main) == (0, True)


@pytest.fixture
def stopwatch(monkeypatch):
    """Real time that the test moves."""

    class Stopwatch:
        now = 1000.0

    monkeypatch.setattr(time, "perf_counter", lambda: Stopwatch.now)
    return Stopwatch


@pytest.mark.parametrize(("rate", "after_10_s"), [(1.0, 10.0), (20.0, 200.0), (0.5, 5.0)])
def test_a_scaled_clock_runs_at_its_rate(stopwatch, rate, after_10_s):
    clock = warp.ScaledClock(rate)
    assert clock.time() == 0
    stopwatch.now += 10
    assert clock.time() == after_10_s


@pytest.mark.parametrize(("timeout_s", "real_s"), [(None, None), (0, 0), (60, 3)])
@pytest.mark.parametrize("busy", [True, False])
def test_a_scaled_clock_waits_in_real_time(timeout_s, real_s, busy):
    poll = Poll("key")
    assert warp.ScaledClock(20).wait(poll, timeout_s, busy=busy) == ["key"]
    assert poll.waits == [real_s]


def test_a_loop_lives_by_a_scaled_clock():
    async def main():
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(10)
        return loop.time() - before

    began = time.perf_counter()
    slept_s = warp.run(main(), warp.ScaledClock(200))
    assert slept_s >= 10
    assert time.perf_counter() - began >= 10 / 200


@pytest.mark.parametrize("rate", [0, -1.0, float("inf"), float("nan")])
def test_a_rate_is_a_number_above_0(rate):
    with pytest.raises(ValueError, match=rf"^a clock's rate is a number above 0, not {rate}$"):
        warp.ScaledClock(rate)


def test_the_clock_that_a_user_names():
    assert isinstance(warp.clock_from_text("warp"), warp.WarpClock)
    for text, rate in {"real": 1, "20": 20, "0.5": 0.5, "1e3": 1000}.items():
        clock = warp.clock_from_text(text)
        assert isinstance(clock, warp.ScaledClock)
        assert clock.rate == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-5", "nan", "inf", "20x", "Warp"])
def test_what_is_no_clock(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        warp.clock_from_text(text)
    assert str(caught.value) == f"{text!r} is no clock: use warp, real, or a rate above 0 such as 20"
    assert caught.value.__suppress_context__


# The whole system


LIMIT_S = 600.0
CLIENTS = 150


@pytest.fixture
def many_descriptors():
    """Each client takes four: its own, two of the box, one of the far end."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 4 * CLIENTS + 200
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"needs {needed} descriptors, and only {hard} are allowed")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ten_minute_box():
    idle = {"default": LIMIT_S, "expiry": "silent", "restarted_by": "data", "source": "us"}
    return Profile.model_validate(
        {
            "id": "box",
            "name": "Box",
            "category": "example",
            "layer": "packet",
            "timers": {"idle": idle},
            "sources": {"us": {"grade": "example", "says": "made up"}},
        }
    )


async def hold_all(holds):
    """Hold a request for each of these times, all at once, through a box; return outcomes, path time and events."""
    events = []
    async with path([ten_minute_box()], Settings(), [events]) as dialer:
        method = make(Environment("hold", dialer, 10.0, random.Random(1)))
        outcomes = await asyncio.gather(*map(method.trial, holds))
    return outcomes, asyncio.get_running_loop().time(), events


def test_150_clients_at_once_and_every_outcome_right(many_descriptors):
    rng = random.Random(1040)
    holds = [rng.uniform(1, 2 * LIMIT_S) for _ in range(CLIENTS)]
    outcomes, _, events = warp.run(hold_all(holds), warp.WarpClock())
    for hold_s, outcome in zip(holds, outcomes, strict=True):
        if hold_s < LIMIT_S:
            assert (outcome.kind, outcome.elapsed_s) == (Kind.SURVIVED, pytest.approx(hold_s))
        else:
            assert (outcome.kind, outcome.how) == (Kind.CUT, Manner.SILENT)
            assert outcome.elapsed_s == pytest.approx(hold_s + 10)
    cut = sum(hold_s >= LIMIT_S for hold_s in holds)
    assert [type(event) for event in events] == [FlowExpired] * cut
    assert {event.at_s for event in events} == {LIMIT_S}

    few = [warp.run(hold_all(holds[:30]), warp.WarpClock()) for _ in range(2)]
    (outcomes, path_s, _), (again, path_again_s, _) = few
    assert ([told(one) for one in again], path_again_s) == ([told(one) for one in outcomes], path_s)


def told(outcome):
    """What must be the same each time; the kernel's own counters, as evidence, need not."""
    return outcome.kind, outcome.how, outcome.elapsed_s


# Standing still


def stalls_of(*events):
    stalls = warp.Stalls()
    for start_s, end_s in events:
        stalls.add(start_s, end_s)
    return stalls


def test_the_longest_stall_since_a_time():
    stalls = stalls_of((0, 5), (10, 12), (20, 23), (30, 30.05), (40, 41))
    assert [stalls.longest_since(since_s) for since_s in (0, 5, 5.1, 12.1, 23.1, 41.1)] == [5, 5, 3, 3, 1, 0]


def test_stalls_without_end_take_no_memory_without_end():
    stalls = stalls_of(*((number, number + 1 / (number % 1000 + 2)) for number in range(100_000)))
    assert len(stalls._kept) <= 256


class Leaping(warp.ScaledClock):
    """Real time that leaps when it is told to, as if the process had been stopped."""

    leap_s = 0.0

    def time(self):
        return super().time() + self.leap_s


def longest(play):
    async def main():
        loop = asyncio.get_running_loop()
        stalls = loop.watch_stalls()
        await play(clock)
        await asyncio.sleep(0)
        return stalls.longest_since(0)

    clock = Leaping()
    return warp.run(main(), clock)


def test_a_callback_that_takes_long_is_a_stall():
    async def play(clock):
        clock.leap_s += 5

    assert 5 <= longest(play) < 6


def test_a_wait_that_takes_longer_than_its_timer_is_a_stall():
    async def play(clock):
        timer = threading.Timer(0.02, setattr, [clock, "leap_s", 5.0])
        timer.start()
        await asyncio.sleep(0.1)
        timer.join()

    assert 4 < longest(play) < 6


def test_waiting_is_no_stall():
    async def play(clock):
        await asyncio.sleep(0.2)

    assert longest(play) < 0.2


def test_a_machine_that_slept_stood_still(monkeypatch):
    async def play(clock):
        monkeypatch.setattr(warp, "_asleep", lambda: 60.0)

    assert longest(play) == pytest.approx(60, abs=1)


def test_the_warp_clock_never_stalls():
    async def main():
        stalls = asyncio.get_running_loop().watch_stalls()
        await asyncio.sleep(HOUR)
        return stalls.longest_since(0)

    assert on_warp(main) == 0
