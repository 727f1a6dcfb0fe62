"""What runs on a loop during a test: the test's own (`async with`), or one in a thread, in real time (`with`)."""

import abc
import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from hbprobe.errors import UserError
from hbprobe.warp import ScaledClock, new_loop

T = TypeVar("T")


class OnLoop(abc.ABC):
    """A context manager in two forms: for coroutines, and for clients that block."""

    kind: str
    """What it is, for people."""
    _runs = False
    _thread: "_LoopThread | None" = None
    _loop: asyncio.AbstractEventLoop

    @abc.abstractmethod
    async def _open(self) -> None:
        """Begin, on the loop that is to run it."""

    @abc.abstractmethod
    async def _close(self) -> None:
        """End; it may not have begun."""

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    def __enter__(self) -> Self:
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop()
            raise UserError(f"in a coroutine, write `async with` for a {self.kind}")
        self._refuse_twice()
        self._thread = _LoopThread()
        try:
            self._thread.run(self._begin())
        except BaseException:
            self._end_thread()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_thread()

    def _refuse_twice(self) -> None:
        if self._runs:
            raise UserError(f"the {self.kind} runs already: enter it once, or make another one")

    async def _begin(self) -> None:
        self._refuse_twice()
        self._runs = True
        self._loop = asyncio.get_running_loop()
        try:
            await self._open()
        except BaseException:
            await self._end()
            raise

    async def _end(self) -> None:
        try:
            await self._close()
        finally:
            self._runs = False

    def _end_thread(self) -> None:
        assert self._thread is not None  # it was entered
        self._thread.run(self._end())
        self._thread.close()
        self._thread = None

    def _do(self, what: Callable[[], T]) -> T:
        """Do something on the loop: at once, or in its thread."""
        return what() if self._thread is None else self._thread.call(what)


class _LoopThread:
    """A loop on the real clock in a thread."""

    def __init__(self) -> None:
        self._loop = new_loop(ScaledClock())
        self._thread = threading.Thread(target=self._loop.run_forever, name="hbprobe box", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call(self, what: Callable[[], T]) -> T:
        """Call a function there, and wait for it."""

        async def called() -> T:
            return what()

        return self.run(called())

    def close(self) -> None:
        """End the thread."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
