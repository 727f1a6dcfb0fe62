"""What a watch has measured, in SQLite: nothing that has ended is lost, whenever and however the program ends.

Every change is one transaction, written through to the disk before the call returns (write-ahead log,
`synchronous=FULL`: https://www.sqlite.org/pragma.html#pragma_synchronous). Times are seconds since 1970.
"""

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from hbprobe.errors import UserError
from hbprobe.records.result import Result
from hbprobe.records.result_parts import TrialLine
from hbprobe.trial.outcome import Trial

T = TypeVar("T")

Now = Callable[[], float]
"""What the clock on the wall says, in seconds since 1970."""
_VERSION = 3
_READABLE = (1, 2, _VERSION)
"""In version 2, the outcome of a trial is an object in it; in version 1, results are plain text, and the indexes are
others. What an older version wrote stays as it is."""
_APPLICATION = 0x68627072
"""`hbpr`: tells our databases from others' (https://www.sqlite.org/pragma.html#pragma_application_id)."""
_PATIENCE_S = 10.0
"""How long a reader waits for another's transaction."""
_WRITERS_PATIENCE_S = 1.0
"""How long the watch waits for it; then it tries again, for as long as it takes."""
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
}
"""What waiting, or somebody at the machine, may mend without the program (https://www.sqlite.org/rescode.html)."""
_PASSING_LATER = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
"""What else may pass once the file was open: a disk that is being checked. Before, the name is likely wrong."""
_LONGEST_RESULT = 1 << 28
"""Bytes. More is no result of a measurement, but a mishap or a trap in the compressed form."""
_END_OF_TIME_S = 253402300799.0
"""9999-12-31, the last day that a date can name."""
_TABLES = """
CREATE TABLE measurement (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    asked TEXT NOT NULL,
    started_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    survived_s REAL,
    cut_s REAL,
    healthy INTEGER,
    result BLOB
);
CREATE TABLE trial (
    measurement INTEGER NOT NULL REFERENCES measurement (id),
    number INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    trial TEXT NOT NULL,
    PRIMARY KEY (measurement, number)
) WITHOUT ROWID;
"""
_INDEXES = """
DROP INDEX IF EXISTS measurement_by_target;
CREATE INDEX measurement_of_target ON measurement (target, state);
CREATE INDEX latest_of_target ON measurement (target);
CREATE INDEX trial_by_outcome ON trial (measurement, outcome);
"""
_COLUMNS = "id, target, asked, started_at, seen_at, state, reason, survived_s, cut_s, healthy"

_Time = Annotated[float, Field(ge=0, le=_END_OF_TIME_S)]
_Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class State(StrEnum):
    """How far a measurement has come."""

    RUNNING = "running"
    """It runs, or was interrupted."""
    DONE = "done"
    FAILED = "failed"
    """It could not measure; `reason` says why."""
    GIVEN_UP = "given-up"
    """It was interrupted, and it was too late, or the settings had changed, when it could have gone on."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One search of one target."""

    id: int
    target: str
    asked: str
    """What was to be measured: URL, method and search, as JSON."""
    started_at: _Time
    seen_at: _Time
    """The last sign of life."""
    state: State
    reason: str
    survived_s: _Length | None
    cut_s: _Length | None
    healthy: bool | None


_measurements = TypeAdapter(Measurement)
_NAMES = tuple(Measurement.__dataclass_fields__)


class UnavailableError(UserError):
    """The database cannot be used now; it may be later."""


