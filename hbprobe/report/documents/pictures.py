"""The pictures of a document: drawn, and matplotlib loaded, only where the way of writing shows them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hbprobe.records.result import Result
from hbprobe.report.documents.blocks import Picture
from hbprobe.report.drawn_path import Station, drawn_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def search_picture(result: Result, caption: str) -> Picture:
    """Show the search of one result."""

    def draw() -> "Figure":
        from hbprobe.report.plots.search_plot import search_plot

        return search_plot(result)

    return Picture(draw, caption)


def curve_picture(results: Sequence[Result], caption: str) -> Picture:
    """Show which share of holds survives."""

    def draw() -> "Figure":
        from hbprobe.report.plots.curve_plot import curve_plot

        return curve_plot(results, [])

    return Picture(draw, caption)


def path_picture(stations: Sequence[Station]) -> Picture:
    """Show a path with whom cuts marked."""

    def draw() -> "Figure":
        from hbprobe.report.plots.path_plot import path_plot

        return path_plot(stations)

    return Picture(draw, drawn_words(stations))
