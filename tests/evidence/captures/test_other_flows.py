"""What the other connections of a capture say of one."""

from support.packets import ACK, PSH, RST, SYN, Talk, reset_after, written

from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.fate import ConnectionFate, Maker
from hbprobe.trial.outcome import Cause


def test_deaths_at_one_moment_are_no_timer(tmp_path):
    talks = [reset_after(500 - 10 * number, number) for number in range(8)]
    record = Capture([written(tmp_path / "a.pcap", *talks)]).run()
    assert record.timers == ()
    assert "that was an event, a restart perhaps, and no timer" in record.notes[0]


def test_a_silent_death_beside_a_living_connection_is_none_of_the_path(judged):
    other = Talk(client=("198.51.100.7", 50002), at_s=1_700_000_633.0).open()
    verdict = next(one for one in judged(Talk().open().void("client", 630), other).verdicts if one.is_death)
    assert verdict.causes == (Cause.STATE_LOST_SILENTLY,)
    assert "the server was heard on another connection" in verdict.signs[-1].text


def test_a_server_that_was_restarted(judged):
    refused = Talk(client=("198.51.100.7", 50009), at_s=1_700_000_050.0)
    refused.say("client", SYN, at_s=50).say("server", RST | ACK, at_s=50.02)
    talk = Talk().open().say("client", PSH | ACK, b"x" * 20, at_s=100).say("server", RST, at_s=100.02)
    verdict = next(one for one in judged(talk, refused).verdicts if one.ending is not ConnectionFate.REFUSED)
    assert (verdict.maker, verdict.causes) == (Maker.SERVER, (Cause.RESET_BY_SERVER,))
