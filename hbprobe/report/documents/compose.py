"""From measurements to a document."""

from collections.abc import Sequence
from datetime import datetime

from hbprobe import __version__
from hbprobe.records.capture import CaptureRecord
from hbprobe.report.documents.blocks import Block, Chapter, ReportDocument, Section, Table, curve_picture
from hbprobe.report.documents.chapters import capture_chapter, location_chapter, logs_chapter
from hbprobe.report.documents.compare import comparison
from hbprobe.report.documents.sections import chapter, state_of
from hbprobe.report.documents.sources import LocatedSource, Measured, Source
from hbprobe.report.terminal.words import limit_words, path_words

_MOST_CURVES = 7
"""So many can be told apart by their colours."""


def compose(sources: Sequence[Source], written: datetime, *, compare: bool = False) -> ReportDocument:
    """Return the document about what was measured or found; `written` is the time that its last line names.

    `compare` lays the measurements side by side first; raises UserError where that cannot be.
    """
    chapters = tuple(map(_chapter, sources))
    if compare:
        return ReportDocument(chapters, (comparison(sources),), _footer(written))
    together = (_overview(sources, chapters),) if len(sources) > 1 else ()
    return ReportDocument(chapters, together, _footer(written))


def _chapter(source: Source) -> Chapter:
    if isinstance(source, Measured):
        return chapter(source)
    if isinstance(source, LocatedSource):
        return location_chapter(source.location)
    record = source.record
    return capture_chapter(record) if isinstance(record, CaptureRecord) else logs_chapter(record)


def _footer(written: datetime) -> str:
    return f"Written by hbprobe {__version__} on {written:%Y-%m-%d at %H:%M} UTC."


def _overview(sources: Sequence[Source], chapters: Sequence[Chapter]) -> Section:
    told = tuple(
        (one.title, one.lead, one.state)
        for one, source in zip(chapters, sources, strict=True)
        if not isinstance(source, Measured)
    )
    columns = ("evidence", "answer", "state")
    past = (Table("What else was found", columns, told, frozenset(columns)),) if told else ()
    measured = [source for source in sources if isinstance(source, Measured)]
    return Section("Overview", (*(_measurements(measured) if measured else ()), *past))


def _measurements(measured: Sequence[Measured]) -> tuple[Block, ...]:
    results = [one.result for one in measured]
    rows = tuple(
        (path_words(one), limit_words(one.limit, with_how=True), one.cut_by or "-", state_of(one)) for one in results
    )
    columns = ("path", "limit", "cut by", "state")
    table = Table("All measurements", columns, rows, frozenset(columns))
    if len(results) > _MOST_CURVES:
        return (table,)
    caption = "How long a quiet request survives on each path, as measured"
    return table, curve_picture(results, caption)
