"""What a fleet does to the window as pictures: its average over time, and against the share on one path."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.duration import format_duration
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mail import DAY_S, HOUR_S
from hbprobe.fleet.size import ShareSweep
from hbprobe.fleet.tally import FleetResult
from hbprobe.manner import BLUE, SKY, VERMILLION
from hbprobe.report.plots.page import LegendEntry, Stack
from hbprobe.report.plots.style import FAINT, INK, in_style
from hbprobe.report.terminal.fleet import event_words
from hbprobe.text import counted

_MOST_BY_HOUR = 3.0
"""Days that are still marked by the hour."""
_EVENT: dict[str, Any] = {"marker": "v", "color": VERMILLION, "markersize": 6, "linestyle": "none", "gid": "event"}


def average_plot(result: FleetResult, mix: str) -> Figure:
    """Draw the window's average against the threshold, and each event 1040."""
    with in_style():
        stack = Stack([3.0])
        (axes,) = stack.panels
        _draw_average(axes, result)
        _mark_days(axes, result.days)
        return stack.finish(_title(result), _caption(result, mix), _legend(result))


def _draw_average(axes: Axes, result: FleetResult) -> None:
    days = [point.at_s / DAY_S for point in result.curve]
    lows, highs = [point.lowest_s for point in result.curve], [point.highest_s for point in result.curve]
    threshold_s = result.world.settings.alert_threshold_s
    axes.fill_between(days, lows, highs, color=SKY, alpha=0.55, linewidth=0, gid="range")
    axes.plot(days, [point.mean_s for point in result.curve], color=BLUE, linewidth=1.4, gid="average")
    axes.axhline(threshold_s, color=VERMILLION, linewidth=1.4, linestyle=(0, (4, 2)), gid="threshold")
    at = [event.at_s / DAY_S for event in result.events]
    axes.plot(at, [threshold_s] * len(at), **_EVENT)
    axes.set_ylim(0, 1.08 * max([*highs, threshold_s]))
    axes.set_xlim(0, result.days)
    axes.set_ylabel("average of the window, s")


def _mark_days(axes: Axes, days: float) -> None:
    if days > _MOST_BY_HOUR:
        axes.set_xlabel("days; each begins at midnight")
        return
    hours = np.arange(0, days * DAY_S / HOUR_S + 0.01, 4 if days <= 1 else 12)
    axes.set_xticks(hours / 24, [f"{hour % 24:.0f}:00" for hour in hours])
    axes.set_xlabel("time of day")


def _title(result: FleetResult) -> str:
    return f"Event 1040 {event_words(result)}"


def _caption(result: FleetResult, mix: str) -> str:
    settings = result.world.settings
    fleet = f"{counted(result.world.devices, 'device')}, {format_duration(result.days * DAY_S)}, mix {mix}"
    return f"{fleet}; the newest {settings.sample_size} intervals that devices asked for"


def _legend(result: FleetResult) -> list[LegendEntry]:
    threshold_s = result.world.settings.alert_threshold_s
    entries: list[LegendEntry] = [
        (Line2D([], [], color=BLUE, linewidth=1.4), "mean"),
        (Patch(facecolor=SKY, alpha=0.55), "lowest to highest"),
        (Line2D([], [], color=VERMILLION, linestyle=(0, (4, 2))), f"threshold {threshold_s} s"),
    ]
    return [*entries, (Line2D([], [], **_EVENT), "event 1040")] if result.events else entries


def sweep_plot(sweep: ShareSweep, mix: str, settings: Settings) -> Figure:
    """Draw the window's lowest average, and the means, against the share of devices on a path."""
    shares = [100 * one.share for one in sweep.tried]
    with in_style():
        stack = Stack([3.0])
        (axes,) = stack.panels
        lowest = [np.nan if one.lowest_s is None else one.lowest_s for one in sweep.tried]
        lines = [
            axes.plot(shares, [one.mean_asked_s for one in sweep.tried], color=FAINT, marker="^", markersize=4),
            axes.plot(shares, [one.mean_s for one in sweep.tried], color=BLUE, marker="o", markersize=4),
            axes.plot(shares, lowest, color=INK, marker="s", markersize=4, linewidth=2, gid="lowest"),
        ]
        axes.axhline(settings.alert_threshold_s, color=VERMILLION, linewidth=1.4, linestyle=(0, (4, 2)))
        fired = [one for one in sweep.tried if one.events]
        axes.plot([100 * one.share for one in fired], [one.lowest_s or 0 for one in fired], **_EVENT)
        axes.set_xlim(0, 100)
        axes.set_ylim(0)
        axes.set_xlabel(f"share of devices on the path {sweep.path}, per cent")
        axes.set_ylabel("seconds")
        names = ("mean of devices", "mean of samples", "the window's lowest average")
        legend: list[LegendEntry] = [(line[0], name) for line, name in zip(lines, names, strict=True)]
        dashed = Line2D([], [], color=VERMILLION, linestyle=(0, (4, 2)))
        legend += [(dashed, f"threshold {settings.alert_threshold_s} s"), (Line2D([], [], **_EVENT), "event 1040")]
        return stack.finish(_sweep_title(sweep), f"Mix {mix}; the other paths keep their proportions", legend)


def _sweep_title(sweep: ShareSweep) -> str:
    if sweep.enough is None:
        return f"No share of devices on the path {sweep.path} raises event 1040"
    return f"{sweep.enough.share:.0%} of the devices on the path {sweep.path} are enough for event 1040"
