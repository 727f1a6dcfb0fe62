"""The request: filters, two sides, timers, the annotated file, the record, the terminal and the picture."""

import asyncio
import io
import os
import random
import shutil
import struct
import subprocess

import dpkt
import pytest
from rich.console import Console
from support.packets import (
    ACK,
    FIN,
    PSH,
    RST,
    SERVER,
    START_S,
    SYN,
    Talk,
    block,
    enhanced,
    ethernet,
    interface,
    pcap,
    section,
    written,
)

from hbprobe.cli.main import main
from hbprobe.errors import UserError
from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.capture_file import CaptureFile, pieces
from hbprobe.evidence.captures.death import ConnectionFate, judge
from hbprobe.evidence.captures.retention import Retention
from hbprobe.evidence.captures.tcp_flow import flows
from hbprobe.manner import Manner
from hbprobe.records.capture import CaptureRecord
from hbprobe.report.plots.capture_plot import capture_plot
from hbprobe.report.plots.style import save
from hbprobe.report.terminal.capture import QuietNow, print_capture
from hbprobe.trial.outcome import Cause


def reset_after(age_s, number, *, lived_s=None, every_s=None, port=None):
    """Return a connection that a box resets when it was idle for so long."""
    talk = Talk(client=("198.51.100.7", port or 50000 + number), at_s=START_S + 10 * number).open()
    at_s = talk.at_s - START_S
    if lived_s is not None:
        at_s += lived_s
        talk.say("server", PSH | ACK, b"a" * 40, at_s=at_s).say("client", ACK, at_s=at_s + 0.001)
    last_s = at_s
    while every_s is not None and last_s + every_s < at_s + age_s:
        last_s += every_s
        talk.say("client", ACK, at_s=last_s, seq=talk.next["client"] - 1).say("server", ACK, at_s=last_s + 0.02)
    return talk.say("server", RST, at_s=at_s + age_s, ttl=61)


def test_a_timer_of_several_connections(tmp_path):
    talks = [reset_after(300 + number / 50, number, lived_s=280) for number in range(5)]
    record = Capture([written(tmp_path / "a.pcap", *talks)]).run()
    (timer,) = record.timers
    assert (timer.flows, timer.maker, timer.counts) == (5, "box", None)
    assert timer.limit.survived_s == pytest.approx(280)
    assert timer.limit.cut_s == pytest.approx(300, abs=0.01)
    assert timer.limit.manner is Manner.RESET
    assert timer.confidence > 0.9
    assert answer(record)[0] == (
        "5 of 5 connections died of idleness: a box on the path resets them 300.0 s after the last packet "
        "(300.0 to 300.1)."
    )
    assert record.exit_status == 1


def test_two_deaths_make_no_timer(tmp_path):
    record = Capture([written(tmp_path / "a.pcap", reset_after(300, 1), reset_after(300, 2))]).run()
    assert record.timers == ()
    assert "too few of one kind and age to make a timer" in answer(record)[0]


def test_a_timer_that_others_outlived_is_not_the_paths(tmp_path):
    talks = [reset_after(30, number, lived_s=200 + number) for number in range(6)]
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert (timer.limit.survived_s, timer.limit.cut_s, timer.products) == (None, pytest.approx(30, abs=0.01), ())
    assert timer.confidence < 0.5
    assert "were quiet for up to 205.0 s and lived, so it does not hold for every silence" in timer.doubts[-1]


def test_a_timer_that_counts_data_only(tmp_path):
    talks = [reset_after(300, number, every_s=45 + 7 * number) for number in range(5)]
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert timer.counts == "data"
    assert timer.age == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_one_timer_stays_one_however_its_machine_is_held_up(tmp_path, seed):
    """A box that was held up strikes all that is overdue when it runs again; in the midst of that it may be again."""
    rng = random.Random(seed)
    looks = [3.0]
    while looks[-1] < 8:
        looks.append(looks[-1] + rng.choice((0.05, 0.05, 0.05, 0.3, 1.5)))
    all_begin_s = rng.choice((0.0, 1.0, 1.9, 1.9))  # who measures was held up, too
    first_late, delay_s = rng.randrange(3, 40), rng.uniform(1.1, 2.0)
    talks = []
    for number in range(50):
        start_s = max(number * 0.04, all_begin_s) + rng.random() / 100
        talk = Talk(client=("198.51.100.7", 50000 + number), at_s=START_S + start_s).open()
        due_s = talk.at_s - START_S + 3
        struck_s = next(look_s for look_s in looks if look_s >= due_s) + number / 10_000
        talks.append(talk.say("server", RST, at_s=struck_s + (number >= first_late) * delay_s, ttl=61))
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert (timer.flows, timer.maker) == (50, "box")
    assert 3 <= timer.earliest <= timer.limit.cut_s <= timer.latest


