"""`time.monotonic` for code that runs on a loop with a clock of its own, wherever a module has bound it to a name.

Many libraries time their heartbeats and pools with `time.monotonic`, not with the loop's `time()`. On a clock that
jumps these two must agree, or a pool believes that an hour was no time at all. So while such a loop runs, each module
global that is the function is replaced by one that asks which loop runs in the calling thread. Threads, and code on
any other loop, get the real time from it.
"""

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from weakref import WeakKeyDictionary

_NS = 1_000_000_000
_monotonic: Callable[[], float] = time.monotonic  # noqa: TID251 - it is what is replaced
_monotonic_ns: Callable[[], int] = time.monotonic_ns

_REAL_PACE = {
    "_pytest",
    "asyncio",
    "concurrent",
    "execnet",
    "hbprobe",
    "multiprocessing",
    "queue",
    "selectors",
    "socketserver",
    "subprocess",
    "threading",
    "xdist",
}
"""Packages that measure real waiting with it: that of locks, pipes and processes, which no loop's clock knows of."""


def monotonic() -> float:
    """Return the time of the loop that runs in this thread if it carries the clock, else the system's; seconds."""
    zero_s = _zeros_s.get(loop := asyncio._get_running_loop())
    return _monotonic() if zero_s is None or loop is None else zero_s + loop.time()


def monotonic_ns() -> int:
    """Return the same in nanoseconds."""
    zero_s = _zeros_s.get(loop := asyncio._get_running_loop())
    return _monotonic_ns() if zero_s is None or loop is None else round((zero_s + loop.time()) * _NS)


_FOLLOWERS: dict[Callable[[], float], Callable[[], float]] = {_monotonic: monotonic, _monotonic_ns: monotonic_ns}
_zeros_s: dict[asyncio.AbstractEventLoop | None, float] = {}
"""The loops that carry the clock now, each with what the clock showed when the loop's own stood at zero."""
_lock = threading.Lock()
_places: WeakKeyDictionary[ModuleType, list[tuple[str, Callable[[], float]]]] = WeakKeyDictionary()
"""The modules that were looked at, and the names under which they have one of the functions."""


def zero_s() -> float:
    """Return what `time.monotonic` shows now, for a loop whose own clock stands at zero."""
    return _monotonic()


@contextlib.contextmanager
def carried_by(loop: asyncio.AbstractEventLoop, zero_s: float) -> Iterator[None]:
    """Let `time.monotonic` follow the loop's time in code that runs on it; `zero_s` is what it shows at zero."""
    with _lock:
        _zeros_s[loop] = zero_s
        if len(_zeros_s) == 1:
            _look_at_new_modules()
            for module, name, function in _each_place():
                vars(module)[name] = _FOLLOWERS[function]
    try:
        yield
    finally:
        with _lock:
            del _zeros_s[loop]
            if not _zeros_s:
                for module, name, function in _each_place():
                    vars(module)[name] = function


def _each_place() -> list[tuple[ModuleType, str, Callable[[], float]]]:
    return [(module, name, function) for module, places in _places.items() for name, function in places]


def _look_at_new_modules() -> None:
    """Find the functions in modules that have come since the last time.

    A module that is imported while a loop carries the clock gets the replacement by the usual way, and keeps it.
    """
    modules: list[object] = list(sys.modules.values())  # some packages put other things there
    for module in modules:
        if not isinstance(module, ModuleType) or module in _places:
            continue
        in_step = module.__name__.partition(".")[0] not in _REAL_PACE
        names = tuple(vars(module).items()) if in_step else ()
        with contextlib.suppress(TypeError):  # what some extensions put there takes no weak reference
            _places[module] = [(name, real) for name, value in names for real in _FOLLOWERS if value is real]
