"""What outlived the limit and met another end later was saved from it: by time, manner and last words."""

from dataclasses import replace

import pytest

from hbprobe.diagnosis.saved import outlived, saved_from
from hbprobe.manner import Manner
from hbprobe.trial.evidence import Question
from hbprobe.trial.outcome import Limit

SILENT, CLOSED, RESET = Manner.SILENT, Manner.CLOSED, Manner.RESET
PING, ALIVE = Question.BOTH_DRIP, Question.KEEP_ALIVE


@pytest.mark.parametrize(
    ("limit", "question", "how", "at_s", "told"),
    [
        (SILENT, PING, CLOSED, 632, True),
        (SILENT, PING, CLOSED, 630, False),
        (CLOSED, PING, CLOSED, 750, False),
        (CLOSED, PING, CLOSED, 752, True),
        (SILENT, PING, RESET, 690, False),
        (SILENT, PING, RESET, 692, True),
        (CLOSED, ALIVE, RESET, 692, True),
        (SILENT, PING, SILENT, 905, False),
        (CLOSED, PING, SILENT, 905, False),
        (SILENT, Question.ELSEWHERE, CLOSED, 800, False),
        (SILENT, Question.BETWEEN_REQUESTS, CLOSED, 800, False),
    ],
)
def test_an_end_that_is_later_than_the_limit(facts, limit, question, how, at_s, told):
    """RST may answer what moved last, so a connection is known to have lived to the one before."""
    one = facts.asked(question, False, at_s=at_s, how=how)
    assert outlived(facts.limit(limit), one, [one]) is told
    assert saved_from(facts.limit(limit), one, [one]) is told


def test_other_last_words_are_another_end(facts):
    died = facts.asked(Question.POST_MORTEM, False, how=CLOSED, disconnect_notice="BYE")
    same = facts.asked(PING, False, how=CLOSED, at_s=640, disconnect_notice="BYE")
    other = replace(same, disconnect_notice="GOAWAY NO_ERROR")
    assert [outlived(facts.limit(CLOSED), one, [died, one]) for one in (same, other)] == [False, True]


@pytest.mark.parametrize("survived", [True, False, None])
def test_without_another_end_it_is_as_was_seen(facts, survived):
    one = facts.asked(PING, survived)
    assert saved_from(facts.limit(), one, [one]) is survived
    assert not outlived(Limit(3540, None), one, [one])
