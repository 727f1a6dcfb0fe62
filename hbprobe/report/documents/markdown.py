"""A document as Markdown, for a ticket or a wiki; pictures become their captions."""

import re
from collections.abc import Iterable

from hbprobe.report.documents.blocks import (
    Block,
    Chapter,
    Facts,
    Findings,
    Listing,
    Picture,
    Prose,
    ReportDocument,
    Section,
    Table,
)
from hbprobe.text import shown

_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&@]|(?<=:)//")
"""What Markdown, or the HTML inside it, would take for more than a character; `//` would make a URL a link."""
_LINE_START = re.compile(r"^(\s*)(?:([-+=#])|(\d+)([.)]))")


def to_markdown(document: ReportDocument) -> str:
    """Return the whole text."""
    lines = _main(document)
    return "\n\n".join([*lines, plain(document.footer)]) + "\n"


def plain(text: str) -> str:
    """Return text as Markdown that shows it as it is."""
    escaped = _SPECIAL.sub(lambda found: "".join(f"\\{character}" for character in found[0]), shown(text))
    return _LINE_START.sub(lambda found: f"{found[1]}{found[3] or ''}\\{found[2] or found[4]}", escaped)


def _main(document: ReportDocument) -> list[str]:
    if len(document.chapters) == 1:
        chapter = document.chapters[0]
        return [f"# {plain(chapter.title)}", *_chapter(chapter, level=2)]
    parts = [f"# {plain(document.title)}"]
    for section in document.together:
        parts += _section(section, level=2)
    for chapter in document.chapters:
        parts += [f"## {plain(chapter.title)}", *_chapter(chapter, level=3)]
    return parts


def _chapter(chapter: Chapter, level: int) -> list[str]:
    lead = f"**{chapter.state.capitalize()}.** {plain(chapter.lead)}"
    return [lead, *(part for section in chapter.sections for part in _section(section, level))]


def _section(section: Section, level: int) -> list[str]:
    return [f"{'#' * level} {plain(section.title)}", *(_block(block) for block in section.blocks)]


def _block(block: Block) -> str:
    match block:
        case Prose():
            return plain(block.text)
        case Facts():
            return _list(_fact(*group) for group in block.grouped())
        case Findings():
            return _list(f"**{plain(severity)}**: {plain(text)}" for severity, text in block.items)
        case Listing():
            return f"{plain(block.heading)}:\n\n{_list(map(plain, block.items))}"
        case Table():
            return _table(block)
        case Picture():
            return plain(block.caption)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(table: Table) -> str:
    rules = [":--" if column in table.words else "--:" for column in table.columns]
    rows = [[plain(cell) for cell in row] for row in (table.columns, *table.rows)]
    rows.insert(1, rules)
    return f"{plain(table.caption)}:\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _fact(name: str, said: list[str]) -> str:
    first, *more = map(plain, said)
    return "\n".join([f"**{plain(name)}**: {first}", *(f"  - {text}" for text in more)])
