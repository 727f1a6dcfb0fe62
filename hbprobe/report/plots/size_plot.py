"""Size curves: what each timer of the firewall would cost, and from which one on the fleet is well."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hbprobe.fleet.size import AtTimer, Sizing
from hbprobe.manner import BLUE, GREEN, ORANGE, PURPLE, VERMILLION
from hbprobe.report.plots.page import LegendEntry, Stack, beside
from hbprobe.report.plots.style import INK, in_style

_PANEL_IN = 0.95
_COLUMNS: tuple[tuple[str, Callable[[AtTimer], float], str, str], ...] = (
    ("event 1040 a day", lambda one: one.events_per_day, VERMILLION, "v"),
    ("minutes without push, per device and day", lambda one: one.without_push_min, ORANGE, "s"),
    ("battery wake-ups, per device and day", lambda one: one.wakeups, PURPLE, "D"),
    ("requests a second", lambda one: one.requests_per_s, BLUE, "o"),
    ("entries in the firewall's table", lambda one: one.table_entries, GREEN, "^"),
)


def size_plot(sizing: Sizing, caption: str) -> Figure:
    """Draw what each timer costs; `caption` states what was simulated."""
    timers = [one.timer_s / 60 for one in sizing.tried]
    with in_style():
        stack = Stack([_PANEL_IN] * len(_COLUMNS))
        for axes, (name, value, color, marker) in zip(stack.panels, _COLUMNS, strict=True):
            values = [value(one) for one in sizing.tried]
            _shade(axes, sizing.tried)
            axes.plot(timers, values, color=color, marker=marker, markersize=3.5, linewidth=1.4, clip_on=False)
            axes.set_ylim(0, 1.15 * max([*values, 0.1]))
            beside(axes, name)
            _mark(axes, sizing)
        last = stack.panels[-1]
        last.set_xlim(timers[0], timers[-1])
        last.set_xlabel("timer of the firewall, minutes")
        return stack.finish(_title(sizing), caption, _legend(sizing))


def _shade(axes: Axes, tried: Sequence[AtTimer]) -> None:
    """Shade the timers with which event 1040 comes."""
    for one, following in pairwise(tried):
        if one.events_per_day:
            axes.axvspan(one.timer_s / 60, following.timer_s / 60, facecolor="#F6D5C3", linewidth=0, zorder=0)


def _mark(axes: Axes, sizing: Sizing) -> None:
    enough = sizing.enough[0].timer_s
    if enough is not None:
        axes.axvline(enough / 60, color=INK, linewidth=1.0, linestyle=(0, (4, 2)), gid="enough")


def _title(sizing: Sizing) -> str:
    enough = sizing.enough[0].timer_s
    if enough is not None:
        return f"A timer of {enough} s is enough for every device"
    return "Event 1040 comes with every timer" if sizing.event_on_all else "No timer tried is enough for every device"


def _legend(sizing: Sizing) -> list[LegendEntry]:
    entries: list[LegendEntry] = [(Patch(facecolor="#F6D5C3"), "event 1040 comes")]
    if sizing.enough[0].timer_s is not None:
        entries.append((Line2D([], [], color=INK, linestyle=(0, (4, 2))), "enough for every device"))
    return entries
