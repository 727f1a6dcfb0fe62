"""The formats of a report: one row for each, with the writer that makes it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.report.documents.blocks import ReportDocument
    from hbprobe.report.documents.sources import Source

Write = Callable[["Sequence[Source]", datetime], str]
"""From what was measured, and when this is written, to the whole text."""


def _html(document: "ReportDocument") -> str:
    from hbprobe.report.documents.html import to_html

    return to_html(document)


def _markdown(document: "ReportDocument") -> str:
    from hbprobe.report.documents.markdown import to_markdown

    return to_markdown(document)


def _json(measured: "Sequence[Source]", written: datetime) -> str:
    from hbprobe.report.documents import data

    return data.to_json(measured, written)


def _csv(measured: "Sequence[Source]", _written: datetime) -> str:
    from hbprobe.report.documents import data

    return data.to_csv(measured)


_FOR_PEOPLE: "dict[str, Callable[[ReportDocument], str]]" = {"html": _html, "md": _markdown}
_FOR_PROGRAMS: dict[str, Write] = {"json": _json, "csv": _csv}

FORMATS = (*_FOR_PEOPLE, *_FOR_PROGRAMS)
"""By the suffix of the file, which is what `--format` takes, too. A writer is loaded when it is used."""


def write(name: str, sources: "Sequence[Source]", written: datetime, *, compare: bool = False) -> str:
    """Return the whole text in a format; `compare` lays the measurements side by side first.

    Raises UserError where that cannot be.
    """
    if name in _FOR_PEOPLE:
        from hbprobe.report.documents.compose import compose

        return _FOR_PEOPLE[name](compose(sources, written, compare=compare))
    if compare:
        raise UserError(
            f"--compare: is for people: write {' or '.join(_FOR_PEOPLE)}; {name} has all measurements anyway"
        )
    return _FOR_PROGRAMS[name](sources, written)
