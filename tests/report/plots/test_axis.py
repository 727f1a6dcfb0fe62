from itertools import pairwise

import pytest

from hbprobe.report.plots.axis import Scale, scale_seconds, step_between_ticks_s, tick_words
from hbprobe.report.plots.page import Page


def scaled(low_s, high_s, scale, width_in=6.0):
    axes = Page().add_axes(1, 1 + width_in)
    scale_seconds(axes, low_s, high_s, scale, width_in)
    return axes


@pytest.mark.parametrize(
    ("low_s", "high_s", "width_in", "ticks"),
    [
        (0, 3600, 6.0, [0, 600, 1200, 1800, 2400, 3000, 3600]),
        (0, 20.3, 6.0, [0, 5, 10, 15, 20]),
        (595.1, 604.9, 2.3, [596, 598, 600, 602, 604]),
        (0, 200_000, 6.0, [0, 86400, 172800]),
        (4.75, 4.76, 2.3, [4.75, 4.76]),
    ],
)
def test_even_ticks(low_s, high_s, width_in, ticks):
    assert list(scaled(low_s, high_s, Scale.LINEAR, width_in).get_xticks()) == ticks


@pytest.mark.parametrize("scale", [Scale.ROOT, Scale.LOG])
@pytest.mark.parametrize("high_s", [10, 60, 3600, 500_000])
def test_uneven_ticks_are_round_and_have_room(scale, high_s):
    axes = scaled(0 if scale is Scale.ROOT else high_s / 1000, high_s, scale)
    ticks = list(axes.get_xticks())
    places_in = [axes.transData.transform((tick, 0))[0] / axes.figure.dpi for tick in ticks]
    assert len(ticks) >= 3
    assert min(b - a for a, b in pairwise(places_in)) >= 0.48


def test_the_square_root_scale_starts_at_nothing():
    axes = scaled(0, 3600, Scale.ROOT)
    left, middle, right = (axes.transData.transform((at_s, 0))[0] for at_s in (0, 900, 3600))
    assert middle - left == pytest.approx((right - left) / 2)
    assert axes.get_xlabel() == "hold in seconds (square-root scale)"


@pytest.mark.parametrize(
    ("tick_s", "words"), [(0, "0"), (0.25, "0.25"), (45, "45"), (90, "90"), (600, "600\n10 min"), (3600, "3600\n1 h")]
)
def test_tick_words(tick_s, words):
    assert tick_words(tick_s) == words


@pytest.mark.parametrize("range_s", [0.3, 3540, 86_400, 1e7, 1e9, 1e15])
def test_no_range_has_more_ticks_than_there_is_room_for(range_s):
    step_s = step_between_ticks_s(range_s, 8)
    assert range_s / step_s <= 8
    assert step_s < 86_400 or step_s % 86_400 == 0
