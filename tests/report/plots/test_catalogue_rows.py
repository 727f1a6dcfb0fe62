"""Where dots and names stand in the picture of the catalogue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.report.plots.catalogue_rows import DOT_IN, Dot, Heaps, Rectangle, levels, name_boxes, stack


class One:
    """Stands for a profile: only its identity matters here."""


def dot(x_in, y_in=0.0):
    return Dot(One(), x_in, y_in, ends=True)


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([], []),
        ([1.0], [0]),
        ([1.0, 1.0, 1.0], [0, 1, 2]),
        ([1.0, 1.0 + DOT_IN], [0, 0]),
        ([1.0, 1.0 + DOT_IN / 2, 1.0 + DOT_IN], [0, 1, 0]),
    ],
)
def test_a_dot_lies_as_low_as_it_can(places, found):
    assert levels(places) == found


@given(st.lists(st.floats(0, 3), max_size=60).map(sorted))
def test_no_dot_touches_another(places):
    found = levels(places)
    for number, place in enumerate(places):
        for other in range(number):
            beside = abs(places[other] - place) >= DOT_IN - 1e-6
            assert beside or found[other] != found[number]


def test_rows_stand_one_above_the_other_the_first_at_the_top():
    first = Heaps("first", [(One(), 1.0), (One(), 1.0)], [One()])
    second = Heaps("second", [], [One() for _ in range(5)])
    top, bottom = stack([first, second], 2 * DOT_IN)
    assert (top.name, bottom.name) == ("first", "second")
    assert bottom.low_in == 0
    assert top.low_in == bottom.high_in
    for row in (top, bottom):
        assert all(row.low_in < one.y_in < row.high_in for one in row.dots)
    assert [one.ends for one in top.dots] == [True, True, False]
    assert [round(one.x_in / DOT_IN, 6) for one in bottom.dots] == [0.5, 1.5, 0.5, 1.5, 0.5]
    assert len({(one.x_in, one.y_in) for one in bottom.dots}) == 5


def test_boxes_that_only_touch_do_not_meet():
    box = Rectangle(0, 1, 0, 1)
    assert box.meets(box)
    assert box.meets(Rectangle(0.9, 2, 0.9, 2))
    assert not box.meets(Rectangle(1, 2, 0, 1))
    assert not box.meets(Rectangle(0, 1, 1, 2))
    assert box.wider(0.1).meets(Rectangle(1, 2, 0, 1))


def test_a_name_stands_right_of_its_dot_or_left_or_above():
    one = dot(1.0)
    (right,) = name_boxes([one], [(one, 0.5)], 0, 3)
    assert right.left > one.x_in
    (left,) = name_boxes([one, dot(1.3)], [(one, 0.5)], 0, 3)
    assert left.right < one.x_in
    (above,) = name_boxes([dot(0.7), one, dot(1.3)], [(one, 0.5)], 0, 3)
    assert above.low > one.y_in
    assert name_boxes([dot(0.7), one, dot(1.0, DOT_IN), dot(1.3)], [(one, 0.5)], 0, 3) == [None]


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1), st.floats(0.1, 1)), max_size=25))
def test_names_touch_neither_dots_nor_names_and_stay_on_the_page(what):
    dots = [dot(x, y) for x, y, _ in what]
    wanted = [(one, width) for one, (_, _, width) in zip(dots, what, strict=True)]
    boxes = name_boxes(dots, wanted, 0, 3)
    named = [(one, box) for one, box in zip(dots, boxes, strict=True) if box is not None]
    for number, (one, box) in enumerate(named):
        assert 0 <= box.left <= box.right <= 3
        assert not any(box.meets(other) for _, other in named[:number])
        for other in dots:
            half = DOT_IN / 2
            room = Rectangle(other.x_in - half, other.x_in + half, other.y_in - half, other.y_in + half)
            assert other is one or not box.meets(room)
