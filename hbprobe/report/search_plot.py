"""The search as a picture: every trial a bar from 0 to its end, and the bracket closing in on the limit."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.probe.outcome import Kind, Limit, Trial
from hbprobe.probe.search import Search
from hbprobe.report.axis import Scale, scale_seconds
from hbprobe.report.flags import Flag, fly
from hbprobe.report.page import MARGIN_IN, WIDTH_IN, Entry, Page
from hbprobe.report.result import Result
from hbprobe.report.style import FAINT, INK, LOOKS, Look, in_style, look_of
from hbprobe.report.text import counted, seconds
from hbprobe.report.words import effort_words, limit_words, path_words, thresholds

_LEFT_IN = 1.3
_CLOSE_IN = 2.3
"""Width of the second axes, which show the end of the search from close by."""
_BETWEEN_IN = 0.45
_NARROW = 0.04
"""A bracket that takes less than this share of the axis is shown from close by as well."""
_ROW_IN = 0.26
_LONGEST_IN = 9.0
_FEWEST_ROWS = 5
"""The axes are as high as for so many trials, even where there are fewer."""
_BRACKET_COLOR = "#DDDDDD"


def search_plot(result: Result) -> Figure:
    """Draw the search of one result."""
    right_in = WIDTH_IN - MARGIN_IN
    end_s = _end_s(result)
    close = _close_range(result.limit, end_s)
    middle_in = right_in - (_CLOSE_IN + _BETWEEN_IN if close else 0)
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, middle_in)
        scale_seconds(axes, 0, end_s, _scale(result.limit, end_s), middle_in - _LEFT_IN)
        _draw(axes, result)
        _label_trials(axes, result.trials)
        _name_what_lies_beyond(axes, result)
        flags = [*_threshold_flags(axes, result), *_limit_flags(result.limit)]
        rows = fly(axes, flags, _LEFT_IN, middle_in)
        if close:
            beside = page.add_axes(right_in - _CLOSE_IN, right_in, beside=axes)
            scale_seconds(beside, *close, Scale.LINEAR, _CLOSE_IN)
            _draw(beside, result)
            beside.set_xlabel("the limit, from close by")
            beside.tick_params(axis="y", length=0, labelleft=False)
            flags = [*_threshold_flags(beside, result), *_end_flags(result.limit)]
            rows = max(rows, fly(beside, flags, middle_in, WIDTH_IN))
        return page.finish(
            _title(result), _subtitle(result), rows, _plot_in(len(result.trials)), _legend(result.trials)
        )


def _title(result: Result) -> str:
    words = limit_words(result.limit, with_how=True)
    stopped = "" if result.complete else " (stopped before its end)"
    return f"{words[0].upper()}{words[1:]}{stopped}"


def _subtitle(result: Result) -> str:
    contradicted = f", {counted(len(result.contradictions), 'contradiction')}" if result.contradictions else ""
    return f"{path_words(result)}: {effort_words(result)}{contradicted}"


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
    return max(0.0, limit.survived_s - 4.4 * width_s), limit.cut_s + 4.4 * width_s


def _row_in(trials: int) -> float:
    """Return the height of a trial's row: the more there are, the narrower."""
    return min(_ROW_IN, max(_ROW_IN * 20 / trials, min(_ROW_IN / 2, _LONGEST_IN / trials))) if trials else _ROW_IN


def _plot_in(trials: int) -> float:
    """Return how high the axes are."""
    return _row_in(trials) * max(_FEWEST_ROWS, trials)


def _draw(axes: Axes, result: Result) -> None:
    """Draw bracket, bars and the final limit: the same in the wide axes and in the close ones."""
    _draw_bracket(axes, result)
    marker_pt = min(5, 60 * _row_in(len(result.trials)))
    for row, trial in enumerate(result.trials):
        look, end_s = look_of(trial.outcome), trial.outcome.elapsed_s
        axes.barh(row, end_s, height=0.62, gid="bar", **_filling(look))
        axes.add_line(_marker(look, marker_pt, end_s, row))
    axes.set_ylim(max(len(result.trials), _FEWEST_ROWS) - 0.4, -0.6)


def _marker(look: Look, size_pt: float, x: float | None = None, y: float | None = None) -> Line2D:
    """Return the marker at a bar's end; without a place, a sample of it for the legend."""
    at_x, at_y = ([], []) if x is None or y is None else ([x], [y])
    return Line2D(
        at_x,
        at_y,
        linestyle="none",
        marker=look.marker,
        markersize=size_pt,
        markeredgewidth=size_pt / 5,
        color=look.color,
        markeredgecolor=INK,
        zorder=5,
        gid="end",
    )


