"""The reports that people ask of logs: a file of SQL each, in `queries/`, with its title in the first line.

The SQL is portable: no function of one engine only, and NULLs have a place in each order.
"""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from hbprobe.errors import UserError
from hbprobe.profiles.mistakes import meant
from hbprobe.text import no_formula

_FOLDER: Final = Path(__file__).parent / "queries"


@dataclass(frozen=True, slots=True)
class Report:
    """A question, and the SQL that answers it."""

    name: str
    title: str
    sql: str
    label: str | None
    """The columns that name the bars of its chart, with `/` between, and the one that gives their length; None for no
    chart."""
    value: str | None


@dataclass(frozen=True, slots=True)
class ReportTable:
    """An answer."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    """Times are text in UTC."""
    label: str | None = None
    value: str | None = None

    def to_json(self) -> str:
        """Return it as JSON, a line end behind it."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return (
            json.dumps(
                {"schema": "hbprobe.table/1", "name": self.name, "title": self.title, "rows": _in_json(rows)},
                indent=2,
                default=str,
                allow_nan=False,
            )
            + "\n"
        )

    def to_csv(self) -> str:
        """Return it as CSV, in which no cell is a formula."""
        return csv_text(self.columns, self.rows)


def reports() -> dict[str, Report]:
    """Return all reports by name."""
    return {path.stem: _report(path) for path in sorted(_FOLDER.glob("*.sql"))}


def report_called(name: str) -> Report:
    """Return the report of this name. Raises UserError for one that is not known."""
    known = reports()
    if name not in known:
        raise UserError(f"--report {name}: no such report{meant(name, list(known))} (allowed: {', '.join(known)})")
    return known[name]


def _report(path: Path) -> Report:
    sql = path.read_text(encoding="utf-8")
    comments = [line.removeprefix("-- ") for line in sql.splitlines() if line.startswith("-- ")]
    label, value = next((tuple(line.split()[1:3]) for line in comments if line.startswith("chart: ")), (None, None))
    return Report(path.stem, comments[0], sql, label, value)


def table_of(report: Report, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> ReportTable:
    """Return the answer to one of ours: milliseconds since 1970 become times in UTC, without `_ms` in the name."""
    times = {name for name in columns if name.endswith("_ms")}
    cells = tuple(tuple(utc(row[name]) if name in times else row[name] for name in columns) for row in rows)
    names = tuple(name.removesuffix("_ms") for name in columns)
    label = report.label.removesuffix("_ms") if report.label else None
    return ReportTable(report.name, report.title, names, cells, label, report.value)


def users_table(name: str, title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> ReportTable:
    """Return the answer to a question of the user's own: values stay as they are, and only timestamps become text."""
    cells = tuple(tuple(_timestamp(row[column]) for column in columns) for row in rows)
    return ReportTable(name, title, tuple(columns), cells)


def _timestamp(value: object) -> object:
    if not isinstance(value, datetime):
        return value
    return value.isoformat() + "Z" if value.tzinfo is None else value.astimezone(UTC).isoformat()[:-6] + "Z"


def _in_json(value: object) -> object:
    """Return what JSON has for a value: null for a number that is none, text for a key that is none."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _in_json(one) for key, one in value.items()}
    return [_in_json(one) for one in value] if isinstance(value, list | tuple) else value


def utc(at_ms: float | None) -> str | None:
    """Write milliseconds since 1970 as in 2030-01-02T08:00:00Z."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def csv_text(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[no_formula(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])
    return text.getvalue()
