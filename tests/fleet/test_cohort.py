"""Devices as arrays: the same fleet as one object a device gives."""

from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from support.agreement import agrees, worlds


@effort(max_examples=12, deadline=None)
@given(
    worlds(), st.sampled_from([3_000.0, 10_000.0, 30_000.0, 100_000.0]), st.integers(1, 3), st.sampled_from([2, 1000])
)
def test_arrays_and_state_machines_are_the_same_fleet(world, until_s, slices, cohort_size):
    agrees(world, until_s, slices, cohort_size, compiled=False)
