"""What is held of a long capture."""

import pytest
from support.captures import only
from support.packets import ACK, FIN, PSH, RST, START_S, SYN, Talk, written

from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.capture_file import CaptureFile, pieces
from hbprobe.evidence.captures.death import judge
from hbprobe.evidence.captures.fate import ConnectionFate
from hbprobe.evidence.captures.retention import Retention
from hbprobe.evidence.captures.tcp_flow import flows
from hbprobe.manner import Manner


def test_what_moves_is_let_go(tmp_path):
    talk = Talk().open()
    for number in range(3000):
        talk.say("server", PSH | ACK, b"x" * 100, at_s=1 + number / 100)
    talk.say("client", FIN | ACK, at_s=32)
    kept = Retention()
    for piece in pieces(CaptureFile(written(tmp_path / "a.pcap", talk)), piece_bytes=20_000):
        kept.add(piece.data, piece.segments, piece.first_packet, 0)
    assert kept.packets == 3006
    assert len(kept.rows()) < 60


@pytest.mark.parametrize("piece_bytes", [2000, 64_000_000])
def test_what_follows_on_the_same_ports_takes_no_evidence_away(tmp_path, piece_bytes):
    """The client's system gives the ports of a connection that died in silence to the next one."""
    old = Talk().open().void("client", 60)
    new = Talk(at_s=START_S + 70)
    new.next = {"client": 900_000, "server": 800_000}
    new.open()
    for number in range(40):
        new.say("server", PSH | ACK, b"x" * 100, at_s=71 + number / 100).say(
            "client", ACK, at_s=71.001 + number / 100
        )
    kept = Retention()
    for piece in pieces(CaptureFile(written(tmp_path / "a.pcap", old, new)), piece_bytes=piece_bytes):
        kept.add(piece.data, piece.segments, piece.first_packet, 0)
    first, second = flows(kept.rows(), least_gap_s=1.0, others_too=True)
    verdict = judge(first, end_s=START_S + 72)
    assert (verdict.ending, verdict.how, verdict.repeats) == (ConnectionFate.IDLE_DEATH, Manner.SILENT, 5)
    assert judge(second, end_s=START_S + 72).ending is ConnectionFate.ALIVE


def test_silences_across_pieces_and_with_little_memory(tmp_path):
    talk = Talk().open()
    for number in range(1, 200):
        talk.say("client", PSH | ACK, b"x" * 100, at_s=number * 1.5).say("server", ACK, at_s=number * 1.5 + 0.01)
    path = written(tmp_path / "a.pcap", talk.void("client", 900))
    kept = Retention(most_rows=50)
    for piece in pieces(CaptureFile(path), piece_bytes=5000):
        kept.add(piece.data, piece.segments, piece.first_packet, 0)
    rows = kept.rows()
    assert kept.coarser > 1
    assert max(rows["gap_ns"]) / 1e9 == pytest.approx(900 - 298.51)
    assert (Capture([path]).findings().verdicts[0].idle_s) == pytest.approx(900 - 298.51)


def test_of_a_flood_of_attempts_a_sample_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("hbprobe.evidence.captures.retention._MOST_ATTEMPTS", 20)
    talks = [Talk().open().void("client", 630)]
    for n in range(300):
        talk = Talk(client=(f"198.51.100.{n % 200 + 8}", 2000 + n))
        talk.say("client", SYN, at_s=n / 10).say("server", RST | ACK, at_s=n / 10 + 0.01)
        talks.append(talk)
    path, kept = written(tmp_path / "a.pcap", *talks), Retention(most_rows=100)
    for piece in pieces(CaptureFile(path), piece_bytes=5000):
        kept.add(piece.data, piece.segments, piece.first_packet, 0)
        assert kept._held < 300
    assert len(kept.rows()) < 120 and kept.attempts == 280
    record = Capture([path]).run()
    assert (record.connections, record.endings) == (301, {"idle-death": 1, "refused": 20})
    assert record.notes == ("280 attempts to connect that came to nothing were only counted",)


def test_a_mirror_port_that_gives_every_packet_twice(judged):
    talk = Talk().open().void("client", 630)
    doubled = Talk()
    doubled.frames = [(at_s + extra, frame) for at_s, frame in talk.frames for extra in (0, 0.0003)]
    findings = judged(doubled)
    assert only(findings).repeats == 5
    assert findings.notes == ("11 packets came twice, as from a mirror port; once is enough",)
