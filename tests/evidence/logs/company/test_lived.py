"""The limits behind one network, with shares of the time that devices lived through there."""

import math

import pytest

from hbprobe.evidence.logs.company.lived import NOTHING, Met, steps_of, stretches


def answered(who, after_s, stay_s=None):
    return Met(who, after_s, math.inf, False, stay_s or after_s)


def silent(who, asked_s):
    return Met(who, 0.0, asked_s, False, asked_s + 10)


def told(who, after_s):
    return Met(who, 0.0, after_s, True, after_s)


def day(who, limit_s, ladder=(290, 470, 650, 1800), lost=silent):
    """Give the day of a device that climbs a ladder, and stays on the highest step that its path carries."""
    left_s = 86_400.0
    carried = [asked_s for asked_s in ladder if asked_s < limit_s]
    for one in [*(answered(who, asked_s) for asked_s in carried), *(lost(who, up) for up in ladder if up >= limit_s)][
        :4
    ]:
        left_s -= one.stay_s
        yield one
    yield answered(who, carried[-1], left_s) if carried else lost(who, ladder[0])._replace(stay_s=left_s)


def shares(met):
    steps, rest = steps_of(met)
    return [(round(step.share, 2), step.above_s, step.upto_s, step.is_told) for step in steps], round(rest, 2)


def test_each_limit_has_the_share_of_time_and_not_of_requests():
    """Those behind 200 s ask nine times as often as those on an open path."""
    met = [one for who in range(4) for one in day(who, 200, lost=lambda who, _: told(who, 200))]
    met += [one for who in range(4, 16) for one in day(who, math.inf)]
    assert shares(met) == ([(0.25, 0, 200, True)], 0.75)


def test_a_device_that_settled_below_its_limit_still_counts_for_it():
    met = [one for who in range(5) for one in day(who, 400)]
    met += [one for who in range(5, 10) for one in day(who, 600)]
    assert shares(met) == ([(0.5, 290, 470, False), (0.5, 470, 650, False)], 0.0)


def test_the_limit_of_the_mix_lies_between_what_got_through_and_what_did_not():
    ((step,), _) = steps_of(one for who in range(5) for one in day(who, 600))
    assert 470 < step.limit_s < 650


def test_limits_that_are_near_are_told_as_one():
    met = [one for who in range(20) for one in day(who, 0, lost=lambda who, _: told(who, 600 + who))]
    ((step,), rest) = steps_of(met)
    assert (step.share, rest) == (pytest.approx(1.0), pytest.approx(0.0))
    assert 598 <= step.limit_s <= 620


def test_what_is_lost_by_accident_is_no_limit():
    """A device that went away and came back looks as if it had been told of a cut, once."""
    met = []
    for who in range(10):
        met += [silent(who, 600)] * 40 + [told(who, 100 + 20 * who)] + [silent(who, 600)] * 40
    found, rest = shares(met)
    assert [(above_s, upto_s, is_told) for _, above_s, upto_s, is_told in found] == [(0, 600, False)]
    assert rest == 0
    open_path = [one for who in range(10) for one in (*day(who, math.inf), told(who, 60), answered(who, 1800))]
    assert shares(open_path) == ([], 1.0)


def test_a_limit_that_one_device_met_alone_is_none():
    met = [one for who in range(5) for one in day(who, math.inf)]
    assert shares([*met, *day(9, 400)])[0] == []


def test_nothing_tells_nothing():
    assert steps_of([]) == ((), 1.0)
    assert steps_of([NOTHING, Met(1, 0.0, math.inf, False, 900.0)]) == ((), 1.0)


def test_the_time_of_a_device_is_divided_where_its_path_must_be_another():
    met = [
        answered(1, 290), answered(1, 470), silent(1, 650), answered(1, 1800), answered(2, 290), NOTHING,
        answered(2, 180), told(2, 200), told(2, 201), silent(2, 600), silent(2, 470),
    ]  # fmt: skip
    assert [(one.who, one.above_s, one.upto_s) for one in stretches(met)] == [
        (-1, 0, math.inf), (1, 470, 650), (1, 1800, math.inf), (2, 290, math.inf), (-1, 0, math.inf),
        (2, 180, 200), (2, 0, 470),
    ]  # fmt: skip
