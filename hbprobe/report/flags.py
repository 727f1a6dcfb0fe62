"""Labels above a plot, each on a pole that stands where the label belongs, none across another."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation

from hbprobe.report.style import FAINT, extent

ROW_IN = 0.19
"""Height of a row of flags, in inches."""
_GAP_IN = 0.05
"""Between a pole and its text, in inches."""
_MOST_TURNED = 10
"""With more flags than this, which side each flies to is not searched for: that doubles with every flag."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A place on the axis of seconds, and what stands there."""

    at_s: float
    text: str
    color: str = FAINT
    bold: bool = False
    pole: str | None = None
    """Colour of the pole, where it is not the text's."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flag flies: in which row above the axes, and to which side of its pole."""

    row: int
    rightwards: bool


def pack(poles: Sequence[float], widths: Sequence[float], low: float, high: float) -> list[Place]:
    """Choose a row and a side for each flag, so that no flag meets another flag or another's pole.

    `poles` says where they stand, `widths` how long they are, `low` and `high` where the page ends, all in one unit.
    Few rows are best; then low ones; then flags that fly to the right. Flags too long for the page leave it.
    """
    best: list[Place] = []
    for sides in _choices_of_sides(poles, widths, high):
        spans = [_span(*flag) for flag in zip(poles, widths, sides, strict=True)]
        if any(start < low or end > high for start, end in spans):
            continue
        places = [Place(*place) for place in zip(_rows(poles, spans), sides, strict=False)]
        if len(places) == len(poles) and (not best or _cost(places) < _cost(best)):
            best = places
    return best or [Place(row, rightwards=True) for row in reversed(range(len(poles)))]


def _choices_of_sides(poles: Sequence[float], widths: Sequence[float], high: float) -> Sequence[tuple[bool, ...]]:
    if len(poles) <= _MOST_TURNED:
        return list(product((True, False), repeat=len(poles)))
    return [tuple(pole + width <= high for pole, width in zip(poles, widths, strict=True))]


def _span(pole: float, width: float, rightwards: bool) -> tuple[float, float]:
    return (pole, pole + width) if rightwards else (pole - width, pole)


def _rows(poles: Sequence[float], spans: Sequence[tuple[float, float]]) -> list[int]:
    """Return the lowest row for each flag, or nothing where they stand in each other's way in a circle.

    A flag flies above each flag whose pole stands beneath it: that pole then ends below it.
    """
    beneath = [{other for other, pole in enumerate(poles) if start < pole < end} for start, end in spans]
    rows: dict[int, int] = {}
    while len(rows) < len(poles):
        ready = [flag for flag in range(len(poles)) if flag not in rows and beneath[flag] <= rows.keys()]
        if not ready:
            return []
        flag = ready[0]
        row = 1 + max((rows[other] for other in beneath[flag]), default=-1)
        while any(rows[other] == row and _meet(spans[flag], spans[other]) for other in rows):
            row += 1
        rows[flag] = row
    return [rows[flag] for flag in range(len(poles))]


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _cost(places: Sequence[Place]) -> tuple[int, int, int]:
    rows = [place.row for place in places]
    return max(rows), sum(rows), sum(not place.rightwards for place in places)


def fly(axes: Axes, flags: Sequence[Flag], low_in: float, high_in: float) -> int:
    """Draw flags above the axes, between two places on the page in inches; return how many rows they take.

    The axes must have their width, scale and limits already; their height may still change.
    """
    if not flags:
        return 0
    figure = axes.figure
    inch = figure.dpi
    texts = [_text(axes, flag) for flag in flags]
    poles = [axes.transData.transform((flag.at_s, 0))[0] / inch for flag in flags]
    widths = [extent(text).width / inch + 2 * _GAP_IN for text in texts]
    places = pack(poles, widths, low_in, high_in)
    for flag, text, place in zip(flags, texts, places, strict=True):
        _raise(axes, flag, text, place)
    return 1 + max(place.row for place in places)


def _text(axes: Axes, flag: Flag) -> Text:
    weight = "bold" if flag.bold else "normal"
    return axes.text(flag.at_s, 1, flag.text, color=flag.color, weight=weight, fontsize=8, va="bottom", gid="flag")


def _raise(axes: Axes, flag: Flag, text: Text, place: Place) -> None:
    """Put the text at the top of its pole, and draw the pole."""
    at_top = axes.get_xaxis_transform()
    sideways = _GAP_IN if place.rightwards else -_GAP_IN
    inches = axes.figure.dpi_scale_trans
    text.set_horizontalalignment("left" if place.rightwards else "right")
    text.set_transform(at_top + ScaledTranslation(sideways, place.row * ROW_IN + 0.03, inches))
    axes.annotate(
        "",
        xy=(flag.at_s, 1),
        xycoords=at_top,
        xytext=(0, 72 * (place.row + 1) * ROW_IN),
        textcoords="offset points",
        arrowprops={
            "arrowstyle": "-",
            "color": flag.pole or flag.color,
            "linewidth": 1.6 if flag.pole else 0.8,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        annotation_clip=False,
    )
