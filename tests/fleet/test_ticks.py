"""Times on a grid of whole ticks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.fleet.ticks import TICK_S, TICKS_PER_S, all_on_grid, on_grid, ticks

times = st.floats(0, 1e8)


@given(times)
def test_the_last_tick_is_not_after_and_less_than_one_before(at_s):
    assert at_s - TICK_S < on_grid(at_s) <= at_s
    assert on_grid(on_grid(at_s)) == on_grid(at_s)


@given(st.lists(times, min_size=1, max_size=5))
def test_many_are_as_each(at_s):
    grid_s = all_on_grid(np.array(at_s))
    assert grid_s.tolist() == [on_grid(each_s) for each_s in at_s]
    assert (ticks(grid_s) / TICKS_PER_S).tolist() == grid_s.tolist()


@given(st.integers(1, 10_000), times, times)
def test_many_equal_steps_in_one_are_one_after_another(count, start_s, step_s):
    at_s, step_s = on_grid(start_s), on_grid(step_s / 10_000)
    walked_s = at_s
    for _ in range(min(count, 200)):
        walked_s += step_s
    assert walked_s == at_s + min(count, 200) * step_s
