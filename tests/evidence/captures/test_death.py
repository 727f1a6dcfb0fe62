"""The verdict on one connection: how it ended, who ended it, and what is left open."""

import pytest
from support.captures import only
from support.packets import ACK, FIN, PSH, RECORD, RST, SYN, Talk

from hbprobe.evidence.captures.fate import ConnectionFate, Maker, Weight
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause


def strong(verdict):
    return [sign.text for sign in verdict.signs if sign.weight is not Weight.WEAK]


@pytest.mark.parametrize("end", ["client", "server"])
def test_data_into_the_void(judged, end):
    verdict = only(judged(Talk().open().void(end, 630)))
    assert verdict.ending is ConnectionFate.IDLE_DEATH
    assert verdict.causes == (Cause.STATE_LOST_SILENTLY, Cause.PATH_DOWN), "one capture alone leaves both open"
    assert (verdict.client_saw, verdict.server_saw) == (
        (Manner.SILENT, None) if end == "client" else (None, Manner.SILENT)
    )
    assert verdict.maker is None
    assert verdict.idle_s == pytest.approx(629.95)
    assert not verdict.exact
    assert verdict.repeats == 5
    assert verdict.in_name_of == ("server" if end == "client" else "client")


def test_data_that_was_repeated_once_tells_nothing(judged):
    verdict = only(judged(Talk().open().void("client", 630, times=2)))
    assert verdict.ending is ConnectionFate.CANNOT_TELL
    assert verdict.causes == ()


def test_a_box_that_closes_late_has_closed_all_the_same(judged):
    """It was held up for longer than a server takes to answer; what it had dropped before nobody acknowledged."""
    talk = Talk().open().void("client", 3, times=1).say("server", FIN | ACK, at_s=3.4, ttl=61)
    verdict = only(judged(talk))
    assert (verdict.ending, verdict.maker) == (ConnectionFate.IDLE_DEATH, Maker.BOX)
    assert verdict.causes == (Cause.CLOSED_BY_PROXY,)


def test_a_handshake_that_met_an_older_connection_of_the_same_ports_is_none_that_broke(judged):
    talk = Talk().say("client", SYN).say("server", ACK, at_s=0.02, seq=77_777, ack=88_888)
    talk.say("client", RST, at_s=0.021, seq=88_888).say("client", SYN, at_s=1, seq=1000)
    talk.say("server", SYN | ACK, at_s=1.02).say("client", ACK, at_s=1.021)
    talk.say("client", PSH | ACK, RECORD + b"d" + bytes(100), at_s=1.03).say("server", ACK, at_s=1.05)
    talk.say("server", PSH | ACK, RECORD + b"d" + bytes(100), at_s=31).say("client", ACK, at_s=31.02)
    assert only(judged(talk)).ending is ConnectionFate.ALIVE


def test_loss_in_the_midst_of_traffic_is_no_death_of_idleness(judged):
    verdict = only(judged(Talk().open().void("client", 0.5, times=8)))
    assert (verdict.ending, verdict.causes) == (ConnectionFate.BROKEN, (Cause.PATH_DOWN,))


def test_data_that_is_answered_at_last_was_only_lost(judged):
    talk = Talk().open().void("client", 100).say("server", ACK, at_s=107)
    assert only(judged(talk)).ending is ConnectionFate.ALIVE


def test_a_reset_with_another_ttl_is_a_boxs(judged):
    verdict = only(judged(Talk().open().say("server", RST | ACK, at_s=240, ttl=61, window=0, options=b"")))
    assert (verdict.ending, verdict.causes, verdict.maker) == (
        ConnectionFate.IDLE_DEATH,
        (Cause.RESET_BY_BOX,),
        Maker.BOX,
    )
    assert (verdict.client_saw, verdict.server_saw, verdict.exact) == (Manner.RESET, None, True)
    assert verdict.idle_s == pytest.approx(239.95)
    assert "its TTL is 61, the server's other packets had 52" in strong(verdict)


@pytest.mark.parametrize(
    ("ttl", "maker", "causes"),
    [
        (63, Maker.BOX, (Cause.STATE_LOST_RESET_ON_NEXT,)),
        (52, Maker.UNKNOWN, (Cause.STATE_LOST_RESET_ON_NEXT, Cause.RESET_BY_SERVER)),
    ],
)
def test_reset_on_next(judged, ttl, maker, causes):
    talk = Talk().open().say("client", PSH | ACK, b"x" * 20, at_s=100).say("server", RST, at_s=100.02, ttl=ttl)
    verdict = only(judged(talk))
    assert (verdict.maker, verdict.causes, verdict.on_next, verdict.exact) == (maker, causes, True, False)
    assert verdict.idle_s == pytest.approx(99.95)


def test_a_box_that_closes_and_then_is_deaf(judged):
    talk = Talk(client_ttl=51, server_ttl=64).open().say("client", FIN | ACK, at_s=270, ttl=64)
    verdict = only(judged(talk.void("server", 270.01, times=5)))
    assert (verdict.ending, verdict.maker, verdict.server_saw) == (
        ConnectionFate.IDLE_DEATH,
        Maker.BOX,
        Manner.CLOSED,
    )
    assert verdict.idle_s == pytest.approx(269.95)


def test_a_client_that_hangs_up_on_a_living_path(judged):
    talk = Talk().open().say("client", FIN | ACK, at_s=300).say("server", ACK, at_s=300.02)
    verdict = only(judged(talk))
    assert (verdict.ending, verdict.maker, verdict.causes) == (ConnectionFate.ORDERLY, Maker.CLIENT, ())


def test_a_late_server(judged):
    talk = Talk().open().say("client", FIN | ACK, at_s=300).say("server", ACK, at_s=300.02)
    verdict = only(judged(talk.say("server", PSH | ACK, RECORD + b"a" * 40, at_s=330)))
    assert (verdict.ending, verdict.causes) == (ConnectionFate.LATE_ANSWER, (Cause.ANSWERED_LATE,))


def test_an_orderly_end_with_a_late_reset(judged):
    talk = Talk().open().say("server", PSH | ACK, b"a" * 40, at_s=30).say("client", FIN | ACK, at_s=30.01)
    talk.say("server", FIN | ACK, at_s=30.03).say("client", RST, at_s=30.031)
    verdict = only(judged(talk))
    assert (verdict.ending, verdict.causes, verdict.client_saw) == (ConnectionFate.ORDERLY, (), None)


def test_a_connection_that_was_refused(judged):
    verdict = only(judged(Talk().say("client", SYN, at_s=0).say("server", RST | ACK, at_s=0.02)))
    assert (verdict.ending, verdict.causes) == (ConnectionFate.REFUSED, ())


def test_every_comment_names_a_packet(judged):
    for talk in (Talk().open().void("client", 630), Talk().open().say("server", RST, at_s=240, ttl=61)):
        verdict = only(judged(talk))
        assert verdict.comments
        assert all(1 <= comment.number <= len(talk.frames) for comment in verdict.comments)
