"""A page with panels one below the other on one axis of time; all lengths are inches."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, LegendEntry
from hbprobe.report.plots.style import FAINT, drawable, extent

_LEFT_IN = 0.95
_HEAD_IN = 0.78
_FOOT_IN = 0.55
_LEGEND_IN = 0.3
_GAP_IN = 0.3
_CHARACTERS = 130


class Stack:
    """Panels, the first at the top; only the last has ticks in words."""

    def __init__(self, heights_in: Sequence[float], *, apart: bool = False, left_in: float = _LEFT_IN) -> None:
        """`apart` gives each panel an axis of its own, and room for its words; `left_in` is for the names of rows."""
        gap_in = _GAP_IN + (_FOOT_IN if apart else 0.0)
        whole_in = _HEAD_IN + sum(heights_in) + gap_in * (len(heights_in) - 1) + _FOOT_IN + _LEGEND_IN
        self.figure = Figure(figsize=(WIDTH_IN, whole_in), dpi=150, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.panels: list[Axes] = []
        top_in = whole_in - _HEAD_IN
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
