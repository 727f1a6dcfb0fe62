"""The hops to a server by raw packets: a TCP traceroute whose SYNs are one flow, built and read by scapy.

Routers that spread flows over several ways send all of these SYNs the same one. Needs root (CAP_NET_RAW) and the
extra `raw`. https://paris-traceroute.net/about/ tells why one flow matters.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.locate.finding import Hop, Route
from hbprobe.locate.route import HopAddress

_PATIENCE_S, _ROUNDS = 1.5, 2
"""SYNs are sent again after that time: answers get lost, and a busy link has more packets than scapy can read."""
_SEQUENCE = 0x5EED0000
"""A SYN with TTL k has this sequence number plus k, which every answer quotes or acknowledges."""
_TIME_EXCEEDED = 11


def load_scapy() -> Any:  # noqa: ANN401  scapy's modules, which are not typed
    """Return scapy; raises UserError where it is not installed."""
    try:
        import scapy.all as scapy
    except ImportError:
        raise UserError("--raw needs scapy, which is not there: pip install scapy") from None
    return scapy


async def find_raw_route(family: socket.AddressFamily, address: HopAddress, most_hops: int) -> Route:
    """Find the hops to an address that takes TCP connections, all at once, in 3 s.

    Raises CannotMeasureError where this user may not send raw packets.
    """
    scapy = load_scapy()
    host, port = str(address[0]), int(address[1])
    came: list[tuple[float, Any]] = []
    try:
        with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as ours:  # keeps the port ours
            ours.bind(("", 0))
            own_port = ours.getsockname()[1]
            syns = {ttl: build_syn(scapy, family, host, own_port, port, ttl) for ttl in range(1, most_hops + 1)}
            sniffer = await asyncio.to_thread(_listen, scapy, family, host, came)
            sent = [await _round(scapy, syns) for _ in range(_ROUNDS)]
            await asyncio.to_thread(sniffer.stop)
    except PermissionError:
        raise CannotMeasureError("--raw needs the right to send raw packets: be root, or leave it out") from None
    return read_route(scapy, came, sent, own_port)


async def _round(scapy: Any, syns: Mapping[int, Any]) -> dict[int, float]:  # noqa: ANN401
    """Send all SYNs, and wait for answers; return when each was sent."""
    sent = await asyncio.to_thread(_send, scapy, syns)
    await asyncio.sleep(_PATIENCE_S)
    return sent


def _listen(scapy: Any, family: socket.AddressFamily, host: str, came: list[tuple[float, Any]]) -> Any:  # noqa: ANN401
    """Start to note what comes on the link that leads to the host."""
    routes, ready = scapy.conf.route6 if family == socket.AF_INET6 else scapy.conf.route, threading.Event()
    sniffer = scapy.AsyncSniffer(
        iface=routes.route(host)[0],
        store=False,
        prn=lambda packet: came.append((time.perf_counter(), packet)),
        started_callback=ready.set,
    )
    sniffer.start()
    ready.wait(_PATIENCE_S)
    if isinstance(sniffer.exception, PermissionError):
        raise sniffer.exception
    return sniffer


def _send(scapy: Any, syns: Mapping[int, Any]) -> dict[int, float]:  # noqa: ANN401
    """Send them all; return when each was sent."""
    sent = {}
    for ttl, syn in syns.items():
        sent[ttl] = time.perf_counter()
        scapy.send(syn, verbose=False)
    return sent


def build_syn(
    scapy: Any,  # noqa: ANN401
    family: socket.AddressFamily,
    host: str,
    own_port: int,
    port: int,
    ttl: int,
) -> Any:  # noqa: ANN401
    """Return a SYN that may go so far, and whose sequence number says how far."""
    head = scapy.IPv6(dst=host, hlim=ttl) if family == socket.AF_INET6 else scapy.IP(dst=host, ttl=ttl, id=ttl)
    return head / scapy.TCP(sport=own_port, dport=port, flags="S", seq=_SEQUENCE + ttl)


def read_route(
    scapy: Any,  # noqa: ANN401
    came: Sequence[tuple[float, Any]],
    sent: Sequence[Mapping[int, float]],
    own_port: int,
) -> Route:
    """Sum up what was heard: packets, each with its time, for SYNs that were sent at times, by TTL, in rounds."""
    hops: dict[int, Hop] = {}
    answered: set[int] = set()
    for at_s, packet in came:
        ttl, answers = _ttl_of(scapy, packet, own_port)
        if ttl not in sent[0]:
            continue
        if answers:
            answered.add(ttl)
        else:
            time_exceeded = packet.haslayer(scapy.ICMP) and packet[scapy.ICMP].type == _TIME_EXCEEDED
            time_exceeded = time_exceeded or packet.haslayer(scapy.ICMPv6TimeExceeded)
            source = packet[scapy.IPv6].src if packet.haslayer(scapy.IPv6) else packet[scapy.IP].src
            trip_s = min((at_s - times[ttl] for times in sent if times[ttl] <= at_s), default=0.0)
            hops.setdefault(ttl, Hop(ttl, source, trip_s, refuses=not time_exceeded))
    distance = min(answered, default=None)
    return Route(tuple(hops.get(ttl, Hop(ttl, None)) for ttl in sorted(sent[0]) if ttl < (distance or 256)), distance)


def _ttl_of(scapy: Any, packet: Any, own_port: int) -> tuple[int, bool]:  # noqa: ANN401
    """Return which SYN a packet speaks of, and whether it answers that; 0 for none of ours."""
    if packet.haslayer(scapy.TCPerror) and packet[scapy.TCPerror].sport == own_port:
        return packet[scapy.TCPerror].seq - _SEQUENCE, False
    if packet.haslayer(scapy.TCP) and packet[scapy.TCP].dport == own_port:
        return packet[scapy.TCP].ack - 1 - _SEQUENCE, True
    return 0, False
