"""Link layers, IP and TCP: against the letter of the formats, and against dpkt and tshark."""

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
from support.captures import OTHER_SIX, SIX, SYN_PACKET, is_the_syn, random_capture, random_frames, read
from support.packets import ACK, CLIENT, PSH, SERVER, enhanced, ethernet, interface, ip, pcap, section, tcp

from hbprobe.evidence.captures import headers
from hbprobe.evidence.captures.capture_file import CaptureFile, pieces

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
def test_tshark_reads_the_same_of_100_captures(tmp_path):
    """They stand in one file, each as a section of its own byte order and resolution, for tshark is slow to start."""
    rng = random.Random(200)
    data = b"".join(random_section(rng) for _ in range(100))
    _, segments, file = read(tmp_path, data, "a.pcapng")
    reference = list(by_tshark(tmp_path / "a.pcapng"))
    assert len(segments) > 1500
    own = {one["number"] for one in segments}
    beyond = [one for one in reference if one["number"] not in own]
    assert [{name: one[name] for name in FIELDS} for one in segments] == [
        one for one in reference if one["number"] in own
    ]
    assert len(beyond) <= file.counts.cut  # tshark tells ports of a header that is not whole


def test_arrays_are_of_one_length(tmp_path):
    (tmp_path / "a").write_bytes(random_capture(random.Random(3)))
    for piece in pieces(CaptureFile(tmp_path / "a")):
        lengths = {len(getattr(piece.segments, name)) for name in type(piece.segments).__slots__}
        assert len(lengths) == 1
        assert np.all(np.diff(piece.segments.record) > 0)
