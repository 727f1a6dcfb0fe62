"""What is read out of packets; tests/lab/kernel sends some."""

import socket

import pytest

from hbprobe.locate.finding import Hop, Route
from hbprobe.locate.raw_route import build_syn, load_scapy, read_route

scapy = load_scapy()
PORT = 40_000
SENT = [{ttl: start_s + 0.001 * ttl for ttl in (1, 2, 3, 4)} for start_s in (0, 1)]


def syn(ttl, family=socket.AF_INET):
    host = "198.51.100.9" if family == socket.AF_INET else "2001:db8::9"
    return build_syn(scapy, family, host, PORT, 443, ttl)


def over_the_wire(packet):
    return type(packet)(bytes(packet))


def exceeded(ttl, address, kind=11):
    return over_the_wire(
        scapy.IP(src=address, dst="192.0.2.1") / scapy.ICMP(type=kind, code=0) / bytes(syn(ttl))[:28]
    )


def exceeded6(ttl, address):
    packet = (
        scapy.IPv6(src=address, dst="2001:db8::1") / scapy.ICMPv6TimeExceeded() / bytes(syn(ttl, socket.AF_INET6))
    )
    return over_the_wire(packet)


def answer(ttl, flags="SA", family=socket.AF_INET):
    asked = syn(ttl, family)[scapy.TCP]
    head = scapy.IP(src="198.51.100.9") if family == socket.AF_INET else scapy.IPv6(src="2001:db8::9")
    return over_the_wire(head / scapy.TCP(sport=443, dport=PORT, flags=flags, ack=asked.seq + 1))


def test_a_syn_goes_so_far_and_says_so():
    packet = over_the_wire(syn(7))
    assert (packet[scapy.IP].ttl, packet[scapy.TCP].seq & 0xFF, packet[scapy.TCP].flags) == (7, 7, "S")
    assert syn(7, socket.AF_INET6)[scapy.IPv6].hlim == 7


@pytest.mark.parametrize("flags", ["SA", "RA"])
def test_hops_and_who_answers(flags):
    came = [
        (0.05, answer(4, flags)),
        (0.04, answer(3, flags)),
        (0.03, exceeded(2, "192.0.2.22", kind=3)),
        (0.02, exceeded(1, "192.0.2.21")),
        (0.06, exceeded(1, "192.0.2.99")),
        (0.07, over_the_wire(scapy.IP() / scapy.TCP(dport=PORT + 1, ack=1))),
        (0.08, over_the_wire(scapy.IP() / scapy.TCP(dport=PORT, ack=1))),
        (0.09, over_the_wire(scapy.IP() / scapy.UDP())),
    ]
    first, second = (
        Hop(1, "192.0.2.21", pytest.approx(0.019)),
        Hop(2, "192.0.2.22", pytest.approx(0.028), refuses=True),
    )
    assert read_route(scapy, came, SENT, PORT) == Route((first, second), 3)


def test_over_ipv6():
    came = [(0.02, exceeded6(1, "2001:db8::21")), (0.03, answer(2, family=socket.AF_INET6))]
    assert read_route(scapy, came, SENT, PORT) == Route((Hop(1, "2001:db8::21", pytest.approx(0.019)),), 2)


def test_an_answer_to_the_second_round():
    came = [(1.05, answer(2)), (1.02, exceeded(1, "192.0.2.21"))]
    assert read_route(scapy, came, SENT, PORT) == Route((Hop(1, "192.0.2.21", pytest.approx(0.019)),), 2)


def test_nothing_came():
    assert read_route(scapy, [], SENT, PORT) == Route(tuple(Hop(ttl, None) for ttl in SENT[0]), None)
