"""Packets as connections: whichever end the capture begins with, and in whatever order they came."""

from support.captures import only
from support.packets import RST, Talk, pcap

from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.fate import ConnectionFate
from hbprobe.manner import Manner


def test_begun_in_mid_stream(judged):
    talk = Talk().open()
    talk.frames = talk.frames[3:]
    verdict = only(judged(talk.void("client", 630)))
    assert verdict.flow.begun_in_mid_stream
    assert (verdict.flow.client_port, verdict.ending) == (50001, ConnectionFate.IDLE_DEATH)


def test_a_port_that_is_used_again(judged):
    first = Talk().open().say("server", RST, at_s=240, ttl=61)
    second = Talk(at_s=1_700_000_300.0)
    second.next = {"client": 900_000, "server": 800_000}
    findings = judged(first, second.open().void("client", 900))
    assert [one.ending for one in findings.verdicts] == [ConnectionFate.IDLE_DEATH] * 2
    assert [one.client_saw for one in findings.verdicts] == [Manner.RESET, Manner.SILENT]
    assert findings.connections == 2


def test_packets_out_of_order(tmp_path):
    talk = Talk().open().void("client", 630)
    frames = talk.ethernet()
    frames[6], frames[7] = frames[7], frames[6]
    (tmp_path / "a.pcap").write_bytes(pcap(frames))
    assert only(Capture([tmp_path / "a.pcap"]).findings()).repeats == 5


def test_sequence_numbers_that_wrap_around(judged):
    talk = Talk()
    talk.next = {"client": 2**32 - 50, "server": 2**32 - 1}
    assert only(judged(talk.open().void("client", 630))).repeats == 5
