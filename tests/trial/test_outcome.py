"""When two limits can be of the same timer."""

import pytest

from hbprobe.manner import Aftermath, Manner
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


@pytest.mark.parametrize("how", Manner)
@pytest.mark.parametrize("aftermath", [None, *Aftermath])
def test_a_client_that_only_waits_hears_nothing_of_an_end_in_answer(how, aftermath):
    in_answer = (how, aftermath) in ((Manner.RESET, Aftermath.RESET), (Manner.CLOSED, Aftermath.CLOSED))
    assert Limit(1, 2, how, aftermath=aftermath).heard is (Manner.SILENT if in_answer else how)
