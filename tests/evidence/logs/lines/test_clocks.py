"""Clocks of two servers, by the gaps of devices that went from one to the other."""

import random

import pytest

from hbprobe.evidence.logs.lines.clocks import FARTHEST_S, STEPS_IN_S, Apart, clocks_apart


def gaps(ahead_s, true_gaps_s):
    """Give each of these gaps from A to B and back, as a log has it where the clock of B is ahead."""
    for gap_s in true_gaps_s:
        for one, other, sign in (("A", "B", 1), ("B", "A", -1)):
            yield one, other, int((gap_s + sign * ahead_s) // (1 / STEPS_IN_S)), 1


def answers(number=40):
    chance = random.Random(3)
    return [chance.uniform(-0.5, 1.0) for _ in range(number)]


def apart(ahead_s, true_gaps_s):
    (pair,) = clocks_apart(gaps(ahead_s, true_gaps_s))
    assert (pair.one, pair.other) == ("A", "B")
    return pair.ahead_s


@pytest.mark.parametrize("ahead_s", [-29, -4, -1, 0, 0.5, 2, 3, 28])
def test_answers_tell_what_clocks_are_apart(ahead_s):
    assert apart(ahead_s, answers()) == pytest.approx(ahead_s, abs=0.5)


@pytest.mark.parametrize("gap_s", [-20.0, -5.0, 5.0, 10.0, 35.0])
@pytest.mark.parametrize("ahead_s", [0, 3])
def test_what_shifts_both_directions_alike_is_no_clock(gap_s, ahead_s):
    """Such as a box that cuts before the answer, or devices that give up after it."""
    assert apart(ahead_s, answers() + [gap_s] * 150) == pytest.approx(ahead_s, abs=0.5)


@pytest.mark.parametrize(
    "found",
    [
        list(gaps(2, answers(5))),
        [gap for gap in gaps(2, answers()) if gap[0] == "A"],
        list(gaps(FARTHEST_S + 15, answers())),
        list(gaps(0, range(-60, 60))) * 10,
    ],
    ids=["few", "in one direction", "far apart", "spread over all"],
)
def test_what_cannot_be_told(found):
    assert clocks_apart(found) == (Apart("A", "B", None),)


def test_each_pair_has_its_own():
    of_b = list(gaps(2, answers()))
    of_c = [(one.replace("B", "C"), other.replace("B", "C"), step, times) for one, other, step, times in of_b]
    assert [(pair.one, pair.other) for pair in clocks_apart(of_c + of_b)] == [("A", "B"), ("A", "C")]
    assert clocks_apart([]) == ()
