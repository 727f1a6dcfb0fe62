"""What a request showed, and the same on a clock that runs faster."""

import pytest

from hbprobe.manner import Manner
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question, page_words
from hbprobe.trial.outcome import Kind, Outcome


@pytest.mark.parametrize(("kind", "survived"), [(Kind.SURVIVED, True), (Kind.CUT, False), (Kind.FAILED, None)])
def test_whether_it_lived(kind, survived):
    assert Observation(Ask(Question.POST_MORTEM, 600), Outcome(kind, 600)).survived is survived


def test_every_time_that_passed_on_the_path_is_paced_and_nothing_else():
    saw = FarEndSaw(FarEndState.RESET, at_s=5, answered_s=None, times=2, stalled_s=0.5)
    outcome = Outcome(Kind.CUT, 5, Manner.RESET, status=504)
    seen = Observation(Ask(Question.KEEP_ALIVE, 10, 1), outcome, announced_s=3, far_end=saw, late_s=2)
    paced = seen.paced(60)
    assert (paced.ask.hold_s, paced.outcome.elapsed_s, paced.announced_s, paced.late_s) == (600, 300, 180, 120)
    assert paced.far_end == FarEndSaw(FarEndState.RESET, at_s=300, answered_s=None, times=2, stalled_s=30)
    assert (paced.outcome.status, paced.outcome.how) == (504, Manner.RESET)
    assert seen.paced(1) == seen


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html><h1>504</h1>\n<p>Gateway\tTime-out</p>", "504 Gateway Time-out"),
        ("", ""),
        ("<br>", ""),
        ("word " * 100, ("word " * 40)),
    ],
)
def test_a_page_in_words(body, words):
    assert page_words(body) == words
