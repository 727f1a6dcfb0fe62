"""What a watch has measured, in SQLite: nothing that has ended is lost, whenever and however the program ends.

Every change is one transaction, written through to the disk before the call returns (write-ahead log,
`synchronous=FULL`: https://www.sqlite.org/pragma.html#pragma_synchronous). Times are seconds since 1970.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter

from hbprobe.errors import UserError
from hbprobe.records.result import Result
from hbprobe.trial.outcome import Trial

Now = Callable[[], float]
"""What the clock on the wall says, in seconds since 1970."""
_VERSION = 1
_APPLICATION = 0x68627072
"""`hbpr`: tells our databases from others' (https://www.sqlite.org/pragma.html#pragma_application_id)."""
_PATIENCE_S = 10.0
"""How long one program waits for another's transaction."""
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
    result TEXT
);
CREATE INDEX measurement_by_target ON measurement (target, started_at);
CREATE TABLE trial (
    measurement INTEGER NOT NULL REFERENCES measurement (id),
    number INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    trial TEXT NOT NULL,
    PRIMARY KEY (measurement, number)
) WITHOUT ROWID;
"""
_COLUMNS = "id, target, asked, started_at, seen_at, state, reason, survived_s, cut_s, healthy"
_trials = TypeAdapter(Trial)


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
    started_at: float
    seen_at: float
    """The last sign of life."""
    state: State
    reason: str
    survived_s: float | None
    cut_s: float | None
    healthy: bool | None


class Store:
    """The database of a watch. Raises UserError where the file cannot be used."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self._path = path
        if not create and not path.exists():
            raise UserError(f"{path}: no such database: hbprobe watch makes it")
        with self._blaming_the_file(), contextlib.ExitStack() as opened:
            self._db = opened.enter_context(
                contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None))
            )
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._prepare()
            opened.pop_all()  # it stays open

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    # Writing

    def begin(self, target: str, asked: str, at: float) -> Measurement:
        """Note that a measurement begins, and return it."""
        words = "INSERT INTO measurement (target, asked, started_at, seen_at, state) VALUES (?, ?, ?, ?, ?)"
        number = self._write(words, target, asked, at, at, State.RUNNING)
        return Measurement(number, target, asked, at, at, State.RUNNING, "", None, None, None)

    def add_trial(self, measurement: int, trial: Trial, at: float) -> None:
        """Note what a trial showed."""
        with self._transaction() as db:
            row = (measurement, trial.number, trial.outcome.kind, _trials.dump_json(trial).decode())
            db.execute("INSERT INTO trial VALUES (?, ?, ?, ?)", row)
            db.execute("UPDATE measurement SET seen_at = ? WHERE id = ?", (at, measurement))

    def finish(self, measurement: int, result: Result, at: float) -> None:
        """Note what a measurement found."""
        limit, verdict = result.limit, result.verdict
        healthy = None if verdict is None else verdict.healthy
        self._write(
            "UPDATE measurement SET state = ?, seen_at = ?, survived_s = ?, cut_s = ?, healthy = ?, result = ? "
            "WHERE id = ?",
            *(State.DONE, at, limit.survived_s, limit.cut_s, healthy, result.to_json(), measurement),
        )

    def end(self, measurement: int, state: State, reason: str) -> None:
        """Note that a measurement ended without a result."""
        self._write("UPDATE measurement SET state = ?, reason = ? WHERE id = ?", state, reason, measurement)

    # Reading

    def measurements(self, target: str | None = None, state: State | None = None) -> list[Measurement]:
        """Return the measurements of a target, or of all, in the order in which they began."""
        words = f"SELECT {_COLUMNS} FROM measurement WHERE (? IS NULL OR target = ?) AND (? IS NULL OR state = ?)"
        rows = self._read(f"{words} ORDER BY started_at, id", target, target, state, state)
        return [_measurement(row) for row in rows]

    def latest(self, target: str) -> Measurement | None:
        """Return the measurement of a target that began last."""
        words = f"SELECT {_COLUMNS} FROM measurement WHERE target = ? ORDER BY id DESC LIMIT 1"
        return next(map(_measurement, self._read(words, target)), None)

    def trials(self, measurement: int) -> list[Trial]:
        """Return the finished trials of a measurement."""
        rows = self._read("SELECT trial FROM trial WHERE measurement = ? ORDER BY number", measurement)
        return [_trials.validate_json(row[0]) for row in rows]

    def result(self, measurement: int) -> str | None:
        """Return what a measurement found, as `hbprobe.result/1`; None where it has not ended."""
        rows = self._read("SELECT result FROM measurement WHERE id = ?", measurement)
        return str(rows[0][0]) if rows and rows[0][0] is not None else None

    def count(self, target: str) -> tuple[dict[str, int], dict[str, int]]:
        """Count the measurements of a target by state, and its trials by outcome."""
        measured = "SELECT state, count(*) FROM measurement WHERE target = ? GROUP BY state"
        of_target = "FROM trial JOIN measurement ON id = measurement WHERE target = ?"
        tried = f"SELECT outcome, count(*) {of_target} GROUP BY outcome"
        return dict(self._read(measured, target)), dict(self._read(tried, target))

    # The file

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        if (version, application) == (0, 0) and self._is_empty():
            self._db.execute("PRAGMA journal_mode = WAL")
            marks = f"PRAGMA user_version = {_VERSION}; PRAGMA application_id = {_APPLICATION};"
            self._db.executescript(f"BEGIN IMMEDIATE; {_TABLES} {marks} COMMIT;")
        elif (version, application) != (_VERSION, _APPLICATION):
            raise UserError(f"{self._path}: is no database of this hbprobe: name another file")

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
    def _blaming_the_file(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UserError(f"{self._path}: cannot be used as a database: {error}") from None


def _measurement(row: Sequence[Any]) -> Measurement:
    number, target, asked, started_at, seen_at, state, reason, survived_s, cut_s, healthy = row
    sound = None if healthy is None else bool(healthy)
    return Measurement(number, target, asked, started_at, seen_at, State(state), reason, survived_s, cut_s, sound)


class StoredTrials:
    """The trials of one measurement, for a `Run`: it finds those of earlier runs, and each that ends is stored."""

    remarks: Sequence[str] = ()

    def __init__(self, store: Store, measurement: int, now: Now) -> None:
        self._store, self._measurement, self._now = store, measurement, now
        self.trials: Sequence[Trial] = store.trials(measurement)
        self.last_number = max((trial.number for trial in self.trials), default=0)

    def started(self, number: int, hold_s: float, at_s: float) -> None:
        """Note nothing: a trial that did not end is asked again."""

    def ended(self, trial: Trial) -> None:
        """Store what a trial showed."""
        self._store.add_trial(self._measurement, trial, self._now())

    def abandoned(self, number: int, at_s: float) -> None:
        """Note nothing: nobody needs the trial any more."""

    def settle(self) -> None:
        """Wait for nothing: what is stored is on the disk."""
