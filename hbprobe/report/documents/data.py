"""The same for programs: one JSON document, or every trial, connection or limit as a row of CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hbprobe import __version__
from hbprobe.errors import UserError
from hbprobe.records.capture import CaptureRecord, FlowPart
from hbprobe.records.logs import PassiveLimitPart
from hbprobe.report.documents.sources import LocatedSource, Measured, Source

if TYPE_CHECKING:
    from pydantic import BaseModel
from hbprobe.text import no_formula, shown

SCHEMA = "hbprobe.report/1"

_MEASUREMENT = ("label", "target", "path", "method")
_TRIAL = ("trial", "hold", "started", "outcome", "how", "status", "elapsed", "exact", "aftermath", "reason")
_HOP = ("label", "target", "ttl", "outcome", "how", "status", "elapsed", "exact", "aftermath", "reason")
_CONNECTION = ("source", "source_port", "destination", "destination_port", "opened_at", "closed_at")


def to_json(measured: Sequence[Source], written: datetime) -> str:
    """Return all measurements as one JSON document, ASCII only, with a line end."""
    document = {
        "schema": SCHEMA,
        "hbprobe": __version__,
        "written": f"{written:%Y-%m-%dT%H:%M:%SZ}",
        "documents": [one.to_dict() for one in measured],
    }
    return json.dumps(document, indent=2) + "\n"


def to_csv(sources: Sequence[Source]) -> str:
    """Return a table of rows for a spreadsheet; columns are called as in the JSON form, times are seconds.

    A row is a trial of a measurement or a location, a connection of a capture, or a limit that logs show. Raises
    UserError for sources that have no columns in common.
    """
    kinds = {_Rows.of(source) for source in sources}
    if len(kinds) > 1:
        raise UserError(
            "--format csv: measurements, locations, captures and logs have no columns in common: write one of each"
        )
    output = io.StringIO()
    rows = csv.writer(output)
    (kind,) = kinds
    rows.writerow(kind.columns)
    for source in sources:
        rows.writerows([_cell(cell) for cell in row] for row in kind.rows(source))
    return output.getvalue()


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which rows of a kind of source are written, under which names."""

    columns: tuple[str, ...]
    rows: Callable[[Any], Iterator[Iterable[object]]]

    @classmethod
    def of(cls, source: Source) -> "_Rows":
        if isinstance(source, Measured):
            return _TRIALS
        if isinstance(source, LocatedSource):
            return _HELD
        return _FLOWS if isinstance(source.record, CaptureRecord) else _LIMITS


def _trials(source: Measured) -> Iterator[Iterable[object]]:
    result = source.result
    measurement = (result.origin.label, result.target, " > ".join(result.path), result.method)
    for trial in result.to_dict()["trials"]:
        connection = trial["connection"] or {}
        told = (trial[name] for name in _TRIAL)
        yield (*measurement, *told, *(connection.get(name) for name in _CONNECTION))


def _held(source: LocatedSource) -> Iterator[Iterable[object]]:
    location = source.location
    for trial in location.to_dict()["trials"]:
        yield location.label, location.target, *(trial[name] for name in _HOP[2:])


def _told(items: "Sequence[BaseModel]", columns: tuple[str, ...]) -> Iterator[Iterable[object]]:
    for item in items:
        told = item.model_dump(mode="json")
        yield [" ".join(cell) if isinstance(cell := told[name], list) else cell for name in columns]


def _plain_columns(part: "type[BaseModel]", *structured: str) -> tuple[str, ...]:
    """Name the keys of a part that fit into a cell."""
    return tuple(name for name in part.model_fields if name not in structured)


_TRIALS = _Rows((*_MEASUREMENT, *_TRIAL, *_CONNECTION), _trials)
_HELD = _Rows(_HOP, _held)
_FLOW = _plain_columns(FlowPart, "survived", "survived_without_data", "signs", "hints")
_FLOWS = _Rows(_FLOW, lambda source: _told(source.record.flows, _FLOW))
_LIMIT = _plain_columns(
    PassiveLimitPart, "curve", "if_unknown_lost", "if_unknown_answered", "holds_without", "rests_on", "own_doing"
)
_LIMITS = _Rows(_LIMIT, lambda source: _told(source.record.limits, _LIMIT))


def _cell(value: object) -> object:
    """Return a value as a cell; text can become no formula, whatever a server has sent."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return no_formula(shown(value))
    return value
