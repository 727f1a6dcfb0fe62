"""What stands around the curves of the timeout plot: labels at the lines while there is room, else numbers."""

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.report.plots.curves import Curve
from hbprobe.report.plots.flags import Flag, fly, fly_clear
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, LegendEntry
from hbprobe.report.plots.style import DASHED, FAINT, GREY_ZONE, INK, SOLID, LineLook, drawable

MARKED_S = {540: "540 s: alert threshold", 900: "900 s", 1800: "1800 s", 3540: "3540 s: longest heartbeat"}
"""Exchange's default threshold and maximum, and two round timers between them."""

_MOST_LABELLED = 6
_LABEL_LENGTH = 60


def title(curves: Sequence[Curve]) -> str:
    """Return the title; a single curve is named there."""
    return f"How long a quiet request survives{f' on {curves[0].name}' if len(curves) == 1 else ''}"


def subtitle(curves: Sequence[Curve]) -> str:
    """Say what kind of knowledge the curves are."""
    if any(curve.measured for curve in curves):
        return "Dots: what was tried. Between two of them the line is only the shortest way."
    return "As the timers of each profile have it."


def label(axes: Axes, curves: Sequence[Curve], looks: Sequence[LineLook]) -> tuple[int, list[LegendEntry], int]:
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
