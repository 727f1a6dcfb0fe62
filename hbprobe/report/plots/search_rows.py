"""The rows of the search plot: a bar for every trial, and behind them the bracket that closes in."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.manner import Look
from hbprobe.report.looks import LOOKS, look_of
from hbprobe.report.plots.page import LegendEntry
from hbprobe.report.plots.style import INK
from hbprobe.search.search import Search, SearchSettings
from hbprobe.text import seconds
from hbprobe.trial.outcome import Kind, Trial

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


def brackets(settings: SearchSettings, trials: Sequence[Trial]) -> list[Bracket]:
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


def draw_rows(axes: Axes, trials: Sequence[Trial], known: Sequence[Bracket]) -> None:
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


def label_rows(axes: Axes, trials: Sequence[Trial]) -> None:
    """Write number and hold beside the rows, or beside some where they are many."""
    every = 1 if len(trials) <= 40 else 5 if len(trials) <= 200 else 50
    labelled = [(row, trial) for row, trial in enumerate(trials) if trial.number % every == 0]
    words = [f"#{trial.number}  {seconds(round(trial.hold_s, 2))} s" for _, trial in labelled]
    axes.set_yticks([row for row, _ in labelled], words, fontsize=8)
    axes.set_ylabel("trial, and its hold")
    axes.tick_params(axis="y", length=0)


def legend(trials: Sequence[Trial]) -> list[LegendEntry]:
    """Return a sample of each outcome that occurred, and of the bracket."""
    seen = [look for look in LOOKS.values() if any(look_of(trial.outcome) is look for trial in trials)]
    outcomes: list[LegendEntry] = [
        ((Patch(**_filling(look)), _marker(look, _MARKER_PT)), look.label) for look in seen
    ]
    return [*outcomes, (Patch(facecolor=_BRACKET_COLOR, edgecolor=INK), "bracket: the limit lies in here")]
