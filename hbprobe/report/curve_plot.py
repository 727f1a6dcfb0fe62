"""The timeout curve as a picture: the share of holds that survive, against how long they are."""

import math
from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.profiles.model import Profile
from hbprobe.report.axis import Scale, scale_seconds
from hbprobe.report.curves import Curve, of_profile, of_result
from hbprobe.report.flags import Flag, fly
from hbprobe.report.page import MARGIN_IN, WIDTH_IN, Entry, Page
from hbprobe.report.result import Result
from hbprobe.report.style import FAINT, GREY_ZONE, INK, LINES, LineLook, drawable, in_style

_LEFT_IN = 0.95
_PLOT_IN = 3.0
_MOST_LABELLED = 6
"""With more curves than this, the lines carry numbers, and the legend says what they stand for."""
_LABEL_LENGTH = 60
_DASHES = (0, (4, 2))

MARKED_S = {540: "540 s: alert threshold", 900: "900 s", 1800: "1800 s", 3540: "3540 s: longest heartbeat"}
"""Exchange's default threshold and maximum, and two round timers between them."""


def curve_plot(results: Sequence[Result], profiles: Sequence[Profile]) -> Figure:
    """Draw measured curves, and dashed the curves that profiles promise. Raises ValueError where there is nothing."""
    curves = sorted([*map(of_result, results), *map(of_profile, profiles)], key=_order)
    if not curves:
        raise ValueError("nothing to draw: give a result or a profile")
    right_in = WIDTH_IN - MARGIN_IN
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, right_in)
        low_s, high_s, scale = _range(curves)
        scale_seconds(axes, low_s, high_s, scale, right_in - _LEFT_IN)
        axes.set_ylim(-0.05, 1.08)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_ylabel("share of holds that survive")
        looks = [LINES[number % len(LINES)] for number in range(len(curves))]
        for number, (curve, look) in enumerate(zip(curves, looks, strict=True)):
            _draw(axes, curve, look, hidden_by=[above.falls_s for above in curves[number + 1 :]].count(curve.falls_s))
        rows, legend, columns = label_curves(axes, curves, looks)
        return page.finish(title(curves), subtitle(curves), rows, _PLOT_IN, legend, columns)


def _order(curve: Curve) -> tuple[float, str]:
    """The longest first: a line that ends earlier is drawn over one that goes on."""
    return (-math.inf if curve.falls_s is None else -curve.falls_s, curve.name)


def _range(curves: Sequence[Curve]) -> tuple[float, float, Scale]:
    """Return where the axis of seconds begins and ends, and how it is spread."""
    falls_s = [curve.falls_s for curve in curves if curve.falls_s is not None]
    ends_s = [curve.points[-1][0] for curve in curves]
    high_s = 1.12 * max([*ends_s, *(1.5 * fall_s for fall_s in falls_s), 60.0])
    low_s = min(falls_s, default=high_s)
    if low_s > high_s / 12:
        return 0.0, high_s, Scale.LINEAR
    return low_s / 3, high_s, Scale.LOG


def _draw(axes: Axes, curve: Curve, look: LineLook, hidden_by: int) -> None:
    """Draw a curve, wide enough to show below so many that fall at the same time."""
    low_s, high_s = axes.get_xlim()
    holds_s, shares = zip(*curve.points, strict=True)
    style, width = ("solid", 2.6) if curve.measured else (_DASHES, 1.6)
    if not curve.measured:
        holds_s, shares = (*holds_s, high_s), (*shares, shares[-1])
    within_s = [max(hold_s, low_s) for hold_s in holds_s]
    axes.plot(
        within_s, shares, color=look.color, linewidth=width + 2.2 * min(3, hidden_by), linestyle=style, gid="curve"
    )
    if curve.grey_zone:
        axes.axvspan(*curve.grey_zone, gid="grey-zone", **GREY_ZONE)
    tried_s, tried_shares = [one.hold_s for one in curve.tried], [one.share for one in curve.tried]
    axes.plot(tried_s, tried_shares, look.marker, color=look.color, markersize=4.5, zorder=5, gid="tried")
