from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.watch.schedule import LONGEST_GAP, next_start_s, phase_of

HOUR = 3600.0


def starts(count, after_s=1.8e9, interval_s=HOUR, name="office"):
    found = []
    for _ in range(count):
        after_s = next_start_s(after_s, interval_s, phase_of(name))
        found.append(after_s)
    return found


def test_one_start_an_interval():
    slots = [int(start_s // HOUR) for start_s in starts(1000)]
    assert slots == list(range(slots[0], slots[0] + 1000))


def test_no_minute_of_the_hour_is_left_out_and_none_is_preferred():
    minutes = [int(start_s % HOUR // 60) for start_s in starts(600)]
    counts = [minutes.count(minute) for minute in range(60)]
    assert min(counts) >= 9 and max(counts) <= 11


def test_gaps_are_golden():
    gaps = {round((b - a) / HOUR, 3) for a, b in pairwise(starts(100))}
    assert gaps == {0.618, 1.618}
    assert pytest.approx(1.618, abs=0.001) == LONGEST_GAP


def test_names_start_at_their_own_time():
    assert 0 <= phase_of("a") < 1
    assert phase_of("a") != phase_of("b")
    assert starts(1) != starts(1, name="home")


@given(st.floats(0, 4e9), st.floats(1, 1e6), st.floats(0, 1, exclude_max=True))
def test_the_next_start_is_ahead_and_near_and_the_same_for_all_before_it(after_s, interval_s, phase):
    start_s = next_start_s(after_s, interval_s, phase)
    assert after_s < start_s <= after_s + (LONGEST_GAP + 1e-6) * interval_s
    between_s = (after_s + start_s) / 2
    if after_s < between_s < start_s:
        assert next_start_s(between_s, interval_s, phase) == start_s
