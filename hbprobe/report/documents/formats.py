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


FOR_PEOPLE: "dict[str, Callable[[ReportDocument], str]]" = {
    "html": _html,
    "md": _markdown,
}
"""Formats that write a composed document, each with its writer."""
FOR_PROGRAMS: dict[str, Write] = {
    "json": _json,
    "csv": _csv,
}
"""Formats that write the measurements themselves."""

FORMATS = (*FOR_PEOPLE, *FOR_PROGRAMS)
"""By the suffix of the file, which is what `--format` takes, too. A writer is loaded when it is used."""


def write(name: str, sources: "Sequence[Source]", written: datetime, *, compare: bool = False) -> str:
    """Return the whole text in a format; `compare` lays the measurements side by side first.

    Raises UserError where that cannot be.
    """
    if name in FOR_PEOPLE:
        from hbprobe.report.documents.compose import compose

        return FOR_PEOPLE[name](compose(sources, written, compare=compare))
    if compare:
        raise UserError(
            f"--compare: is for people: write {' or '.join(FOR_PEOPLE)}; {name} has all measurements anyway"
        )
    return FOR_PROGRAMS[name](sources, written)
