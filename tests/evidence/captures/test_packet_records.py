"""Packets and their times in pcap and pcapng, against the letter of the formats."""

import contextlib
import random
import struct

import pytest
from support.captures import SYN_PACKET, is_the_syn, read
from support.packets import (
    Talk,
    block,
    enhanced,
    ethernet,
    interface,
    pcap,
    section,
)

from hbprobe.errors import UserError
from hbprobe.evidence.captures.capture_file import CaptureFile, pieces


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_all_byte_orders_and_resolutions_of_pcap(tmp_path, order, nano):
    data = pcap([(1.000_002, ethernet(SYN_PACKET))], order=order, nano=nano)
    packets, (segment,), _ = read(tmp_path, data)
    assert packets == [(1_000_002_000, len(ethernet(SYN_PACKET)), len(ethernet(SYN_PACKET)))]
    assert is_the_syn(segment)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_interfaces_of_their_own_resolution(tmp_path, order):
    frame = ethernet(SYN_PACKET)
    data = (
        section(order) + interface(1, order) + interface(101, order, ticks=9) + interface(1, order, ticks=0x80 | 10)
    )
    data += enhanced(frame, 2_000_001, 0, order) + enhanced(SYN_PACKET, 2_000_000_003, 1, order)
    data += block(0x0BAD, b"whatever it is", order) + enhanced(frame, 3 << 10 | 512, 2, order)
    data += block(2, struct.pack(f"{order}HHIIII", 1, 0, 0, 5, len(SYN_PACKET), len(SYN_PACKET)) + SYN_PACKET, order)
    data += block(3, struct.pack(f"{order}I", len(frame)) + frame, order)
    data += section(order) + interface(101, order, ticks=3, offset_s=100) + enhanced(SYN_PACKET, 5, 0, order)
    packets, segments, file = read(tmp_path, data)
    times = [2_000_001_000, 2_000_000_003, 3_500_000_000, 5, 5, 100_005_000_000]
    assert [at for at, _, _ in packets] == times
    assert all(map(is_the_syn, segments))
    assert len(segments) == 6
    assert [one["number"] for one in segments] == [1, 2, 3, 4, 5, 6]
    assert file.untimed == 1


def test_sections_of_both_byte_orders(tmp_path):
    data = b"".join(
        section(order) + interface(101, order) + enhanced(SYN_PACKET, 7, 0, order) for order in ("<", ">", "<")
    )
    packets, segments, _ = read(tmp_path, data)
    assert [at for at, _, _ in packets] == [7000] * 3
    assert all(map(is_the_syn, segments))


def test_damage_ends_the_reading_and_is_said(tmp_path):
    data = pcap([(1, ethernet(SYN_PACKET))] * 3) + struct.pack("<IIII", 1, 1, 0x7FFFFFFF, 5) + bytes(40)
    _, segments, file = read(tmp_path, data)
    assert len(segments) == 3
    assert file.notes == ["damaged after packet 3: a packet claims 2147483647 bytes; what follows was not read"]


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_no_bytes_break_the_readers(tmp_path, kind):
    rng = random.Random(5)
    talk = Talk().open().void("client", 30)
    if kind == "pcap":
        good = pcap(talk.ethernet())
    else:
        good = section() + interface(1) + b"".join(enhanced(frame, round(at * 1e6)) for at, frame in talk.ethernet())
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 30)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "a").write_bytes(data[: rng.randrange(len(data))])
        with contextlib.suppress(UserError):
            list(pieces(CaptureFile(tmp_path / "a")))
