"""The limit over the days as a picture: one line a path, a flag where it changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from hbprobe.duration import format_duration
from hbprobe.exchange.settings import Settings
from hbprobe.report.plots.axis import step_between_ticks_s
from hbprobe.report.plots.flags import Flag, fly
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, LegendEntry, Page
from hbprobe.report.plots.style import FAINT, INK, LINES, LineLook, drawable, in_style
from hbprobe.text import counted, seconds

_LEFT_IN = 1.05
_RIGHT_IN = WIDTH_IN - MARGIN_IN
_PLOT_IN = 3.2
_MOST_TICKS = 8
_DAY_S = 86400.0
_TIMES_S = (60, 600, 3600, 300, 1800, 120, 1200, 30, 10, 1, 0.1, 5, 0.5, 900, 7200, 2700, 14400, 43200, 86400)
"""Times worth a tick on a logarithmic axis, the most wanted first."""
_APART = 1.4
"""Two of them differ by this factor at least."""


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement."""

    at_s: float
    """Seconds since 1970."""
    survived_s: float | None
    cut_s: float | None


@dataclass(frozen=True, slots=True)
class History:
    """The measurements of one path, and when its limit changed."""

    name: str
    points: tuple[Point, ...]
    changes: tuple[tuple[float, str], ...] = ()
    """Each with its time, in seconds since 1970, and what the limit is since."""


def history_plot(histories: Sequence[History]) -> Figure:
    """Draw limits over time. Raises ValueError where no measurement found one."""
    drawn = [one for one in histories if one.points]
    if not drawn:
        raise ValueError("nothing to draw: no measurement has found a limit")
    looks = [LINES[number % len(LINES)] for number in range(len(drawn))]
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, _RIGHT_IN)
        _scale(axes, [point for one in drawn for point in one.points])
        _draw_thresholds(axes)
        for one, look in zip(drawn, looks, strict=True):
            _draw(axes, one, look)
        rows = fly(axes, _flags(axes, drawn, looks), MARGIN_IN, WIDTH_IN)
        legend = _legend(drawn, looks)
        return page.finish(_title(drawn), _subtitle(drawn), rows, _PLOT_IN, legend, 3)


def _place(at_s: float) -> float:
    """Return where a time stands on matplotlib's axis of days, which begins in 1970 as our seconds do."""
    return at_s / _DAY_S


def _heights(point: Point) -> tuple[float, float]:
    """Return the ends of the bracket; both are the same where only one is known."""
    low_s = point.survived_s if point.survived_s is not None else point.cut_s
    high_s = point.cut_s if point.cut_s is not None else point.survived_s
    return low_s or 0.0, high_s or 0.0


