"""One connection in two captures: what one side alone has seen decides."""

import random

import pytest
from support.packets import ACK, FIN, PSH, RST, START_S, Talk, ethernet, pcap, written

from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.fate import ConnectionFate
from hbprobe.trial.outcome import Cause


def two_captures(tmp_path, *, at_s=240, forged=True, ahead_s=3.0, translated=True):
    """Write one connection at both sides of a box that resets it, or passes the server's own RST on."""
    near = Talk(server_ttl=60).open()
    near_frames = list(near.frames)
    far = Talk(client=("203.0.113.5", 40001) if translated else near.client, client_ttl=60, server_ttl=64)
    far.open()
    far_frames = [
        (at + ahead_s + 0.004 * (1 if number != 1 and number != 4 else -1), f)
        for number, (at, f) in enumerate(far.frames)
    ]
    near.frames.clear()
    near_frames += near.say("server", RST, at_s=at_s).frames
    if not forged:
        far.frames.clear()
        far_frames += [(at + ahead_s - 0.004, frame) for at, frame in far.say("server", RST, at_s=at_s).frames]
    paths = []
    for name, frames in (("near", near_frames), ("far", far_frames)):
        paths.append(tmp_path / f"{name}.pcap")
        paths[-1].write_bytes(pcap([(at, ethernet(frame)) for at, frame in frames]))
    other = Talk(client=("198.51.100.9", 50003), at_s=START_S + 500)
    other.next = {"client": 1_000_000, "server": 2_000_000}
    other.open()
    for path, later_s in zip(paths, (0, ahead_s), strict=True):  # both captures went on
        path.write_bytes(path.read_bytes() + pcap([(at + later_s, one) for at, one in other.ethernet()])[24:])
    return paths


@pytest.mark.parametrize("translated", [False, True])
def test_an_rst_that_one_side_alone_has_decides(tmp_path, translated):
    findings = Capture(two_captures(tmp_path, translated=translated)).findings()
    (verdict,) = [one for one in findings.verdicts if one.is_death]
    assert (verdict.maker, verdict.causes) == ("box", (Cause.RESET_BY_BOX,))
    assert verdict.signs[0].weight == "decides"
    assert findings.clock.ahead_s == pytest.approx(3.0, abs=0.01)


def test_an_rst_that_passed_both_captures_is_the_ends_or_beyond(tmp_path):
    findings = Capture(two_captures(tmp_path, forged=False)).findings()
    (verdict,) = [one for one in findings.verdicts if one.ending is ConnectionFate.ENDED_IDLE]
    assert (verdict.maker, verdict.causes) == ("unknown", (Cause.RESET_BY_SERVER, Cause.RESET_BY_BOX))
    assert "passed both captures" in verdict.signs[-1].text


def test_no_client_hung_up_where_a_box_closed_in_its_name(tmp_path):
    """The server sees a client that hangs up before the answer; at the client's side nothing of it is there."""
    near, far = Talk(server_ttl=60).open(), Talk(client_ttl=60, server_ttl=64).open()
    far.say("client", FIN | ACK, at_s=30).say("server", ACK, at_s=30.01)
    far.say("server", PSH | ACK, b"the answer", at_s=45)
    paths = [written(tmp_path / name, talk) for name, talk in (("near", near), ("far", far))]
    (verdict,) = Capture(paths).findings().verdicts
    assert (verdict.ending, verdict.maker, verdict.exact) == (ConnectionFate.IDLE_DEATH, "box", True)
    assert verdict.causes == (Cause.CLOSED_BY_PROXY,)
    (alone,) = Capture(paths[1:]).findings().verdicts
    assert (alone.ending, alone.maker) == (ConnectionFate.LATE_ANSWER, "client")


def conversations(rounds):
    """Connections that their clients reset, because more came after they had closed."""
    for number in range(20):
        talk = Talk(client=("198.51.100.7", 50_000 + number), at_s=START_S + 0.05 * number).open()
        began_s = talk.at_s - START_S
        for turn in range(rounds):
            at_s = began_s + 0.1 + 0.1 * turn
            talk.say("server", PSH | ACK, b"a" * 90, at_s=at_s).say("client", ACK, at_s=at_s + 0.02)
            talk.say("client", PSH | ACK, b"b" * 70, at_s=at_s + 0.04).say("server", ACK, at_s=at_s + 0.06)
        end_s = began_s + rounds * 0.1 + 0.2
        talk.say("client", FIN | ACK, at_s=end_s).say("server", PSH | ACK, b"more", at_s=end_s + 0.005)
        yield talk.say("client", RST, at_s=end_s + 0.01)


@pytest.mark.parametrize("seed", [612, 1194, *range(8)])
def test_what_captures_that_lose_packets_lack_was_not_made_in_between(tmp_path, seed):
    """With the first two seeds they lose none of the first packets of any connection, and an RST."""
    frames = sorted((one for talk in conversations(2) for one in talk.ethernet()), key=lambda one: one[0])
    rng = random.Random(seed)
    paths = [tmp_path / "near.pcap", tmp_path / "far.pcap"]
    for path in paths:
        path.write_bytes(pcap([one for one in frames if rng.random() > 0.03]))
    assert [flow for flow in Capture(paths).run().flows if flow.maker == "box"] == []


@pytest.mark.parametrize("rounds", [2, 30], ids=["all kept", "ends kept"])
def test_captures_that_lose_nothing_are_complete(tmp_path, rounds):
    frames = sorted((one for talk in conversations(rounds) for one in talk.ethernet()), key=lambda one: one[0])
    paths = [tmp_path / "near.pcap", tmp_path / "far.pcap"]
    for path in paths:
        path.write_bytes(pcap(frames))
    assert Capture(paths).findings().missing == 0


@pytest.mark.parametrize("swapped", [False, True])
def test_which_side_of_a_proxy_is_the_clients(tmp_path, swapped):
    """Handshakes and TTLs are its own on both sides; payload comes by first at the client's side."""
    near = Talk(client_ttl=59, trip_s=0.001).open().say("server", PSH | ACK, b"a" * 200, at_s=1)
    far = Talk(client=("203.0.113.5", 40001), at_s=START_S + 100.05, trip_s=0.03)
    far.next = {"client": 50_000, "server": 90_000}
    far.open().say("server", PSH | ACK, b"a" * 200, at_s=100.99)
    paths = [written(tmp_path / name, talk) for name, talk in (("near", near), ("far", far))]
    findings = Capture(paths[::-1] if swapped else paths).findings()
    assert [str(side) for side in findings.sides] == (["server", "client"] if swapped else ["client", "server"])
    assert len(findings.pairs) == 1


def test_captures_that_have_nothing_in_common(tmp_path):
    one = written(tmp_path / "a.pcap", Talk().open().void("client", 60))
    other = Talk(client=("198.51.100.99", 1025), server=("192.0.2.77", 443))
    other.next = {"client": 77, "server": 88}
    two = written(tmp_path / "b.pcap", other.open(request=b"q" * 50).void("client", 60))
    notes = Capture([one, two]).run().notes
    assert "the captures have no connection in common: each was judged by itself" in notes
