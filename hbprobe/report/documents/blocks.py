"""What a document is made of, whatever it is then written as: chapters, sections, blocks of plain text, and pictures.

A picture is drawn, and matplotlib loaded, only where the way of writing shows it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from hbprobe.records.result import Result
from hbprobe.report.drawn_path import Station, drawn_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what is said of them; an empty name goes on with the one before."""

    pairs: tuple[tuple[str, str], ...]

    def grouped(self) -> list[tuple[str, list[str]]]:
        """Return each name with all that is said of it."""
        groups: list[tuple[str, list[str]]] = []
        for name, text in self.pairs:
            if name or not groups:
                groups.append((name, []))
            groups[-1][1].append(text)
        return groups


def sentence(text: str) -> str:
    """Return words with a capital and an end; a command's own semicolon is one."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', ';')) else '.'}"


@dataclass(frozen=True, slots=True)
class Findings:
    """Sentences, each with how serious it is: `problem`, `note`, `healthy`."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of sentences, with what they have in common."""

    heading: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under named columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[str] = frozenset()
    """The columns that hold words, and so begin at the left; numbers end at the right."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot, and what it shows for those who do not see it."""

    draw: "Callable[[], Figure]" = field(repr=False)
    """Draws it: only some ways of writing show it."""
    caption: str


Block: TypeAlias = "Prose | Facts | Findings | Listing | Table | Picture"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """What there is to say of one measurement."""

    title: str
    state: str
    """`healthy`, `problem` or `note`: how the whole of it is."""
    lead: str
    """The whole of it in a sentence."""
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """One chapter for each measurement, and before them, where they are several, what they are together."""

    chapters: tuple[Chapter, ...]
    together: tuple[Section, ...]
    footer: str

    @property
    def title(self) -> str:
        """The only chapter's, or how many there are."""
        return self.chapters[0].title if len(self.chapters) == 1 else f"{len(self.chapters)} measurements"


def search_picture(result: Result, caption: str) -> Picture:
    """Show the search of one result."""

    def draw() -> "Figure":
        from hbprobe.report.plots.search_plot import search_plot

        return search_plot(result)

    return Picture(draw, caption)


def curve_picture(results: Sequence[Result], caption: str) -> Picture:
    """Show which share of holds survives."""

    def draw() -> "Figure":
        from hbprobe.report.plots.curve_plot import curve_plot

        return curve_plot(results, [])

    return Picture(draw, caption)


def path_picture(stations: Sequence[Station]) -> Picture:
    """Show a path with whom cuts marked."""

    def draw() -> "Figure":
        from hbprobe.report.plots.path_plot import path_plot

        return path_plot(stations)

    return Picture(draw, drawn_words(stations))