class Store:
    """The database of a watch, for one thread at a time.

    Raises UnavailableError where waiting may help, and UserError where the file cannot be used.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open it to write, and make it where there is none; or, without `create`, open it to read."""
        self.path = path
        if not create and not path.exists():
            raise UserError(f"{path}: no such database: hbprobe watch makes it")
        with self._blaming_the_file(_PASSING), contextlib.ExitStack() as opened:
            self._db = opened.enter_context(contextlib.closing(_writable(path) if create else _readable(path)))
            self._prepare(create=create)
            opened.pop_all()  # it stays open

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    # Writing

    def begin(self, target: str, asked: str, at: float, number: int | None = None) -> Measurement:
        """Note that a measurement begins, under a number or the next that is free, and return it."""
        words = "INSERT INTO measurement (id, target, asked, started_at, seen_at, state) VALUES (?, ?, ?, ?, ?, ?)"
        number = self._write(words, number, target, asked, at, at, State.RUNNING)
        return Measurement(number, target, asked, at, at, State.RUNNING, "", None, None, None)

    def add_trial(self, measurement: int, trial: Trial, at: float) -> None:
        """Note what a trial showed."""
        with self._transaction() as db:
            row = (measurement, trial.number, trial.outcome.kind, _line(trial))
            db.execute("INSERT INTO trial VALUES (?, ?, ?, ?)", row)
            db.execute("UPDATE measurement SET seen_at = ? WHERE id = ?", (at, measurement))

    def finish(self, measurement: int, result: Result, at: float) -> None:
        """Note what a measurement found."""
        limit, verdict = result.limit, result.verdict
        packed = zlib.compress(result.to_json().encode())
        healthy = None if verdict is None else verdict.healthy
        self._write(
            "UPDATE measurement SET state = ?, seen_at = ?, survived_s = ?, cut_s = ?, healthy = ?, result = ? "
            "WHERE id = ?",
            *(State.DONE, at, limit.survived_s, limit.cut_s, healthy, packed, measurement),
        )

    def end(self, measurement: int, state: State, reason: str) -> None:
        """Note that a measurement ended without a result."""
        self._write("UPDATE measurement SET state = ?, reason = ? WHERE id = ?", state, reason, measurement)

    # Reading

    def measurements(self, target: str | None = None, state: State | None = None) -> list[Measurement]:
        """Return the measurements of a target, or of all, in the order in which they began.

        That is the order of their numbers: a clock may be set back.
        """
        wanted = {name: value for name, value in (("target", target), ("state", state)) if value is not None}
        where = f"WHERE {' AND '.join(f'{name} = ?' for name in wanted)}" if wanted else ""
        rows = self._read(f"SELECT {_COLUMNS} FROM measurement {where} ORDER BY id", *wanted.values())
        return [self._measurement(row) for row in rows]

    def latest(self, target: str) -> Measurement | None:
        """Return the measurement of a target that began last."""
        words = f"SELECT {_COLUMNS} FROM measurement WHERE target = ? ORDER BY id DESC LIMIT 1"
        return next(map(self._measurement, self._read(words, target)), None)

    def last_number(self) -> int:
        """Return the highest number of a measurement; 0 where there is none."""
        return int(self._read("SELECT coalesce(max(id), 0) FROM measurement")[0][0])

    def trials(self, measurement: int) -> list[Trial]:
        """Return the finished trials of a measurement."""
        rows = self._read("SELECT trial FROM trial WHERE measurement = ? ORDER BY number", measurement)
        return [self._checked(_trial, row[0], f"trial of measurement {measurement}") for row in rows]

    def result(self, measurement: int) -> str | None:
        """Return what a measurement found, as `hbprobe.result/1`; None where it has not ended."""
        rows = self._read("SELECT result FROM measurement WHERE id = ?", measurement)
        if not rows or (kept := rows[0][0]) is None:
            return None
        return self._checked(_unpacked, kept, f"result of measurement {measurement}")

    def count(self, target: str) -> tuple[dict[str, int], dict[str, int]]:
        """Count the measurements of a target by state, and its trials by outcome."""
        measured = "SELECT state, count(*) FROM measurement WHERE target = ? GROUP BY state"
        of_target = "FROM trial JOIN measurement ON id = measurement WHERE target = ?"
        tried = f"SELECT outcome, count(*) {of_target} GROUP BY outcome"
        return dict(self._read(measured, target)), dict(self._read(tried, target))

    # The file

    def _prepare(self, *, create: bool) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        marks = f"PRAGMA user_version = {_VERSION}; PRAGMA application_id = {_APPLICATION};"
        if create and (version, application) == (0, 0) and self._is_empty():
            self._db.execute("PRAGMA journal_mode = WAL")
            self._script(f"{_TABLES} {_INDEXES} {marks}")
        elif application != _APPLICATION or version not in _READABLE:
            raise UserError(f"{self.path}: is no database of this hbprobe: name another file")
        elif create and version != _VERSION:
            self._script(f"{_INDEXES} {marks}")
            for file in (self.path, Path(f"{self.path}-wal"), Path(f"{self.path}-shm")):
                with contextlib.suppress(OSError):  # of another owner, or not there
                    file.chmod(0o600)  # version 1 left it as the umask said

    def _script(self, statements: str) -> None:
        try:
            self._db.executescript(f"BEGIN IMMEDIATE; {statements} COMMIT;")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.rollback()
            raise

    def _is_empty(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _read(self, words: str, *values: object) -> list[Any]:
        with self._blaming_the_file():
            return self._db.execute(words, values).fetchall()

    def _write(self, words: str, *values: object) -> int:
        with self._transaction() as db:
            return db.execute(words, values).lastrowid or 0

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._blaming_the_file():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                yield self._db

    @contextlib.contextmanager
    def _blaming_the_file(self, passing: Set[int] = _PASSING | _PASSING_LATER) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)  # the extended one: its lowest byte is the primary
            kind = UnavailableError if code is not None and code & 0xFF in passing else UserError
            raise kind(f"{self.path}: cannot be used as a database: {error}") from None

    def _measurement(self, row: Sequence[Any]) -> Measurement:
        values = dict(zip(_NAMES, row, strict=True))
        return self._checked(_measurements.validate_python, values, f"measurement {row[0]}")

    def _checked(self, read: Callable[[Any], T], value: object, what: str) -> T:
        """Read what the database holds; another program, or a newer hbprobe, may have written it."""
        try:
            return read(value)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "value"
            raise UserError(f"{self.path}: {what}: {place}: {first['msg']} (found {first['input']!r:.80})") from None
        except (ValueError, zlib.error) as error:
            raise UserError(f"{self.path}: {what}: cannot be read: {error}") from None


