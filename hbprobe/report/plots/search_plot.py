"""The search as a picture: every trial a bar from 0 to its end, and the bracket closing in on the limit."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.manner import Look
from hbprobe.records.result import Result
from hbprobe.report.looks import LOOKS, look_of
from hbprobe.report.plots.axis import Scale, scale_seconds
from hbprobe.report.plots.flags import Flag, fly
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, LegendEntry, Page
from hbprobe.report.plots.style import FAINT, INK, in_style
from hbprobe.report.terminal.words import effort_words, limit_words, path_words, thresholds
from hbprobe.search.search import Search, SearchSettings
from hbprobe.text import counted, seconds
from hbprobe.trial.outcome import Kind, Limit, Trial

_MOST_DRAWN = 300
"""More rows cannot be told apart on a page."""
_LEFT_IN = 1.3
_RIGHT_IN = WIDTH_IN - MARGIN_IN
_CLOSE_IN = 2.3
"""Width of the second axes, which show the limit from close by."""
_BETWEEN_IN = 0.45
_NARROW = 0.04
"""A bracket that takes less than this share of the axis is shown from close by as well."""
_AROUND = 4.4
"""What is then shown to either side, in widths of the bracket."""


def search_plot(result: Result) -> Figure:
    """Draw the search of one result."""
    trials = sorted(result.trials, key=lambda trial: trial.number)[:_MOST_DRAWN]
    known = _brackets(result.search, trials)
    end_s = _end_s(result)
    close = _close_range(result.limit, end_s)
    middle_in = _RIGHT_IN - (_CLOSE_IN + _BETWEEN_IN if close else 0)
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, middle_in)
        scale_seconds(axes, 0, end_s, _scale(result.limit, end_s), middle_in - _LEFT_IN)
        _draw_rows(axes, trials, known)
        _label_rows(axes, trials)
        _name_what_lies_beyond(axes, result)
        rows = fly(axes, [*_threshold_flags(axes, result), *_limit_flags(axes, result.limit)], MARGIN_IN, middle_in)
        if close:
            beside = page.add_axes(_RIGHT_IN - _CLOSE_IN, _RIGHT_IN, beside=axes)
            scale_seconds(beside, *close, Scale.LINEAR, _CLOSE_IN)
            _draw_rows(beside, trials, known)
            beside.set_xlabel("the limit, from close by")
            beside.tick_params(axis="y", length=0, labelleft=False)
            flags = [*_threshold_flags(beside, result), *_end_flags(beside, result.limit)]
            rows = max(rows, fly(beside, flags, middle_in, WIDTH_IN))
        return page.finish(_title(result), _subtitle(result), rows, height_in(len(trials)), _legend(trials))


def _title(result: Result) -> str:
    words = limit_words(result.limit, with_how=True)
    stopped = "" if result.complete else " (stopped before its end)"
    return f"{words[0].upper()}{words[1:]}{stopped}"


def _subtitle(result: Result) -> str:
    contradicted = f", {counted(len(result.contradictions), 'contradiction')}" if result.contradictions else ""
    drawn = f"; the first {_MOST_DRAWN} drawn" if len(result.trials) > _MOST_DRAWN else ""
    return f"{path_words(result)}: {effort_words(result)}{contradicted}{drawn}"


def _end_s(result: Result) -> float:
    """Return where the axis ends: a little beyond all that was tried, asked for, or found.

    A label far outside of the axes would be more than the fonts' renderer can place.
    """
    ends_s = [max(trial.hold_s, trial.outcome.elapsed_s) for trial in result.trials]
    found_s = [end_s for end_s in (result.limit.survived_s, result.limit.cut_s) if end_s is not None]
    return 1.015 * max([result.search.max_s, *ends_s, *found_s])


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
    return max(0.0, limit.survived_s - _AROUND * width_s), limit.cut_s + _AROUND * width_s


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


def _limit_flags(axes: Axes, limit: Limit) -> list[Flag]:
    """Draw the final bracket as one label; none where nothing was cut."""
    if limit.cut_s is None:
        return []
    if limit.survived_s is None:
        return _end_flags(axes, limit)
    _end_flags(axes, limit)
    words = f"limit {seconds(limit.survived_s)} to {seconds(limit.cut_s)} s"
    return [Flag((limit.survived_s + limit.cut_s) / 2, words, INK, bold=True)]


def _end_flags(axes: Axes, limit: Limit) -> list[Flag]:
    """Draw both ends of the final bracket as lines, and return their labels."""
    ends = [("survives", limit.survived_s), ("cut at", limit.cut_s)]
    flags = [Flag(at_s, f"{word} {seconds(at_s)} s", INK, bold=True) for word, at_s in ends if at_s is not None]
    for flag in flags:
        axes.axvline(flag.at_s, color=INK, linewidth=0.7, linestyle="dashed", zorder=3, gid="limit")
    return flags


_ROW_IN = 0.26
_FULL_ROWS = 20
"""So many trials get rows of full height; more share the height, until rows are half as high."""
_HIGHEST_IN = 9.0
"""Rows that would need more than this get lower still: a page should fit a screen."""
_FEWEST_ROWS = 5
"""The axes are as high as for so many trials, even where there are fewer."""
_MARKER_PT = 5.0
_BRACKET_COLOR = "#DDDDDD"

Bracket = tuple[float, float | None]
"""The longest hold that survived (0: none), and the shortest that was cut (None: none)."""


def _brackets(settings: SearchSettings, trials: Sequence[Trial]) -> list[Bracket]:
    """Return what was known after each trial."""
    search = Search(settings)
    known: list[Bracket] = []
    for trial in trials:
        if trial.outcome.kind is not Kind.FAILED:
            search.record(trial.hold_s, trial.outcome)
        limit = search.limit
        known.append((limit.survived_s or 0.0, limit.cut_s))
    return known


def height_in(trials: int) -> float:
    """Return how high axes with so many trials are."""
    return _row_in(trials) * max(_FEWEST_ROWS, trials)


def _row_in(trials: int) -> float:
    if trials <= _FULL_ROWS:
        return _ROW_IN
    return max(_ROW_IN * _FULL_ROWS / trials, min(_ROW_IN / 2, _HIGHEST_IN / trials))


def _draw_rows(axes: Axes, trials: Sequence[Trial], known: Sequence[Bracket]) -> None:
    """Draw bracket and bars, the first trial on top."""
    _draw_bracket(axes, known)
    marker_pt = min(_MARKER_PT, 60 * _row_in(len(trials)))
    for row, trial in enumerate(trials):
        look, end_s = look_of(trial.outcome), trial.outcome.elapsed_s
        axes.barh(row, end_s, height=0.62, gid="bar", **_filling(look))
        axes.add_line(_marker(look, marker_pt, [end_s], [row]))
    axes.set_ylim(max(len(trials), _FEWEST_ROWS) - 0.4, -0.6)


def _draw_bracket(axes: Axes, known: Sequence[Bracket]) -> None:
    """Draw two lines that close in on each other; where nothing was cut, the upper is off the axes."""
    beyond_s = 2 * axes.get_xlim()[1]
    edges = [edge for row in range(len(known)) for edge in (row - 0.5, row + 0.5)]
    low_s = [low_s for low_s, _ in known for _ in range(2)]
    high_s = [beyond_s if high_s is None else high_s for _, high_s in known for _ in range(2)]
    axes.fill_betweenx(edges, low_s, high_s, color=_BRACKET_COLOR, linewidth=0, zorder=0, gid="bracket")
    for line in (low_s, high_s):
        axes.plot(line, edges, color=INK, linewidth=1.3, zorder=4, gid="bracket-line")


def _filling(look: Look) -> dict[str, Any]:
    """Return colour and hatch as matplotlib calls them; it draws a hatch in the colour of the edge."""
    return {"facecolor": look.color, "hatch": look.hatch, "edgecolor": "white", "linewidth": 0}


def _marker(look: Look, size_pt: float, x: Sequence[float] = (), y: Sequence[float] = ()) -> Line2D:
    """Return the marker at a bar's end; without a place, a sample of it for the legend."""
    return Line2D(
        x,
        y,
        linestyle="none",
        marker=look.marker,
        markersize=size_pt,
        markeredgewidth=size_pt / 5,
        color=look.color,
        markeredgecolor=INK,
        zorder=5,
        gid="end",
    )


def _label_rows(axes: Axes, trials: Sequence[Trial]) -> None:
    """Write number and hold beside the rows, or beside some where they are many."""
    every = 1 if len(trials) <= 40 else 5 if len(trials) <= 200 else 50
    labelled = [(row, trial) for row, trial in enumerate(trials) if trial.number % every == 0]
    words = [f"#{trial.number}  {seconds(round(trial.hold_s, 2))} s" for _, trial in labelled]
    axes.set_yticks([row for row, _ in labelled], words, fontsize=8)
    axes.set_ylabel("trial, and its hold")
    axes.tick_params(axis="y", length=0)


def _legend(trials: Sequence[Trial]) -> list[LegendEntry]:
    """Return a sample of each outcome that occurred, and of the bracket."""
    seen = [look for look in LOOKS.values() if any(look_of(trial.outcome) is look for trial in trials)]
    outcomes: list[LegendEntry] = [
        ((Patch(**_filling(look)), _marker(look, _MARKER_PT)), look.label) for look in seen
    ]
    return [*outcomes, (Patch(facecolor=_BRACKET_COLOR, edgecolor=INK), "bracket: the limit lies in here")]
