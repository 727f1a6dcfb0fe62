"""When two limits can be of the same timer, and which cuts may be none of a timer at all."""

import pytest

from hbprobe.manner import Aftermath, Manner
from hbprobe.trial.outcome import Cause, Kind, Limit, Outcome, may_have_stood_still


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


FORGOTTEN = (Cause.STATE_LOST_RESET_ON_NEXT,)


@pytest.mark.parametrize(
    ("outcome", "may"),
    [
        (Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.ACKNOWLEDGED), True),
        (Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.CLOSED), True),
        (Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.NOTHING), False),
        (Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.RESET, causes=FORGOTTEN), False),
        (
            Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.RESET, causes=(*FORGOTTEN, Cause.RESET_BY_BOX)),
            True,
        ),
        (Outcome(Kind.CUT, 62, Manner.CLOSED), True),
        (Outcome(Kind.CUT, 62, Manner.RESET, aftermath=Aftermath.RESET), True),
        (Outcome(Kind.CUT, 62, Manner.STATUS, status=504), True),
        (Outcome(Kind.CUT, 60.2, Manner.RESET, aftermath=Aftermath.RESET), False),
        (Outcome(Kind.CUT, 60.2, Manner.CLOSED), False),
        (Outcome(Kind.CUT, 40, Manner.CLOSED, exact=True), False),
        (Outcome(Kind.SURVIVED, 62), False),
        (Outcome(Kind.FAILED, 62), False),
    ],
)
def test_what_is_alive_and_only_late_may_have_stood_still(outcome, may):
    assert may_have_stood_still(60, outcome) is may
