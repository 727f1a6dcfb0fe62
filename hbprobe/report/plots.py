"""The plots, and how to write them to a file."""

from hbprobe.report.curve_plot import curve_plot
from hbprobe.report.search_plot import search_plot
from hbprobe.report.style import save

__all__ = ["curve_plot", "save", "search_plot"]
