"""Keeps what was read of each log as Parquet, so that a later run reads only what is new.

A folder of it has `requests/day=YYYY-MM-DD/*.parquet` and the like, zstd, and in `sources/` a file of JSON for each
log, which is put there last and as a whole: Parquet that no such file names is of a run that was ended, and is
removed.
"""

import hashlib
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import UserError
from hbprobe.evidence.logs.engines.engine import mapped
from hbprobe.evidence.logs.lines import rows
from hbprobe.evidence.logs.lines.log_sources import (
    LABEL,
    SOURCES,
    LogSource,
    NotReadError,
    encoding_of,
    head_of,
    kind_of,
    reading,
    writing,
)
from hbprobe.evidence.logs.store.hiding import HIDDEN, LEFT_OF_FOLDERS, left_of_folders
from hbprobe.evidence.logs.store.log_reading import LogReading
from hbprobe.evidence.logs.store.same_logs import opening_of
from hbprobe.evidence.logs.store.stored_logs import (
    Note,
    Pseudonyms,
    Read,
    StoredLogs,
    checksum_of,
    label_of,
    stored_in,
)
from hbprobe.files import lock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class LogStore:
    """A folder of Parquet. Raises UserError where it cannot be written, or holds something else."""

    def __init__(
        self,
        folder: Path,
        connection: "DuckDBPyConnection",
        *,
        pseudonyms: Pseudonyms | None = None,
        with_query: bool = False,
        is_kept: bool = True,
        columns: Mapping[str, str] = rows.REQUESTS,
        unpacked_in: Path | None = None,
    ) -> None:
        """Open it; `columns` are what is written of requests, which are all where it is kept.

        What has to be copied of a log to be read lies in `unpacked_in` meanwhile, or else in the folder: a run that
        is killed leaves it, so where pseudonyms are kept it must be elsewhere.
        """
        self._folder, self._connection, self._requests = folder, connection, columns
        self._pseudonyms, self._with_query, self._is_kept = pseudonyms, with_query, is_kept
        self._unpacked_in = unpacked_in
        self._at_work: set[DuckDBPyConnection] = set()
        self._label = self._open()
        try:
            self._stored = stored_in(folder, pseudonyms)
            self._tidy()
        except BaseException:
            self.close()
            raise
        if pseudonyms is not None:
            functions = {
                "pseudonym": pseudonyms.of,
                "hashed_address": pseudonyms.of_address,
                LEFT_OF_FOLDERS: left_of_folders,
            }
            for name, function in functions.items():
                connection.create_function(name, lru_cache(1 << 16)(function), ["VARCHAR"], "VARCHAR")

    @property
    def stored(self) -> StoredLogs:
        """The logs that were read, with the files of their rows."""
        return self._stored

    def close(self) -> None:
        """Let others write into the folder."""
        os.close(self._label)

    def take(self, source: LogSource) -> Read:
        """Read a log, unless it has been read and is as it was. Raises NotReadError."""
        return self._hold(self._taken(source))

    def take_all(
        self, sources: Iterable[LogSource], told: Callable[[str], None] = lambda _: None
    ) -> Iterator[tuple[LogSource, NotReadError | None]]:
        """Read logs, some at a time, in order; give each with what kept it from being read."""
        at_a_time = os.cpu_count() or 1
        with ThreadPoolExecutor(at_a_time, "reading logs") as pool:
            waiting: deque[tuple[LogSource, Future[_Taken]]] = deque()
            try:
                for source in sources:
                    if len(waiting) == at_a_time:
                        yield self._finished(*waiting.popleft())
                    told(f"reading {source.name}")
                    waiting.append((source, pool.submit(self._taken, source)))
                while waiting:
                    yield self._finished(*waiting.popleft())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for cursor in tuple(self._at_work):
                    cursor.interrupt()
                raise

    def _finished(self, source: LogSource, taken: "Future[_Taken]") -> tuple[LogSource, NotReadError | None]:
        try:
            self._hold(taken.result())
        except NotReadError as error:
            return source, error
        return source, None

    def _taken(self, source: LogSource) -> "_Taken":
        """Read a log; other threads read others meanwhile."""
        head = head_of(source)
        kind = kind_of(head, source.member or source.path.name)
        with reading():
            stat = source.path.stat()
        text = head.decode(encoding_of(head), errors="replace")
        opening = opening_of(text, b"" if self._pseudonyms is None else self._pseudonyms.for_openings)
        mark = f"{stat.st_size} {stat.st_mtime_ns} {opening[-1] if opening else ''}"
        name = hashlib.sha256(str(source.path.resolve()).encode() + (source.member or "").encode()).hexdigest()[:24]
        note = self._folder / SOURCES / f"{name}.json"
        known = self._stored.notes.get(name)
        if known is not None and known.mark == mark:
            return _Taken(name, known)
        cursor = self._connection.cursor()
        self._at_work.add(cursor)
        try:
            with (
                self._writing(),
                mapped(NotReadError),
                tempfile.TemporaryDirectory(dir=self._folder, prefix="reading-") as out,
            ):
                with self._copying(Path(out)) as copies:
                    under_way = LogReading(
                        cursor, source, kind, copies, Path(out), self._requests, self._columns, by_day=self._is_kept
                    )
                    read = under_way.go(with_query=self._with_query)
                files = self._keep(Path(out), f"{name}-{hashlib.sha256(mark.encode()).hexdigest()[:8]}")
                sums = tuple(checksum_of(self._folder / file) for file in files) if self._is_kept else ()
                made = Note(mark, replace(read, opening=opening, files=tuple(files), checksums=sums))
                self._note(note, made)
        finally:
            self._at_work.discard(cursor)
            cursor.close()
        return _Taken(name, made)

    @contextmanager
    def _copying(self, out: Path) -> Iterator[Path]:
        if self._unpacked_in is None:
            copies = out / "copies"
            copies.mkdir()
            yield copies
            return
        with (
            writing(self._unpacked_in),
            tempfile.TemporaryDirectory(dir=self._unpacked_in, prefix="reading-") as name,
        ):
            yield Path(name)

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self._folder, "name another folder") if self._is_kept else writing(self._folder)

    def _hold(self, taken: "_Taken") -> Read:
        notes, read = self._stored.notes, taken.note.read
        before = notes.pop(taken.name, None)
        notes[taken.name] = taken.note  # at the end: what is read now stands in its order, whatever was there
        old = set(before.read.files if before else ())
        if self._stored.damaged.pop(taken.name, None):
            left = self._folder.rglob(f"{taken.name}-*.parquet")
            old = {file.relative_to(self._folder).as_posix() for file in left}
        for file in old - set(read.files):
            (self._folder / file).unlink(missing_ok=True)
        return read

    def _columns(self, columns: Sequence[str]) -> str:
        if self._pseudonyms is None:
            return ", ".join(columns)
        return ", ".join(f"{HIDDEN[name](name)} AS {name}" if name in HIDDEN else name for name in columns)

    def _keep(self, out: Path, name: str) -> list[str]:
        """Move what was written to where it belongs."""
        kept = []
        for number, file in enumerate(sorted(out.rglob("*.parquet"))):
            target = self._folder / file.relative_to(out).parent / f"{name}-{number}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
            kept.append(target.relative_to(self._folder).as_posix())
        return kept

    def _note(self, note: Path, made: Note) -> None:
        beside = note.with_suffix(".new")
        beside.write_text(made.to_json(), encoding="utf-8")
        beside.replace(note)

    def _open(self) -> int:
        """Make the folder where it is not there, and return its label, locked: nobody else writes into it now."""
        label = self._folder / LABEL
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not label.exists() and any(entry.name != SOURCES for entry in self._folder.iterdir()):
                raise UserError(
                    f"{self._folder}: is not empty, and holds no logs that were read: name another folder"
                )
            (self._folder / SOURCES).mkdir(exist_ok=True)
            descriptor = os.open(label, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise UserError(f"{self._folder}: cannot be written: {error.strerror}: name a folder that can") from None
        try:
            lock(descriptor, UserError(f"{self._folder}: another hbprobe writes into it: wait for its end"))
            with self._writing():
                if not os.fstat(descriptor).st_size:
                    os.write(descriptor, label_of(self._pseudonyms).encode())
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _tidy(self) -> None:
        """Remove what runs have left that were ended; what is damaged stays until its log is read again."""
        named = {str(self._folder / file) for note in self._stored.notes.values() for file in note.read.files}
        for file in self._folder.rglob("*.parquet"):
            if str(file) not in named and file.name.partition("-")[0] not in self._stored.damaged:
                file.unlink()
        for left in self._folder.glob("reading-*"):
            shutil.rmtree(left, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was read of a log, and the name that the store has for it."""

    name: str
    note: Note
