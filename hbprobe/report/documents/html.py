"""A document as one HTML file: nothing is fetched, no script runs, and text from outside stays text."""

import io
import re
from html import escape
from importlib import resources
from itertools import count
from xml.etree import ElementTree

from matplotlib.figure import Figure

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
from hbprobe.report.plots.style import FAINT, INK, in_style
from hbprobe.text import shown

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_VOID = {"meta"}
"""The elements without content that are used here."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Return an element.

    Children that are not `Markup` are escaped, and characters that do not print are written out. In the names of
    attributes `_` stands for `-`, and at the end for nothing: `class_`, `aria_label`.
    """
    names = {name.removesuffix("_").replace("_", "-"): value for name, value in attributes.items()}
    for name in (tag, *names):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an element or attribute")
    said = "".join(f' {name}="{escape(shown(value))}"' for name, value in names.items())
    if tag in _VOID:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{joined(children)}</{tag}>")


def joined(children: "tuple[str, ...] | list[str]") -> Markup:
    """Return the children one after the other, each escaped where it is not `Markup`."""
    return Markup("".join(child if isinstance(child, Markup) else escape(shown(child)) for child in children))


_COLORS = {
    INK: "ink",
    FAINT: "faint",
    "#ffffff": "paper",
    "#dddddd": "shade",
    "#e4e4e4": "shade",
    "#f4f4f4": "shade",
    "#a0a0a0": "faint",
}
"""What is drawn in a shade of grey, and the variable of the style sheet that it becomes."""
_COLOR = re.compile("|".join(color.lower() for color in _COLORS))
_REFERENCE = re.compile(r"(?:^|url\()#([\w.-]+)")
_DROPPED = {"metadata", "style"}
"""Who drew it, and a rule for all elements of the page; the style sheet has that rule for pictures."""


def inline_svg(figure: Figure, label: str, prefix: str) -> Markup:
    """Return a plot as an `svg` element; `prefix` keeps its names apart from another's on the page."""
    root = ElementTree.fromstring(_drawn(figure))
    for parent in list(root.iter()):
        for child in [child for child in parent if _local(child.tag) in _DROPPED]:
            parent.remove(child)
    used = {name for node in root.iter() for value in node.attrib.values() for name in _REFERENCE.findall(value)}
    for node in root.iter():
        node.tag = _local(node.tag)
        node.attrib = _attributes(node.attrib, used, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": shown(label)}
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))


def _drawn(figure: Figure) -> str:
    output = io.StringIO()
    with in_style():
        figure.savefig(output, format="svg", metadata={"Date": None})
    return output.getvalue()


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _attributes(attributes: dict[str, str], used: set[str], prefix: str) -> dict[str, str]:
    kept = {_local(name): value for name, value in attributes.items() if name != "id" or value in used}
    return {name: _fitted(name, value, prefix) for name, value in kept.items()}


def _fitted(name: str, value: str, prefix: str) -> str:
    """Return an attribute's value as it fits the page around."""
    if name == "id":
        return prefix + value
    if name == "href":
        return f"#{prefix}{value.removeprefix('#')}"
    return _COLOR.sub(_variable, value.replace("url(#", f"url(#{prefix}"))


def _variable(color: re.Match[str]) -> str:
    return f"var(--{_COLORS[color[0]]})"


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