def _writable(path: Path) -> sqlite3.Connection:
    """Open a database, or make one that others cannot read; SQLite gives what it puts beside it the same mode."""
    with contextlib.suppress(OSError):  # SQLite says it better
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=_WRITERS_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        db.close()
        raise
    return db


def _readable(path: Path) -> sqlite3.Connection:
    """Open a database to read.

    SQLite puts files beside one that has a write-ahead log, also to read it. Where it cannot, on a read-only disk,
    the file can be read alone if nothing is left in the log (https://www.sqlite.org/wal.html#read_only_databases).
    """
    db = _to_read(path, "mode=ro")
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        log = Path(f"{path}-wal")
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if log.exists() and log.stat().st_size:
            mend = f"copy it, together with {log.name}, to where you may write"
            raise UserError(f"{path}: its folder cannot be written, and it was not closed: {mend}") from None
        return _to_read(path, "mode=ro&immutable=1")
    except BaseException:
        db.close()
        raise
    return db


def _to_read(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=_PATIENCE_S, isolation_level=None)


def _line(trial: Trial) -> str:
    """Return a trial as a journal tells it."""
    return json.dumps(TrialLine.of(trial).model_dump(by_alias=True), separators=(",", ":"))


def _trial(kept: str) -> Trial:
    told = json.loads(kept)
    if isinstance(told, dict) and isinstance(outcome := told.get("outcome"), dict):  # before version 3
        told = {**told, **outcome}
    return TrialLine.model_validate(told).value()


def _unpacked(kept: bytes | str) -> str:
    """Return a result as text; version 1 kept it so."""
    if isinstance(kept, str):
        return kept
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(kept, _LONGEST_RESULT)
    if not unpacking.eof:
        raise ValueError("it is cut short, or longer than any result")
    return text.decode()


@contextlib.contextmanager
def only_watch(database: Path) -> Iterator[None]:
    """Hold the right to watch with this database; raises UserError where another program has it.

    SQLite's own file lock is used, on a file beside the database: it works on every system, and ends with the
    process that holds it, however that ends.
    """
    lock = Path(f"{database}.lock")
    with contextlib.ExitStack() as stack:
        try:
            with contextlib.suppress(OSError):  # SQLite says it better
                os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600))
            held = stack.enter_context(contextlib.closing(sqlite3.connect(lock, timeout=0, isolation_level=None)))
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UserError(f"{database}: another hbprobe watch works on it: end that one first") from None
            raise UserError(f"{lock}: cannot be written: {error}") from None
        yield
