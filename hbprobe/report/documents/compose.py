"""From measurements to a document."""

from collections.abc import Sequence
from datetime import datetime

from hbprobe import __version__
from hbprobe.report.documents.blocks import Document, Section, Table
from hbprobe.report.documents.pictures import curve_picture
from hbprobe.report.documents.sections import chapter, state_of
from hbprobe.report.documents.sources import Measured
from hbprobe.report.terminal.words import limit_words, path_words

_MOST_CURVES = 7
"""So many can be told apart by their colours."""


def compose(measured: Sequence[Measured], written: datetime) -> Document:
    """Return the document about some measurements; `written` is the time that its last line names."""
    together = (_overview(measured),) if len(measured) > 1 else ()
    return Document(tuple(map(chapter, measured)), together, _footer(written))


def _footer(written: datetime) -> str:
    return f"Written by hbprobe {__version__} on {written:%Y-%m-%d at %H:%M} UTC."


def _overview(measured: Sequence[Measured]) -> Section:
    results = [one.result for one in measured]
    rows = tuple(
        (path_words(one), limit_words(one.limit, with_how=True), one.cut_by or "-", state_of(one)) for one in results
    )
    columns = ("path", "limit", "cut by", "state")
    table = Table("All measurements", columns, rows, frozenset(columns))
    if len(results) > _MOST_CURVES:
        return Section("Overview", (table,))
    caption = "How long a quiet request survives on each path, as measured"
    return Section("Overview", (table, curve_picture(results, caption)))
