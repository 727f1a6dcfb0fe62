"""Labels above a plot, each on a pole that stands where the label belongs, none across another."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation

from hbprobe.report.plots.packing import Place, pack, pack_crossing
from hbprobe.report.plots.style import FAINT, extent

ROW_IN = 0.19
"""Height of a row of flags, in inches."""
_GAP_IN = 0.05
"""Between a pole and its text, in inches."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A place on the axis of seconds, and what stands there."""

    at_s: float
    text: str
    color: str = FAINT
    bold: bool = False
    pole: str | None = None
    """Colour of the pole, where it is not the text's."""


def fly(axes: Axes, flags: Sequence[Flag], low_in: float, high_in: float) -> int:
    """Draw flags above the axes, between two places on the page in inches; return how many rows they take.

    The axes must have their width, scale and limits already; their height may still change.
    """
    texts = [_text(axes, flag) for flag in flags]
    poles, widths = _measure(axes, flags, texts)
    places = pack(poles, widths, low_in, high_in)
    return _raise_all(axes, flags, texts, pack_crossing(poles, widths, high_in) if places is None else places)


def fly_clear(axes: Axes, flags: Sequence[Flag], low_in: float, high_in: float) -> int | None:
    """Do as `fly` does, but only if no pole has to run behind a flag; otherwise draw nothing and return None."""
    texts = [_text(axes, flag) for flag in flags]
    places = pack(*_measure(axes, flags, texts), low_in, high_in)
    if places is not None:
        return _raise_all(axes, flags, texts, places)
    for text in texts:
        text.remove()
    return None


def _text(axes: Axes, flag: Flag) -> Text:
    text = axes.text(flag.at_s, 1, flag.text, color=flag.color, fontsize=8, va="bottom", gid="flag", zorder=6)
    text.set_fontweight("bold" if flag.bold else "normal")
    text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # for poles that run behind it
    return text


def _measure(axes: Axes, flags: Sequence[Flag], texts: Sequence[Text]) -> tuple[list[float], list[float]]:
    """Return where the poles stand on the page and how long the flags are, in inches."""
    inch = axes.figure.dpi
    poles_in = [float(axes.transData.transform((flag.at_s, 0))[0]) / inch for flag in flags]
    return poles_in, [extent(text).width / inch + 2 * _GAP_IN for text in texts]


def _raise_all(axes: Axes, flags: Sequence[Flag], texts: Sequence[Text], places: Sequence[Place]) -> int:
    for flag, text, place in zip(flags, texts, places, strict=True):
        _raise(axes, flag, text, place)
    return max((place.row + 1 for place in places), default=0)


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
