"""Keeps what was read of each log as Parquet, so that a later run reads only what is new.

A folder of it has `requests/day=YYYY-MM-DD/*.parquet` and the like, zstd, and in `sources/` a file of JSON for each
log, which is put there last and as a whole: Parquet that no such file names is of a run that was ended, and is
removed.
"""

import hashlib
import hmac
import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.evidence.logs import rows, w3c
from hbprobe.evidence.logs.engine import mapped
from hbprobe.evidence.logs.http_tables import HTTPERR, httperr_rows, proxy_rows
from hbprobe.evidence.logs.log_sources import LogKind, LogSource, NotReadError, head_of, kind_of, reading
from hbprobe.text import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_NAMED: Final = 20
_VERSION: Final = 2
"""Of the columns: a folder of another version is not mixed with this one."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not understood."""

    line: int
    offset: int
    """Of its first byte in the log, unpacked; in one that is not UTF-8, as if it were."""
    reason: str


@dataclass(frozen=True, slots=True)
class Read:
    """One file of a log as the store has it: which rows are its, and what was left out."""

    name: str
    kind: LogKind
    encoding: str = ""
    lines: int = 0
    requests: int = 0
    """Of ActiveSync; the other lines are counted, and left."""
    mended: int = 0
    """Lines with blanks too many that could be read in one way only."""
    bad: int = 0
    bad_lines: tuple[BadLine, ...] = ()
    """The first of them."""
    heads_again: tuple[str, ...] = ()
    is_local_time: bool = False
    fields: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names to keyed hashes: the same name gives the same hash, and without the key nobody finds the name."""

    key: bytes

    @property
    def fingerprint(self) -> str:
        """What tells one key from another."""
        return hashlib.sha256(b"hbprobe pseudonyms" + self.key).hexdigest()[:16]

    def of(self, name: str) -> str:
        """Return the hash of a name, 16 digits."""
        return hmac.new(self.key, name.encode(), hashlib.sha256).hexdigest()[:16]

    def of_address(self, address: str) -> str:
        """Return an address with its host part hashed: the network, as /24 or /48, stays."""
        from hbprobe.evidence.logs.networks import network_of

        network = network_of(address)
        return self.of(address) if network is None else f"{network.network_address}#{self.of(address)}"


_HASHED: Final = ("user_name", "user_raw", "login", "device")
_HASHED_ADDRESSES: Final = ("client", "forwarded_for")


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
    ) -> None:
        """Open it; `columns` are what is written of requests, which are all where it is kept."""
        self._folder, self._connection, self._requests = folder, connection, columns
        self._pseudonyms, self._with_query, self._is_kept = pseudonyms, with_query, is_kept
        self._reads: dict[str, Read] = {}
        self._at_work: set[DuckDBPyConnection] = set()
        self._open()
        if pseudonyms is not None:
            for name, function in (("pseudonym", pseudonyms.of), ("hashed_address", pseudonyms.of_address)):
                connection.create_function(name, lru_cache(1 << 16)(function), ["VARCHAR"], "VARCHAR")

    @property
    def reads(self) -> tuple[Read, ...]:
        """A note for each file that is in the store."""
        return tuple(self._reads.values())

    def files(self, table: str) -> list[str]:
        """Return the files of Parquet of a table."""
        named = [file for read in self._reads.values() for file in read.files if file.startswith(f"{table}/")]
        return [str(self._folder / file) for file in named]

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
        mark = f"{stat.st_size} {stat.st_mtime_ns} {hashlib.sha256(head[:4096]).hexdigest()}"
        name = hashlib.sha256(str(source.path.resolve()).encode() + (source.member or "").encode()).hexdigest()[:24]
        note = self._folder / "sources" / f"{name}.json"
        if name in self._reads and json.loads(note.read_text(encoding="utf-8"))["mark"] == mark:
            return _Taken(name, self._reads[name])
        cursor = self._connection.cursor()
        self._at_work.add(cursor)
        try:
            with (
                self._writing(),
                mapped(NotReadError),
                tempfile.TemporaryDirectory(dir=self._folder, prefix="reading-") as scratch,
            ):
                under_way = _Reading(
                    cursor, source, kind, Path(scratch), self._requests, self._columns, by_day=self._is_kept
                )
                read = under_way.go(with_query=self._with_query)
                files = self._keep(Path(scratch) / "out", f"{name}-{hashlib.sha256(mark.encode()).hexdigest()[:8]}")
                read = replace(read, files=tuple(files))
                self._note(note, read, mark)
        finally:
            self._at_work.discard(cursor)
            cursor.close()
        return _Taken(name, read)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Around what writes: what fails there is no fault of the log, whose own are NotReadErrors by then."""
        try:
            yield
        except OSError as error:
            elsewhere = "name another folder" if self._is_kept else "set TMPDIR to a folder on a larger disk"
            raise CannotMeasureError(
                f"{self._folder}: cannot be written: {error.strerror or error}: make room there, or {elsewhere}"
            ) from None

    def _hold(self, taken: "_Taken") -> Read:
        before = self._reads.pop(taken.name, None)
        self._reads[taken.name] = taken.read  # at the end: what is read now stands in its order, whatever was there
        for file in set(before.files if before else ()) - set(taken.read.files):
            (self._folder / file).unlink(missing_ok=True)
        return taken.read

    def _columns(self, columns: Sequence[str]) -> str:
        if self._pseudonyms is None:
            return ", ".join(columns)
        hidden = {name: f"pseudonym({name}) AS {name}" for name in _HASHED}
        hidden |= {name: f"hashed_address({name}) AS {name}" for name in _HASHED_ADDRESSES}
        hidden["query"] = "CAST(NULL AS VARCHAR) AS query"
        return ", ".join(hidden.get(name, name) for name in columns)

    def _keep(self, out: Path, name: str) -> list[str]:
        """Move what was written to where it belongs."""
        kept = []
        for number, file in enumerate(sorted(out.rglob("*.parquet"))):
            target = self._folder / file.relative_to(out).parent / f"{name}-{number}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
            kept.append(target.relative_to(self._folder).as_posix())
        return kept

    def _note(self, note: Path, read: Read, mark: str) -> None:
        beside = note.with_suffix(".new")
        beside.write_text(json.dumps({"mark": mark, **asdict(read)}), encoding="utf-8")
        beside.replace(note)

    def _open(self) -> None:
        about = {"version": _VERSION, "pseudonyms": self._pseudonyms.fingerprint if self._pseudonyms else None}
        label = self._folder / "store.json"
        try:
            (self._folder / "sources").mkdir(parents=True, exist_ok=True)
            if not label.exists():
                if [entry for entry in self._folder.iterdir() if entry.name != "sources"]:
                    raise UserError(
                        f"{self._folder}: is not empty, and holds no logs that were read: name another folder"
                    )
                label.write_text(json.dumps(about), encoding="utf-8")
            found = json.loads(label.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{self._folder}: cannot be written: {error.strerror}: name a folder that can") from None
        except ValueError:
            raise UserError(f"{label}: is damaged: remove the folder, and read the logs again") from None
        if found != about:
            raise UserError(
                f"{self._folder}: was written by another version, or with other pseudonyms: name another folder, or "
                f"give the "
                "same key"
            )
        self._load()

    def _load(self) -> None:
        for note in sorted((self._folder / "sources").glob("*.json")):
            said = json.loads(note.read_text(encoding="utf-8"))
            said.pop("mark")
            lines = tuple(BadLine(**line) for line in said.pop("bad_lines"))
            for name in ("heads_again", "fields", "files"):
                said[name] = tuple(said[name])
            self._reads[note.stem] = Read(**{**said, "kind": LogKind(said["kind"]), "bad_lines": lines})
        named = {str(self._folder / file) for read in self._reads.values() for file in read.files}
        for file in self._folder.rglob("*.parquet"):
            if str(file) not in named:
                file.unlink()
        for left in self._folder.glob("reading-*"):
            shutil.rmtree(left, ignore_errors=True)


def is_store(path: Path) -> bool:
    """Say whether a folder is one that a `LogStore` has written."""
    return (path / "store.json").is_file() and (path / "sources").is_dir()


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was read of a log, and the name that the store has for it."""

    name: str
    read: Read


class _Reading:
    """One log on its way to Parquet."""

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        source: LogSource,
        kind: LogKind,
        scratch: Path,
        requests: Mapping[str, str],
        columns: Callable[[Sequence[str]], str],
        *,
        by_day: bool,
    ) -> None:
        self._connection, self._source, self._kind, self._scratch = connection, source, kind, scratch
        self._requests, self._columns, self._by_day = requests, columns, by_day
        self._bad: list[BadLine] = []
        self._bad_count = self._mended = self._written = 0

    def go(self, *, with_query: bool) -> Read:
        if self._kind is LogKind.HTTPPROXY:
            return self._proxy()
        (self._scratch / "in").mkdir()
        divided = w3c.divide(self._source, self._scratch / "in")
        for stretch in divided.stretches:
            self._stretch(stretch, with_query=with_query)
        lines = sum(stretch.lines + bool(stretch.unended) for stretch in divided.stretches)
        if divided.ends_at is not None:
            self._blame(lines + 1, divided.ends_at, "bytes that are no gzip follow the log: they are left out")
        table = "httperr" if self._kind is LogKind.HTTPERR else "requests"
        fields = [name.lower() for stretch in divided.stretches for name in stretch.fields]
        return Read(
            name=self._source.name,
            kind=self._kind,
            encoding=divided.encoding,
            lines=lines,
            requests=self._count(table),
            mended=self._mended,
            bad=self._bad_count,
            bad_lines=tuple(sorted(self._bad, key=lambda bad: bad.offset)[:_MOST_NAMED]),
            heads_again=divided.heads_again,
            is_local_time="date-local" in fields or "time-local" in fields,
            fields=tuple(dict.fromkeys(fields)),
        )

    def _proxy(self) -> Read:
        sql, values, encoding = proxy_rows(self._source, self._scratch)
        self._write("requests", sql, values, self._requests)
        bad = self._rejected()
        with Path(values["file"]).open("rb") as file:
            for offset, reason, _ in bad:
                self._blame(1 + _line_ends(file, 0, offset - 1), offset, reason)
        requests = self._count("requests")
        return Read(
            name=self._source.name, kind=self._kind, encoding=encoding, lines=requests + len(bad), requests=requests,
            bad=self._bad_count, bad_lines=tuple(self._bad[:_MOST_NAMED]),
        )  # fmt: skip

    def _stretch(self, stretch: w3c.Stretch, *, with_query: bool) -> None:
        columns = rows.columns_of(stretch.fields)
        if not {"date", "time"} <= columns.keys():
            self._refuse(stretch, "no time" if "time" not in columns else "no date")
            return
        values: dict[str, Any] = {"folder": self._source.folder, "source": self._source.name}
        if self._kind is LogKind.W3C:
            values |= {"with_query": with_query}
        if stretch.lines:
            is_quoted = "Advanced Logging" in stretch.software
            try:
                self._read(stretch, columns, rows.reading(columns, quoted=is_quoted), values)
            except NotReadError:  # lines that end differently, mostly: it takes longer, so it is the second way
                self._rejected()
                stretch = w3c.without_returns(stretch, self._scratch / "in" / "again")
                lines = rows.reading(columns, quoted=is_quoted, is_strict=False)
                self._read(stretch, columns, lines, values)
            self._mend(stretch, self._rejected(), columns, values)
        if stretch.unended:
            self._mend_unended(stretch, columns, values)

    def _read(
        self, stretch: w3c.Stretch, columns: dict[str, str], lines: str, values: dict[str, Any]
    ) -> None:  # fmt: skip
        self._select(columns, lines, {"file": str(stretch.file), "skip": stretch.skip, **values})

    def _select(self, columns: dict[str, str], lines: str, values: dict[str, Any]) -> None:
        if self._kind is LogKind.HTTPERR:
            self._write("httperr", httperr_rows(columns, lines), values, HTTPERR)
        else:
            self._write("requests", rows.selecting(columns, lines), values, self._requests)

    def _write(self, table: str, sql: str, values: dict[str, Any], columns: Mapping[str, str]) -> None:
        folder = self._scratch / "out" / table
        folder.mkdir(parents=True, exist_ok=True)
        name, options, day = f"part{self._written}", "FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false", ""
        self._written += 1
        target = folder / f"{name}.parquet"
        if self._by_day:  # which costs a tenth of the whole
            target, day = folder, ", strftime(make_timestamp(ended_ms * 1000), '%Y-%m-%d') AS day"
            options += f", PARTITION_BY (day), FILENAME_PATTERN '{name}_{{i}}', OVERWRITE_OR_IGNORE"
        chosen = f"SELECT {self._columns(list(columns))}{day} FROM ({sql})"
        try:
            with mapped(NotReadError):
                self._connection.execute(f"COPY ({chosen}) TO '{_quoted(target)}' ({options})", values)
        except NotReadError:
            for part in folder.rglob(f"{name}[._]*"):
                part.unlink()
            raise

    def _count(self, table: str) -> int:
        folder = self._scratch / "out" / table
        if not any(folder.rglob("*.parquet")):
            return 0
        found = self._connection.execute(
            f"SELECT count(*) FROM read_parquet('{_quoted(folder)}/**/*.parquet')"
        ).fetchone()
        return int(found[0]) if found else 0

    def _rejected(self) -> list[tuple[int, str, str]]:
        """Return, and forget, which lines the CSV reader did not take: offset, why, column."""
        if not self._has_rejects():
            return []
        found = self._connection.execute(
            "SELECT line_byte_position, max(error_type), min(column_name) FILTER (error_type = 'CAST') "
            "FROM reject_errors GROUP BY ALL"
        ).fetchall()
        self._connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
        return sorted(found)

    def _has_rejects(self) -> bool:
        found = self._connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"
        ).fetchone()
        return bool(found and found[0])

    def _mend(
        self, stretch: w3c.Stretch, rejected: list[tuple[int, str, str]], columns: dict[str, str],
        values: dict[str, Any],
    ) -> None:  # fmt: skip
        mended, line, counted_to = [], stretch.first_line, 0
        with stretch.file.open("rb") as file:
            for offset, error, column in rejected:
                offset = _beginning(file, offset)
                line, counted_to = line + _line_ends(file, counted_to, offset), offset
                text = file.readline(1_000_001).decode(errors="replace")
                if not text.strip("\r\n\0 \x1a") and "\0" not in text:
                    continue  # an empty line, or the end mark of DOS
                has_too_many = text.rstrip().count(" ") >= len(stretch.fields)
                found = w3c.mended(text, stretch.fields) if has_too_many else None
                if found is None:
                    self._blame(line, stretch.offset + offset, _why(error, column, text))
                else:
                    mended.append(found)
        self._mended += len(mended)
        while batch := mended[:1000]:
            self._insert(batch, columns, values)
            del mended[:1000]

    def _mend_unended(self, stretch: w3c.Stretch, columns: dict[str, str], values: dict[str, Any]) -> None:
        """Take the last line without its last value where it has all of them: the value may be cut."""
        parts = stretch.unended.decode(errors="replace").split(" ")
        line = stretch.first_line + stretch.lines - (stretch.skip or 0)
        found = w3c.mended(stretch.unended.decode(errors="replace"), stretch.fields)
        if found is None or len(parts) < len(stretch.fields):
            self._blame(line, -1, "the end of the line is missing")
            return
        self._insert([[*found[:-1], "-"]], columns, values)

    def _insert(self, lines: list[list[str]], columns: dict[str, str], values: dict[str, Any]) -> None:
        listed = ", ".join(f'"{name}" VARCHAR' for name in columns)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE mended ({listed})")
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT INTO mended VALUES ({marks})", [[None if v == "-" else v for v in line] for line in lines]
        )
        typed = ", ".join(f'TRY_CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
        self._select(columns, f"(SELECT {typed} FROM mended)", values)

    def _refuse(self, stretch: w3c.Stretch, what: str) -> None:
        self._blame(stretch.first_line, stretch.offset, f"{what} among the fields: {counted(stretch.lines, 'line')}")
        self._bad_count += max(0, stretch.lines - 1)

    def _blame(self, line: int, offset: int, reason: str) -> None:
        self._bad_count += 1
        if len(self._bad) < _MOST_NAMED:
            self._bad.append(BadLine(line, offset, reason))


def _beginning(file: IO[bytes], place: int) -> int:
    """Return where a line begins, and go there: DuckDB counts from 1, and from line ends before it."""
    offset = max(0, place - 1)
    file.seek(offset)
    while file.read(1) in (b"\r", b"\n"):
        offset += 1
    file.seek(offset)
    return offset


def _line_ends(file: IO[bytes], begin: int, end: int) -> int:
    """Count those between two places, and go to the second: DuckDB's own count is of other ends, too."""
    file.seek(begin)
    pieces = (file.read(min(1 << 20, end - at)) for at in range(begin, end, 1 << 20))
    return sum(piece.count(b"\n") for piece in pieces)


def _why(error: str, column: str | None, text: str) -> str:
    if "\0" in text:
        return "zeros, as a crash leaves them"
    return {
        "MISSING COLUMNS": "too few fields",
        "TOO MANY COLUMNS": "too many fields",
        "CAST": f"{column} has no such value",
        "LINE SIZE OVER MAXIMUM": "longer than a million bytes",
        "INVALID UNICODE": "not in the encoding of the file",
    }.get(error, error.lower())


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
