"""Reads one log into rows of Parquet."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from hbprobe.evidence.logs.engines.engine import mapped
from hbprobe.evidence.logs.lines import rows, w3c
from hbprobe.evidence.logs.lines.http_tables import HTTPERR, httperr_rows, proxy_rows
from hbprobe.evidence.logs.lines.line_order import LineOrder, line_order
from hbprobe.evidence.logs.lines.log_sources import LogKind, LogSource, NotReadError, reading
from hbprobe.evidence.logs.lines.rows import Layout
from hbprobe.evidence.logs.store.stored_logs import BadLine, Read
from hbprobe.text import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_NAMED: Final = 20


class LogReading:
    """One log on its way to Parquet."""

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        source: LogSource,
        kind: LogKind,
        copies: Path,
        out: Path,
        requests: Mapping[str, str],
        columns: Callable[[Sequence[str]], str],
        *,
        by_day: bool,
    ) -> None:
        self._connection, self._source, self._kind = connection, source, kind
        self._copies, self._out = copies, out
        self._requests, self._columns, self._by_day = requests, columns, by_day
        self._text: Path | None = None
        self._bad: list[BadLine] = []
        self._bad_count = self._mended = self._written = 0

    def go(self, *, with_query: bool) -> Read:
        """Write the rows to `out`; what must be copied of the log goes to `copies`. Raises NotReadError."""
        divided = w3c.divide(self._source, self._copies)
        self._text = divided.text
        is_in_order = self._kind is not LogKind.HTTPERR
        order = line_order(divided.stretches, self._source.folder) if is_in_order else LineOrder()
        for stretch in divided.stretches:
            self._stretch(stretch, with_query=with_query)
        lines = sum(stretch.lines + bool(stretch.unended) for stretch in divided.stretches)
        if divided.ends_at is not None:
            self._blame(lines + 1, divided.ends_at, "bytes that are no gzip follow the log: they are left out")
        table = "httperr" if self._kind is LogKind.HTTPERR else "requests"
        named = {name.lower() for stretch in divided.stretches for name in stretch.fields}
        columns = [name for stretch in divided.stretches for name in rows.columns_of(stretch.fields)]
        return Read(
            name=self._source.name,
            kind=self._kind,
            encoding=divided.encoding,
            lines=lines,
            requests=sum(count for (count,) in self._found(table, "count(*)")),
            mended=self._mended,
            bad=self._bad_count,
            bad_lines=tuple(sorted(self._bad, key=lambda bad: bad.offset)[:_MOST_NAMED]),
            heads_again=() if self._kind is LogKind.HTTPPROXY else divided.heads_again,
            is_local_time=not named.isdisjoint(("date-local", "time-local")),
            fields=tuple(dict.fromkeys(columns)),
            set_back=order.set_back,
            is_sorted_otherwise=order.is_sorted_otherwise,
            span=order.span,
            servers=tuple(self._found("requests", "DISTINCT role, server", "ORDER BY 1, 2")),
        )

    def _stretch(self, stretch: w3c.Stretch, *, with_query: bool) -> None:
        columns = rows.columns_of(stretch.fields)
        if stretch.layout is not Layout.COMMAS and not {"date", "time"} <= columns.keys():
            missing = "no time" if "time" not in columns else "no date"
            self._refuse(stretch, f"{missing} among the fields" if columns else "no #Fields line before them")
            return
        values: dict[str, Any] = {"folder": self._source.folder, "source": self._source.name}
        if self._kind is LogKind.W3C:
            values |= {"with_query": with_query}
        if stretch.lines:
            if stretch.layout is not Layout.BLANKS:
                stretch = w3c.without_lone_quotes(stretch, self._copies / "unquoted")
            lines = rows.reading(columns, stretch.layout)
            self._select(columns, lines, {"file": str(stretch.file), "skip": stretch.skip, **values})
            self._mend(stretch, self._rejected(), columns, values)
        if stretch.unended:
            self._mend_unended(stretch, columns, values)

    def _select(self, columns: dict[str, str], lines: str, values: dict[str, Any]) -> None:
        if self._kind is LogKind.HTTPERR:
            self._write("httperr", httperr_rows(columns, lines), values, HTTPERR)
        elif self._kind is LogKind.HTTPPROXY:
            self._write("requests", proxy_rows(columns, lines), values, self._requests)
        else:
            self._write("requests", rows.selecting(columns, lines), values, self._requests)

    def _write(self, table: str, sql: str, values: dict[str, Any], columns: Mapping[str, str]) -> None:
        folder = self._out / table
        folder.mkdir(parents=True, exist_ok=True)
        name, options, day = f"part{self._written}", "FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false", ""
        self._written += 1
        target = folder / f"{name}.parquet"
        if self._by_day:  # which costs a tenth of the whole
            target, day = folder, ", strftime(make_timestamp(ended_ms * 1000), '%Y-%m-%d') AS day"
            options += f", PARTITION_BY (day), FILENAME_PATTERN '{name}_{{i}}', OVERWRITE_OR_IGNORE"
        chosen = f"SELECT {self._columns(list(columns))}{day} FROM ({sql})"
        with mapped(NotReadError):
            self._connection.execute(f"COPY ({chosen}) TO {rows.sql_text(str(target))} ({options})", values)

    def _found(self, table: str, what: str, order: str = "") -> list[tuple[Any, ...]]:
        """Ask something of the rows that were written."""
        folder = self._out / table
        if not any(folder.rglob("*.parquet")):
            return []
        files = rows.sql_text(f"{folder}/**/*.parquet")
        return self._connection.execute(f"SELECT {what} FROM read_parquet({files}) {order}").fetchall()

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
        with reading():
            opened = stretch.file.open("rb")
        with opened as file:
            for offset, error, column in rejected:
                offset = _beginning(file, offset)
                line, counted_to = line + _line_ends(file, counted_to, offset), offset
                text = file.readline(1_000_001).decode(errors="replace")
                if not text.strip("\r\n\0 \x1a") and "\0" not in text:
                    continue  # an empty line, or the end mark of DOS
                parts = w3c.parts_of(text, stretch.layout)
                found = w3c.mended(parts, columns, stretch.layout)
                if found is None:
                    place = None if stretch.is_rewritten else stretch.offset + offset
                    self._blame(line, place, _why(error, column, text))
                else:
                    mended.append(found)
                    self._mended += found != parts
        while batch := mended[:1000]:
            self._insert(batch, columns, stretch.layout, values)
            del mended[:1000]

    def _mend_unended(self, stretch: w3c.Stretch, columns: dict[str, str], values: dict[str, Any]) -> None:
        """Take the last line without its last value where it has all of them: the value may be cut."""
        line = stretch.first_line + stretch.lines
        text = stretch.unended.decode(errors="replace")
        found = w3c.mended(w3c.parts_of(text, stretch.layout), columns, stretch.layout)
        if found is None:
            self._blame(line, stretch.unended_at, "the end of the line is missing")
            return
        self._insert([[*found[:-1], stretch.layout.none]], columns, stretch.layout, values)

    def _insert(
        self, lines: list[list[str]], columns: dict[str, str], layout: Layout, values: dict[str, Any]
    ) -> None:
        listed = ", ".join(f'"{name}" VARCHAR' for name in columns)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE mended ({listed})")
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT INTO mended VALUES ({marks})",
            [[None if v == layout.none else v for v in line] for line in lines],
        )
        typed = ", ".join(f'TRY_CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
        self._select(columns, f"(SELECT {typed} FROM mended)", values)

    def _refuse(self, stretch: w3c.Stretch, what: str) -> None:
        lines = stretch.lines + bool(stretch.unended)
        self._blame(stretch.first_line, stretch.offset, f"{what}: {counted(lines, 'line')}")
        self._bad_count += lines - 1

    def _blame(self, line: int, offset: int | None, reason: str) -> None:
        self._bad_count += 1
        if len(self._bad) < _MOST_NAMED:
            assert self._text is not None
            self._bad.append(BadLine(line, w3c.place_of(self._text, line) if offset is None else offset, reason))


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