def test_strikes_that_a_held_up_timer_or_a_second_one_explains(tmp_path):
    talks = [reset_after(60, number) for number in range(5)]
    talks += [reset_after(63, 6, port=50010 + number) for number in range(3)]
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert timer.flows == 8
    (doubt,) = timer.doubts
    assert doubt.startswith(
        "3 of them died up to 3.0 s later than the others, and all but at once: the timer was held"
    )


def test_two_timers_that_strike_again_and_again_are_two(tmp_path):
    talks = [reset_after(60 + 3 * (number % 2), number) for number in range(10)]
    timers = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert [(timer.flows, round(timer.age)) for timer in timers] == [(5, 60), (5, 63)]
    assert timers[0].doubts == ()


def test_deaths_at_one_moment_are_no_timer(tmp_path):
    talks = [reset_after(500 - 10 * number, number) for number in range(8)]
    record = Capture([written(tmp_path / "a.pcap", *talks)]).run()
    assert record.timers == ()
    assert "that was an event, a restart perhaps, and no timer" in record.notes[0]


# Two captures


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


# The same connection, however it was captured

SILENT = {"ending": "idle-death", "causes": (Cause.STATE_LOST_SILENTLY, Cause.PATH_DOWN), "exact": False}
BOX_RESET = {"causes": (Cause.RESET_BY_BOX,), "maker": "box", "idle": 240.0, "exact": True}


def silent(end="client"):
    return Talk().open().void(end, 630.05)


def box_reset():
    return Talk(trip_s=0.02).open().say("server", RST, at_s=240.05, ttl=61, window=0, options=b"")


def kept_alive():
    talk = Talk().open()
    for number in range(1, 10):
        talk.say("client", ACK, at_s=60 * number, seq=talk.next["client"] - 1).say(
            "server", ACK, at_s=60 * number + 0.02
        )
    return talk.say("server", PSH | ACK, b"x" * 40, at_s=600).say("client", ACK, at_s=600.02)


def ended_orderly():
    talk = Talk().open().say("server", PSH | ACK, b"x" * 40, at_s=30).say("client", FIN | ACK, at_s=30.1)
    return talk.say("server", FIN | ACK, at_s=30.12).say("client", ACK, at_s=30.13).say("server", RST, at_s=30.2)


def with_nanoseconds(talk):
    blocks_ = [enhanced(frame, round(at_s * 1e9)) for at_s, frame in talk.ethernet()]
    return section() + interface(1, ticks=9) + block(0x0BAD, b"unknown") + b"".join(blocks_)


def exchanged(talk):
    frames = talk.ethernet()
    frames[2], frames[3] = frames[3], frames[2]
    return pcap(frames)


SMALL = {
    "silent, at the client": (lambda: pcap(silent().ethernet()), SILENT | {"client_saw": Manner.SILENT}),
    "silent, at the server": (lambda: pcap(silent("server").ethernet()), SILENT | {"server_saw": Manner.SILENT}),
    "64 bytes of each packet": (lambda: pcap(silent().ethernet(), snap=64), SILENT | {"repeats": 5}),
    "two packets exchanged": (lambda: exchanged(silent()), SILENT | {"repeats": 5}),
    "nanoseconds, and an unknown block": (lambda: with_nanoseconds(silent()), SILENT | {"repeats": 5}),
    "a reset by a box": (lambda: pcap(box_reset().ethernet()), BOX_RESET),
    "VLAN": (lambda: pcap([(at, ethernet(packet, (7,))) for at, packet in box_reset().frames]), BOX_RESET),
    "Linux cooked": (
        lambda: pcap([(at, bytes(14) + b"\x08\0" + packet) for at, packet in box_reset().frames], link=113),
        BOX_RESET,
    ),
    "raw IP": (lambda: pcap(box_reset().frames, link=101), BOX_RESET),
    "a close by a proxy": (
        lambda: pcap(Talk().open().say("server", FIN | ACK, at_s=270.05, ttl=60).ethernet()),
        {"causes": (Cause.CLOSED_BY_PROXY,), "maker": "box", "idle": 270.0},
    ),
    "keep-alives that are answered": (
        lambda: pcap(kept_alive().ethernet()),
        {"ending": "alive", "causes": (), "maker": None, "keep_alives": 9, "answered_keep_alives": 9},
    ),
    "an orderly end, and a late RST": (
        lambda: pcap(ended_orderly().ethernet()),
        {"ending": "orderly", "causes": (), "maker": None},
    ),
}


