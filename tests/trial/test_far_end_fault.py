"""What the far end did itself is no evidence about the path."""

from dataclasses import replace

import pytest

from hbprobe.manner import Manner
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question
from hbprobe.trial.far_end_fault import excuse_of, excused
from hbprobe.trial.outcome import Kind, Outcome

SILENT = Outcome(Kind.CUT, 9, Manner.SILENT)
RESET = Outcome(Kind.CUT, 4, Manner.RESET, exact=True)
STATUS = Outcome(Kind.CUT, 4, Manner.STATUS, exact=True, status=504)
CUTS = [SILENT, RESET, STATUS]


def excuse(outcome, saw, *, witnessed=True):
    seen = Observation(Ask(Question.POST_MORTEM, 6.0), outcome, far_end=saw)
    return excuse_of(seen, 3.0, witnessed=witnessed)


@pytest.mark.parametrize("outcome", CUTS)
@pytest.mark.parametrize("state", [FarEndState.RESTARTED, FarEndState.UNREACHABLE])
def test_a_far_end_that_was_not_there(outcome, state):
    assert excuse(outcome, FarEndSaw(state))


@pytest.mark.parametrize("outcome", CUTS)
def test_a_witness_that_falls_silent(outcome):
    assert excuse(outcome, None)
    assert excuse(outcome, None, witnessed=False) is None


def test_a_far_end_that_is_late():
    assert excuse(SILENT, FarEndSaw(FarEndState.WAITING)) == (
        "the far end is late: it has not answered yet, though that was due after 6 s"
    )
    assert excuse(SILENT, FarEndSaw(FarEndState.ACKNOWLEDGED, answered_s=10.1)) == (
        "the far end was late: it answered after 10.1 s instead of 6 s"
    )


@pytest.mark.parametrize("outcome", [RESET, STATUS])
def test_who_cuts_early_need_not_wait_for_the_far_end(outcome):
    assert excuse(outcome, FarEndSaw(FarEndState.WAITING)) is None


def test_a_proxy_that_asks_twice_is_not_the_far_ends_doing():
    assert excuse(SILENT, FarEndSaw(FarEndState.WAITING, times=2)) is None


@pytest.mark.parametrize("answered_s", [6.0, 6.4, 7.4])
@pytest.mark.parametrize(
    "state", [FarEndState.ACKNOWLEDGED, FarEndState.UNACKNOWLEDGED, FarEndState.ANSWERED, FarEndState.GAVE_UP]
)
def test_an_answer_in_time_that_did_not_arrive_is_the_paths_doing(state, answered_s):
    assert excuse(SILENT, FarEndSaw(state, answered_s=answered_s)) is None


def test_what_survived_needs_no_excuse():
    assert excuse(Outcome(Kind.SURVIVED, 6), FarEndSaw(FarEndState.RESTARTED)) is None


def test_an_excused_cut_is_no_evidence_and_is_made_again():
    outcome = excused(replace(STATUS, evidence=("a",)), "the far end was restarted meanwhile")
    assert (outcome.kind, outcome.how, outcome.exact, outcome.again, outcome.outage) == (
        Kind.FAILED, None, False, True, True,
    )  # fmt: skip
    assert (outcome.status, outcome.evidence) == (504, ("a",))


@pytest.mark.parametrize(
    ("saw", "is_outage"),
    [
        (FarEndSaw(FarEndState.RESTARTED), True),
        (FarEndSaw(FarEndState.UNREACHABLE), True),
        (FarEndSaw(FarEndState.WAITING), False),
        (FarEndSaw(FarEndState.ACKNOWLEDGED, answered_s=10.1), False),
    ],
)
def test_a_far_end_that_is_late_is_no_outage(saw, is_outage):
    """It is there: it is asked a few times more, and not waited for as one that went away."""
    outcome = excused(SILENT, excuse(SILENT, saw))
    assert (outcome.kind, outcome.again, outcome.outage) == (Kind.FAILED, True, is_outage)
