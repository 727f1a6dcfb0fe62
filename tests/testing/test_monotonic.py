"""`time.monotonic` follows the loop, wherever a module has bound it."""
# ruff: noqa: TID251 - it is what is tested

import asyncio
import queue
import sys
import threading
import time
import types
from time import monotonic as bound
from time import monotonic_ns as bound_ns

import aiohttp
import pytest
from aiohttp import web

from hbprobe.testing import Box, new_loop, run

REAL = (time.monotonic, time.monotonic_ns)
"""In a tuple, where they are no global of this module."""
HOUR = 3600.0


def ways():
    """The time by each name that a module can have for it, in seconds."""
    return [time.monotonic(), bound(), time.monotonic_ns() / 1e9, bound_ns() / 1e9]


def test_it_follows_by_whatever_name():
    async def main():
        before = ways()
        await asyncio.sleep(HOUR)
        return [after - one for one, after in zip(before, ways(), strict=True)]

    assert run(main()) == pytest.approx([HOUR] * 4)


def test_it_goes_on_from_what_it_showed():
    async def main():
        return time.monotonic()

    before = time.monotonic()
    assert before <= run(main()) <= time.monotonic()


def test_it_is_put_back():
    async def main():
        assert time.monotonic is not REAL[0]

    run(main())
    assert (time.monotonic, time.monotonic_ns) == (bound, bound_ns) == REAL


def test_it_is_put_back_after_an_error():
    async def main():
        raise EOFError

    with pytest.raises(EOFError):
        run(main())
    assert time.monotonic is REAL[0]


def test_it_can_be_left_alone():
    async def main():
        before = ways()
        await asyncio.sleep(HOUR)
        return max(after - one for one, after in zip(before, ways(), strict=True))

    assert run(main(), monotonic=False) < HOUR


def test_threads_have_the_real_one():
    async def main():
        before = await asyncio.to_thread(time.monotonic)
        await asyncio.sleep(HOUR)
        return await asyncio.to_thread(time.monotonic) - before

    assert run(main()) < HOUR


def test_what_waits_for_threads_has_the_real_one():
    async def main():
        await asyncio.sleep(HOUR)
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=0.01)
        return threading.Event().wait(0.01)

    assert run(main()) is False


def test_code_on_another_loop_has_the_real_one():
    """Two loops in two threads, of which one carries the clock."""
    steps = threading.Barrier(2, timeout=60)
    took_s = []

    async def carrying():
        await asyncio.to_thread(steps.wait)
        await asyncio.sleep(HOUR)
        await asyncio.to_thread(steps.wait)

    async def plain():
        before = time.monotonic()
        steps.wait()
        steps.wait()
        took_s.append(time.monotonic() - before)

    thread = threading.Thread(target=asyncio.run, args=(plain(),))
    thread.start()
    run(carrying())
    thread.join()
    assert took_s[0] < HOUR


def test_each_of_two_loops_carries_its_own():
    async def main():
        await asyncio.sleep(HOUR)
        before = time.monotonic()
        await asyncio.to_thread(run, other())
        return time.monotonic() - before

    async def other():
        before = time.monotonic()
        await asyncio.sleep(2 * HOUR)
        assert time.monotonic() - before == pytest.approx(2 * HOUR)

    assert run(main()) == 0
    assert time.monotonic is REAL[0]


@pytest.fixture
def module(monkeypatch):
    """Put a module among those that are imported, as whoever imports it would: `module("from time import ...")`."""

    def make(text):
        made = types.ModuleType("made_by_a_test")
        exec(text, vars(made))
        monkeypatch.setitem(sys.modules, "made_by_a_test", made)
        return made

    return make


def test_a_module_that_comes_later(module):
    run(asyncio.sleep(HOUR))
    made = module("from time import monotonic as clock")

    async def main():
        before = made.clock()
        await asyncio.sleep(HOUR)
        return made.clock() - before

    assert run(main()) == pytest.approx(HOUR)
    assert made.clock is REAL[0]


def test_a_module_that_is_imported_meanwhile_has_the_real_time_afterwards(module):
    async def main():
        made = module("from time import monotonic as clock")
        before = made.clock()
        await asyncio.sleep(HOUR)
        return made, made.clock() - before

    made, slept_s = run(main())
    assert slept_s == pytest.approx(HOUR)
    assert made.clock() - REAL[0]() < HOUR


def test_things_that_are_no_modules_are_left_alone(monkeypatch):
    class Odd(types.ModuleType):
        __slots__ = ()

    monkeypatch.setitem(sys.modules, "odd_one", object())
    monkeypatch.setitem(sys.modules, "odd_two", None)
    run(asyncio.sleep(HOUR))


def test_a_loop_that_is_run_in_pieces():
    with asyncio.Runner(loop_factory=new_loop) as runner:

        async def now():
            return time.monotonic()

        before = runner.run(now())
        runner.run(asyncio.sleep(HOUR))
        assert time.monotonic is REAL[0]
        assert runner.run(now()) - before == pytest.approx(HOUR)


# What comes of it


async def fetched_twice():
    """A pooled connection is silent for 400 s behind a box that forgets after 240; aiohttp drops it after 15."""

    async def hello(_):
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, keepalive_timeout=1e6, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with Box(port, "azure-load-balancer") as box, aiohttp.ClientSession() as session:
            for pause_s in (400, 0):
                async with session.get(box.url()) as answer:
                    text = await answer.text()
                await asyncio.sleep(pause_s)
    finally:
        await runner.cleanup()
    return text


def test_a_pool_drops_what_is_too_old():
    assert run(fetched_twice()) == "hello"


def test_without_it_the_verdict_on_the_pool_is_wrong():
    """Where the pool's clock stands still, it hands out a connection that would be long gone on any real path."""
    with pytest.raises(TimeoutError):
        run(fetched_twice(), monotonic=False)
