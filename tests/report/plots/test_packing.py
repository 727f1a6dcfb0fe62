from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.report.plots.packing import Place, pack, pack_crossing


def right(row):
    return Place(row, rightwards=True)


def left(row):
    return Place(row, rightwards=False)


def test_flags_with_room_stay_in_the_lowest_row():
    assert pack([10, 40, 70], [20, 20, 20], 0, 100) == [right(0), right(0), right(0)]


def test_the_last_one_turns_away_from_the_edge():
    assert pack([10, 90], [20, 20], 0, 100) == [right(0), left(0)]


def test_a_flag_flies_above_the_poles_beneath_it():
    assert pack([10, 20, 30], [50, 50, 50], 10, 100) == [right(2), right(1), right(0)]


def test_two_at_one_place_share_a_pole():
    assert pack([10, 10], [50, 50], 10, 100) == [right(0), right(1)]


def test_two_at_one_place_in_the_middle_turn_from_each_other():
    assert pack([50, 50], [30, 30], 0, 100) == [right(0), left(0)]


def test_neighbours_use_both_sides():
    assert pack([50, 51], [40, 40], 0, 100) == [left(0), right(0)]


def test_too_long_for_the_page():
    assert pack([50], [200], 0, 100) is None
    assert pack_crossing([50], [200], 100) == [left(0)]


def test_two_that_would_cross_each_other_whatever_their_sides():
    assert pack([10, 55], [46, 46], 0, 100) is None
    assert pack_crossing([10, 55], [46, 46], 100) == [right(0), left(1)]


def test_no_flags():
    assert pack([], [], 0, 100) == []
    assert pack_crossing([], [], 100) == []


def crossings(poles, widths, places):
    """What no reader should see: flags that meet, and poles that run through another's flag."""
    spans = [
        (pole, pole + width) if place.rightwards else (pole - width, pole)
        for pole, width, place in zip(poles, widths, places, strict=True)
    ]
    flags = list(zip(poles, spans, places, strict=True))
    for (_, one, place), (_, other, other_place) in combinations(flags, 2):
        if place.row == other_place.row and one[0] < other[1] and other[0] < one[1]:
            yield "two flags meet"
    for (_, span, place), (pole, _, other_place) in permutations(flags, 2):
        if span[0] < pole < span[1] and other_place.row >= place.row:
            yield "a pole crosses a flag"


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 120)), max_size=7))
def test_nothing_ever_crosses(flags):
    flags = sorted(flags)
    poles, widths = [pole for pole, _ in flags], [width for _, width in flags]
    places = pack(poles, widths, 0, 1000)
    assert not list(crossings(poles, widths, places))
    for pole, width, place in zip(poles, widths, places, strict=True):
        assert pole + width <= 1000 if place.rightwards else pole - width >= 0


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 500)), max_size=7))
def test_where_poles_must_cross_flags_still_do_not_meet(flags):
    poles, widths = [pole for pole, _ in flags], [width for _, width in flags]
    places = pack_crossing(poles, widths, 1000)
    assert "two flags meet" not in set(crossings(poles, widths, places))


@pytest.mark.parametrize("count", [12, 60])
def test_many_flags_are_packed_too(count):
    poles, widths = [10.0 * number for number in range(count)], [25.0] * count
    places = pack(poles, widths, 0, 10.0 * count + 30)
    assert len(places) == count
    assert not list(crossings(poles, widths, places))
