"""When two limits can be of the same timer."""

import pytest

from hbprobe.trial.outcome import Limit


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (Limit(290, 310), Limit(300, 320), True),
        (Limit(290, 300), Limit(300, 310), True),
        (Limit(290, 300), Limit(314, 330), True),
        (Limit(290, 300), Limit(316, 330), False),
        (Limit(None, 300), Limit(290, 310), True),
        (Limit(3600, None), Limit(290, 310), False),
        (Limit(200, None), Limit(290, 310), True),
        (Limit(3600, None), Limit(100, None), True),
        (Limit(None, None), Limit(290, 310), True),
    ],
)
def test_brackets_that_overlap_or_all_but(one, other, agree):
    assert one.agrees(other) is other.agrees(one) is agree


def test_a_limit_is_known_by_any_trial():
    assert Limit(1, None).is_known
    assert Limit(None, 1).is_known
    assert not Limit(None, None).is_known
