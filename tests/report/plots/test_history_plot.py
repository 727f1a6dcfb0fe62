import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text

from hbprobe.report.plots.history_plot import History, Point, history_plot

START = 1.8e9
OPEN, CUT = (3540.0, None), (299.5, 300.5)


def history(name, limits, changes=()):
    points = tuple(Point(START + 3600.0 * number, *limit) for number, limit in enumerate(limits))
    return History(name, points, tuple((START + 3600.0 * number, words) for number, words in changes))


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.fixture
def changed():
    return history("office", [OPEN] * 5 + [CUT] * 4, [(5, "300.5 s instead of 3540 s or more")])


def test_what_it_says(changed, misplaced):
    figure = history_plot([changed])
    told = texts(figure)
    assert "The limit on office over time: 1 change" in told
    when = "from 2027-01-15 08:00 to 2027-01-15 16:00 UTC"
    assert f"9 measurements {when}. A change counts once it is confirmed." in told
    assert "300.5 s instead of 3540 s or more" in told
    assert {"alert threshold 540 s", "longest heartbeat 3540 s"} <= set(told)
    assert "nothing was cut: the longest hold tried" in told
    assert misplaced(figure) == []


def test_the_line_follows_the_limit(changed):
    axes = history_plot([changed]).axes[0]
    (line,) = [line for line in axes.lines if isinstance(line, Line2D) and line.get_gid() == "limit"]
    assert list(line.get_ydata(orig=True)) == [3540.0] * 5 + [300.5] * 4
    assert axes.get_yscale() == "linear"
    assert [line.get_gid() for line in axes.lines].count("change") == 1


def test_far_apart_limits_on_a_logarithmic_axis(misplaced):
    figure = history_plot([history("a", [(None, 5.0)] * 3), history("b", [(3540.0, None)] * 3)])
    assert figure.axes[0].get_yscale() == "log"
    told = texts(figure)
    assert {"5 s", "1 min", "10 min", "1 h", "a", "b", "The limit over time: no change"} <= set(told)
    assert misplaced(figure) == []


def test_one_measurement_is_enough(misplaced):
    figure = history_plot([history("a", [CUT]), History("empty", ())])
    assert "1 measurement from 2027-01-15 08:00 to 2027-01-15 08:00 UTC. " in " ".join(texts(figure))
    assert misplaced(figure) == []


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="nothing to draw: no measurement has found a limit"):
        history_plot([History("empty", ())])


def test_a_name_from_outside_is_drawable(misplaced):
    assert "a\\x1b$x$" in texts(history_plot([history("a\x1b$x$", [CUT]), history("b", [CUT])]))
