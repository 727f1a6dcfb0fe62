import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.fleet import chance, compiled
from hbprobe.fleet.chance import OfRequest, OfVisit


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**40), st.integers(0, 2**30), st.sampled_from(OfRequest))
def test_one_number_and_arrays_draw_the_same(seed, device, number, what):
    key, keys = chance.key(seed, device), chance.keys(seed, np.array([device, device + 1]))
    numbers = np.array([number, 0], np.uint64)
    assert keys[0] == key
    assert chance.visit_keys(keys)[0] == chance.visit_key(key)
    assert chance.uniforms(keys, numbers, what)[0] == chance.uniform(key, number, what)
    assert chance.exponentials(keys, numbers, what)[0] == chance.exponential(key, number, what)


@given(
    st.one_of(st.integers(1, 2**53).map(lambda number: number / 2**53), st.sampled_from([0.5, 2**-0.5, 1 - 2**-53]))
)
def test_the_logarithm_is_the_same_three_times_and_right_to_two_last_bits(drawn):
    found = chance.minus_log(drawn)
    with np.errstate(over="ignore"):
        assert found == chance.minus_logs(np.array([drawn]))[0] == compiled._minus_log(drawn)
    assert abs(found + math.log(drawn)) <= 2 * math.ulp(found)


def test_numbers_are_spread_evenly_and_never_0():
    numbers = np.arange(200_000, dtype=np.uint64)
    drawn = chance.uniforms(np.full(len(numbers), chance.key(1, 2), np.uint64), numbers, OfRequest.MAIL)
    assert drawn.min() > 0 and drawn.max() <= 1
    counts, _ = np.histogram(drawn, 20, (0, 1))
    assert np.abs(counts - 10_000).max() < 400  # four standard deviations
    assert np.corrcoef(drawn[1:], drawn[:-1])[0, 1] == pytest.approx(0, abs=0.01)


def test_devices_seeds_and_kinds_of_chance_have_numbers_of_their_own():
    drawn = [
        chance.uniform(chance.key(seed, device), number, what)
        for seed in (0, 1)
        for device in (0, 1)
        for number in (0, 1)
        for what in OfRequest
    ]
    drawn += [chance.uniform(chance.visit_key(chance.key(0, 0)), 0, what) for what in OfVisit]
    assert len(set(drawn)) == len(drawn)


def test_a_known_number():
    # SplitMix64 of seed 0 begins with e220a8397b1dcdaf: https://prng.di.unimi.it/splitmix64.c
    assert chance.uniform(0x9E3779B97F4A7C15, 0, 0) == ((0xE220A8397B1DCDAF >> 11) + 1) / 2**53
