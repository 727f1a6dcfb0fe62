"""Heartbeat staircases: what each kind of device asks for on a path over time, and which requests are lost."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hbprobe.exchange.algorithms import Device
from hbprobe.exchange.devices import DeviceKind
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mail import HOUR_S
from hbprobe.fleet.states import settle
from hbprobe.manner import BLUE, VERMILLION, Manner
from hbprobe.report.plots.page import LegendEntry, Stack, beside
from hbprobe.report.plots.style import FAINT, INK, in_style
from hbprobe.text import seconds

_PANEL_IN = 0.85
_LOST: dict[str, Any] = {"marker": "X", "color": VERMILLION, "markersize": 6, "linestyle": "none", "gid": "lost"}
_LIMIT: dict[str, Any] = {"color": INK, "linewidth": 1.1, "linestyle": (0, (4, 2)), "gid": "limit"}
_THRESHOLD: dict[str, Any] = {"color": FAINT, "linewidth": 0.9, "linestyle": "dotted", "gid": "threshold"}


class Stair(NamedTuple):
    """One request."""

    begin_s: float
    end_s: float
    """When the device knows what came of it."""
    heartbeat_s: int
    is_lost: bool


def staircase(device: Device, limit_s: float, how: Manner, settings: Settings, until_s: float) -> list[Stair]:
    """Follow a device on a path that cuts at `limit_s`; without mail, and asking again at once."""
    stairs: list[Stair] = []
    now = 0.0
    while now < until_s:
        if settle(device, settings)[1]:
            break
        is_lost = device.heartbeat_s >= limit_s
        lost_after_s = device.timeout_s if how is Manner.SILENT else limit_s
        end_s = now + (lost_after_s if is_lost else device.heartbeat_s)
        stairs.append(Stair(now, end_s, device.heartbeat_s, is_lost))
        if is_lost:
            device.lost(how)
        else:
            device.answered()
        now = end_s
    return stairs


def staircase_plot(
    kinds: Sequence[DeviceKind], limit_s: float, how: Manner, settings: Settings, hours: float = 6.0, path: str = ""
) -> Figure:
    """Draw a panel for each kind of device on a path that cuts at `limit_s`; infinite for an open one."""
    courses = [staircase(kind.new(), limit_s, how, settings, hours * HOUR_S) for kind in kinds]
    top_s = 1.15 * max(stair.heartbeat_s for course in courses for stair in course)
    with in_style():
        stack = Stack([_PANEL_IN] * len(kinds))
        for axes, kind, course in zip(stack.panels, kinds, courses, strict=True):
            _draw(axes, course, limit_s, settings)
            beside(axes, kind.name)
            axes.set_ylim(0, max(top_s, 1.15 * settings.alert_threshold_s))
        stack.panels[-1].set_xlim(0, hours)
        stack.panels[-1].set_xlabel("hours")
        stack.panels[len(kinds) // 2].set_ylabel("heartbeat asked for, s")
        return stack.finish(_title(limit_s, path), _caption(limit_s, how), _legend(limit_s, settings))


def _draw(axes: Axes, course: Sequence[Stair], limit_s: float, settings: Settings) -> None:
    at = [stair.begin_s / HOUR_S for stair in course]
    heights_s = [stair.heartbeat_s for stair in course]
    if course:
        ends = [*at, course[-1].end_s / HOUR_S]
        axes.stairs(heights_s, ends, baseline=None, color=BLUE, linewidth=1.8, gid="asked")
    lost = [stair for stair in course if stair.is_lost]
    axes.plot([stair.end_s / HOUR_S for stair in lost], [stair.heartbeat_s for stair in lost], **_LOST)
    if math.isfinite(limit_s):
        axes.axhline(limit_s, **_LIMIT)
    axes.axhline(settings.alert_threshold_s, **_THRESHOLD)


def _title(limit_s: float, path: str) -> str:
    where = path or ("a path without timers" if math.isinf(limit_s) else f"a path that cuts at {seconds(limit_s)} s")
    return f"What devices ask for on {where}"


def _caption(limit_s: float, how: Manner) -> str:
    if math.isinf(limit_s):
        return "No mail comes, and every request is answered at its interval."
    if how is Manner.SILENT:
        return "No mail comes. The path cuts in silence: a device notices when it gives up, and asks again at once."
    return f"No mail comes. The path cuts and tells ({how}), and the device asks again at once."


def _legend(limit_s: float, settings: Settings) -> list[LegendEntry]:
    entries: list[LegendEntry] = [(Line2D([], [], color=BLUE, linewidth=1.8), "asked for")]
    if math.isfinite(limit_s):
        entries.append((Line2D([], [], **_LOST), "lost"))
        entries.append((Line2D([], [], **_LIMIT), f"the path's limit, {seconds(limit_s)} s"))
    threshold = f"alert threshold of the average, {settings.alert_threshold_s} s"
    return [*entries, (Line2D([], [], **_THRESHOLD), threshold)]
