"""All targets of a running watch on a terminal: the last limit of each, its history as a sparkline, and what runs."""

import asyncio
import math
from collections.abc import Sequence
from typing import Final, Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hbprobe.duration import format_duration
from hbprobe.errors import UserError
from hbprobe.report.terminal.live import bracket_bar, time_left_s
from hbprobe.text import shown
from hbprobe.watch.control import Control, RunningWatch, WatchObserver
from hbprobe.watch.history import measurement_words, when
from hbprobe.watch.store import Measurement, Now, State, Store

_MOST: Final = 120
"""So many measurements are kept for a sparkline: no terminal shows more."""
_WIDE: Final = 72
"""From so many columns on there is room for sparklines and the bracket."""
_STEPS, _PLAIN_STEPS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_NOTHING = " "
_ENDED: Final = (State.DONE, State.FAILED)


def sparkline(limits: Sequence[float | None], width: int, *, plain: bool = False) -> str:
    """Draw the last limits that fit, each a step between 0 and the longest; a gap where none was found."""
    if width <= 0:
        return ""
    steps = _PLAIN_STEPS if plain else _STEPS
    last = limits[-width:]
    most = max((one for one in last if one is not None), default=0.0)
    return "".join(_NOTHING if one is None else steps[_step(one, most, len(steps))] for one in last)


def _step(limit: float, most: float, count: int) -> int:
    return min(count - 1, int(limit / most * count)) if most > 0 else 0


class LiveWatch(WatchObserver):
    """A table that changes, below the lines that the watch says."""

    def __init__(self, console: Console, now: Now) -> None:
        self._console, self._now = console, now
        self._control: Control | None = None
        self._past: dict[str, list[Measurement]] = {}
        self._reading: set[asyncio.Task[None]] = set()
        self._live = Live(self, console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def says(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def happened(self, control: Control, target: str) -> None:
        """Read again what is stored of a target, beside the loop, where none of its searches runs."""
        self._control = control
        watched = control.running.get(target)
        if watched is not None and watched.run is not None and target in self._past:
            return
        names = [target] if target else [one.name for one in control.plan.targets]
        task = asyncio.ensure_future(self._read(control, names))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, control: Control, names: Sequence[str]) -> None:
        def read() -> dict[str, list[Measurement]]:
            with Store(control.plan.database, create=False) as store:
                ended = {name: [one for one in store.measurements(name) if one.state in _ENDED] for name in names}
                return {name: found[-_MOST:] for name, found in ended.items()}

        try:
            self._past |= await asyncio.to_thread(read)
        except UserError:
            return  # the watch itself says what is wrong with its database; the next event tries again

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._control is not None:
            yield self._table(self._control, options)

    def _table(self, control: Control, options: ConsoleOptions) -> RenderableType:
        is_wide = options.max_width >= _WIDE
        table = Table(box=None, padding=(0, 2, 0, 0), expand=False)
        for name in ("target", "limit", *(["history"] if is_wide else []), "now"):
            table.add_column(name, overflow="fold")
        room = max(8, options.max_width // 5)
        for target in control.plan.targets:
            past = self._past.get(target.name, [])
            line = [sparkline([_limit_s(one) for one in past], room, plain=options.ascii_only)] if is_wide else []
            watched = control.running.get(target.name)
            table.add_row(
                Text(shown(target.name)),
                Text(_last_words(past)),
                *map(Text, line),
                self._goes_on(watched, options.max_width // 4 if is_wide else 0, plain=options.ascii_only),
            )
        return table

    def _goes_on(self, watched: RunningWatch | None, room: int, *, plain: bool) -> RenderableType:
        """Say what runs, or when the next measurement begins."""
        if watched is None or (watched.run is None and watched.next_at is None):
            return Text("begins")
        if watched.run is None:
            left_s = max(0, math.ceil((watched.next_at or 0.0) - self._now()))
            return Text(f"next in {format_duration(left_s)}")
        left = Text(f"at most {format_duration(max(0, math.ceil(time_left_s(watched.run))))} left")
        bar = bracket_bar(watched.run, room, plain=plain)
        return Group(Text(bar, no_wrap=True), left) if bar else left


def _limit_s(one: Measurement) -> float | None:
    return one.cut_s if one.cut_s is not None else one.survived_s


def _last_words(past: Sequence[Measurement]) -> str:
    """Say the last limit, or why there is none yet."""
    done = [one for one in past if one.state is State.DONE]
    if done:
        return measurement_words(done[-1])
    failed = [one for one in past if one.state is State.FAILED]
    return f"{measurement_words(failed[-1])}, {when(failed[-1].started_at)}" if failed else "not measured yet"
