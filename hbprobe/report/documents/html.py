"""A document as one HTML file: nothing is fetched, no script runs, and text from outside stays text."""

from importlib import resources
from itertools import count

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
from hbprobe.report.documents.markup import Markup, element, joined

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Nothing from anywhere. The styles are the page's own; a plot has them at every line that it draws."""


def to_html(document: ReportDocument) -> str:
    """Return the whole page."""
    style = resources.files("hbprobe.report.documents").joinpath("report.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"hbprobe: {document.title}"),
        element("style", Markup(style)),
    )
    footer = element("footer", element("p", document.footer))
    body = element("body", element("main", *_Writer().main(document)), footer)
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


class _Writer:
    """Writes blocks; counts pictures, for no two names on a page may be the same."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def main(self, document: ReportDocument) -> list[Markup]:
        if len(document.chapters) == 1:
            chapter = document.chapters[0]
            return [element("h1", chapter.title), *self._chapter(chapter, level=2)]
        parts = [element("h1", document.title), *(self._section(one, level=2) for one in document.together)]
        for chapter in document.chapters:
            heading = element("h2", chapter.title)
            parts.append(element("article", heading, *self._chapter(chapter, level=3), class_="chapter"))
        return parts

    def _chapter(self, chapter: Chapter, level: int) -> list[Markup]:
        state = element("span", f"{chapter.state.capitalize()}.", class_="state")
        lead = element("p", state, " ", chapter.lead, class_=f"lead {chapter.state}")
        return [lead, *(self._section(section, level) for section in chapter.sections)]

    def _section(self, section: Section, level: int) -> Markup:
        return element("section", element(f"h{level}", section.title), *map(self._block, section.blocks))

    def _block(self, block: Block) -> Markup:
        match block:
            case Prose():
                return element("p", block.text)
            case Facts():
                return element("dl", *(part for group in block.grouped() for part in _fact(*group)))
            case Findings():
                return element("ul", *(_finding(*item) for item in block.items), class_="findings")
            case Listing():
                items = element("ul", *(element("li", item) for item in block.items))
                return joined([element("p", f"{block.heading}:"), items])
            case Table():
                return _scrolling(_table(block), block.caption)
            case Picture():
                from hbprobe.report.documents.inline import inline_svg

                svg = inline_svg(block.draw(), block.caption, f"p{next(self._numbers)}-")
                return element("figure", _scrolling(svg, "picture"), element("figcaption", block.caption))


def _fact(name: str, said: list[str]) -> list[Markup]:
    return [element("dt", name), *(element("dd", text) for text in said)]


def _finding(severity: str, text: str) -> Markup:
    return element("li", element("span", severity.capitalize(), class_="state"), f": {text}", class_=severity)


def _scrolling(content: Markup, name: str) -> Markup:
    """Let what is wider than a phone be scrolled, by keyboard as well."""
    return element("div", content, class_="scroll", role="group", aria_label=name, tabindex="0")


def _table(table: Table) -> Markup:
    kinds = ["words" if column in table.words else "number" for column in table.columns]
    names = [element("th", name, scope="col", class_=kind) for name, kind in zip(table.columns, kinds, strict=True)]
    rows = [
        element("tr", *(element("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)))
        for row in table.rows
    ]
    return element(
        "table", element("caption", table.caption), element("thead", element("tr", *names)), element("tbody", *rows)
    )
