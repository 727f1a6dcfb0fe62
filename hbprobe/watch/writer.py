"""What a watch stores: in order, in a thread of its own, and for as long as it takes.

Another program's lock, a slow disk and a full one must neither hold up the loop whose clock dates the end of
connections, nor end a watch. What cannot be stored yet is kept in memory and tried again, and that is said once.

A line about what was found is said once it is stored, so a printed line is a promise; only while nothing can be
stored, which is said before, are lines said at once.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from hbprobe.watch.store import Store, UnavailableError

P = ParamSpec("P")
T = TypeVar("T")


_PAUSE_S = 1.0
"""Between two attempts."""
_SLOW_S = 5.0
"""A disk that takes longer is told of."""
_PATIENCE_S = 10.0
"""So long does the end of a watch wait for a disk."""
_MOST_NAMED = 5


class Worker(Executor):
    """One thread for jobs that may wait for a disk, which does them one after the other.

    Those of `concurrent.futures` are joined at the end of the program, which would then hang for as long as a disk
    does not answer.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a job after those before it."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        self._jobs.put(job)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread after the jobs that it has; nobody waits for it."""
        del wait, cancel_futures
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


@dataclass(slots=True)
class _Write:
    """What is to be stored."""

    name: str
    """For people: `trial 4 of measurement 7`; empty for a mere line."""
    store: Callable[[Store], object]
    line: str
    """What is said once it is stored; nothing where it is empty."""


class Writer:
    """A store that is being written. All is called on the loop, and nothing holds it up."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path, self._say = path, say
        self._worker = Worker(f"store {path.name}")
        self._store: Store | None = None
        self._writes: deque[_Write] = deque()
        self._added = asyncio.Event()
        self._is_behind = self._is_over = False
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the database, however long that takes; raises UserError where it can never be used."""
        try:
            self._store = await self._in_the_end(lambda: Store(self._path, create=True))
        except BaseException:
            self._worker.shutdown()
            raise
        self._caught_up()
        self._writing = asyncio.ensure_future(self._write_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait a while for what is not stored yet, and name what then is lost."""
        self._is_over = True
        self._added.set()
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=_PATIENCE_S)
            self._writing.cancel()
        for write in self._writes:  # what they tell is known, though not kept
            write.line = self._said(write.line)
        if named := [write.name for write in self._writes if write.name]:
            more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
            self._say(f"{self._path}: lost, for it could not be stored: {', '.join(named[:_MOST_NAMED])}{more}")
        if self._store is not None:
            self._worker.submit(self._store.close)
            closed = asyncio.get_running_loop().run_in_executor(self._worker, bool)
            await asyncio.wait({closed}, timeout=_SLOW_S)
        self._worker.shutdown()

    @property
    def waiting(self) -> int:
        """So many things are known and not stored yet."""
        return sum(bool(write.name) for write in self._writes)

    @property
    def is_behind(self) -> bool:
        """The database cannot be written at the moment."""
        return self._is_behind

    async def fails(self) -> None:
        """Go on until writing fails in a way that waiting cannot mend: then it raises UserError."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def read(self, read: Callable[[Store], T]) -> T:
        """Read from the database, however long it takes; what still waits to be stored is not there."""
        return await self._in_the_end(lambda: read(self._opened))

    def write(self, name: str, store: Callable[[Store], object], line: str = "") -> None:
        """Let something be stored, after what came before, and a line be said once it is."""
        if self._is_behind:
            line = self._said(line)
        self._writes.append(_Write(name, store, line))
        self._added.set()

    def say(self, line: str) -> None:
        """Say a line in its order: after those that wait until something is stored."""
        if self._writes and not self._is_behind:
            self.write("", lambda _: None, line)
        else:
            self._say(line)

    @property
    def _opened(self) -> Store:
        if self._store is None:
            raise RuntimeError("the database is not open")
        return self._store

    async def _write_all(self) -> None:
        while self._writes or not self._is_over:
            if not self._writes:
                self._added.clear()
                await self._added.wait()
                continue
            write = self._writes[0]
            await self._in_the_end(lambda write=write: write.store(self._opened))  # type: ignore[misc]
            self._writes.popleft()
            self._said(write.line)
            if not self._writes:
                self._caught_up()

    async def _in_the_end(self, job: Callable[[], T]) -> T:
        """Do a job in the thread, again until it succeeds; raises UserError where it never will."""
        loop = asyncio.get_running_loop()
        while True:
            attempt = loop.run_in_executor(self._worker, job)
            try:
                done, _ = await asyncio.wait({attempt}, timeout=_SLOW_S)
                if not done:
                    self._fall_behind(f"{self._path}: the disk does not answer")
                return await attempt
            except UnavailableError as error:
                self._fall_behind(str(error))
            finally:
                attempt.cancel()  # at the end of a watch, nobody asks for it any more
            await asyncio.sleep(_PAUSE_S)

    def _fall_behind(self, why: str) -> None:
        if not self._is_behind:
            self._say(f"{why}; what is found is kept in memory until it can be stored")
        self._is_behind = True
        for write in self._writes:
            write.line = self._said(write.line)

    def _caught_up(self) -> None:
        if self._is_behind:
            self._say(f"{self._path}: can be used again; nothing is missing")
        self._is_behind = False

    def _said(self, line: str) -> str:
        """Say a line, if there is one, and return what is left to say: nothing."""
        if line:
            self._say(line)
        return ""
