"""Pages: axes in a row, with room above each for flags; or panels one below the other on one axis of time.

All lengths are inches.
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hbprobe.report.plots.flags import ROW_IN
from hbprobe.report.plots.style import FAINT, drawable, extent

WIDTH_IN = 10.0
MARGIN_IN = 0.3
LegendEntry = tuple[Artist | tuple[Artist, ...], str]
"""What the legend shows, one upon the other, and what it says."""
_GAP_IN = 0.1
_HEAD_IN = 0.72
"""Title and subtitle."""


class Page:
    """Widths come first, for they decide what fits; the height follows from what then stands on the page."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH_IN, 4), dpi=150, facecolor="white")
        FigureCanvasAgg(self.figure)
        self._rows: list[tuple[Axes, float, float]] = []

    def add_axes(self, left_in: float, right_in: float, beside: Axes | None = None) -> Axes:
        """Add axes between two places on the page; `beside` shares its vertical axis."""
        place = (left_in / WIDTH_IN, 0.2, (right_in - left_in) / WIDTH_IN, 0.5)
        axes = self.figure.add_axes(place, sharey=beside)
        self._rows.append((axes, left_in, right_in))
        return axes

    def finish(
        self,
        title: str,
        subtitle: str,
        flag_rows: int,
        plot_in: float,
        legend: Sequence[LegendEntry],
        columns: int = 5,
    ) -> Figure:
        """Set the height, and write title, subtitle and legend."""
        legend_in = self._explain(legend, columns) if legend else 0.0
        bottom_in = max(_foot_in(axes) for axes, _, _ in self._rows) + legend_in + _GAP_IN
        height_in = bottom_in + plot_in + flag_rows * ROW_IN + _HEAD_IN
        self.figure.set_size_inches(WIDTH_IN, height_in)
        for axes, left_in, right_in in self._rows:
            width_in = right_in - left_in
            axes.set_position((left_in / WIDTH_IN, bottom_in / height_in, width_in / WIDTH_IN, plot_in / height_in))
        self._write(title, height_in - 0.16, {"fontsize": 13, "weight": "bold", "gid": "title"})
        self._write(subtitle, height_in - 0.43, {"fontsize": 9, "color": FAINT, "gid": "subtitle"})
        return self.figure

    def _explain(self, legend: Sequence[LegendEntry], columns: int) -> float:
        """Write the legend at the foot of the page; return how high it is."""
        place = (MARGIN_IN / WIDTH_IN, 0)
        samples, labels = zip(*legend, strict=True)
        drawn = self.figure.legend(samples, labels, loc="lower left", bbox_to_anchor=place, ncols=columns)
        return extent(drawn).height / self.figure.dpi + _GAP_IN

    def _write(self, words: str, top_in: float, look: dict[str, Any]) -> None:
        """Write a line across the page, shortened where it is too long for it."""
        place = (MARGIN_IN / WIDTH_IN, top_in / self.figure.get_figheight())
        text = self.figure.text(*place, drawable(words), va="top", **look)
        while (over := extent(text).width / self.figure.dpi / (WIDTH_IN - 2 * MARGIN_IN)) > 1:
            text.set_text(f"{text.get_text()[: int(len(text.get_text()) / over) - 4]}...")


def _foot_in(axes: Axes) -> float:
    """Return how far ticks and the axis' label reach below the axes."""
    return float(axes.bbox.y0 - extent(axes.xaxis).y0) / axes.figure.dpi


_STACK_LEFT_IN = 0.95
_STACK_HEAD_IN = 0.78
_STACK_FOOT_IN = 0.55
_LEGEND_IN = 0.3
_STACK_GAP_IN = 0.3
_CHARACTERS = 130


class Stack:
    """Panels, the first at the top; only the last has ticks in words."""

    def __init__(self, heights_in: Sequence[float], *, apart: bool = False, left_in: float = _STACK_LEFT_IN) -> None:
        """`apart` gives each panel an axis of its own, and room for its words; `left_in` is for the names of rows."""
        gap_in = _STACK_GAP_IN + (_STACK_FOOT_IN if apart else 0.0)
        whole_in = _STACK_HEAD_IN + sum(heights_in) + gap_in * (len(heights_in) - 1) + _STACK_FOOT_IN + _LEGEND_IN
        self.figure = Figure(figsize=(WIDTH_IN, whole_in), dpi=150, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.panels: list[Axes] = []
        top_in = whole_in - _STACK_HEAD_IN
        for height_in in heights_in:
            place = (left_in / WIDTH_IN, (top_in - height_in) / whole_in)
            size = ((WIDTH_IN - MARGIN_IN - left_in) / WIDTH_IN, height_in / whole_in)
            shared = self.panels[0] if self.panels and not apart else None
            self.panels.append(self.figure.add_axes((*place, *size), sharex=shared))
            top_in -= height_in + gap_in
        for axes in () if apart else self.panels[:-1]:
            axes.tick_params(axis="x", labelbottom=False)

    def finish(self, title: str, caption: str, legend: Sequence[LegendEntry] = ()) -> Figure:
        """Write title, caption and legend."""
        height_in = self.figure.get_figheight()
        self._write(title, height_in - 0.16, {"fontsize": 13, "weight": "bold", "gid": "title"})
        self._write(caption, height_in - 0.43, {"fontsize": 9, "color": FAINT, "gid": "subtitle"})
        if legend:
            samples, labels = zip(*legend, strict=True)
            place = (MARGIN_IN / WIDTH_IN, 0.0)
            self.figure.legend(samples, labels, loc="lower left", bbox_to_anchor=place, ncols=len(legend))
        return self.figure

    def _write(self, words: str, top_in: float, look: dict[str, Any]) -> None:
        """Write a line across the page, shortened where it is too long for it."""
        place = (MARGIN_IN / WIDTH_IN, top_in / self.figure.get_figheight())
        text = self.figure.text(*place, drawable(words, _CHARACTERS), va="top", **look)
        width_in = WIDTH_IN - 2 * MARGIN_IN
        while (over := extent(text).width / self.figure.dpi / width_in) > 1:
            text.set_text(f"{text.get_text()[: int(len(text.get_text()) / over) - 4]}...")


def beside(axes: Axes, name: str) -> None:
    """Name a panel inside it, at the top left."""
    axes.text(0.0, 1.03, drawable(name), transform=axes.transAxes, fontsize=9, weight="bold", va="bottom")
