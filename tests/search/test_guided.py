"""Which holds the guided search asks for. That it finds every limit is shown in test_search.py."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.search.guided import Guess, choose
from hbprobe.search.prior import Belief, Prior

NOBODY = Belief({})


def silent(shares: dict[float, float]) -> Prior:
    return Prior(Belief(shares), NOBODY)


ONE = silent({600.0: 1.0})


def guess(low_s: float = 59.9, high_s: float = math.inf, connections: int = 1, precision_s: float = 1.0) -> Guess:
    return Guess(low_s, high_s, 3540.0, precision_s, 3.0, connections)


@pytest.mark.parametrize(
    ("given_guess", "holds"),
    [
        (guess(), (599.5,)),  # survives, as believed: then one just above it
        (guess(high_s=600.5), (599.5,)),
        (guess(low_s=599.5), (600.5,)),
        (guess(connections=2), (599.5, 600.5)),  # one round is enough
        (guess(low_s=599.5, high_s=600.5), ()),
        (guess(low_s=601.0, high_s=3000.0), ()),
        (guess(low_s=600.5), (3540.0,)),  # nothing else is known: does anything cut at all?
    ],
)
def test_one_known_timer_is_tried_from_both_sides(given_guess: Guess, holds: tuple[float, ...]) -> None:
    assert choose(given_guess, ONE) == holds


def test_holds_keep_off_the_timer_whatever_the_precision() -> None:
    assert choose(guess(connections=2, precision_s=10), ONE) == (595.0, 605.0)
    assert choose(guess(connections=2, precision_s=0.3), ONE) == (599.85, 600.15)


def test_a_rare_short_timer_waits_for_a_frequent_long_one() -> None:
    assert choose(guess(high_s=1000), silent({100.0: 0.001, 600.0: 0.999})) in [(599.5,), (600.5,)]


def test_a_frequent_short_timer_is_tried_first() -> None:
    assert choose(guess(), silent({100.0: 0.6, 600.0: 0.4})) == (100.5,)


def test_a_box_that_tells_is_asked_once_for_everything() -> None:
    telling = Prior(NOBODY, Belief({300.0: 0.3, 600.0: 0.3, 1800.0: 0.4}))
    (hold_s,) = choose(guess(), telling)
    assert hold_s > 1800


def test_what_is_known_to_be_silent_is_no_box_that_tells() -> None:
    both = Prior(Belief({300.0: 0.1}), Belief({600.0: 0.9}))
    assert choose(guess(high_s=1000), both) in [(299.5,), (300.5,)]


def test_connections_left_over_split_what_no_product_explains() -> None:
    holds = choose(guess(connections=16), ONE)
    assert {599.5, 600.5, 3540.0} <= set(holds)
    assert len(holds) == 16


timers = st.dictionaries(st.integers(61, 3539).map(float), st.floats(0.01, 1), min_size=1, max_size=30)


@given(timers, st.sampled_from([1, 2, 4, 16, 64]), st.floats(60, 3000), st.floats(10, 500))
def test_holds_lie_inside_the_bracket_in_order_and_are_few_enough(
    shares: dict[float, float], connections: int, low_s: float, width_s: float
) -> None:
    whole = sum(shares.values())
    prior = silent({timer_s: share / whole for timer_s, share in sorted(shares.items())})
    holds = choose(guess(low_s, low_s + width_s, connections), prior)
    assert list(holds) == sorted(set(holds))
    assert all(low_s < hold_s < low_s + width_s for hold_s in holds)
    assert len(holds) <= connections
    assert bool(holds) or not prior.candidates(low_s + 1, low_s + width_s - 1)
