"""The search as a picture: every trial a bar from 0 to its end, and the bracket closing in on the limit."""

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hbprobe.probe.outcome import Kind, Limit, Trial
from hbprobe.probe.search import Search
from hbprobe.report.axis import Scale, scale_seconds
from hbprobe.report.flags import Flag, fly
from hbprobe.report.page import MARGIN_IN, WIDTH_IN, Page
from hbprobe.report.result import Result
from hbprobe.report.style import FAINT, INK, LOOKS, Look, in_style, look_of
from hbprobe.report.text import seconds
from hbprobe.report.words import effort_words, how_words, limit_words, path_words, thresholds

_LEFT_IN = 1.15
_CLOSE_IN = 2.3
"""Width of the second axes, which show the end of the search from close by."""
_BETWEEN_IN = 0.45
_NARROW = 0.04
"""A bracket that takes less than this share of the axis is shown from close by as well."""
_BRACKET_COLOR = "#DDDDDD"


def search_plot(result: Result) -> Figure:
    """Draw the search of one result."""
    with in_style():
        page = Page()
        end_s = _end_s(result)
        close = _close_range(result.limit, end_s)
        right_in = WIDTH_IN - MARGIN_IN
        middle_in = right_in - (_CLOSE_IN + _BETWEEN_IN if close else 0)
        axes = page.add_axes(_LEFT_IN, middle_in)
        scale_seconds(axes, 0, end_s, _scale(result.limit, end_s), middle_in - _LEFT_IN)
        _draw(axes, result)
        _label_trials(axes, result.trials)
        _mark_thresholds(axes, result, end_s)
        rows = fly(axes, _flags(result, end_s), _LEFT_IN, middle_in)
        if close:
            beside = page.add_axes(right_in - _CLOSE_IN, right_in, beside=axes)
            scale_seconds(beside, *close, Scale.LINEAR, _CLOSE_IN)
            _draw(beside, result)
            beside.set_xlabel("the limit, from close by")
            beside.tick_params(axis="y", length=0, labelleft=False)
            rows = max(rows, fly(beside, _end_flags(result.limit), middle_in, WIDTH_IN))
        subtitle = f"{path_words(result)}: {effort_words(result)}"
        return page.finish(_title(result), subtitle, rows, _plot_in(len(result.trials)), _legend(result.trials))


def _title(result: Result) -> str:
    words = limit_words(result.limit)
    how = f": {how_words(result.limit)}" if result.limit.how else ""
    stopped = "" if result.complete else " (stopped before its end)"
    return f"{words[0].upper()}{words[1:]}{how}{stopped}"


def _end_s(result: Result) -> float:
    """Where the axis ends."""
    ends = [max(trial.hold_s, trial.outcome.elapsed_s) for trial in result.trials]
    return 1.015 * max([result.search.max_s, *ends])


def _scale(limit: Limit, end_s: float) -> Scale:
    at_s = limit.cut_s or limit.survived_s or end_s
    return Scale.LINEAR if at_s > end_s / 9 else Scale.ROOT


def _close_range(limit: Limit, end_s: float) -> tuple[float, float] | None:
    """Return what to show from close by; None where there is no narrow bracket."""
    if limit.survived_s is None or limit.cut_s is None:
        return None
    width_s = limit.cut_s - limit.survived_s
    if not 0 < width_s < _NARROW * end_s:
        return None
    return max(0.0, limit.survived_s - 4 * width_s), limit.cut_s + 4 * width_s


def _plot_in(trials: int) -> float:
    """Height of the axes: rows get narrower as they get many."""
    row_in = 0.26 if trials <= 20 else max(0.08, 5.2 / trials, 0.13 if trials <= 60 else 0)
    return max(1.7, trials * row_in)


def _draw(axes: Axes, result: Result) -> None:
    """Draw bracket, bars and the final limit: the same in the wide axes and in the close ones."""
    _draw_bracket(axes, result)
    for row, trial in enumerate(result.trials):
        look, end_s = look_of(trial.outcome), trial.outcome.elapsed_s
        axes.barh(row, end_s, height=0.62, gid="bar", **_filling(look))
        axes.plot(end_s, row, look.marker, color=look.color, markeredgecolor=INK, markersize=5, zorder=5)
    axes.set_ylim(max(len(result.trials), 1) - 0.4, -0.6)


