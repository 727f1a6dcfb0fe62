"""The request: one connection however it was captured, filters, rings and floods."""

import asyncio
import random

import pytest
from support.packets import (
    ACK,
    FIN,
    PSH,
    RST,
    SYN,
    Talk,
    block,
    enhanced,
    ethernet,
    interface,
    pcap,
    reset_after,
    section,
    written,
)

from hbprobe.errors import UserError
from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.fate import ConnectionFate
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause

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


def test_a_syn_flood_is_no_finding(tmp_path):
    talks = [
        Talk(client=("198.51.100.7", 2000 + n))
        .say("client", SYN, at_s=n / 10)
        .say("client", SYN, at_s=3 + n / 10, seq=1000)
        for n in range(50)
    ]
    record = Capture([written(tmp_path / "a.pcap", *talks)]).run()
    assert (record.endings, record.exit_status) == ({"refused": 50}, 0)


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