def _scale(axes: Axes, points: Sequence[Point]) -> None:
    places = [_place(point.at_s) for point in points]
    margin = max(max(places) - min(places), 1 / 24) * 0.03
    axes.set_xlim(min(places) - margin, max(places) + margin)
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.set_xlabel("start of the measurement, UTC")
    limits_s = [limit_s for point in points for limit_s in _heights(point) if limit_s > 0]
    ticks = _scale_limits(axes, min(limits_s), max(limits_s))
    axes.set_yticks(ticks, [format_duration(tick) for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylabel("limit")


def _scale_limits(axes: Axes, low_s: float, high_s: float) -> list[float]:
    """Set scale and limits of the axis of limits, and return the ticks."""
    if low_s > high_s / 12:
        axes.set_ylim(0, high_s * 1.12)
        step_s = step_between_ticks_s(high_s, _MOST_TICKS)
        return [step_s * count for count in range(int(high_s * 1.12 / step_s) + 1)]
    axes.set_yscale("log")
    axes.set_ylim(low_s / 1.5, high_s * 1.5)
    ticks: list[float] = []
    for tick in _TIMES_S:
        if low_s / 1.5 <= tick <= high_s * 1.5 and all(_apart(tick, other) for other in ticks):
            ticks.append(tick)
    return sorted(ticks)


def _apart(one_s: float, other_s: float) -> bool:
    return max(one_s, other_s) / min(one_s, other_s) >= _APART


def _draw_thresholds(axes: Axes) -> None:
    settings = Settings()
    named = {"alert threshold": settings.alert_threshold_s, "longest heartbeat": settings.max_heartbeat_s}
    low_s, high_s = axes.get_ylim()
    for name, at_s in named.items():
        if low_s < at_s < high_s:
            axes.axhline(at_s, color=FAINT, linewidth=0.8, linestyle="dotted", zorder=1, gid="threshold")
            above = ScaledTranslation(0, 2 / 72, axes.figure.dpi_scale_trans)
            look: dict[str, Any] = {"ha": "right", "fontsize": 7.5, "color": FAINT, "zorder": 1}
            axes.text(1, at_s, f"{name} {seconds(at_s)} s", transform=axes.get_yaxis_transform() + above, **look)


def _draw(axes: Axes, history: History, look: LineLook) -> None:
    """Draw a line from measurement to measurement, and at each its bracket; an arrow where nothing was cut."""
    places = [_place(point.at_s) for point in history.points]
    lows_s, highs_s = zip(*map(_heights, history.points), strict=True)
    axes.step(places, highs_s, where="post", color=look.color, linewidth=1.4, gid="limit", zorder=3)
    gaps = [math.nan] * len(places)  # one line for all brackets: a thousand of them cost no more than ten
    across, up = (list(chain(*zip(*ends, strict=True))) for ends in ((places, places, gaps), (lows_s, highs_s, gaps)))
    thick: dict[str, Any] = {"linewidth": 3, "alpha": 0.5, "solid_capstyle": "butt"}
    axes.plot(across, up, color=look.color, gid="bracket", zorder=2, **thick)
    dots = list(zip(places, highs_s, (point.cut_s is None for point in history.points), strict=True))
    dot: dict[str, Any] = {"color": look.color, "linestyle": "none", "markersize": 4.5, "zorder": 4}
    for is_open, marker, filled in ((True, "^", "white"), (False, look.marker, look.color)):
        if found := [(place, high_s) for place, high_s, nothing_was_cut in dots if nothing_was_cut is is_open]:
            axes.plot(*zip(*found, strict=True), marker, markerfacecolor=filled, **dot, gid="dots")


def _flags(axes: Axes, histories: Sequence[History], looks: Sequence[LineLook]) -> list[Flag]:
    flags = []
    for history, look in zip(histories, looks, strict=True):
        for at_s, words in history.changes:
            place = _place(at_s)
            axes.axvline(place, color=look.color, linewidth=0.8, linestyle="dashed", zorder=1, gid="change")
            flags.append(Flag(place, drawable(words, 60), INK, bold=True, pole=look.color))
    return sorted(flags, key=lambda flag: flag.at_s)


def _legend(histories: Sequence[History], looks: Sequence[LineLook]) -> list[LegendEntry]:
    entries: list[LegendEntry] = [
        (Line2D([], [], color=look.color, marker=look.marker, markersize=4.5), drawable(history.name, 60))
        for history, look in zip(histories, looks, strict=True)
    ]
    if any(point.cut_s is None for history in histories for point in history.points):
        sample = Line2D([], [], color=INK, marker="^", markerfacecolor="white", linestyle="none", markersize=4.5)
        entries.append((sample, "nothing was cut: the longest hold tried"))
    return entries


def _title(histories: Sequence[History]) -> str:
    changes = sum(len(history.changes) for history in histories)
    where = f" on {histories[0].name}" if len(histories) == 1 else ""
    return f"The limit{where} over time: {counted(changes, 'change') if changes else 'no change'}"


def _subtitle(histories: Sequence[History]) -> str:
    points = [point for history in histories for point in history.points]
    first, last = (
        f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}"
        for at_s in (min(point.at_s for point in points), max(point.at_s for point in points))
    )
    return f"{counted(len(points), 'measurement')} from {first} to {last} UTC. A change counts once it is confirmed."
