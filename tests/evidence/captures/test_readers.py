"""pcap and pcapng, link layers and headers: against the letter of the formats, and against dpkt."""

import contextlib
import io
import ipaddress
import os
import random
import shutil
import struct
import subprocess
from decimal import Decimal

import dpkt
import numpy as np
import pytest
from support.packets import (
    ACK,
    CLIENT,
    PSH,
    SERVER,
    STAMPS,
    SYN,
    Talk,
    block,
    enhanced,
    ethernet,
    interface,
    ip,
    pcap,
    section,
    tcp,
)

from hbprobe.errors import UserError
from hbprobe.evidence.captures import headers
from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.capture_file import CaptureFile, found, pieces

SIX, OTHER_SIX = ("2001:db8::7", 50001), ("2001:db8::443", 443)
SYN_PACKET = ip(CLIENT, SERVER, tcp(CLIENT, SERVER, SYN, 1000, 0, options=STAMPS), number=7)


def read(tmp_path, data, name="a.pcap", **how):
    """Return what was read of a file: its packets, its TCP segments as dicts, and the file."""
    path = tmp_path / name
    path.write_bytes(data)
    file = CaptureFile(path)
    packets, segments = [], []
    for piece in pieces(file, **how):
        records, found_ = piece.records, piece.segments
        packets += zip(records.time_ns.tolist(), records.captured.tolist(), records.wire.tolist(), strict=True)
        for at in range(len(found_)):
            row = {name: int(getattr(found_, name)[at]) for name in type(found_).__slots__}
            row["number"] = piece.first_packet + row.pop("record")
            row["source"] = row.pop("source_high") << 64 | row.pop("source_low")
            row["target"] = row.pop("target_high") << 64 | row.pop("target_low")
            row["payload"] = bytes(piece.data[row["payload"] : row["end"]])
            segments.append(row)
    return packets, segments, file


def is_the_syn(segment):
    return (segment["source_port"], segment["sequence"], segment["ttl"], segment["ip_id"]) == (50001, 1000, 64, 7)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_all_byte_orders_and_resolutions_of_pcap(tmp_path, order, nano):
    data = pcap([(1.000_002, ethernet(SYN_PACKET))], order=order, nano=nano)
    packets, (segment,), _ = read(tmp_path, data)
    assert packets == [(1_000_002_000, len(ethernet(SYN_PACKET)), len(ethernet(SYN_PACKET)))]
    assert is_the_syn(segment)


LINKS = {
    0: struct.pack("<I", 2) + SYN_PACKET,
    1: ethernet(SYN_PACKET),
    9: b"\x00\x21" + SYN_PACKET,
    12: SYN_PACKET,
    14: SYN_PACKET,
    50: b"\x00\x21" + SYN_PACKET,
    51: b"\x11\x00\x00\x01" + struct.pack(">H", len(SYN_PACKET) + 2) + b"\x00\x21" + SYN_PACKET,
    101: SYN_PACKET,
    108: struct.pack(">I", 2) + SYN_PACKET,
    113: bytes(14) + b"\x08\x00" + SYN_PACKET,
    228: SYN_PACKET,
    229: SYN_PACKET,
    276: b"\x08\x00" + bytes(18) + SYN_PACKET,
}


def test_each_link_type_has_its_example():
    assert LINKS.keys() == headers.LINKS.keys()


@pytest.mark.parametrize("link", LINKS)
def test_link_types(tmp_path, link):
    _, (segment,), file = read(tmp_path, pcap([(1, LINKS[link])], link=link))
    assert is_the_syn(segment)
    assert file.counts.odd_link == 0


def test_a_link_type_that_scapy_reads(tmp_path):
    radio = b"\x00\x00\x08\x00\x00\x00\x00\x00" + b"\x08\x00" + bytes(22)  # radiotap, then 802.11 data
    frame = radio + b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + SYN_PACKET
    _, (segment,), file = read(tmp_path, pcap([(1, frame)], link=127))
    assert is_the_syn(segment)
    assert file.counts.odd_link == 1


def test_a_link_type_that_nobody_reads(tmp_path):
    _, segments, file = read(tmp_path, pcap([(1, bytes(80))], link=147))
    assert (segments, file.counts.unknown_link) == ([], 1)


@pytest.mark.parametrize("vlans", [(), (7,), (7, 9)])
def test_vlans(tmp_path, vlans):
    _, (segment,), _ = read(tmp_path, pcap([(1, ethernet(SYN_PACKET, vlans))]))
    assert is_the_syn(segment)


