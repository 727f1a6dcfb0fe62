"""What a running search shows: the bracket, the trials under way, and how long it may still take."""

import asyncio
import math
from collections.abc import Callable
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from hbprobe.duration import format_duration
from hbprobe.measure.observe import Observer
from hbprobe.measure.run import Run
from hbprobe.text import seconds
from hbprobe.trial.outcome import Kind, Trial

_MOST_HOLDS_SHOWN = 6
_NARROWEST = 10


class LiveLine(Observer):
    """Follows a run on a terminal with a line that changes, elsewhere with a line for each trial that ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._run: Run | None = None
        self._waits: tuple[str, float, Callable[[], float]] | None = None
        self._told = self._remarked = 0
        self._live = (
            Live(self, console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the line that changes away; what was said stays."""
        if self._live is not None:
            self._live.stop()

    def __rich__(self) -> RenderableType:
        if self._waits is not None:
            what, until_s, now = self._waits
            return Text(f"{what}; at most {format_duration(max(0, math.ceil(until_s - now())))} left")
        return Group(Text(status(self._run)), Bracket(self._run)) if self._run is not None else Text("")

    def waits(self, what: str, at_most_s: float) -> None:
        """Show what goes on instead of a search."""
        now = asyncio.get_running_loop().time
        self._waits = what, now() + at_most_s, now

    def search(self, run: Run) -> None:
        """Take note of what changed."""
        self._run, self._waits = run, None
        for trial in run.trials[self._told :]:
            self.says(describe(trial))
        for remark in run.remarks[self._remarked :]:
            self.says(remark)
        self._told, self._remarked = len(run.trials), len(run.remarks)

    def says(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Bracket:
    """The bracket of a search as a bar: what survived, what is not known yet, what dies; and the holds under way."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(bracket_bar(self._run, options.max_width, plain=options.ascii_only), no_wrap=True)


def bracket_bar(run: Run, width: int, *, plain: bool = False) -> str:
    """Draw the bracket of a search, from 0 to the longest hold; empty where there is no room for it."""
    lives, unknown, dies, tried = "=.x|" if plain else "━·░│"
    limit, holds = run.search.limit, [one.hold_s for one in run.running]
    longest_s = max(run.search.settings.max_s, limit.survived_s or 0.0, *holds, 1e-9)
    end = f" {format_duration(longest_s)}"
    room = width - len("0 ") - len(end)
    if room < _NARROWEST:
        return ""

    def cell(at_s: float) -> int:
        return min(room - 1, int(at_s / longest_s * room))

    low, high = cell(limit.survived_s or 0.0), room if limit.cut_s is None else cell(limit.cut_s)
    cells = [lives if place < low else unknown if place < high else dies for place in range(room)]
    for hold_s in holds:
        cells[cell(hold_s)] = tried
    return f"0 {''.join(cells)}{end}"


def describe(trial: Trial) -> str:
    """Say what one trial showed, in a line."""
    outcome = trial.outcome
    line = f"trial {trial.number}: hold {seconds(trial.hold_s)} s "
    if outcome.kind is Kind.SURVIVED:
        return line + "survived"
    when = f" at {outcome.elapsed_s:.2f} s" if outcome.exact else ""
    status_text = f" {outcome.status}" if outcome.status else ""
    return f"{line}cut: {outcome.how}{status_text}{when}"


def status(run: Run) -> str:
    """Sum a running search up in a line."""
    limit = run.search.limit
    low = "?" if limit.survived_s is None else seconds(limit.survived_s)
    high = "?" if limit.cut_s is None else seconds(limit.cut_s)
    holds = [seconds(running.hold_s) for running in run.running]
    more = f" +{len(holds) - _MOST_HOLDS_SHOWN}" if len(holds) > _MOST_HOLDS_SHOWN else ""
    trying = " ".join(holds[:_MOST_HOLDS_SHOWN]) + more
    left = format_duration(max(0, math.ceil(time_left_s(run))))
    return f"limit between {low} and {high} s; trying {trying or 'nothing'}; at most {left} left"


def time_left_s(run: Run) -> float:
    """Return how long a search can still take, in path time, if no trials contradict each other."""
    settings, limit = run.search.settings, run.search.limit
    longest_s = min(settings.max_s, limit.cut_s or settings.max_s) + settings.grace_s
    under_way_s = run.path_s - min((running.started_s for running in run.running), default=run.path_s)
    return max(1, run.search.rounds_left()) * longest_s - under_way_s
