"""Measurements for programs: one JSON document, or every trial as a row of CSV."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime

from hbprobe import __version__
from hbprobe.report.documents.sources import Measured
from hbprobe.text import shown

SCHEMA = "hbprobe.report/1"

_MEASUREMENT = ("label", "target", "path", "method")
_TRIAL = ("trial", "hold", "started", "outcome", "how", "status", "elapsed", "exact", "aftermath", "reason")
_CONNECTION = ("source", "source_port", "destination", "destination_port", "opened_at", "closed_at")
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet would take for the beginning of a formula."""


def to_json(measured: Sequence[Measured], written: datetime) -> str:
    """Return all measurements as one JSON document, ASCII only, with a line end."""
    document = {
        "schema": SCHEMA,
        "hbprobe": __version__,
        "written": f"{written:%Y-%m-%dT%H:%M:%SZ}",
        "documents": [one.to_dict() for one in measured],
    }
    return json.dumps(document, indent=2) + "\n"


def to_csv(measured: Sequence[Measured]) -> str:
    """Return every trial of every measurement as a row; columns are called as in the JSON form, times are seconds."""
    output = io.StringIO()
    rows = csv.writer(output)
    rows.writerow((*_MEASUREMENT, *_TRIAL, *_CONNECTION))
    for result in (one.result for one in measured):
        measurement = (result.origin.label, result.target, " > ".join(result.path), result.method)
        for trial in result.to_dict()["trials"]:
            connection = trial["connection"] or {}
            told = (trial[name] for name in _TRIAL)
            rows.writerow(map(_cell, (*measurement, *told, *(connection.get(name) for name in _CONNECTION))))
    return output.getvalue()


def _cell(value: object) -> object:
    """Return a value as a cell; text can become no formula, whatever a server has sent."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = shown(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value
