import pytest

from hbprobe.watch.changes import Change, Changes, MeasuredBracket, changes_of


def history(*limits):
    """Measurements an hour apart, each (survived, cut)."""
    return [MeasuredBracket(3600.0 * number, *limit) for number, limit in enumerate(limits)]


HOUR_TIMER, FIVE_MINUTES, OPEN = (3599.5, 3600.5), (299.5, 300.5), (3540.0, None)


def test_a_change_is_said_when_it_is_confirmed_and_dated_back():
    seen = history(HOUR_TIMER, HOUR_TIMER, FIVE_MINUTES, FIVE_MINUTES, FIVE_MINUTES)
    changes = Changes()
    assert [changes.see(one) for one in seen] == [None, None, None, Change(seen[0], seen[2]), None]


def test_one_strange_measurement_is_none():
    assert changes_of(history(HOUR_TIMER, FIVE_MINUTES, HOUR_TIMER, FIVE_MINUTES, HOUR_TIMER)) == []


def test_two_strange_ones_that_differ_are_none():
    assert changes_of(history(HOUR_TIMER, FIVE_MINUTES, (59.5, 60.5), HOUR_TIMER)) == []


def test_what_found_nothing_is_no_limit():
    seen = history((None, None), HOUR_TIMER, (None, None), FIVE_MINUTES, (None, None), FIVE_MINUTES)
    assert changes_of(seen) == [Change(seen[1], seen[3])]


def test_there_and_back():
    seen = history(FIVE_MINUTES, OPEN, OPEN, FIVE_MINUTES, FIVE_MINUTES)
    assert changes_of(seen) == [Change(seen[0], seen[1]), Change(seen[1], seen[3])]


def test_the_second_may_come_after_a_detour():
    seen = history(HOUR_TIMER, FIVE_MINUTES, (59.5, 60.5), (59.4, 60.2))
    assert changes_of(seen) == [Change(seen[0], seen[2])]


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (FIVE_MINUTES, FIVE_MINUTES, True),
        (FIVE_MINUTES, (280.0, 360.0), True),
        (FIVE_MINUTES, (310.0, 311.0), True),
        (FIVE_MINUTES, (316.0, 317.0), False),
        (OPEN, (3541.0, 3600.0), True),
        (OPEN, HOUR_TIMER, True),
        (OPEN, FIVE_MINUTES, False),
        (OPEN, (7200.0, None), True),
        ((None, 60.0), (None, 30.0), True),
        ((None, 60.0), FIVE_MINUTES, False),
    ],
)
def test_agreement_goes_both_ways(one, other, agree):
    assert MeasuredBracket(0, *one).agrees(MeasuredBracket(1, *other)) is agree
    assert MeasuredBracket(0, *other).agrees(MeasuredBracket(1, *one)) is agree
