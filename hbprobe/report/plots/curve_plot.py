"""The timeout curve as a picture: the share of holds that survive, against how long they are."""

import math
from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.profiles.model import Profile
from hbprobe.records.result import Result
from hbprobe.report.plots.axis import Scale, scale_seconds
from hbprobe.report.plots.curves import Curve, Tried, of_profile, of_result
from hbprobe.report.plots.flags import Flag, fly, fly_clear
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, LegendEntry, Page
from hbprobe.report.plots.style import DASHED, FAINT, GREY_ZONE, INK, LINES, SOLID, LineLook, drawable, in_style

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
        rows, legend, columns = _label(axes, curves, looks)
        return page.finish(_title(curves), _subtitle(curves), rows, _PLOT_IN, legend, columns)


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


MARKED_S = {540: "540 s: alert threshold", 900: "900 s", 1800: "1800 s", 3540: "3540 s: longest heartbeat"}
"""Exchange's default threshold and maximum, and two round timers between them."""

_MOST_LABELLED = 6
_LABEL_LENGTH = 60


def _title(curves: Sequence[Curve]) -> str:
    """Return the title; a single curve is named there."""
    return f"How long a quiet request survives{f' on {curves[0].name}' if len(curves) == 1 else ''}"


def _subtitle(curves: Sequence[Curve]) -> str:
    """Say what kind of knowledge the curves are."""
    if any(curve.measured for curve in curves):
        return "Dots: what was tried. Between two of them the line is only the shortest way."
    return "As the timers of each profile have it."


def _label(axes: Axes, curves: Sequence[Curve], looks: Sequence[LineLook]) -> tuple[int, list[LegendEntry], int]:
    """Label curves and the times that matter; return the rows of flags, the legend, and how many columns it has."""
    marks = _marks(axes)
    legend = _kinds(curves)
    rows = None
    if len(curves) <= _MOST_LABELLED:
        rows = fly_clear(axes, _in_order(marks, _names(axes, curves, looks)), MARGIN_IN, WIDTH_IN)
    if rows is not None:
        return rows, legend, 3
    rows = fly(axes, _in_order(marks, _numbers(axes, curves, looks)), MARGIN_IN, WIDTH_IN)
    return rows, [*legend, *_key(curves, looks)], 2


def _in_order(*flags: Sequence[Flag]) -> list[Flag]:
    return sorted((flag for some in flags for flag in some), key=lambda flag: flag.at_s)


def _marks(axes: Axes) -> list[Flag]:
    """Draw the times that matter to Exchange as lines, and return their labels."""
    low_s, high_s = axes.get_xlim()
    flags = [Flag(at_s, words) for at_s, words in MARKED_S.items() if low_s < at_s < high_s]
    for flag in flags:
        axes.axvline(flag.at_s, color=FAINT, linewidth=0.8, linestyle="dotted", zorder=1, gid="threshold")
    return flags


def _names(axes: Axes, curves: Sequence[Curve], looks: Sequence[LineLook]) -> list[Flag]:
    """Return a label for each curve; a single curve is named by the title."""
    words = [curves[0].limit] if len(curves) == 1 else [_words(curve) for curve in curves]
    labelled = zip(curves, words, looks, strict=True)
    return [Flag(_place_s(axes, curve), text, INK, pole=look.color, bold=True) for curve, text, look in labelled]


def _numbers(axes: Axes, curves: Sequence[Curve], looks: Sequence[LineLook]) -> list[Flag]:
    """Return a label for the curves that fall at one time: their numbers in the legend."""
    flags = []
    for at_s, group in groupby(range(len(curves)), key=lambda number: _place_s(axes, curves[number])):
        numbers = list(group)
        first, last = numbers[0] + 1, numbers[-1] + 1
        words = f"{first}" if first == last else f"{first}-{last}"
        flags.append(Flag(at_s, words, INK, pole=looks[numbers[0]].color, bold=True))
    return flags


def _place_s(axes: Axes, curve: Curve) -> float:
    """Return where the label of a curve stands: where it falls, else at its end."""
    at_s = curve.points[-1][0] if curve.falls_s is None else curve.falls_s
    return at_s or axes.get_xlim()[1]


def _words(curve: Curve) -> str:
    """Return name and limit of a curve, the name shortened where it must be."""
    return f"{drawable(curve.name, max(8, _LABEL_LENGTH - len(curve.limit)))}: {curve.limit}"


def _kinds(curves: Sequence[Curve]) -> list[LegendEntry]:
    """Explain the kinds of lines."""
    entries: list[LegendEntry] = []
    if any(curve.measured for curve in curves):
        entries.append((Line2D([], [], color=INK, marker="o", **SOLID), "measured"))
    if not all(curve.measured for curve in curves):
        entries.append((Line2D([], [], color=INK, **DASHED), "from a profile's timers"))
    if any(curve.grey_zone for curve in curves):
        entries.append((Patch(**GREY_ZONE), "grey zone: trials contradict each other"))
    return entries


def _key(curves: Sequence[Curve], looks: Sequence[LineLook]) -> list[LegendEntry]:
    """Say what the numbers stand for."""
    entries: list[LegendEntry] = []
    for number, (curve, look) in enumerate(zip(curves, looks, strict=True), start=1):
        stroke = {"marker": look.marker, **SOLID} if curve.measured else DASHED
        entries.append((Line2D([], [], color=look.color, **stroke), f"{number}  {_words(curve)}"))
    return entries