@pytest.mark.parametrize(("made", "verdict"), SMALL.values(), ids=SMALL)
def test_small_captures_of_many_kinds(tmp_path, made, verdict):
    (tmp_path / "a").write_bytes(made())
    (flow,) = Capture([tmp_path / "a"]).run().flows
    assert {name: getattr(flow, name) for name in verdict} == {
        name: pytest.approx(value, abs=0.1) if isinstance(value, float) else value for name, value in verdict.items()
    }


# Filters


@pytest.mark.parametrize(
    ("how", "flows"),
    [
        ({"host": "198.51.100.8"}, 1),
        ({"host": "198.51.100.0/29"}, 1),
        ({"host": "198.51.100.0/24"}, 2),
        ({"host": "2001:db8::/32"}, 0),
        ({"port": 50001}, 1),
        ({"port": 443}, 2),
        ({"since": "2023-11-14T22:13:20Z"}, 2),
        ({"until": "2023-11-14T22:13:20"}, 0),
    ],
)
def test_filters(tmp_path, how, flows):
    talks = [Talk(client=(f"198.51.100.{number}", 49994 + number)).open().void("client", 60) for number in (7, 8)]
    assert Capture([written(tmp_path / "a.pcap", *talks)], **how).run().connections == flows


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"host": "nowhere"}, "host: 'nowhere' is no address: write one, or a network such as 198.51.100.0/24"),
        ({"port": 70000}, "port: 70000 is no port: give one from 1 to 65535"),
        ({"since": "yesterday"}, "since: 'yesterday' is no time: write 2026-11-22T02:17:00Z"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "since: is not before until: swap them"),
        ({"least_idle": 0}, "least_idle: 0 is below 1 s: shorter silences are not kept"),
        ({"keys": "k"}, "keys: go into an annotated pcapng: say with annotate where to write that"),
    ],
)
def test_wrong_requests(how, told):
    with pytest.raises(UserError) as refused:
        Capture(["a.pcap"], **how)
    assert str(refused.value) == told


def test_three_captures_are_none_of_one_path():
    with pytest.raises(UserError, match="give one capture, or two of one path; for a ring buffer give its folder"):
        Capture(["a", "b", "c"])


def test_a_ring_of_files_is_one_capture(tmp_path):
    frames = Talk().open().void("client", 630).ethernet()
    for number in range(4):
        (tmp_path / f"r{number}.pcap").write_bytes(pcap(frames[3 * number : 3 * number + 3]))
    (verdict,) = Capture([tmp_path]).findings().verdicts
    assert (verdict.ending, verdict.repeats) == (ConnectionFate.IDLE_DEATH, 5)


def test_in_an_event_loop(tmp_path):
    request = Capture([written(tmp_path / "a.pcap", Talk().open().void("client", 60))])
    assert asyncio.run(request.measure()) == request.run()


# What is held of a long capture


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


# The annotated file

TSHARK = pytest.mark.skipif(shutil.which("tshark") is None and not os.environ.get("CI"), reason="needs tshark")


@pytest.mark.program
@TSHARK
def test_tshark_lists_the_comments(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open().void("client", 630))
    keys = tmp_path / "keys"
    keys.write_text("CLIENT_RANDOM " + "00" * 32 + " " + "11" * 48 + "\n")
    request = Capture([path], annotate=tmp_path / "out.pcapng", keys=keys)
    (verdict,) = request.findings().verdicts
    request.run()
    listed = tshark(
        tmp_path / "out.pcapng", "-Y", "frame.comment", "-T", "fields", "-e", "frame.number", "-e", "frame.comment"
    )
    assert listed == "".join(f"{one.number}\t{one.text}\n" for one in verdict.comments)
    named = tshark(tmp_path / "out.pcapng", "-N", "n", "-q", "-z", "hosts")
    assert "192.0.2.10\tserver-192.0.2.10" in named
    fields = ("-T", "fields", "-e", "frame.time_epoch", "-e", "tcp.seq_raw", "-e", "ip.ttl", "-e", "frame.len")
    assert tshark(tmp_path / "out.pcapng", *fields) == tshark(path, *fields)


