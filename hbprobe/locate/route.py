"""The hops to a server: by connections that may go only so far, or by raw packets.

The socket whose keep-alives die on the way is told nothing: Linux passes over ICMP for those. A socket that is still
connecting is told, and with IP_RECVERR its error queue also holds who said it (ip(7), ipv6(7)). No privilege is
needed for that.

The raw packets are a TCP traceroute whose SYNs are one flow, built and read by scapy: routers that spread flows over
several ways send all of these SYNs the same one. That takes root (CAP_NET_RAW) and the extra `raw`.
https://paris-traceroute.net/about/ tells why one flow matters.
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hbprobe.errors import CannotMeasureError, RequestError
from hbprobe.locate.finding import Hop, Route

_PATIENCE_S = 2.5
"""Time for one SYN to be lost: Linux sends the next after a second."""
_AT_A_TIME = 8
_IP_RECVERR, _IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h
_ERRORS = ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR))
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err, linux/errqueue.h
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
_TIME_EXCEEDED = {_ORIGIN_ICMP: 11, _ORIGIN_ICMP6: 3}

_ADDRESS_AT = {int(socket.AF_INET): (4, 4), int(socket.AF_INET6): (8, 16)}
"""Where an address stands in struct sockaddr_in and sockaddr_in6, and its length."""

Prepare = Callable[[socket.socket], None]
HopAddress = tuple[str | int, ...]
"""As the system names it: host and port, and for IPv6 two more."""


def set_ttl(sock: socket.socket, ttl: int) -> None:
    """Let a socket's packets pass so many hops; 0 for as many as the system's default."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl or -1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl or _default_ttl(sock))


def _default_ttl(sock: socket.socket) -> int:
    with socket.socket(sock.family, sock.type) as fresh:
        return fresh.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)


async def find_route(
    family: socket.AddressFamily, address: HopAddress, most_hops: int, prepare: Prepare = lambda _: None
) -> Route:
    """Find the hops to an address that takes TCP connections, a few at a time; takes 2.5 s for each silent batch.

    `prepare` is given each socket before it connects.
    """
    hops: list[Hop] = []
    for first in range(1, most_hops + 1, _AT_A_TIME):
        batch = range(first, min(first + _AT_A_TIME, most_hops + 1))
        answers = await asyncio.gather(*(_try(family, address, ttl, prepare) for ttl in batch))
        arrived = next((ttl for ttl, answer in zip(batch, answers, strict=True) if answer is None), None)
        hops += [answer for answer in answers if answer is not None and (arrived is None or answer.ttl < arrived)]
        if arrived is not None:
            return Route(tuple(hops), arrived)
    return Route(tuple(hops), None)


async def _try(family: socket.AddressFamily, address: HopAddress, ttl: int, prepare: Prepare) -> Hop | None:
    """Connect so far; return who objected, or None when TCP was answered, if only with RST."""
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.setblocking(False)
        prepare(sock)
        set_ttl(sock, ttl)
        _ask_for_errors(sock)
        started_s = loop.time()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await loop.sock_connect(sock, address)
        except TimeoutError:
            return Hop(ttl, None)
        except ConnectionRefusedError:
            return None
        except OSError:
            objection = read_objection(sock)
            if objection is None:
                return Hop(ttl, None)
            who, refuses = objection
            return Hop(ttl, who, loop.time() - started_s, refuses)
    return None


def _ask_for_errors(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def read_objection(sock: socket.socket) -> tuple[str, bool] | None:
    """Read from a socket's error queue who objected by ICMP, and whether it bars the way; None if nobody did."""
    with contextlib.suppress(OSError):
        while True:
            _, ancillary, _, _ = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE)
            for level, kind, data in ancillary:
                objection = parse_objection(data) if (level, kind) in _ERRORS else None
                if objection is not None:
                    return objection
    return None


def parse_objection(data: bytes) -> tuple[str, bool] | None:
    """Read struct sock_extended_err and the address behind it; None for what ICMP did not bring, and for garbage."""
    if len(data) < _EXTENDED_ERROR.size + 2:
        return None
    _, origin, kind, _, _, _, _ = _EXTENDED_ERROR.unpack_from(data)
    offender = data[_EXTENDED_ERROR.size :]
    family = int.from_bytes(offender[:2], sys.byteorder)
    start, length = _ADDRESS_AT.get(family, (0, 0))
    if origin not in _TIME_EXCEEDED or not length or len(offender) < start + length:
        return None
    return str(ipaddress.ip_address(offender[start : start + length])), kind != _TIME_EXCEEDED[origin]


_RAW_PATIENCE_S, _ROUNDS = 1.5, 2
"""SYNs are sent again after that time: answers get lost, and a busy link has more packets than scapy can read."""
_SEQUENCE = 0x5EED0000
"""A SYN with TTL k has this sequence number plus k, which every answer quotes or acknowledges."""
_ICMP_TIME_EXCEEDED = 11


def load_scapy() -> Any:  # noqa: ANN401  scapy's modules, which are not typed
    """Return scapy; raises UserError where it is not installed."""
    try:
        import scapy.all as scapy
    except ImportError:
        raise RequestError("{raw} needs scapy, which is not there: pip install scapy", "raw") from None
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
    await asyncio.sleep(_RAW_PATIENCE_S)
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
    ready.wait(_RAW_PATIENCE_S)
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
            time_exceeded = packet.haslayer(scapy.ICMP) and packet[scapy.ICMP].type == _ICMP_TIME_EXCEEDED
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
