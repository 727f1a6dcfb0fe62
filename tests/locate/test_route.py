import asyncio
import socket
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe import warp
from hbprobe.locate.finding import Hop, Route
from hbprobe.locate.route import find_route, parse_objection, set_ttl

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