def test_ppp_over_ethernet(tmp_path):
    session = b"\x11\x00\x00\x01" + struct.pack(">H", len(SYN_PACKET) + 2) + b"\x00\x21" + SYN_PACKET
    _, (segment,), _ = read(tmp_path, pcap([(1, bytes(12) + b"\x88\x64" + session)]))
    assert is_the_syn(segment)


def test_ipv6_with_extension_headers(tmp_path):
    segment = tcp(SIX, OTHER_SIX, PSH | ACK, 5, 6, b"hello")
    hop_by_hop = bytes([60, 0]) + bytes(6)
    destination = bytes([51, 1]) + bytes(14)
    authentication = bytes([6, 4]) + bytes(22)
    packet = ip(SIX, OTHER_SIX, hop_by_hop + destination + authentication + segment, protocol=0)
    _, (found_,), _ = read(tmp_path, pcap([(1, ethernet(packet))]))
    assert (found_["length"], found_["payload"], found_["ip_id"], found_["ttl"]) == (5, b"hello", -1, 64)
    assert found_["source"] == int.from_bytes(bytes.fromhex("20010db8000000000000000000000007"))


def test_fragments_are_counted(tmp_path):
    first = ip(CLIENT, SERVER, tcp(CLIENT, SERVER, ACK, 1, 1, b"x" * 28), fragment=0x2000)
    later = ip(CLIENT, SERVER, b"y" * 48, fragment=6)
    six = ip(SIX, OTHER_SIX, bytes([6, 0]) + struct.pack(">HI", 8 << 3, 1) + b"z" * 40, protocol=44)
    _, segments, file = read(tmp_path, pcap([(at, ethernet(one)) for at, one in enumerate((first, later, six))]))
    assert len(segments) == 1
    assert file.counts.fragments == 2


def test_a_snap_length_that_cuts_payload_and_headers(tmp_path):
    packet = ethernet(ip(CLIENT, SERVER, tcp(CLIENT, SERVER, PSH | ACK, 1, 1, b"x" * 100)))
    _, (segment,), _ = read(tmp_path, pcap([(1, packet)], snap=64))
    assert (segment["length"], segment["payload"]) == (100, b"x" * 10)
    _, segments, file = read(tmp_path, pcap([(1, packet)], snap=40))
    assert (segments, file.counts.cut) == ([], 1)


def test_a_packet_whose_length_the_card_fills_in_later(tmp_path):
    packet = bytearray(ip(CLIENT, SERVER, tcp(CLIENT, SERVER, PSH | ACK, 1, 1, b"x" * 100)))
    packet[2:4] = b"\0\0"
    _, (segment,), _ = read(tmp_path, pcap([(1, ethernet(bytes(packet)))]))
    assert segment["length"] == 100


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


def random_frames(rng):
    """Return all sorts of packets with their times, and how to write them."""
    order, nano, snap = rng.choice("<>"), rng.random() < 0.5, rng.choice((60, 96, 65535))
    frames, at_s = [], 1_600_000_000 + rng.random()
    for _ in range(rng.randrange(1, 60)):
        at_s += rng.expovariate(3)
        six = rng.random() < 0.3
        one, other = (SIX, OTHER_SIX) if six else (CLIENT, SERVER)
        if rng.random() < 0.5:
            one, other = other, one
        options = rng.choice((b"", STAMPS, b"\x02\x04\x05\xb4"))
        segment = tcp(
            one,
            other,
            rng.randrange(64),
            rng.randrange(2**32),
            rng.randrange(2**32),
            rng.randbytes(rng.choice((0, 1, 30, 1400))),
            window=rng.randrange(65536),
            options=options,
        )
        kind = rng.random()
        if kind < 0.1:
            packet = ip(one, other, rng.randbytes(30), protocol=17)
        else:
            packet = ip(one, other, segment, ttl=rng.randrange(256), number=rng.randrange(65536))
        vlans = rng.choice(((), (), (5,), (5, 6)))
        frame = ethernet(packet, vlans) if kind < 0.95 else bytes(12) + b"\x08\x06" + bytes(28)
        frames.append((at_s, frame))
    return frames, {"order": order, "nano": nano, "snap": snap}


def random_capture(rng):
    """Return a pcap of all sorts of packets."""
    frames, how = random_frames(rng)
    return pcap(frames, **how)


