"""One connection, packet by packet: keep-alives, repeats, and what says goodbye."""

import pytest
from support.captures import only
from support.packets import ACK, PSH, RST, Talk

from hbprobe.evidence.captures.fate import ConnectionFate
from hbprobe.manner import Manner


def kept_alive(talk, until_s, every_s=60):
    for at_s in range(every_s, until_s + 1, every_s):
        talk.say("client", ACK, at_s=at_s, seq=talk.next["client"] - 1)
        talk.say("server", ACK, at_s=at_s + 0.02)
    return talk


def test_keep_alives_that_are_answered(judged):
    talk = (
        kept_alive(Talk().open(), 540).say("server", PSH | ACK, b"a" * 40, at_s=600).say("client", ACK, at_s=600.01)
    )
    verdict = only(judged(talk))
    assert (verdict.ending, verdict.keep_alives, verdict.answered_keep_alives) == (ConnectionFate.ALIVE, 9, 9)
    assert "a capture cannot tell which" in verdict.signs[0].text
    assert verdict.data_silence.length_s == pytest.approx(600 - 0.03)


def test_keep_alives_that_nobody_answers(judged):
    talk = kept_alive(Talk().open(), 240)
    for at_s in range(300, 600, 75):
        talk.say("client", ACK, at_s=at_s, seq=talk.next["client"] - 1)
    verdict = only(judged(talk.say("client", RST | ACK, at_s=600)))
    assert (verdict.ending, verdict.client_saw) == (ConnectionFate.IDLE_DEATH, Manner.SILENT)
    assert (verdict.keep_alives, verdict.answered_keep_alives, verdict.repeats) == (8, 4, 3)
    assert (verdict.idle_s, verdict.data_idle_s) == (pytest.approx(59.98), pytest.approx(299.97))


def test_what_is_sent_again_is_a_repeat(judged):
    assert only(judged(Talk().open().void("client", 630, times=7))).repeats == 6


def test_a_byte_behind_what_was_sent_is_data_and_no_keep_alive(judged):
    talk = Talk().open().say("client", PSH | ACK, b"x", at_s=60).say("server", ACK, at_s=60.02)
    assert only(judged(talk)).keep_alives == 0
