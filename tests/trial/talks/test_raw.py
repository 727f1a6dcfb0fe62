"""A protocol that is not known: silence, then the bytes that the user wants to be sent."""

from hbprobe.trial.talks.raw import make
from hbprobe.trial.talks.talk import TalkOptions, Where


def talk(send=b"", expect=b""):
    return make(Where("server.example", options=TalkOptions(send=send, expect=expect)))


def test_without_bytes_to_send_nothing_is_asked():
    silent = talk()
    assert (silent.stands, silent.asks, silent.repeats) == (True, False, False)


def test_what_comes_by_itself_is_no_answer():
    asked = talk(b"PING\n")
    assert (asked.take(b"hello"), asked.answered) == (b"", False)
    assert asked.ask() == b"PING\n"
    asked.take(b"x")
    assert asked.answered, "any answer will do"


def test_the_answer_that_is_expected_may_come_in_pieces():
    asked = talk(b"PING\n", b"PONG")
    asked.ask()
    asked.take(b"..PO")
    assert (asked.answered, asked.instead) == (False, "the answer is not the one that is expected: '..PO'")
    asked.take(b"NG")
    assert (asked.answered, asked.instead) == (True, "")


def test_each_question_wants_an_answer_of_its_own():
    asked = talk(b"PING\n", b"PONG")
    asked.ask()
    asked.take(b"PONG")
    asked.ask()
    assert not asked.answered
