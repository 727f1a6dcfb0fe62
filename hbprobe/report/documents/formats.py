"""The formats of a report: one row for each, with the writer that makes it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbprobe.report.documents.sources import Source

Write = Callable[["Sequence[Source]", datetime], str]
"""From what was measured, and when this is written, to the whole text."""


def _html(measured: "Sequence[Source]", written: datetime) -> str:
    from hbprobe.report.documents import compose, html

    return html.to_html(compose.compose(measured, written))


def _markdown(measured: "Sequence[Source]", written: datetime) -> str:
    from hbprobe.report.documents import compose, markdown

    return markdown.to_markdown(compose.compose(measured, written))


def _json(measured: "Sequence[Source]", written: datetime) -> str:
    from hbprobe.report.documents import data

    return data.to_json(measured, written)


def _csv(measured: "Sequence[Source]", _written: datetime) -> str:
    from hbprobe.report.documents import data

    return data.to_csv(measured)


FORMATS: dict[str, Write] = {
    "html": _html,
    "md": _markdown,
    "json": _json,
    "csv": _csv,
}
"""By the suffix of the file, which is what `--format` takes, too. A writer is loaded when it is used."""
