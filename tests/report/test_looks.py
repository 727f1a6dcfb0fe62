"""What each outcome is called, and how it looks."""

import pytest

from hbprobe.manner import Manner
from hbprobe.report.looks import LOOKS, look_of, outcome_words
from hbprobe.trial.outcome import Kind, Outcome


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(Kind.SURVIVED, 600), "survived"),
        (Outcome(Kind.FAILED, 600), "failed, no evidence"),
        (Outcome(Kind.CUT, 600), "cut"),
        (Outcome(Kind.CUT, 600, Manner.SILENT), "cut, silent"),
        (Outcome(Kind.CUT, 600, Manner.STATUS, status=504), "cut, HTTP status 504"),
        (Outcome(Kind.FAILED, 600, status=401), "failed, no evidence 401"),
    ],
)
def test_an_outcome_in_words(outcome, words):
    assert outcome_words(outcome) == words
    assert words.startswith(look_of(outcome).label)


def test_every_outcome_has_a_look_and_no_two_the_same():
    assert set(LOOKS) == {*Kind, *Manner}
    assert len({look.marker for look in LOOKS.values()}) == len({look.label for look in LOOKS.values()}) == len(LOOKS)
