"""None"""

import asyncio
import functools
import socket
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe import warp
from hbprobe.locate.finding import Hop, Route
from hbprobe.locate.route import build_syn, find_route, load_scapy, parse_objection, read_route, set_ttl

V4 = struct.pack("=HH4s8x", socket.AF_INET, 0, bytes([192, 0, 2, 1]))
V6 = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, "2001:db8::1"), 0)


def extended(origin, kind, offender, code=0):
    return struct.pack("=IBBBBII", 113, origin, kind, code, 0, 0, 0) + offender


@pytest.mark.parametrize(
    ("data", "objection"),
    [
        (extended(2, 11, V4), ("192.0.2.1", False)),
        (extended(2, 3, V4, 13), ("192.0.2.1", True)),
        (extended(3, 3, V6), ("2001:db8::1", False)),
        (extended(3, 1, V6, 1), ("2001:db8::1", True)),
        (extended(1, 0, V4), None),
        (extended(2, 11, struct.pack("=HH12x", socket.AF_UNSPEC, 0)), None),
        (b"", None),
    ],
)
def test_who_objects(data, objection):
    assert parse_objection(data) == objection


@pytest.mark.parametrize("whole", [extended(2, 11, V4)[:24], extended(3, 3, V6)[:40]], ids=["IPv4", "IPv6"])
def test_an_objection_that_is_cut_off(whole):
    assert parse_objection(whole) is not None
    assert all(parse_objection(whole[:length]) is None for length in range(len(whole)))


@given(st.binary(max_size=64))
def test_garbage_is_no_error(data):
    parse_objection(data)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
@pytest.mark.skipif(sys.platform != "linux", reason="error queues are Linux's")
@pytest.mark.parametrize("listens", [True, False])
def test_on_loopback_tcp_is_answered_at_once_if_only_with_rst(family, host, listens):
    with socket.socket(family, socket.SOCK_STREAM) as server:
        try:
            server.bind((host, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        if listens:
            server.listen(16)
        found = warp.run(find_route(family, server.getsockname(), 3), warp.ScaledClock())
    assert found == Route((), 1)


def test_hops_are_asked_for_in_batches(monkeypatch):
    asked = []

    async def answer(family, address, ttl, prepare):
        asked.append(ttl)
        await asyncio.sleep(0)
        return None if ttl >= 10 else Hop(ttl, f"192.0.2.{ttl}")

    monkeypatch.setattr("hbprobe.locate.route._try", answer)
    found = warp.run(find_route(socket.AF_INET, ("192.0.2.99", 443), 30), warp.WarpClock())
    assert asked == list(range(1, 17))
    assert found.distance == 10
    assert [hop.ttl for hop in found.hops] == list(range(1, 10))


def test_a_route_without_end(monkeypatch):
    async def nobody(family, address, ttl, prepare):
        await asyncio.sleep(0)
        return Hop(ttl, None)

    monkeypatch.setattr("hbprobe.locate.route._try", nobody)
    found = warp.run(find_route(socket.AF_INET, ("192.0.2.99", 443), 10), warp.WarpClock())
    assert (len(found.hops), found.distance) == (10, None)


def test_a_ttl_is_set_and_set_back():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        usual = sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)
        set_ttl(sock, 3)
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 3
        set_ttl(sock, 0)
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == usual


def test_a_hop_limit_is_set_and_set_back():
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        usual = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
        set_ttl(sock, 3)
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) == 3
        set_ttl(sock, 0)
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) == usual


@functools.cache
def scapy():
    return load_scapy()


PORT = 40_000
SENT = [{ttl: start_s + 0.001 * ttl for ttl in (1, 2, 3, 4)} for start_s in (0, 1)]


def syn(ttl, family=socket.AF_INET):
    host = "198.51.100.9" if family == socket.AF_INET else "2001:db8::9"
    return build_syn(scapy(), family, host, PORT, 443, ttl)


def over_the_wire(packet):
    return type(packet)(bytes(packet))


def exceeded(ttl, address, kind=11):
    return over_the_wire(
        scapy().IP(src=address, dst="192.0.2.1") / scapy().ICMP(type=kind, code=0) / bytes(syn(ttl))[:28]
    )


def exceeded6(ttl, address):
    packet = (
        scapy().IPv6(src=address, dst="2001:db8::1") / scapy().ICMPv6TimeExceeded() / bytes(syn(ttl, socket.AF_INET6))
    )
    return over_the_wire(packet)


def answer(ttl, flags="SA", family=socket.AF_INET):
    asked = syn(ttl, family)[scapy().TCP]
    head = scapy().IP(src="198.51.100.9") if family == socket.AF_INET else scapy().IPv6(src="2001:db8::9")
    return over_the_wire(head / scapy().TCP(sport=443, dport=PORT, flags=flags, ack=asked.seq + 1))


def test_a_syn_goes_so_far_and_says_so():
    packet = over_the_wire(syn(7))
    assert (packet[scapy().IP].ttl, packet[scapy().TCP].seq & 0xFF, packet[scapy().TCP].flags) == (7, 7, "S")
    assert syn(7, socket.AF_INET6)[scapy().IPv6].hlim == 7


@pytest.mark.parametrize("flags", ["SA", "RA"])
def test_hops_and_who_answers(flags):
    came = [
        (0.05, answer(4, flags)),
        (0.04, answer(3, flags)),
        (0.03, exceeded(2, "192.0.2.22", kind=3)),
        (0.02, exceeded(1, "192.0.2.21")),
        (0.06, exceeded(1, "192.0.2.99")),
        (0.07, over_the_wire(scapy().IP() / scapy().TCP(dport=PORT + 1, ack=1))),
        (0.08, over_the_wire(scapy().IP() / scapy().TCP(dport=PORT, ack=1))),
        (0.09, over_the_wire(scapy().IP() / scapy().UDP())),
    ]
    first, second = (
        Hop(1, "192.0.2.21", pytest.approx(0.019)),
        Hop(2, "192.0.2.22", pytest.approx(0.028), refuses=True),
    )
    assert read_route(scapy(), came, SENT, PORT) == Route((first, second), 3)


def test_over_ipv6():
    came = [(0.02, exceeded6(1, "2001:db8::21")), (0.03, answer(2, family=socket.AF_INET6))]
    assert read_route(scapy(), came, SENT, PORT) == Route((Hop(1, "2001:db8::21", pytest.approx(0.019)),), 2)


def test_an_answer_to_the_second_round():
    came = [(1.05, answer(2)), (1.02, exceeded(1, "192.0.2.21"))]
    assert read_route(scapy(), came, SENT, PORT) == Route((Hop(1, "192.0.2.21", pytest.approx(0.019)),), 2)


def test_nothing_came():
    assert read_route(scapy(), [], SENT, PORT) == Route(tuple(Hop(ttl, None) for ttl in SENT[0]), None)