def _filling(look: Look) -> dict[str, Any]:
    """Return colour and hatch as matplotlib calls them; it draws a hatch in the colour of the edge."""
    return {"facecolor": look.color, "hatch": look.hatch, "edgecolor": "white", "linewidth": 0}


def _draw_bracket(axes: Axes, result: Result) -> None:
    """Draw what was known after each trial: the limit lies between two lines that close in."""
    lows, highs = _brackets(result, axes.get_xlim()[1])
    edges = [edge for row in range(len(lows)) for edge in (row - 0.5, row + 0.5)]
    low_line = [low for low in lows for _ in range(2)]
    high_line = [high for high in highs for _ in range(2)]
    axes.fill_betweenx(edges, low_line, high_line, color=_BRACKET_COLOR, linewidth=0, zorder=0, gid="bracket")
    for line in (low_line, high_line):
        axes.plot(line, edges, color=INK, linewidth=1.3, zorder=4, gid="bracket-line")


def _brackets(result: Result, end_s: float) -> tuple[list[float], list[float]]:
    """Return the bracket after each trial: from 0 where nothing survived, to the axis' end where nothing was cut."""
    search = Search(result.search)
    lows, highs = [], []
    for trial in result.trials:
        if trial.outcome.kind is not Kind.FAILED:
            search.record(trial.hold_s, trial.outcome)
        limit = search.limit
        lows.append(limit.survived_s or 0.0)
        highs.append(end_s if limit.cut_s is None else limit.cut_s)
    return lows, highs


def _label_trials(axes: Axes, trials: Sequence[Trial]) -> None:
    every = 1 if len(trials) <= 40 else 5 if len(trials) <= 200 else 50
    rows = [row for row, trial in enumerate(trials) if trial.number % every == 0 or every == 1]
    axes.set_yticks(rows, [f"#{trials[row].number}  {seconds(trials[row].hold_s)} s" for row in rows], fontsize=8)
    axes.set_ylabel("trial, and its hold")
    axes.tick_params(axis="y", length=0)


def _mark_thresholds(axes: Axes, result: Result, end_s: float) -> None:
    """Draw what Exchange goes by as lines, and name what lies beyond the axis."""
    marks = thresholds(result.verdict)
    for at_s in marks.values():
        if at_s <= end_s:
            axes.axvline(at_s, color=FAINT, linewidth=0.9, linestyle="dotted", zorder=1, gid="threshold")
    beyond = [words for words, at_s in marks.items() if at_s > end_s]
    if beyond:
        axes.set_xlabel(f"{axes.get_xlabel()}; further right: {', '.join(beyond)}")


def _flags(result: Result, end_s: float) -> list[Flag]:
    """Return what is marked on the wide axes: what Exchange goes by, and the limit."""
    limit = result.limit
    flags = [Flag(at_s, words) for words, at_s in thresholds(result.verdict).items() if at_s <= end_s]
    if limit.survived_s is not None and limit.cut_s is not None:
        words = f"limit {seconds(limit.survived_s)} to {seconds(limit.cut_s)} s"
        flags.append(Flag((limit.survived_s + limit.cut_s) / 2, words, INK, bold=True))
    return sorted(flags, key=lambda flag: flag.at_s)


def _end_flags(limit: Limit) -> list[Flag]:
    """Return what is marked on the close axes: both ends of the bracket."""
    low_s, high_s = limit.survived_s or 0.0, limit.cut_s or 0.0
    return [
        Flag(low_s, f"survives {seconds(low_s)} s", INK, bold=True),
        Flag(high_s, f"cut {seconds(high_s)} s", INK, bold=True),
    ]


def _legend(trials: Sequence[Trial]) -> list[Artist]:
    """Return a sample of each outcome that occurred, and of the bracket."""
    seen = [look for look in LOOKS.values() if any(look_of(trial.outcome) is look for trial in trials)]
    return [
        *(Patch(label=look.label, **_filling(look)) for look in seen),
        Patch(facecolor=_BRACKET_COLOR, edgecolor=INK, label="bracket: the limit lies in here"),
    ]
