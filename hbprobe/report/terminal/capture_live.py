"""While captures are read: how far it is, or, on a pipe, which connections are quiet now and how long."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live

from hbprobe.duration import format_duration
from hbprobe.evidence.captures.capture import Progress
from hbprobe.evidence.captures.capture_file import CaptureFile
from hbprobe.evidence.captures.retention import FIN, RST, Rows
from hbprobe.evidence.captures.tcp_flow import ends_of
from hbprobe.report.terminal.layout import plain, table_of
from hbprobe.text import counted

_MOST_ROWS = 15
_MOST_CONNECTIONS = 20_000
_LEAST_QUIET_S = 1.0


@contextlib.contextmanager
def reading(console: Console, *, live: bool) -> Iterator[Progress]:
    """Return what is to be told of each piece that was read; what is shown is gone at the end."""
    view = QuietNow() if live else _HowFar()
    if not console.is_terminal:
        yield view.took
        return
    with Live(console=console, get_renderable=view.render, refresh_per_second=2, transient=True):
        yield view.took


class _HowFar:
    """One line: the file, and how much of it is read."""

    def __init__(self) -> None:
        self._words = ""

    def took(self, file: CaptureFile, rows: Rows) -> None:
        """Note that a piece was read."""
        del rows
        self._words = f"{file.path}: {file.size / 1e6:.0f} MB, {counted(file.counts.packets, 'packet')}"

    def render(self) -> RenderableType:
        return plain(self._words)


class QuietNow:
    """A table of the connections that stand and are quiet, the longest silence first."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, str]] = {}
        """By key: when the last packet came, in nanoseconds, and the connection's name."""
        self._gone: dict[str, int] = {"FIN": 0, "RST": 0}
        self._packets = 0

    def took(self, file: CaptureFile, rows: Rows) -> None:
        """Note the packets of a piece."""
        self._packets = file.counts.packets
        for row in rows:
            key, flags = int(row["key"]), int(row["flags"])
            if flags & (RST | FIN):
                if self._last.pop(key, None) is not None:
                    self._gone["RST" if flags & RST else "FIN"] += 1
                continue
            known = self._last.get(key)
            self._last[key] = (int(row["time_ns"]), ends_of(row) if known is None else known[1])
        while len(self._last) > _MOST_CONNECTIONS:
            del self._last[next(iter(self._last))]

    def quiet(self, now_s: float) -> list[tuple[float, str]]:
        """Return how long each connection has been quiet, and its name, the longest first."""
        ages = ((now_s - at_ns / 1e9, name) for at_ns, name in self._last.values())
        return sorted((one for one in ages if one[0] >= _LEAST_QUIET_S), reverse=True)

    def render(self) -> RenderableType:
        """Return the table as of now."""
        quiet = self.quiet(datetime.now(UTC).timestamp())
        rows = [(name, format_duration(age_s)) for age_s, name in quiet[:_MOST_ROWS]]
        head = (
            f"{counted(self._packets, 'packet')}; {counted(len(self._last), 'connection')} standing, {len(quiet)} "
            f"quiet; ended by FIN {self._gone['FIN']}, by RST {self._gone['RST']}; Ctrl-C ends it with the answer"
        )
        return Group(plain(head), table_of(("connection", "quiet for"), ("quiet for",), rows))
