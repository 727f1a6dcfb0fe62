"""How text stands on the terminal: names beside sentences, and tables without colour."""

from collections.abc import Collection, Iterable, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hbprobe.exchange.settings import Settings
from hbprobe.text import seconds, shown


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


def table_of(columns: Sequence[str], numbers: Collection[str], rows: Iterable[Sequence[str]]) -> Table:
    """Lay out a table; the columns that hold numbers stand to the right."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*map(plain, row))
    return table


def settings_words(settings: Settings) -> str:
    """Name Exchange's settings as web.config does."""
    return (
        f"MinHeartbeatInterval {seconds(settings.min_heartbeat_s)} s, "
        f"MaxHeartbeatInterval {seconds(settings.max_heartbeat_s)} s, "
        f"HeartbeatSampleSize {settings.sample_size}, "
        f"HeartbeatAlertThreshold {seconds(settings.alert_threshold_s)} s"
    )
