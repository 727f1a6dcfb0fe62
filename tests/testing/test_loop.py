"""The warp loop for other people's tests: it jumps, it never hangs, and it waits for whom is asked for."""

import asyncio
import contextlib
import gc
import itertools
import socket
import threading

import pytest

from hbprobe.errors import RequestError
from hbprobe.testing import StuckError, WarpLoop, loop, new_loop, outside, run
from hbprobe.warp import ScaledClock
from hbprobe.warp import run as run_on

HOUR = 3600.0
A_WHILE_S = 0.02
"""Real time in which a clock that is not held would run away; on a slow machine it only takes longer."""


@pytest.fixture
def impatient(monkeypatch):
    """Whoever has nothing to wait for is told so at once."""
    monkeypatch.setattr(loop, "_PATIENCE_S", 0.0)


def test_hours_pass_at_once_and_a_result_comes_back():
    async def main():
        await asyncio.sleep(10 * HOUR)
        return asyncio.get_running_loop().time()

    assert run(main()) == 10 * HOUR


# What would hang


def test_what_nothing_can_wake_is_told_with_the_stacks_of_all_tasks(impatient):
    async def waits_inside():
        await asyncio.Event().wait()

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(waits_inside(), name="the other one")
            await asyncio.get_running_loop().create_future()

    with pytest.raises(StuckError, match="nothing can ever wake this") as caught:
        run(main())
    text = str(caught.value)
    assert "the other one:\n" in text
    assert "in main\n    await asyncio.get_running_loop().create_future()" in text
    assert "in waits_inside\n    await asyncio.Event().wait()" in text
    assert "locks.py" in text, "down to what it waits for"


def test_a_generator_that_waits_is_in_the_stacks(impatient):
    async def each():
        await asyncio.Event().wait()
        yield

    async def main():
        async for _ in each():
            pass

    with pytest.raises(StuckError, match="in main"):
        run(main())


def test_tasks_are_cancelled_and_cleaned_up_after_it(impatient):
    cleaned = []

    async def main():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(HOUR)
            cleaned.append(True)

    with pytest.raises(StuckError):
        run(main())
    assert cleaned


def test_a_socket_on_which_nothing_comes_wakes_nobody(impatient):
    async def main():
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            await asyncio.get_running_loop().sock_recv(near, 1)

    with pytest.raises(StuckError, match="in sock_recv"):
        run(main())


def test_a_thread_may_still_wake_it(monkeypatch):
    monkeypatch.setattr(loop, "_PATIENCE_S", 60.0)

    async def main():
        running = asyncio.get_running_loop()
        called = running.create_future()
        thread = threading.Thread(target=running.call_soon_threadsafe, args=(called.set_result, "woken"))
        thread.start()
        try:
            return await called
        finally:
            thread.join()

    assert run(main()) == "woken"


def test_a_job_in_a_thread_is_waited_for(impatient):
    gate = threading.Event()

    async def main():
        threading.Timer(A_WHILE_S, gate.set).start()
        await asyncio.to_thread(gate.wait)
        return "done"

    assert run(main()) == "done"


def test_timers_without_end_come_to_an_end():
    async def main():
        for _ in itertools.count():
            await asyncio.sleep(60)

    with pytest.raises(StuckError, match=r"^2 h of path time have passed.*limit=\n(.*\n)*.*in main") as caught:
        run(main(), limit="2h")
    assert caught.value.__cause__ is None


def test_what_is_cancelled_for_its_limit_may_wait_as_long_again():
    async def main():
        try:
            await asyncio.sleep(3 * HOUR)
            await asyncio.sleep(HOUR)
        finally:
            await asyncio.sleep(HOUR)
            cleaned.append(True)

    cleaned = []
    with pytest.raises(StuckError):
        run(main(), limit="2h")
    assert cleaned


# Who is outside


@contextlib.contextmanager
def answered(after_s):
    """Give a socket on which a thread sends something after a while of real time, or when the test is over."""
    near, far = socket.socketpair()
    over = threading.Event()

    def answer():
        over.wait(after_s)
        far.send(b"x")

    thread = threading.Thread(target=answer)
    thread.start()
    with near, far:
        near.setblocking(False)
        try:
            yield near
        finally:
            over.set()
            thread.join()


