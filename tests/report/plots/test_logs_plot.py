"""Pictures of logs."""

import pytest

from hbprobe.evidence.logs.questions.reports import ReportTable
from hbprobe.report.plots.logs_plot import table_plot


def table(rows, label="status/substatus", value="hits"):
    return ReportTable("status", "Status codes", (*label.split("/"), value), rows, label, value)


def test_bars_that_count_have_names_of_their_own_and_whole_numbers():
    figure = table_plot(table(((200, 0, 1), (200, None, 1))))
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["200 0", "200 -"]
    assert all(tick == int(tick) for tick in axes.get_xticks())


@pytest.mark.parametrize(
    ("value", "rows", "told"),
    [
        ("hits", 24, "24 rows, 24 hits together"),
        ("hits", 25, "25 rows, 25 hits together; 1 more is not shown"),
        ("devices", 26, "26 rows, 26 devices, each counted in every row that has it; 2 more are not shown"),
    ],
)
def test_what_the_caption_says(value, rows, told):
    """A device that stands in two rows is not two devices."""
    figure = table_plot(table(tuple((200, number, 1) for number in range(rows)), value=value))
    assert told in [text.get_text() for text in figure.texts]
