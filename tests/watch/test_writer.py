"""A database that is locked, full, slow or gone: the loop goes on, nothing is lost, and all of it is said."""

import asyncio
import contextlib
import sqlite3
import stat
import threading

import pytest

from hbprobe import warp
from hbprobe.errors import UserError
from hbprobe.watch import writer as module
from hbprobe.watch.store import Store
from hbprobe.watch.writer import Writer

KEPT = "; what is found is kept in memory until it can be stored"
BACK = ": can be used again; nothing is missing"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "w.sqlite"


@pytest.fixture
def written(path):
    """What writes three measurements, and meanwhile does something to the database; returns what was said."""

    def run(trouble, clock=None):
        said = []

        async def main():
            async with Writer(path, said.append) as writer:
                async with trouble(writer, said):
                    for number in (1, 2, 3):
                        begin = lambda store, number=number: store.begin("a", "{}", 0.0, number)  # noqa: E731
                        writer.write(f"measurement {number}", begin, f"begins {number}")
                    writer.say("all began")
                while writer.waiting:  # noqa: ASYNC110  the thread tells nobody
                    await asyncio.sleep(0.01)

        warp.run(main(), clock or warp.ScaledClock())
        return said

    return run


def kept(path):
    with Store(path, create=False) as store:
        return [one.id for one in store.measurements()]


async def until(said, text):
    while not any(text in line for line in said):  # noqa: ASYNC110  a list of lines tells nobody
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def nothing(writer, said):
    del writer, said
    yield


def test_a_line_is_said_once_what_it_tells_is_stored(path):
    said = []

    def say(line):
        said.append((line, kept(path)))

    async def main():
        async with Writer(path, say) as writer:
            for number in (1, 2):
                begin = lambda store, number=number: store.begin("a", "{}", 0.0, number)  # noqa: E731
                writer.write(f"measurement {number}", begin, f"begins {number}")
            writer.say("both began")

    warp.run(main(), warp.WarpClock())
    assert [line for line, _ in said] == ["begins 1", "begins 2", "both began"]
    assert all(set(there) >= set(numbers) for (_, there), numbers in zip(said, ([1], [1, 2], [1, 2]), strict=True))


def test_another_program_locks_the_database_for_as_long_as_it_likes(path, written):
    @contextlib.asynccontextmanager
    async def locked(writer, said):
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            await until(said, "database is locked")
            await until(said, "all began")
            assert kept(path) == [] and writer.waiting == 3, "and the loop went on"
            other.execute("ROLLBACK")

    said = written(locked)
    trouble = f"{path}: cannot be used as a database: database is locked{KEPT}"
    assert said == [trouble, "begins 1", "begins 2", "begins 3", "all began", f"{path}{BACK}"]
    assert kept(path) == [1, 2, 3]


def test_a_disk_that_is_full(path, written):
    """SQLite's own limit on a file's pages gives SQLITE_FULL as a full disk does."""

    @contextlib.asynccontextmanager
    async def full(writer, said):
        def fill(pages):
            return lambda store: store._db.execute(f"PRAGMA max_page_count = {pages}").fetchone()

        def big(store):
            store.begin("a" * 100_000, "{}", 0.0, 99)

        await writer.read(fill(1))
        writer.write("something big", big)
        yield
        await until(said, "is full")
        assert kept(path) == []
        await writer.read(fill(1 << 30))

    said = written(full, warp.WarpClock())
    assert said[0] == f"{path}: cannot be used as a database: database or disk is full{KEPT}"
    assert said[1:] == ["begins 1", "begins 2", "begins 3", "all began", f"{path}{BACK}"]
    assert kept(path) == [1, 2, 3, 99]


def test_a_disk_that_does_not_answer(path, written, monkeypatch):
    monkeypatch.setattr(module, "_SLOW_S", 0.5)
    answers = threading.Event()

    @contextlib.asynccontextmanager
    async def slow(writer, said):
        writer.write("something slow", lambda _: answers.wait(60))
        yield
        await until(said, "does not answer")
        await until(said, "all began")
        answers.set()

    said = written(slow)
    assert said == [
        f"{path}: the disk does not answer{KEPT}",
        *("begins 1", "begins 2", "begins 3", "all began"),
        f"{path}{BACK}",
    ]
    assert kept(path) == [1, 2, 3]


def test_what_is_lost_at_the_end_is_named(path, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.1)
    said = []

    async def main():
        async with Writer(path, said.append) as writer:
            other.execute("BEGIN IMMEDIATE")
            for number in range(1, 8):
                writer.write(f"thing {number}", lambda store: store.begin("a", "{}", 0.0), f"found {number}")

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        warp.run(main(), warp.ScaledClock())
    named = ", ".join(f"thing {number}" for number in range(1, 6))
    assert said[-1] == f"{path}: lost, for it could not be stored: {named} and 2 more"
    assert [line for line in said if line.startswith("found")] == [f"found {number}" for number in range(1, 8)]


def test_a_lock_at_the_start_is_waited_for(path):
    Store(path, create=True).close()
    said = []

    async def main():
        async def release():
            await until(said, "locked")
            other.execute("ROLLBACK")

        releasing = asyncio.ensure_future(release())
        async with Writer(path, said.append):
            await releasing

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        warp.run(main(), warp.ScaledClock())
    assert said == [f"{path}: cannot be used as a database: database is locked{KEPT}", f"{path}{BACK}"]


def test_what_is_no_database_is_not_waited_for(path):
    path.write_text("text, and enough of it to be no empty database" * 20)

    async def main():
        async with Writer(path, print):
            pass

    with pytest.raises(UserError, match=r"w\.sqlite: cannot be used as a database: file is not a database"):
        warp.run(main(), warp.WarpClock())


def test_nobody_else_can_read_the_files(path, written):
    modes = set()

    @contextlib.asynccontextmanager
    async def looked_at(writer, said):
        yield
        await until(said, "all began")
        modes.update((file.name, stat.S_IMODE(file.stat().st_mode)) for file in path.parent.iterdir())

    written(looked_at)
    assert modes == {(f"w.sqlite{end}", 0o600) for end in ("", "-wal", "-shm")}