async def asked(near, patience_s=HOUR):
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(near, 1), patience_s)


def test_who_is_outside_is_given_up_at_once():
    async def main():
        with answered(after_s=60) as near, pytest.raises(TimeoutError):
            await asked(near)
        return asyncio.get_running_loop().time()

    assert run(main()) == HOUR


def test_who_is_outside_is_waited_for_when_it_is_said():
    async def main():
        with answered(A_WHILE_S) as near, outside():
            assert await asked(near) == b"x"
        took_s = asyncio.get_running_loop().time()
        await asyncio.sleep(HOUR)
        return took_s, asyncio.get_running_loop().time() - took_s

    took_s, slept_s = run(main())
    assert 0 < took_s < HOUR
    assert slept_s == HOUR, "from then on it jumps again"


def test_the_clock_runs_until_the_last_one_has_its_answer():
    async def main():
        with answered(A_WHILE_S) as near, outside():
            with outside():
                pass
            return await asked(near)

    assert run(main()) == b"x"


def test_a_timer_rings_while_somebody_is_outside():
    async def main():
        with answered(after_s=60) as near, outside(), pytest.raises(TimeoutError):
            await asked(near, patience_s=A_WHILE_S)

    run(main())


def test_on_another_loop_nothing_is_different():
    async def main():
        with answered(A_WHILE_S) as near, outside():
            return await asked(near)

    assert run_on(main(), ScaledClock()) == b"x"


def test_bytes_from_outside_get_time_before_each_jump():
    async def main():
        with answered(A_WHILE_S) as near:
            return await asked(near), asyncio.get_running_loop().time()

    assert run(main(), settle=60) == (b"x", 0)


def test_they_get_the_whole_of_it():
    """A wait of the loop itself ends after a second, so that Ctrl-C is noticed."""
    waits = []

    def poll(real_s):
        waits.append(real_s)
        return ["ready"] if len(waits) == 3 else []

    assert loop._wait_whole(poll, 3600.0) == ["ready"]
    assert 3600 >= waits[0] > waits[1] > waits[2] > 0
    assert loop._wait_whole(lambda _: [], 0.001) == []
    assert loop._wait_whole(lambda real_s: [real_s], None) == [None]


# The loop by itself


def test_a_factory_for_runners():
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert isinstance(runner.get_loop(), WarpLoop)
        runner.run(asyncio.sleep(HOUR))
        assert runner.get_loop().time() == HOUR


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": -1}, "limit: -1 is below 0"),
        ({"settle": -1}, "settle: -1 is below 0"),
        ({"limit": "2 fortnights"}, "limit: '2 fortnights' has an unknown unit"),
        ({"limit": None}, "limit: None is not a duration"),
        ({"monotonic": "no"}, "monotonic: give True or False, not text"),
    ],
)
@pytest.mark.parametrize(
    "made", [lambda **options: new_loop(**options), lambda **options: run(asyncio.sleep(0), **options)]
)
def test_an_option_that_cannot_be_is_named(made, options, message):
    """A coroutine that is not run because of it is closed: otherwise Python would warn, which is an error here."""
    with pytest.raises(RequestError, match=f"^{message}"):
        made(**options)
    gc.collect()


def test_factories_with_the_same_options_are_equal():
    """As pytest asks whether a loop fits the next test, too."""
    assert loop.LoopFactory(limit="2h") == loop.LoopFactory(limit=7200)
    assert loop.LoopFactory() == loop.LoopFactory(limit="1d", monotonic=True)
    assert loop.LoopFactory() != loop.LoopFactory(monotonic=False)


def test_where_a_loop_runs_is_no_place_for_another():
    async def main():
        with pytest.raises(RuntimeError, match=r"^run\(\) in a running event loop: it makes one of its own"):
            run(asyncio.sleep(0))
        gc.collect()

    run(main())
