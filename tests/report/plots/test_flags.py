import pytest
from matplotlib.text import Text

from hbprobe.report.plots.axis import Scale, scale_seconds
from hbprobe.report.plots.flags import Flag, fly, fly_clear
from hbprobe.report.plots.page import Page

LONG = "a flag that is far too long to fly beside another one on so narrow a page, whatever one does"


@pytest.fixture
def axes():
    made = Page().add_axes(1.0, 9.0)
    scale_seconds(made, 0, 1000, Scale.LINEAR, 8.0)
    return made


def texts(axes):
    return [text for text in axes.texts if text.get_text()]


def test_flags_stand_at_their_times(axes):
    assert fly(axes, [Flag(100, "one"), Flag(600, "two", bold=True)], 0, 10) == 1
    assert [(text.get_text(), text.get_position()[0], text.get_weight()) for text in texts(axes)] == [
        ("one", 100, "normal"),
        ("two", 600, "bold"),
    ]


def test_rows_are_counted(axes):
    assert fly(axes, [Flag(100, LONG), Flag(200, "two"), Flag(300, "three")], 0, 10) == 2


def test_no_flags(axes):
    assert fly(axes, [], 0, 10) == 0
    assert fly_clear(axes, [], 0, 10) == 0


def test_at_the_right_edge_a_flag_flies_to_the_left(axes):
    fly(axes, [Flag(1000, "the end of it all")], 0, 9.2)
    assert [text.get_horizontalalignment() for text in texts(axes)] == ["right"]


def test_where_there_is_no_room_nothing_is_drawn_or_poles_run_behind(axes):
    flags = [Flag(400, LONG), Flag(500, LONG)]
    assert fly_clear(axes, flags, 0, 10) is None
    assert not [text for text in axes.findobj(Text) if text.get_text() == LONG]
    assert fly(axes, flags, 0, 10) == 2