def random_section(rng):
    """Return a section of pcapng of all sorts of packets."""
    frames, how = random_frames(rng)
    order, snap, ticks = how["order"], how["snap"], 9 if how["nano"] else 6
    packets = (enhanced(frame[:snap], round(at_s * 10**ticks), 0, order, wire=len(frame)) for at_s, frame in frames)
    return section(order) + interface(1, order, ticks=ticks, snap=snap) + b"".join(packets)


def by_dpkt(data):
    """Return the packets and TCP segments that dpkt sees, in the same form."""
    packets, segments = [], []
    for number, (at, frame) in enumerate(dpkt.pcap.Reader(io.BytesIO(data)), 1):
        packets.append((at, len(frame)))
        network = dpkt.ethernet.Ethernet(frame).data
        if not isinstance(network, dpkt.ip.IP | dpkt.ip6.IP6) or not isinstance(network.data, dpkt.tcp.TCP):
            continue
        one, six = network.data, isinstance(network, dpkt.ip6.IP6)
        mapped = 0 if six else 0xFFFF << 32
        whole = network.plen if six else network.len - 20
        segments.append(
            {
                "number": number,
                "source": int.from_bytes(network.src) | mapped,
                "target": int.from_bytes(network.dst) | mapped,
                "source_port": one.sport,
                "target_port": one.dport,
                "sequence": one.seq,
                "acknowledgment": one.ack,
                "flags": one.flags & 0xFF,
                "window": one.win,
                "ttl": network.hlim if six else network.ttl,
                "ip_id": -1 if six else network.id,
                "length": whole - one.off * 4,
            }
        )
    return packets, segments


@pytest.mark.parametrize("seeds", [range(first, first + 25) for first in range(0, 200, 25)])
def test_dpkt_reads_the_same(tmp_path, seeds):
    for seed in seeds:
        as_dpkt_reads_it(tmp_path, random.Random(seed))


def as_dpkt_reads_it(tmp_path, rng):
    data = random_capture(rng)
    cut = rng.random() < 0.3
    if cut:
        data = data[: -rng.randrange(1, 16)]
    packets, segments, file = read(tmp_path, data, piece_bytes=rng.choice((4096, 1 << 20)))
    reference, expected = by_dpkt(data)
    assert [(at, captured) for at, captured, _ in packets] == [
        (pytest.approx(float(at) * 1e9, abs=500), size) for at, size in reference[: len(packets)]
    ]
    assert len(reference) - len(packets) == (1 if cut and len(reference) > len(packets) else 0)
    same = [{name: one[name] for name in two} for one, two in zip(segments, expected, strict=False)]
    assert same == expected[: len(same)]
    assert len(expected) - len(same) <= (1 if cut else 0) + file.counts.cut
    assert any("is cut off" in note for note in file.notes) is cut


FIELDS = {
    "number": ("frame.number",),
    "source": ("ip.src", "ipv6.src"),
    "target": ("ip.dst", "ipv6.dst"),
    "source_port": ("tcp.srcport",),
    "target_port": ("tcp.dstport",),
    "sequence": ("tcp.seq_raw",),
    "acknowledgment": ("tcp.ack_raw",),
    "flags": ("tcp.flags",),
    "window": ("tcp.window_size_value",),
    "ttl": ("ip.ttl", "ipv6.hlim"),
    "ip_id": ("ip.id",),
    "length": ("tcp.len",),
    "time_ns": ("frame.time_epoch",),
}


def by_tshark(path):
    """Return the TCP segments that tshark sees, in the same form."""
    names = [name for several in FIELDS.values() for name in several]
    asked = [word for name in names for word in ("-e", name)]
    form = ("-Y", "tcp.len", "-T", "fields", "-E", "occurrence=f", "-o", "tcp.desegment_tcp_streams:FALSE")
    command = ["tshark", "-n", "-r", str(path), *form, *asked]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    for line in said.splitlines():
        told = dict(zip(names, line.split("\t"), strict=True))
        first = {name: next((told[one] for one in several if told[one]), "-1") for name, several in FIELDS.items()}
        yield {name: _number(name, text) for name, text in first.items()}


def _number(name, text):
    if name in ("source", "target"):
        address = ipaddress.ip_address(text)
        return int(address) | (0xFFFF << 32 if address.version == 4 else 0)
    return round(Decimal(text) * 10**9) if name == "time_ns" else int(text, 0) & (0xFF if name == "flags" else -1)


