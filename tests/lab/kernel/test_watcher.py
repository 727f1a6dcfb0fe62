"""What the watcher reads, packets and conntrack's events, and what it sends."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.lab.kernel.watcher import Acknowledged, ending_packet, forgotten

CLIENT, SERVER = ("10.40.0.1", 40000), ("10.40.1.2", 8443)
ASKS, ANSWERS = (*CLIENT, *SERVER), (*SERVER, *CLIENT)


def packet(end, flags="A", ack=0, payload=b""):
    from scapy.layers.inet import IP, TCP

    source, port, target, target_port = end
    return bytes(IP(src=source, dst=target) / TCP(sport=port, dport=target_port, flags=flags, ack=ack) / payload)


# What the ends have acknowledged


def test_the_last_acknowledgement_of_each_end_is_known():
    known = Acknowledged()
    for end, ack in ((ASKS, 100), (ANSWERS, 7), (ASKS, 250)):
        known.see(packet(end, ack=ack))
    assert (known.by(ASKS), known.by(ANSWERS)) == (250, 7)


def test_a_syn_acknowledges_nothing():
    known = Acknowledged()
    known.see(packet(ASKS, "S"))
    assert known.by(ASKS) is None


@pytest.mark.parametrize(
    "last", [[(ASKS, "R")], [(ANSWERS, "RA")], [(ASKS, "FA"), (ANSWERS, "FA")], [(ANSWERS, "FA"), (ASKS, "FPA")]]
)
def test_a_flow_that_its_ends_have_ended_is_over(last):
    known = Acknowledged()
    known.see(packet(ASKS, ack=5))
    known.see(packet(ANSWERS, ack=6))
    for end, flags in last:
        known.see(packet(end, flags, ack=9))
    assert (known.by(ASKS), known.by(ANSWERS), len(known)) == (None, None, 0)


def test_one_fin_ends_no_flow():
    known = Acknowledged()
    known.see(packet(ASKS, "FA", ack=5))
    assert known.by(ASKS) == 5


def test_what_is_no_tcp_or_cut_short_is_passed_over():
    from scapy.layers.inet import IP, UDP

    known = Acknowledged()
    known.see(bytes(IP(src="10.40.0.1", dst="10.40.1.2") / UDP(sport=1, dport=2) / (b"x" * 40)))
    known.see(packet(ASKS, ack=5)[:30])
    assert len(known) == 0


@given(st.binary(max_size=80))
def test_garbage_is_no_packet_to_fall_over(data):
    Acknowledged().see(data)


# Conntrack's events


def attribute(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def tuple_of(kind, end, protocol=socket.IPPROTO_TCP):
    source, port, target, target_port = end
    addresses = attribute(1, socket.inet_aton(source)) + attribute(2, socket.inet_aton(target))
    ports = attribute(2, struct.pack("!H", port)) + attribute(3, struct.pack("!H", target_port))
    return attribute(
        kind | 0x8000, attribute(0x8001, addresses) + attribute(0x8002, attribute(1, bytes([protocol])) + ports)
    )


def event(*attributes, kind=0x0102):
    body = b"\x02\0\0\0" + b"".join(attributes)
    return struct.pack("=IHHII", len(body) + 16, kind, 0, 0, 0) + body


TRANSLATED = (*SERVER, "10.40.1.1", 1024)


def test_a_destroyed_flow_is_told_as_each_end_sees_it():
    assert list(forgotten(event(tuple_of(1, ASKS), tuple_of(2, TRANSLATED)))) == [(ASKS, TRANSLATED)]


def test_several_events_in_one_message():
    one = event(tuple_of(1, ASKS), tuple_of(2, ANSWERS))
    assert list(forgotten(one + one)) == [(ASKS, ANSWERS)] * 2


def test_other_attributes_and_other_messages_are_passed_over():
    assert list(forgotten(event(attribute(3, b"\0" * 5), tuple_of(1, ASKS), tuple_of(2, ANSWERS)))) == [
        (ASKS, ANSWERS)
    ]
    assert list(forgotten(event(tuple_of(1, ASKS), tuple_of(2, ANSWERS), kind=0x0100))) == []
    assert list(forgotten(event(tuple_of(1, ASKS, socket.IPPROTO_UDP), tuple_of(2, ANSWERS)))) == []


def test_an_event_that_is_cut_short_tells_nothing():
    whole = event(tuple_of(1, ASKS), tuple_of(2, ANSWERS))
    assert all(list(forgotten(whole[:length])) == [] for length in range(len(whole) - 2)), "but for the padding"


@given(st.binary(max_size=200))
def test_garbage_is_no_event_to_fall_over(data):
    list(forgotten(data))
    list(forgotten(event(data)))


# What it sends


def test_a_reset_carries_the_number_that_the_end_expects():
    from scapy.layers.inet import IP, TCP

    sent = IP(ending_packet(ASKS, 250, 7, "rst"))
    assert (sent.src, sent.dst, sent[TCP].sport, sent[TCP].dport) == (SERVER[0], CLIENT[0], SERVER[1], CLIENT[1])
    assert (sent[TCP].flags, sent[TCP].seq) == ("R", 250)


def test_a_fin_acknowledges_what_the_end_has_said():
    from scapy.layers.inet import IP, TCP

    sent = IP(ending_packet(ANSWERS, 7, 250, "fin"))
    assert (sent.src, sent.dst) == (CLIENT[0], SERVER[0])
    assert (sent[TCP].flags, sent[TCP].seq, sent[TCP].ack) == ("FA", 7, 250)


@given(
    st.tuples(*[st.ip_addresses(v=4).map(str), st.integers(0, 0xFFFF)] * 2),
    *[st.integers(0, 0xFFFFFFFF)] * 2,
    st.sampled_from([("rst", "R"), ("fin", "FA")]),
)
def test_it_is_the_packet_that_scapy_builds(to, seq, ack, kind):
    from scapy.layers.inet import IP, TCP

    address, port, peer, peer_port = to
    tcp = TCP(sport=peer_port, dport=port, seq=seq, ack=ack, flags=kind[1])
    assert ending_packet(to, seq, ack, kind[0]) == bytes(IP(src=peer, dst=address) / tcp)