def tshark(path, *options):
    command = ["tshark", "-r", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("nano", [False, True])
def test_packets_stay_byte_for_byte(tmp_path, nano):
    one = written(tmp_path / "a.pcap", Talk().open().void("client", 630), nano=nano, order=">", snap=70)
    two = written(tmp_path / "b.pcap", Talk().open())
    Capture([one, two], annotate=tmp_path / "out.pcapng").run()
    written_ = list(dpkt.pcapng.Reader(io.BytesIO((tmp_path / "out.pcapng").read_bytes())))
    original = [packet for path in (one, two) for packet in dpkt.pcap.Reader(io.BytesIO(path.read_bytes()))]
    assert [frame for _, frame in written_] == [frame for _, frame in original]
    assert [float(at) for at, _ in written_] == pytest.approx([float(at) for at, _ in original], abs=1e-6)


@pytest.mark.parametrize("link", [0xF0000001, 0x04000001, 0xFFFF, 0xFFFFFFFF, 147])
def test_any_link_type_can_be_annotated(tmp_path, link):
    """The upper half of the field tells of check sequences; a type that nobody knows is passed on."""
    (tmp_path / "a.pcap").write_bytes(pcap(Talk().open().ethernet(), link=link))
    record = Capture([tmp_path / "a.pcap"], annotate=tmp_path / "out.pcapng").run()
    assert (record.sources[0].tcp == 5) is (link & 0xFFFF == 1)
    frames = dpkt.pcapng.Reader(io.BytesIO((tmp_path / "out.pcapng").read_bytes()))
    assert [frame for _, frame in frames] == [frame for _, frame in Talk().open().ethernet()]


def test_keys_go_in_only_when_asked(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open())
    Capture([path], annotate=tmp_path / "out.pcapng").run()
    assert struct.pack("<II", 10, 0)[:4] not in {kind for kind, _ in blocks((tmp_path / "out.pcapng").read_bytes())}
    (tmp_path / "k").write_text("nothing of that kind")
    with pytest.raises(UserError, match="holds no TLS keys: give a file that SSLKEYLOGFILE names"):
        Capture([path], annotate=tmp_path / "out.pcapng", keys=tmp_path / "k").run()


def blocks(data):
    at = 0
    while at < len(data):
        yield data[at : at + 4], at
        at += struct.unpack_from("<I", data, at + 4)[0]


def test_a_capture_is_never_written_over(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open())
    before = path.read_bytes()
    with pytest.raises(UserError, match="is one of the captures: write the annotated one elsewhere"):
        Capture([path], annotate=path).run()
    assert path.read_bytes() == before


# What is shown


@pytest.fixture
def record(tmp_path):
    talks = [reset_after(300, number) for number in range(4)]
    return Capture([written(tmp_path / "a.pcap", *talks, Talk(client=("198.51.100.8", 1025)).open())]).run()


def test_the_record_is_read_as_it_was_written(record):
    import json

    assert CaptureRecord.read(json.loads(record.to_json())) == record
    with pytest.raises(ValueError, match="sources: is missing"):
        CaptureRecord.read({"schema": "hbprobe.evidence/1", "verb": "capture"})


@pytest.mark.parametrize("everything", [False, True])
def test_the_terminal_says_the_answer_first(record, everything):
    console = Console(file=io.StringIO(), width=80)
    print_capture(record, console, everything=everything)
    text = console.file.getvalue()
    assert text.startswith("4 of 5 connections died of idleness: a box on the path resets them 300.0 s after")
    assert ("its TTL is 61" in text) is everything


@pytest.mark.parametrize(("end", "mute"), [("client", "server"), ("server", "client")])
def test_who_is_not_heard_from_may_be_down(tmp_path, end, mute):
    console = Console(file=io.StringIO(), width=200)
    print_capture(Capture([written(tmp_path / "a.pcap", Talk().open().void(end, 630))]).run(), console)
    assert f"or the {mute}, or the whole path to it, is down" in console.file.getvalue()


def test_the_picture(record, tmp_path):
    figure = capture_plot(record)
    assert len([one for axes in figure.axes for one in axes.get_lines() if one.get_gid() == "death"]) == 4
    save(figure, tmp_path / "a.svg")
    assert b"died, reset (RST)" in (tmp_path / "a.svg").read_bytes()


def test_the_picture_of_nothing(tmp_path):
    (tmp_path / "a.pcap").write_bytes(pcap([]))
    record = Capture([tmp_path / "a.pcap"]).run()
    assert answer(record) == ["The capture holds no TCP connection, so there is nothing to report."]
    assert record.exit_status == 0
    capture_plot(record)


def test_the_verb(tmp_path, capsys):
    path = written(tmp_path / "a.pcap", Talk().open().void("client", 630))
    assert main(["capture", str(path), "--json", "--plot", str(tmp_path / "a.png")]) == 1
    assert '"ending": "idle-death"' in capsys.readouterr().out
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert main(["capture", str(path), "--plto"]) == 2
    assert capsys.readouterr().err == "hbprobe: --plto: no such option; see hbprobe capture --help\n"
    assert main(["capture", "-", str(path)]) == 2
    assert capsys.readouterr().err == "hbprobe: -: a pipe is read alone: give one capture, or two files\n"


def test_a_pipe(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open().void("client", 630))
    command = "import sys; from hbprobe.cli.main import main; sys.exit(main(['capture', '-']))"
    import sys

    done = subprocess.run([sys.executable, "-c", command], input=path.read_bytes(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"1 of 1 connection died of idleness")


def test_the_live_table(tmp_path):
    quiet, gone = Talk().open(), Talk(client=("198.51.100.8", 1025)).open().say("server", RST, at_s=3)
    file, kept, table = CaptureFile(written(tmp_path / "a.pcap", quiet, gone)), Retention(), QuietNow()
    for piece in pieces(file):
        table.took(file, kept.add(piece.data, piece.segments, piece.first_packet, 0))
    assert table.quiet(START_S + 60) == [(pytest.approx(59.95), f"198.51.100.7:50001 > {SERVER[0]}:443")]
    console = Console(file=io.StringIO(), width=100)
    console.print(table.render())
    assert "ended by FIN 0, by RST 1" in console.file.getvalue()


def test_hints(tmp_path):
    talk = Talk().open(request=b"POST /x HTTP/1.1")
    held = Talk(client=("198.51.100.8", 1025)).open()
    for number in range(1, 4):
        held.say("server", PSH | ACK, b"\x17\x03\x03\x00a" + b"a" * 60, at_s=900.0 * number)
        held.say("client", PSH | ACK, b"\x17\x03\x03\x00d" + b"d" * 200, at_s=900.0 * number + 0.1)
    findings = Capture([written(tmp_path / "a.pcap", talk.void("client", 30, payload=b"x" * 20), held)]).findings()
    first, second = (one.hints for one in findings.verdicts if one.flow.client_port)
    told = {first, second}
    assert ("HTTP/1 in clear",) in told
    assert ("TLS", "held requests of 900 s, as of ActiveSync (a guess, by timing and size)") in told


def test_a_syn_flood_is_no_finding(tmp_path):
    talks = [
        Talk(client=("198.51.100.7", 2000 + n))
        .say("client", SYN, at_s=n / 10)
        .say("client", SYN, at_s=3 + n / 10, seq=1000)
        for n in range(50)
    ]
    record = Capture([written(tmp_path / "a.pcap", *talks)]).run()
    assert (record.endings, record.exit_status) == ({"refused": 50}, 0)


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


def test_no_damage_breaks_the_verdicts(tmp_path):
    rng = random.Random(7)
    talks = [Talk().open().void("client", 30), reset_after(240, 1), Talk().open().say("server", FIN | ACK, at_s=270)]
    for _ in range(25):
        paths = []
        for number in range(rng.choice((1, 2))):
            data = bytearray(pcap(rng.choice(talks).ethernet()))
            for _ in range(rng.randrange(25)):
                data[rng.randrange(24, len(data))] = rng.randrange(256)
            paths.append(tmp_path / f"{number}.pcap")
            paths[-1].write_bytes(data[: rng.randrange(24, len(data))])
        Capture(paths, annotate=tmp_path / "out.pcapng").run()
