"""Pictures of logs: bars for the answer to one question, and the limits of networks."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from hbprobe.evidence.logs.questions.reports import ReportTable
from hbprobe.manner import BLUE, ORANGE, VERMILLION
from hbprobe.records.logs import LogEvidence, PassiveLimitPart
from hbprobe.report.plots.page import LegendEntry, Page
from hbprobe.report.plots.style import FAINT, INK, drawable, in_style
from hbprobe.text import counted

_MOST_BARS = 24
"""The hours of a day."""
_LEFT_IN = 3.2
_RIGHT_IN = 9.2
_BAR_IN = 0.24
_LABEL = 38


def table_plot(table: ReportTable) -> Figure:
    """Draw the answer to a question that has a chart as bars, the longest first."""
    assert table.label is not None
    assert table.value is not None
    labels, value = [table.columns.index(name) for name in table.label.split("/")], table.columns.index(table.value)
    rows = [
        (" ".join("-" if row[label] is None else str(row[label]) for label in labels), float(row[value] or 0))
        for row in table.rows
    ]
    whole = sum(length for _, length in rows)
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, _RIGHT_IN)
        shown = rows[:_MOST_BARS]
        places = range(len(shown))
        axes.barh(places, [length for _, length in shown], color=BLUE, height=0.7, gid="bars")
        for place, (_, length) in zip(places, shown, strict=True):
            share = f" ({length / whole:.1%})" if whole else ""
            axes.text(length, place, f" {length:g}{share}", va="center", fontsize=8, color=INK)
        _name_rows(axes, [name for name, _ in shown])
        axes.set_xlabel(table.value)
        axes.set_xlim(0, 1.2 * max((length for _, length in shown), default=1.0) or 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        each = " together" if table.value == "hits" else ", each counted in every row that has it"
        caption = f"{counted(len(rows), 'row')}, {whole:g} {table.value}{each}{_rest(rows)}"
        return page.finish(table.title, caption, 0, max(1.0, _BAR_IN * len(shown)), ())


def limits_plot(evidence: LogEvidence) -> Figure:
    """Draw what each network carries: answered up to where, asked up to where, and the limit's bracket."""
    limits = [limit for limit in evidence.limits if limit.longest_answered is not None or limit.cut is not None]
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, _RIGHT_IN)
        for place, limit in enumerate(limits[:_MOST_BARS]):
            _draw_limit(axes, place, limit)
        _name_rows(axes, [limit.key for limit in limits[:_MOST_BARS]])
        axes.set_xlim(0)
        axes.set_xlabel("seconds that a waiting request lasted")
        waits, devices = evidence.coverage.waits, evidence.coverage.devices
        caption = f"{counted(waits, 'waiting request')} of {counted(devices, 'device')}{_rest(limits)}"
        plot_in = max(1.0, _BAR_IN * min(len(limits), _MOST_BARS))
        return page.finish(f"What each {evidence.by} carries", caption, 0, plot_in, _legend())


def _rest(rows: Sequence[object]) -> str:
    more = len(rows) - _MOST_BARS
    return "" if more <= 0 else f"; {more} more {'is' if more == 1 else 'are'} not shown"


def _draw_limit(axes: Axes, place: int, limit: PassiveLimitPart) -> None:
    carried = limit.survived if limit.survived is not None else limit.longest_answered or 0.0
    axes.barh(place, carried, color=BLUE, height=0.7, gid="carried")
    if limit.longest_asked is not None:
        axes.plot([limit.longest_asked], [place], **_ASKED)
    if limit.cut is not None:
        color = VERMILLION if limit.judgement == "limit" else ORANGE
        width = max(limit.cut - carried, 4.0)
        axes.barh(place, width, left=carried, color=color, height=0.7, gid="bracket")


_ASKED: dict[str, Any] = {"marker": "|", "color": INK, "markersize": 11, "linestyle": "none", "gid": "asked"}


def _legend() -> Sequence[LegendEntry]:
    return [
        (Patch(facecolor=BLUE), "carried"),
        (Patch(facecolor=VERMILLION), "the limit lies here"),
        (Patch(facecolor=ORANGE), "limits set in here"),
        (Line2D([], [], **_ASKED), "longest interval asked for"),
    ]


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [drawable(name, _LABEL) for name in names], color=INK)
    axes.tick_params(axis="y", length=0, labelcolor=INK, color=FAINT)
    axes.set_ylim(len(names) - 0.4, -0.6)
