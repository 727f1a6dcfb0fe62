"""Captures as a picture: each connection a bar, its silences and its death; and which share of silences survives."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.fate import ConnectionFate
from hbprobe.manner import SKY, VERMILLION, Look, Manner
from hbprobe.records.capture import CaptureRecord, FlowPart
from hbprobe.report.looks import INK, LOOKS
from hbprobe.report.plots.page import LegendEntry, Stack
from hbprobe.report.plots.style import drawable, in_style

_MOST_BARS = 40
_BAR_IN = 0.16
_LEFT_IN, _LONGEST_NAME = 1.5, 26
_DEATHS = (ConnectionFate.IDLE_DEATH, ConnectionFate.ENDED_IDLE)
_QUIET = "#D0D0D0"


def capture_plot(record: CaptureRecord) -> Figure:
    """Draw the connections over time, and below them how long silences were, and how they ended."""
    shown = _chosen(record.flows)
    with in_style():
        stack = Stack([max(1.2, _BAR_IN * len(shown) + 0.3), 2.2], apart=True, left_in=_LEFT_IN)
        bars, curve = stack.panels
        _draw_bars(bars, shown)
        _draw_survival(curve, record)
        told = answer(record)
        title, _, more = told[0].partition(": ")
        drawn = f"{len(shown)} of {record.connections} connections are drawn"
        return stack.finish(title, f"{more} {drawn}" if more else drawn, _legend(shown))


def _chosen(flows: Sequence[FlowPart]) -> list[FlowPart]:
    """Choose what is drawn: what died first, then what was quiet for longest; in the order of time."""
    ranked = sorted(flows, key=lambda one: (one.ending not in _DEATHS, -one.longest_silence))
    return sorted(ranked[:_MOST_BARS], key=lambda one: one.started, reverse=True)


def _look(flow: FlowPart) -> Look | None:
    how = flow.client_saw or flow.server_saw
    return LOOKS[how] if flow.ending in _DEATHS and how is not None else None


def _draw_bars(axes: Axes, flows: Sequence[FlowPart]) -> None:
    start_s = min((one.started for one in flows), default=0.0)
    for row, flow in enumerate(flows):
        axes.barh(row, flow.ended - flow.started, left=flow.started - start_s, height=0.6, color=SKY, gid="flow")
        silences = [] if flow.survived is None else [(flow.survived.started, flow.survived.length)]
        if flow.at is not None and flow.idle:
            silences.append((flow.at - flow.idle, flow.idle))
        for began, length in silences:
            axes.barh(row, length, left=began - start_s, height=0.6, color=_QUIET, gid="silence")
        look = _look(flow)
        if look is not None and flow.at is not None:
            axes.plot([flow.at - start_s], [row], marker=look.marker, color=look.color, markersize=5, gid="death")
    axes.set_yticks(range(len(flows)), [_name(one.client) for one in flows], fontsize=6)
    axes.set_ylim(-0.7, max(len(flows), 1) - 0.3)
    axes.set_xlabel("seconds since the first of them began")


def _name(client: str) -> str:
    """Return a client's address and port so short that it stands beside the axis; an IPv6 one by its end."""
    text = drawable(client)
    return text if len(text) <= _LONGEST_NAME else f"...{text[3 - _LONGEST_NAME :]}"


def _draw_survival(axes: Axes, record: CaptureRecord) -> None:
    """Draw which share of silences that lasted so long was survived, by the product-limit estimate."""
    died = sorted(one.idle for one in record.flows if one.ending in _DEATHS and one.idle)
    lived = sorted(one.survived.length for one in record.flows if one.survived is not None)
    at_risk, share = len(died) + len(lived), 1.0
    points = [(0.0, 1.0)]
    for lost, time_s in enumerate(died):
        gone = lost + sum(length < time_s for length in lived)
        points.append((time_s, share))
        share *= 1 - 1 / max(1, at_risk - gone)
        points.append((time_s, share))
    points.append((max([*died, *lived, 1.0]), share))
    axes.plot(
        [one for one, _ in points], [100 * part for _, part in points], color=INK, linewidth=1.8, gid="survival"
    )
    for timer in record.timers:
        struck_s = timer.age if timer.limit.exact or timer.limit.cut_s is None else timer.limit.cut_s
        axes.axvline(struck_s, color=VERMILLION, linestyle=(0, (4, 2)), linewidth=1.4, gid="timer")
    axes.set_ylim(0, 105)
    axes.set_xlim(0)
    axes.set_xlabel("length of a silence, seconds")
    axes.set_ylabel("survive, per cent")


def _legend(flows: Sequence[FlowPart]) -> list[LegendEntry]:
    entries: list[LegendEntry] = [(Patch(facecolor=SKY), "moves"), (Patch(facecolor=_QUIET), "silence")]
    for key in (Manner.SILENT, Manner.RESET, Manner.CLOSED):
        look = LOOKS[key]
        if any(_look(flow) is look for flow in flows):
            sample = Line2D([], [], color=look.color, marker=look.marker, linestyle="none")
            entries.append((sample, look.label.replace("cut", "died")))
    entries.append((Line2D([], [], color=VERMILLION, linestyle=(0, (4, 2))), "a timer"))
    return entries
