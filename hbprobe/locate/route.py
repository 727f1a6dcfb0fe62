"""The hops to a server, without privileges: connections that may go only so far, and what ICMP says of them.

The socket whose keep-alives die on the way is told nothing: Linux passes over ICMP for those. A socket that is still
connecting is told, and with IP_RECVERR its error queue also holds who said it (ip(7), ipv6(7)).
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
import sys
from collections.abc import Callable

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
