"""One look for all plots: colours, hatches and markers, fonts, and the files that come of it.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which the colour-blind tell apart, and none
of them stands alone: a hatch and a marker say the same on a grey print.
"""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.transforms import Bbox

from hbprobe.errors import UserError
from hbprobe.files import write_whole
from hbprobe.manner import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION
from hbprobe.report.looks import INK as INK  # a part of the style, and drawn without matplotlib as well
from hbprobe.text import escaped, shown

FAINT = "#767676"
FONT = "DejaVu Sans"  # travels with matplotlib, so that a plot looks the same everywhere

_SETTINGS: Any = {
    "font.family": FONT,
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign from outside is a dollar sign
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "hbprobe",
}


def in_style() -> AbstractContextManager[None]:
    """Return the style as a context: in force while a plot is made, and while it is saved."""
    return matplotlib.rc_context(_SETTINGS)


class LineLook(NamedTuple):
    """How one curve looks."""

    color: str
    marker: str


LINES = (
    LineLook(BLUE, "o"),
    LineLook(VERMILLION, "s"),
    LineLook(GREEN, "^"),
    LineLook(PURPLE, "D"),
    LineLook(ORANGE, "v"),
    LineLook(SKY, "X"),
    LineLook(INK, "P"),
)

SOLID: dict[str, Any] = {"linestyle": "solid", "linewidth": 2.6, "markersize": 4.5}
"""What was measured."""
DASHED: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 1.6}
"""What a profile promises."""
GREY_ZONE: dict[str, Any] = {
    "facecolor": "#E4E4E4",
    "edgecolor": "#A0A0A0",
    "hatch": "....",
    "linewidth": 0,
    "zorder": 0,
}


def drawable(text: str, limit: int = 200) -> str:
    """Return text from outside as it can stand in a plot: on one line, not too long, each character in the font."""
    glyphs = get_font(findfont(FontProperties(family=FONT))).get_charmap()
    whole = "".join(char if ord(char) in glyphs else escaped(char) for char in shown(text))
    return whole if len(whole) <= limit else f"{whole[: limit - 3]}..."


def extent(artist: Artist) -> Bbox:
    """Measure where something stands on the page, in dots."""
    figure = artist.figure
    assert isinstance(figure, Figure)
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    box = artist.get_tightbbox(canvas.get_renderer())  # type: ignore[no-untyped-call]
    assert box is not None
    return box


def save(figure: Figure, path: Path) -> None:
    """Write the plot as PNG or SVG, by the suffix. Raises as `drawn` and `write_whole` do."""
    write_whole(path, drawn(figure, path))


def drawn(figure: Figure, path: Path) -> bytes:
    """Return what a file of this name is to hold of the plot, by the suffix; the same plot gives the same bytes.

    Raises UserError for another suffix.
    """
    kind = format_of(path)
    content = io.BytesIO()
    with in_style():
        figure.savefig(content, format=kind, metadata=_METADATA[kind])
    return content.getvalue()


def format_of(path: Path) -> str:
    """Return how a file of this name is drawn. Raises UserError where the suffix says nothing of that."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        raise UserError(f"{shown(str(path))}: has no suffix that says how to draw: call it .png or .svg")
    return kind


_METADATA: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}}