def _filling(look: Look) -> dict[str, Any]:
    """Return colour and hatch as matplotlib calls them; it draws a hatch in the colour of the edge."""
    return {"facecolor": look.color, "hatch": look.hatch, "edgecolor": "white", "linewidth": 0}


def _draw_bracket(axes: Axes, result: Result) -> None:
    """Draw what was known after each trial: the limit lies between two lines that close in."""
    lows, highs = _brackets(result, beyond_s=2 * axes.get_xlim()[1])
    edges = [edge for row in range(len(lows)) for edge in (row - 0.5, row + 0.5)]
    low_line = [low for low in lows for _ in range(2)]
    high_line = [high for high in highs for _ in range(2)]
    axes.fill_betweenx(edges, low_line, high_line, color=_BRACKET_COLOR, linewidth=0, zorder=0, gid="bracket")
    for line in (low_line, high_line):
        axes.plot(line, edges, color=INK, linewidth=1.3, zorder=4, gid="bracket-line")


def _brackets(result: Result, beyond_s: float) -> tuple[list[float], list[float]]:
    """Return the bracket after each trial: from 0 where nothing survived, to `beyond_s` where nothing was cut."""
    search = Search(result.search)
    lows, highs = [], []
    for trial in result.trials:
        if trial.outcome.kind is not Kind.FAILED:
            search.record(trial.hold_s, trial.outcome)
        limit = search.limit
        lows.append(limit.survived_s or 0.0)
        highs.append(beyond_s if limit.cut_s is None else limit.cut_s)
    return lows, highs


def _label_trials(axes: Axes, trials: Sequence[Trial]) -> None:
    every = 1 if len(trials) <= 40 else 5 if len(trials) <= 200 else 50
    rows = [row for row, trial in enumerate(trials) if trial.number % every == 0 or every == 1]
    axes.set_yticks(
        rows, [f"#{trials[row].number}  {seconds(round(trials[row].hold_s, 2))} s" for row in rows], fontsize=8
    )
    axes.set_ylabel("trial, and its hold")
    axes.tick_params(axis="y", length=0)


def _threshold_flags(axes: Axes, result: Result) -> list[Flag]:
    """Draw what Exchange goes by as lines, as far as the axes reach, and return the labels."""
    low_s, high_s = axes.get_xlim()
    flags = [Flag(at_s, words) for words, at_s in thresholds(result.verdict).items() if low_s <= at_s <= high_s]
    for flag in flags:
        axes.axvline(flag.at_s, color=FAINT, linewidth=0.9, linestyle="dotted", zorder=1, gid="threshold")
    return flags


def _name_what_lies_beyond(axes: Axes, result: Result) -> None:
    beyond = [words for words, at_s in thresholds(result.verdict).items() if at_s > axes.get_xlim()[1]]
    if beyond:
        axes.set_xlabel(f"{axes.get_xlabel()}\nfurther right: {', '.join(beyond)}")


def _limit_flags(limit: Limit) -> list[Flag]:
    """Return the label of the limit."""
    if limit.cut_s is None:
        return []
    if limit.survived_s is None:
        return [Flag(limit.cut_s, f"cut at {seconds(limit.cut_s)} s", INK, bold=True)]
    words = f"limit {seconds(limit.survived_s)} to {seconds(limit.cut_s)} s"
    return [Flag((limit.survived_s + limit.cut_s) / 2, words, INK, bold=True)]


def _end_flags(limit: Limit) -> list[Flag]:
    """Return the labels of the bracket's ends."""
    ends = (("survives", limit.survived_s), ("cut", limit.cut_s))
    return [Flag(at_s, f"{word} {seconds(at_s)} s", INK, bold=True) for word, at_s in ends if at_s is not None]


def _legend(trials: Sequence[Trial]) -> list[Entry]:
    """Return a sample of each outcome that occurred, and of the bracket."""
    seen = [look for look in LOOKS.values() if any(look_of(trial.outcome) is look for trial in trials)]
    outcomes: list[Entry] = [((Patch(**_filling(look)), _marker(look, 5)), look.label) for look in seen]
    return [*outcomes, (Patch(facecolor=_BRACKET_COLOR, edgecolor=INK), "bracket: the limit lies in here")]
