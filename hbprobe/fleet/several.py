"""Simulate several fleets at a time, on all cores: in threads where numba compiles the loops, else in processes.

NumPy's threads mostly wait for each other where arrays are small. A process is a Python of its own which is asked
over its pipes, so whoever calls need not be importable, as `multiprocessing` would have it.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Self

from hbprobe.errors import CannotMeasureError
from hbprobe.fleet.compiled import IS_FAST
from hbprobe.fleet.mail import DAY_S
from hbprobe.fleet.simulation import simulate
from hbprobe.fleet.tally import FleetResult
from hbprobe.fleet.world import World

_SMALL = 10_000
"""Devices: with fewer, numba's threads within one fleet cost more than they save."""
_PAYS = 20_000
"""Device-days, about a second in arrays, above which processes of their own are worth starting."""
_SERVE = "import sys; sys.path[:] = {path!r}; from hbprobe.fleet.several import serve; serve()"
Told = Callable[[float], None]


def simulate_all(worlds: Sequence[World], days: float, told: Told = lambda _: None) -> Iterator[FleetResult]:
    """Simulate fleets that have nothing to do with each other, as `simulate` does each; give the results in order.

    `told` hears which share of the whole is done, from several threads; what it raises ends the rest. Raises
    CannotMeasureError where a process ends before its fleet does.
    """
    shares = dict.fromkeys(range(len(worlds)), 0.0)

    def told_of(number: int, share: float) -> None:
        shares[number] = share
        told(sum(shares.values()) / len(worlds))

    at_a_time = _at_a_time(worlds, days)
    free: queue.SimpleQueue[_Process | None] = queue.SimpleQueue()

    def one(number: int) -> FleetResult:
        process, hears = free.get(), lambda share: told_of(number, share)
        try:
            return (process.simulate if process else simulate)(worlds[number], days, told=hears)
        finally:
            free.put(process)

    with ExitStack() as processes:
        for _ in range(at_a_time):
            free.put(None if IS_FAST or at_a_time == 1 else processes.enter_context(_Process()))
        with ThreadPoolExecutor(at_a_time) as threads:
            yield from threads.map(one, range(len(worlds)))


def _at_a_time(worlds: Sequence[World], days: float) -> int:
    """Say how many fleets are simulated at once."""
    devices = [world.devices for world in worlds]
    few_for_threads = IS_FAST and max(devices) < _SMALL
    many_for_one = not IS_FAST and sum(devices) * (days + 1) > _PAYS
    return min(len(worlds), os.cpu_count() or 1) if few_for_threads or many_for_one else 1


class _Process:
    """Simulates one fleet after another in a process of its own."""

    def __init__(self) -> None:
        argv = [sys.executable, "-c", _SERVE.format(path=sys.path)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def simulate(self, world: World, days: float, *, told: Told) -> FleetResult:
        """Simulate a fleet, as `hbprobe.fleet.simulation.simulate` does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump((world, days), self._process.stdin)
            self._process.stdin.flush()
            while True:
                heard: float | FleetResult = pickle.load(self._process.stdout)
                if isinstance(heard, FleetResult):
                    return replace(heard, world=world)
                told(heard)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            text = f"a process that simulated a part of the fleets has ended (status {self._process.wait()})"
            raise CannotMeasureError(text) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def serve() -> None:
    """Simulate what comes in on standard input, one after another, until nothing more comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches the first process, too, which ends this one

    def answer(said: float | FleetResult) -> None:
        try:
            pickle.dump(said, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:  # the first process was killed
            os._exit(1)

    with suppress(EOFError):
        while True:
            world, days = pickle.load(sys.stdin.buffer)
            answer(simulate(world, days, DAY_S, answer))
