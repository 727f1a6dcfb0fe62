"""The timeout curve as a picture: the share of holds that survive, against how long they are."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbprobe.profiles.model import Profile
from hbprobe.records.result import Result
from hbprobe.report.plots import curve_labels
from hbprobe.report.plots.axis import Scale, scale_seconds
from hbprobe.report.plots.curves import Curve, Tried, of_profile, of_result
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, Page
from hbprobe.report.plots.style import DASHED, GREY_ZONE, LINES, SOLID, LineLook, in_style

_LEFT_IN = 0.95
_RIGHT_IN = WIDTH_IN - MARGIN_IN
_PLOT_IN = 3.0
_WIDER_PT = 2.2
_MOST_WIDENED = 3
MOST_DOTS = 500
"""Dots lie upon each other long before there are so many."""


def curve_plot(results: Sequence[Result], profiles: Sequence[Profile]) -> Figure:
    """Draw measured curves, and dashed the curves that profiles promise. Raises ValueError where there is nothing."""
    curves = sorted([*map(of_result, results), *map(of_profile, profiles)], key=_order)
    if not curves:
        raise ValueError("nothing to draw: give a result or a profile")
    looks = [LINES[number % len(LINES)] for number in range(len(curves))]
    low_s, high_s, scale = _range(curves)
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, _RIGHT_IN)
        scale_seconds(axes, low_s, high_s, scale, _RIGHT_IN - _LEFT_IN)
        axes.set_ylim(-0.05, 1.08)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_ylabel("share of holds that survive")
        for number, (curve, look) in enumerate(zip(curves, looks, strict=True)):
            _draw(axes, curve, look, _hidden_by(curves[number + 1 :], curve))
        rows, legend, columns = curve_labels.label(axes, curves, looks)
        return page.finish(curve_labels.title(curves), curve_labels.subtitle(curves), rows, _PLOT_IN, legend, columns)


def _order(curve: Curve) -> tuple[float, bool, str]:
    """The longest first: what ends earlier is drawn over what goes on, and a dashed line over a solid one."""
    return (-math.inf if curve.falls_s is None else -curve.falls_s, not curve.measured, curve.name)


def _range(curves: Sequence[Curve]) -> tuple[float, float, Scale]:
    """Return where the axis of seconds begins and ends, and how it is spread."""
    falls_s = [curve.falls_s for curve in curves if curve.falls_s is not None]
    ends_s = [curve.points[-1][0] for curve in curves]
    high_s = 1.12 * max([*ends_s, *(1.5 * fall_s for fall_s in falls_s), 60.0])
    low_s = min(falls_s, default=high_s)
    if low_s > high_s / 12:
        return 0.0, high_s, Scale.LINEAR
    return low_s / 3, high_s, Scale.LOG


def _hidden_by(above: Sequence[Curve], curve: Curve) -> int:
    """Count the solid curves that lie right upon a solid one; a dashed one lets what is below shine through."""
    return sum(other.measured and other.falls_s == curve.falls_s for other in above) if curve.measured else 0


def _draw(axes: Axes, curve: Curve, look: LineLook, hidden_by: int) -> None:
    """Draw a curve, wide enough to show below so many that fall at the same time."""
    low_s, high_s = axes.get_xlim()
    points, (_, share) = curve.points, curve.points[-1]
    if not curve.measured and (share == 0 or curve.falls_s is None):  # otherwise nobody knows how it goes on
        points = (*points, (high_s, share))
    holds_s, shares = [max(hold_s, low_s) for hold_s, _ in points], [share for _, share in points]
    (line,) = axes.plot(holds_s, shares, color=look.color, gid="curve", **(SOLID if curve.measured else DASHED))
    line.set_linewidth(line.get_linewidth() + _WIDER_PT * min(_MOST_WIDENED, hidden_by))
    if curve.grey_zone:
        axes.axvspan(*curve.grey_zone, gid="grey-zone", **GREY_ZONE)
    shown = _thinned(curve.tried)
    tried_s, tried_shares = [one.hold_s for one in shown], [one.share for one in shown]
    axes.plot(tried_s, tried_shares, look.marker, color=look.color, markersize=4.5, zorder=5, gid="tried")


def _thinned(tried: Sequence[Tried]) -> Sequence[Tried]:
    """Return so many of them, evenly chosen, as can be told apart."""
    return tried[:: max(1, -(-len(tried) // MOST_DOTS))]
