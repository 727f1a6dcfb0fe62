"""A path as a picture: client, boxes and server in a row, with the one that cuts marked."""

import textwrap
from collections.abc import Sequence
from typing import Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hbprobe.manner import VERMILLION
from hbprobe.report.drawn_path import Station
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN
from hbprobe.report.plots.style import FAINT, INK, drawable, in_style

_HEIGHT_IN: Final = 1.15
_BOX_IN: Final = 0.5
_MIDDLE_IN: Final = 0.72
_GAP_IN: Final = 0.35
_WIDEST_IN: Final = 2.2
_CHARACTER_IN: Final = 0.085
"""The usual width of a character of 9 points."""


def path_plot(stations: Sequence[Station]) -> Figure:
    """Draw the stations from the client to the server; beyond the guilty one the line is broken."""
    with in_style():
        figure = Figure(figsize=(WIDTH_IN, _HEIGHT_IN), dpi=150, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH_IN)
        axes.set_ylim(0, _HEIGHT_IN)
        axes.axis("off")
        each_in = (WIDTH_IN - 2 * MARGIN_IN - _GAP_IN * (len(stations) - 1)) / len(stations)
        wide_in = min(each_in, _WIDEST_IN)
        step_in = wide_in + _GAP_IN
        left_in = (WIDTH_IN - step_in * len(stations) + _GAP_IN) / 2
        is_cut = False
        for place, one in enumerate(stations):
            at_in = left_in + place * step_in
            if place:
                style = {"linestyle": (0, (2, 2)), "color": FAINT} if is_cut else {"linestyle": "-", "color": INK}
                axes.plot([at_in - _GAP_IN, at_in], [_MIDDLE_IN] * 2, linewidth=1.4, gid="line", **style)
            is_cut = is_cut or bool(one.guilty)
            color = VERMILLION if one.guilty else INK
            if not one.is_gap:
                look = {"linewidth": 2.6, "hatch": "////"} if one.guilty else {"linewidth": 1.0}
                corner = (at_in, _MIDDLE_IN - _BOX_IN / 2)
                box = FancyBboxPatch(corner, wide_in, _BOX_IN, boxstyle="round,pad=0,rounding_size=0.06")
                box.set(facecolor="#ffffff", edgecolor=color, gid="guilty" if one.guilty else "station", **look)
                axes.add_patch(box)
            middle_in = at_in + wide_in / 2
            patch = {"facecolor": "#ffffff", "edgecolor": "none", "pad": 1.5}
            axes.text(
                middle_in, _MIDDLE_IN, _wrapped(one.name, wide_in), ha="center", va="center", bbox=patch, gid="name"
            )
            if one.guilty:
                below = _MIDDLE_IN - _BOX_IN / 2 - 0.07
                text = axes.text(middle_in, below, drawable(one.guilty, 60), ha="center", va="top")
                text.set(weight="bold", gid="verdict")
        return figure


def _wrapped(name: str, wide_in: float) -> str:
    """Return a name on two lines at most."""
    most = max(4, int(wide_in / _CHARACTER_IN) - 1)
    lines = textwrap.wrap(drawable(name), most) or [""]
    return "\n".join(lines if len(lines) <= 2 else [lines[0], f"{lines[1][: most - 3]}..."])
