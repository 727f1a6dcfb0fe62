"""What outlived the limit and met another end later was saved from it: by time, manner and last words."""

from dataclasses import replace

import pytest

from hbprobe.diagnosis.saved import There, fares_elsewhere, outlived, saved_from
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


# At the other address


def there(facts, low, high, *, how=CLOSED, at_s=600):
    asked = ((low, 599.5), (high, 750)) if low != "not asked" else ((high, 750),)
    return [facts.asked(Question.ELSEWHERE, lived, hold_s=hold_s, how=how, at_s=at_s) for lived, hold_s in asked]


@pytest.mark.parametrize("here", [CLOSED, RESET, SILENT])
@pytest.mark.parametrize(
    ("low", "high", "at_s", "found"),
    [
        (True, True, 600, There.LIVES),
        (True, False, 600, There.ALIKE),
        (False, False, 300, There.SOONER),
        ("not asked", True, 600, There.LIVES),
        ("not asked", False, 600, There.ALIKE),
        (True, None, 600, None),
        (None, None, 600, None),
    ],
)
def test_the_same_request_there(facts, here, low, high, at_s, found):
    seen = [
        facts.ended(here) if here is not SILENT else facts.silent(),
        *there(facts, low, high, how=here, at_s=at_s),
    ]
    assert fares_elsewhere(facts.limit(here), seen) is found


@pytest.mark.parametrize(("at_s", "found"), [(480, There.SOONER), (590, There.ALIKE), (700, There.LIVES)])
@pytest.mark.parametrize("low", [None, "not asked"])
def test_an_exact_time_tells_where_the_shorter_request_does_not(facts, low, at_s, found):
    limit, died = facts.limit(CLOSED), facts.ended(CLOSED)
    assert fares_elsewhere(limit, [died, *there(facts, low, False, at_s=at_s)]) is found


def test_an_end_that_comes_past_the_limit_has_outlived_it_in_whatever_manner(facts):
    for how in (CLOSED, RESET):
        seen = [facts.ended(CLOSED), *there(facts, True, False, how=how, at_s=740)]
        assert fares_elsewhere(facts.limit(CLOSED), seen) is There.LIVES


def test_silence_has_no_time_of_its_own(facts):
    seen = [facts.silent(), *there(facts, None, False, how=SILENT, at_s=753)]
    assert fares_elsewhere(facts.limit(), seen) is None, (
        "the shorter request could not be asked: it may have died as well"
    )


@pytest.mark.parametrize(("here", "other"), [(CLOSED, RESET), (CLOSED, SILENT), (SILENT, RESET)])
def test_another_manner_is_another_end(facts, here, other):
    died = facts.silent() if here is SILENT else facts.ended(here)
    assert fares_elsewhere(facts.limit(here), [died, *there(facts, True, False, how=other)]) is There.OTHERWISE


def test_other_last_words_there_are_another_end(facts):
    died = replace(facts.ended(CLOSED), disconnect_notice="BYE")
    assert fares_elsewhere(facts.limit(CLOSED), [died, *there(facts, True, False)]) is There.OTHERWISE


def test_nothing_is_compared_where_nothing_was_asked_or_cut(facts):
    assert fares_elsewhere(facts.limit(CLOSED), [facts.ended(CLOSED)]) is None
    open_path = replace(facts.limit(CLOSED), cut_s=None)
    assert fares_elsewhere(open_path, there(facts, True, True)) is None