@pytest.mark.program
@pytest.mark.skipif(shutil.which("tshark") is None and not os.environ.get("CI"), reason="needs tshark")
def test_tshark_reads_the_same_of_200_captures(tmp_path):
    """They stand in one file, each as a section of its own byte order and resolution, for tshark is slow to start."""
    rng = random.Random(200)
    data = b"".join(random_section(rng) for _ in range(200))
    _, segments, file = read(tmp_path, data, "a.pcapng")
    reference = list(by_tshark(tmp_path / "a.pcapng"))
    assert len(segments) > 3000
    own = {one["number"] for one in segments}
    beyond = [one for one in reference if one["number"] not in own]
    assert [{name: one[name] for name in FIELDS} for one in segments] == [
        one for one in reference if one["number"] in own
    ]
    assert len(beyond) <= file.counts.cut  # tshark tells ports of a header that is not whole


def test_the_size_of_the_pieces_does_not_matter(tmp_path):
    data = random_capture(random.Random(1)) + b""
    whole = read(tmp_path, data)[1]
    for size in (4096, 5000, 70_000):
        parts = read(tmp_path, data, piece_bytes=size)[1]
        assert [(one["number"], one["sequence"]) for one in parts] == [
            (one["number"], one["sequence"]) for one in whole
        ]


def test_gzip_and_folders(tmp_path):
    import gzip

    ring = tmp_path / "ring"
    ring.mkdir()
    for number in (2, 1):
        (ring / f"r{number}.pcap").write_bytes(pcap([(number, ethernet(SYN_PACKET))]))
    (ring / "notes.txt").write_text("no capture")
    assert [path.name for path in found([ring])] == ["r1.pcap", "r2.pcap"]
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress(pcap([(1, ethernet(SYN_PACKET))])))
    file = CaptureFile(tmp_path / "a.pcap.gz")
    assert sum(len(piece.segments) for piece in pieces(file)) == 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "a.etl",
            b"x",
            (
                "a.etl: .etl files are not read: convert it with pktmon etl2pcap a.etl --out a.pcapng "
                "(for a trace of netsh: etl2pcapng a.etl a.pcapng)"
            ),
        ),
        ("a.pcap", b"", "a.pcap: is empty: not even the head of a capture is there"),
        ("a.txt", b"this is some other kind of file", "a.txt: is no capture: give a file in pcap or pcapng"),
        ("a.pcap", b"\xd4\xc3\xb2\xa1", "a.pcap: is no capture: give a file in pcap or pcapng"),
        ("a.cap", b"GMBU" + bytes(40), "a.cap: is a capture of Microsoft's Network Monitor: convert it with editcap"),
        ("a.zip", b"PK\x03\x04" + bytes(40), "a.zip: is a zip archive: unpack it first"),
        ("a.gz", b"\x1f\x8b" + bytes(40), "a.gz: cannot be read: Unknown compression method"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as refused:
        list(pieces(CaptureFile(tmp_path / name)))
    assert str(refused.value) == f"{tmp_path}/{told}"


def test_what_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.pcap: is not there: give a capture file, a folder of them, or -"):
        found([tmp_path / "nothing.pcap"])
    with pytest.raises(UserError, match=r"holds no capture: give a folder with \.pcap or \.pcapng files"):
        found([tmp_path])


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


def test_arrays_are_of_one_length(tmp_path):
    (tmp_path / "a").write_bytes(random_capture(random.Random(3)))
    for piece in pieces(CaptureFile(tmp_path / "a")):
        lengths = {len(getattr(piece.segments, name)) for name in type(piece.segments).__slots__}
        assert len(lengths) == 1
        assert np.all(np.diff(piece.segments.record) > 0)


def test_a_file_of_a_ring_that_is_cut_short_meanwhile(tmp_path):
    """What is mapped and gone ends the process, so files of a folder are read."""
    (tmp_path / "ring").mkdir()
    path = tmp_path / "ring" / "a.pcap"
    path.write_bytes(pcap([(at, ethernet(SYN_PACKET)) for at in range(20_000)]))
    (file,) = Capture([path.parent]).findings().files
    assert file.is_of_ring
    assert not Capture([path]).findings().files[0].is_of_ring
    again = pieces(CaptureFile(path, is_of_ring=True), piece_bytes=100_000)
    seen = len(next(again).records)
    os.truncate(path, 0)
    seen += sum(len(piece.records) for piece in again)
    assert 0 < seen < 20_000
