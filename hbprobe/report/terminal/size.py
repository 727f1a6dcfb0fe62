"""A sizing on the terminal: one row a timer, the timers that are enough, and the change in the firewall's words."""

from collections.abc import Sequence

from rich.console import Console

from hbprobe.duration import format_duration
from hbprobe.fleet.size import AtTimer, Enough, Sizing
from hbprobe.fleet.tally import TOLERATED_MIN_PER_DAY
from hbprobe.profiles.timers import Configure
from hbprobe.report.terminal.layout import pairs, table_of
from hbprobe.text import named

_COLUMNS = ("timer", "event 1040", "wake-ups", "requests/s", "entries", "kB", "no push, min", "well")


def print_size(
    sizing: Sizing, about: Sequence[tuple[str, str]], firewall: str, configure: Configure | None, console: Console
) -> None:
    """Print which timer goes into the ticket and what sets it, and then what each that was tried costs.

    `about` is what to tell of the fleet.
    """
    console.print(pairs([*_answer(sizing), *_do(firewall, change(sizing, configure))]))
    console.print()
    console.print(table_of(_COLUMNS, _COLUMNS, [_row(one) for one in sizing.tried]))
    console.print()
    console.print(pairs([*about, *_EXPLANATIONS]))


def _do(firewall: str, text: str | None) -> list[tuple[str, str]]:
    lines = [] if text is None else text.splitlines()
    if len(lines) == 1:
        return [("do", f"on {firewall}: {lines[0]}")]
    return [*named("do", [f"on {firewall}:", *lines] if lines else [])]


def change(sizing: Sizing, configure: Configure | None) -> str | None:
    """Return what sets the timer that is enough for most devices, in the firewall's own words; None where unknown."""
    timer_s = best(sizing)
    return None if configure is None or timer_s is None else configure.text(timer_s)


def best(sizing: Sizing) -> int | None:
    """Return the timer that is enough for all devices, else for as many as one is enough for."""
    return next((one.timer_s for one in sizing.enough if one.timer_s is not None), None)


def _row(one: AtTimer) -> tuple[str, ...]:
    return (
        format_duration(one.timer_s),
        f"{one.events_per_day:.3g} a day" if one.events_per_day else "no",
        f"{one.wakeups:.0f}",
        f"{one.requests_per_s:.3g}",
        f"{one.table_entries:,.0f}",
        f"{one.kilobytes:.0f}",
        f"{one.without_push_min:.1f}",
        f"{one.well_share:.1%}",
    )


def _answer(sizing: Sizing) -> list[tuple[str, str]]:
    but = "event 1040 comes with every timer: devices or other paths cause it, not this timer"
    return [
        ("ticket", _ticket(sizing)),
        *named("enough", map(_enough_words, sizing.enough)),
        *([("but", but)] if sizing.event_on_all else []),
    ]


def _enough_words(one: Enough) -> str:
    whom = "for all devices" if one.share == 1 else f"for {one.share:.0%} of the devices"
    if one.timer_s is None:
        return f"{whom}: no timer that was tried"
    return f"{whom}: {one.timer_s} s ({format_duration(one.timer_s)}) or more"


def _ticket(sizing: Sizing) -> str:
    """Say which timer goes into the change ticket, and which question that answers."""
    one = next((one for one in sizing.enough if one.timer_s is not None), None)
    other = "what each kind of device needs by itself, hbprobe verdict says"
    if one is None or one.timer_s is None:
        return f"no timer that was tried: try longer ones (--to); {other}"
    whom = "every device" if one.share == 1 else f"{one.share:.0%} of the devices"
    timer = f"{one.timer_s} s ({format_duration(one.timer_s)}) or more"
    return f"{timer}: the least with which event 1040 stays away and {whom} of this fleet keeps its push; {other}"


_EXPLANATIONS = (
    ("columns", "wake-ups, kB and no push are per device and day; entries are those of the firewall's table"),
    ("well", f"the timer itself costs the device at most {TOLERATED_MIN_PER_DAY:g} min of push a day (1 %)"),
)
