"""How text stands on the terminal: names beside sentences, and tables without colour."""

import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from hbprobe.exchange.settings import Settings
from hbprobe.text import seconds, shown

_GAP = 2
"""Between two columns of a table."""


def plain(text: str) -> Text:
    """Return text from anywhere as rich prints it: no markup, no emoji, nothing that moves the cursor."""
    return Text(shown(text), overflow="fold")


def pairs(lines: Iterable[tuple[str, str]]) -> RenderableType:
    """Lay out names and sentences in two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, sentence in lines:
        grid.add_row(plain(name), plain(sentence))
    return grid


def hanging(lead: str, sentence: str, columns: int) -> str:
    """Return a sentence whose further lines begin below its first word, behind what leads to it."""
    return textwrap.fill(
        shown(sentence), columns, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )


def table_of(columns: Sequence[str], numbers: Collection[str], rows: Iterable[Sequence[str]]) -> RenderableType:
    """Lay out a table; the columns that hold numbers stand to the right.

    Where the terminal is too narrow for the words of a row side by side, they stand below each other, after the names
    of their columns.
    """
    return _Rows(columns, numbers, [[*map(shown, row)] for row in rows])


@dataclass(frozen=True)
class _Rows:
    """What decides how a table stands when it is known how wide the terminal is."""

    columns: Sequence[str]
    numbers: Collection[str]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if least_width(self.columns, self.rows) <= options.max_width:
            yield from self._table(console, options.max_width)
            return
        for place, row in enumerate(self.rows):
            if place:
                yield Text()
            yield pairs(zip(self.columns, row, strict=True))

    def _table(self, console: Console, max_width: int) -> Iterator[Text]:
        """Draw it line by line: rich's own tables reckon the width of a last column in ways that change."""
        widths = _widths(self.columns, self.rows, max_width)
        for at, row in enumerate((self.columns, *self.rows)):
            wrapped = [plain(cell).wrap(console, width) for cell, width in zip(row, widths, strict=True)]
            for parts in zip_longest(*wrapped):
                line = Text(" " * _GAP).join(map(self._aligned, parts, self.columns, widths))
                line.rstrip()
                line.stylize("" if at else "bold")
                yield line
            if not at:
                yield Text("─" * (sum(widths) + _GAP * (len(widths) - 1)))

    def _aligned(self, part: Text | None, column: str, width: int) -> Text:
        """Return a line of a cell, or an empty one, as wide as its column."""
        line = part or Text()
        line.align("right" if column in self.numbers else "left", width)
        return line


def least_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return how wide a terminal has to be so that a table breaks no word."""
    words = _longest_words(columns, rows)
    return sum(words) + _GAP * (len(words) - 1)


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]], max_width: int) -> list[int]:
    """Return how wide each column is: as its longest word at least, and the narrowest get what is left first."""
    widths = _longest_words(columns, rows)
    whole = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    left = max_width - least_width(columns, rows)
    while left > 0 and (wanting := [at for at, width in enumerate(widths) if width < whole[at]]):
        widths[min(wanting, key=widths.__getitem__)] += 1
        left -= 1
    return widths


def _longest_words(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(cell_len(word) for cell in column for word in (cell.split() or [""]))
        for column in zip(columns, *rows, strict=True)
    ]


def settings_words(settings: Settings) -> str:
    """Name Exchange's settings as web.config does."""
    return (
        f"MinHeartbeatInterval {seconds(settings.min_heartbeat_s)} s, "
        f"MaxHeartbeatInterval {seconds(settings.max_heartbeat_s)} s, "
        f"HeartbeatSampleSize {settings.sample_size}, "
        f"HeartbeatAlertThreshold {seconds(settings.alert_threshold_s)} s"
    )
