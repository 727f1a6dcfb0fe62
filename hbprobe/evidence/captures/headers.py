"""The headers of all packets of a piece at once: link, IP and TCP, gathered and read by numpy.

Link types: https://www.tcpdump.org/linktypes.html. What is none of these is left to a reader of single packets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hbprobe.evidence.captures.packet_records import Ints, Records

Bytes = NDArray[np.uint8]
FindHeader = Callable[[int, bytes], int | None]
"""From a link type and a packet to where its IP header begins."""

_IPV4, _IPV6, _PPPOE = 0x0800, 0x86DD, 0x8864
_VLANS = (0x8100, 0x88A8, 0x9100)
_PPP_IPV4, _PPP_IPV6 = 0x0021, 0x0057
_TCP = 6
_NONE = 0
_BY_VERSION = 1
"""The first four bits of the packet say which IP it is."""
_PPP = 2
_MOST_TAGS, _MOST_EXTENSIONS = 4, 8
_FRAGMENT, _AUTHENTICATION = 44, 51
_EXTENSIONS = (0, 43, 60, _FRAGMENT, _AUTHENTICATION, 135, 139, 140)


@dataclass(frozen=True, slots=True)
class LinkType:
    """How one link type begins."""

    header: int
    """Bytes before the network layer."""
    protocol: int | None
    """Where in them the EtherType stands; None where there is none."""
    otherwise: int = _BY_VERSION


LINKS = {
    0: LinkType(4, None),  # BSD loopback: an address family in the byte order of the machine that captured
    1: LinkType(14, 12),  # Ethernet
    9: LinkType(0, None, _PPP),
    12: LinkType(0, None),  # raw IP
    14: LinkType(0, None),
    50: LinkType(0, None, _PPP),
    51: LinkType(0, None, _PPPOE),
    101: LinkType(0, None),
    108: LinkType(4, None),  # OpenBSD loopback
    113: LinkType(16, 14),  # Linux cooked
    228: LinkType(0, None),
    229: LinkType(0, None),
    276: LinkType(20, 0),  # Linux cooked, version 2
}


@dataclass(frozen=True, slots=True)
class Segments:
    """The TCP segments of one piece; arrays of one length."""

    record: Ints
    """Which packet of the piece it is."""
    time_ns: Ints
    source_high: NDArray[np.uint64]
    source_low: NDArray[np.uint64]
    """IPv4 addresses as IPv6 ones that map them."""
    target_high: NDArray[np.uint64]
    target_low: NDArray[np.uint64]
    source_port: Ints
    target_port: Ints
    sequence: Ints
    acknowledgment: Ints
    flags: Ints
    window: Ints
    length: Ints
    """Bytes of payload as the IP header tells, whether they were captured or not."""
    ttl: Ints
    ip_id: Ints
    """-1 for IPv6."""
    header: Ints
    """Where in the piece the TCP header begins, and where the payload."""
    payload: Ints
    end: Ints
    """Where in the piece what was captured of the payload ends."""

    def __len__(self) -> int:
        return len(self.record)


@dataclass(slots=True)
class PacketCounts:
    """What the packets were."""

    packets: int = 0
    tcp: int = 0
    other: int = 0
    """IP, but not TCP, or not IP at all."""
    fragments: int = 0
    """Later parts of fragmented packets, which have no TCP header."""
    cut: int = 0
    """So short that the TCP header is not whole."""
    unknown_link: int = 0
    """On a link of a type that is not known here."""
    odd_link: int = 0
    """On a link that is read packet by packet."""


def segments(piece: Bytes, records: Records, counts: PacketCounts, locate: FindHeader | None = None) -> Segments:
    """Read all TCP segments of a piece; what is none is counted."""
    counts.packets += len(records)
    at, protocol = _network(piece, records, counts, locate)
    end = records.offset + records.captured
    head4 = (protocol == _IPV4) & (at + 20 <= end)
    head6 = (protocol == _IPV6) & (at + 40 <= end)
    parts = [_ipv4(piece, records, np.flatnonzero(head4), at, end, counts)]
    if head6.any():
        parts.append(_ipv6(piece, records, np.flatnonzero(head6), at, end, counts))
    counts.other += len(records) - int(head4.sum()) - int(head6.sum())
    found = parts[0] if len(parts) == 1 else _in_order(parts)
    counts.tcp += len(found)
    return found


def _in_order(parts: list[Segments]) -> Segments:
    names: Any = Segments.__slots__
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
    order = np.argsort(joined[0], kind="stable")
    return Segments(*(column[order] for column in joined))


def _u16(piece: Bytes, at: Ints) -> Ints:
    return (piece[at].astype(np.int64) << 8) | piece[at + 1]


# Link layer


def _network(piece: Bytes, records: Records, counts: PacketCounts, locate: FindHeader | None) -> tuple[Ints, Ints]:
    """Return where each packet's IP header begins, and its EtherType; `_NONE` where there is none."""
    at, protocol = records.offset.copy(), np.zeros(len(records), np.int64)
    end = records.offset + records.captured
    for kind in np.unique(records.link):
        mine = np.flatnonzero(records.link == kind)
        link = LINKS.get(int(kind))
        if link is None:
            _locate_each(piece, records, mine, at, protocol, counts, locate)
            continue
        fits = mine[records.captured[mine] >= max(link.header, 1)]
        start = records.offset[fits]
        at[fits] = start + link.header
        protocol[fits] = link.otherwise if link.protocol is None else _u16(piece, start + link.protocol)
    _strip(piece, at, end, protocol)
    by_version = np.flatnonzero((protocol == _BY_VERSION) & (at < end))
    version = piece[at[by_version]] >> 4
    protocol[by_version] = np.select([version == 4, version == 6], [_IPV4, _IPV6], _NONE)
    return at, protocol


def _strip(piece: Bytes, at: Ints, end: Ints, protocol: Ints) -> None:
    """Step over VLAN tags, PPP over Ethernet, and PPP."""
    for _ in range(_MOST_TAGS):
        tagged = np.flatnonzero(np.isin(protocol, _VLANS) & (at + 4 <= end))
        if not len(tagged):
            break
        protocol[tagged] = _u16(piece, at[tagged] + 2)
        at[tagged] += 4
    sessions = np.flatnonzero((protocol == _PPPOE) & (at + 8 <= end))
    at[sessions] += 6
    protocol[sessions] = _PPP
    points = np.flatnonzero((protocol == _PPP) & (at + 4 <= end))
    if len(points):
        framed = points[_u16(piece, at[points]) == 0xFF03]
        at[framed] += 2
        short = (piece[at[points]] & 1).astype(bool)  # a protocol field compressed to one byte
        inner = np.where(short, piece[at[points]].astype(np.int64), _u16(piece, at[points]))
        at[points] += np.where(short, 1, 2)
        protocol[points] = np.select([inner == _PPP_IPV4, inner == _PPP_IPV6], [_IPV4, _IPV6], _NONE)


def _locate_each(
    piece: Bytes,
    records: Records,
    mine: Ints,
    at: Ints,
    protocol: Ints,
    counts: PacketCounts,
    locate: FindHeader | None,
) -> None:
    for one in mine.tolist():
        start = int(records.offset[one])
        packet = piece[start : start + int(records.captured[one])].tobytes()
        place = None if locate is None else locate(int(records.link[one]), packet)
        if place is None:
            counts.unknown_link += 1
        else:
            counts.odd_link += 1
            at[one], protocol[one] = start + place, _BY_VERSION


# Network and transport layer


def _rows(piece: Bytes, at: Ints, width: int) -> Bytes:
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(piece, width)[at])


def _where(mask: NDArray[np.bool_], *columns: Any) -> Sequence[Any]:  # noqa: ANN401  arrays of many types
    """Return columns without the rows that the mask leaves out; mostly there are none, and nothing is copied."""
    return columns if mask.all() else [column[mask] for column in columns]


_IPV4_HEAD = np.dtype(
    [
        ("version", "u1"),
        ("service", "u1"),
        ("total", ">u2"),
        ("id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("source", ">u4"),
        ("target", ">u4"),
    ]
)
_IPV6_HEAD = np.dtype(
    [
        ("flow", ">u4"),
        ("length", ">u2"),
        ("next", "u1"),
        ("ttl", "u1"),
        ("source_high", ">u8"),
        ("source_low", ">u8"),
        ("target_high", ">u8"),
        ("target_low", ">u8"),
    ]
)
_TCP_HEAD = np.dtype(
    [
        ("source", ">u2"),
        ("target", ">u2"),
        ("sequence", ">u4"),
        ("acknowledgment", ">u4"),
        ("offset", "u1"),
        ("flags", "u1"),
        ("window", ">u2"),
        ("rest", ">u4"),
    ]
)
_MAPPED = np.uint64(0xFFFF << 32)


def _ipv4(piece: Bytes, records: Records, which: Ints, at: Ints, end: Ints, counts: PacketCounts) -> Segments:
    ip = _rows(piece, at[which], 20).view(_IPV4_HEAD)[:, 0]
    header = (ip["version"] & 15).astype(np.int64) * 4
    is_tcp = (ip["protocol"] == _TCP) & (header >= 20)
    later = (ip["fragment"] & 0x1FFF) != 0
    counts.fragments += int((is_tcp & later).sum())
    counts.other += len(which) - int(is_tcp.sum())
    ip, header, which = _where(is_tcp & ~later, ip, header, which)
    low_source, low_target = (_MAPPED | ip[name].astype(np.uint64) for name in ("source", "target"))
    high = np.zeros(len(which), np.uint64)
    wire_end = records.offset[which] + records.wire[which]
    total = ip["total"].astype(np.int64)  # 0 where the network card cuts the packet up later
    packet_end = np.where(total == 0, wire_end, at[which] + total)
    addresses = (high, low_source, high, low_target)
    start = at[which] + header
    return _tcp(piece, records, which, start, packet_end, end, addresses, _ints(ip["ttl"]), _ints(ip["id"]), counts)


def _ints(column: NDArray[Any]) -> Ints:
    return column.astype(np.int64)


def _ipv6(piece: Bytes, records: Records, which: Ints, at: Ints, end: Ints, counts: PacketCounts) -> Segments:
    ip = _rows(piece, at[which], 40).view(_IPV6_HEAD)[:, 0]
    following, start = _ints(ip["next"]), at[which] + 40
    later = np.zeros(len(which), bool)
    for _ in range(_MOST_EXTENSIONS):
        more = np.flatnonzero(np.isin(following, _EXTENSIONS) & (start + 8 <= end[which]) & ~later)
        if not len(more):
            break
        kind, place = following[more], start[more]
        units = piece[place + 1].astype(np.int64)
        size = np.select([kind == _FRAGMENT, kind == _AUTHENTICATION], [8, (units + 2) * 4], (units + 1) * 8)
        later[more] |= (kind == _FRAGMENT) & ((_u16(piece, place + 2) & 0xFFF8) != 0)
        following[more] = piece[place]
        start[more] = place + size
    is_tcp = following == _TCP
    counts.fragments += int((is_tcp & later).sum())
    counts.other += len(which) - int(is_tcp.sum())
    ip, start, which = _where(is_tcp & ~later, ip, start, which)
    names = ("source_high", "source_low", "target_high", "target_low")
    length = _ints(ip["length"])  # 0 for a jumbogram
    packet_end = np.where(length == 0, records.offset[which] + records.wire[which], at[which] + 40 + length)
    addresses = tuple(ip[name].astype(np.uint64) for name in names)
    no_id = np.full(len(which), -1, np.int64)
    return _tcp(piece, records, which, start, packet_end, end, addresses, _ints(ip["ttl"]), no_id, counts)


def _tcp(
    piece: Bytes,
    records: Records,
    which: Ints,
    start: Ints,
    packet_end: Ints,
    end: Ints,
    addresses: tuple[NDArray[np.uint64], ...],
    ttl: Ints,
    ip_id: Ints,
    counts: PacketCounts,
) -> Segments:
    there = end[which]
    columns = _where(start + 20 <= there, which, start, packet_end, there, ttl, ip_id, *addresses)
    tcp = _rows(piece, columns[1], 20).view(_TCP_HEAD)[:, 0]
    header = (tcp["offset"] >> 4).astype(np.int64) * 4
    counts.cut += len(which)
    tcp, header, *columns = _where(header >= 20, tcp, header, *columns)
    which, start, packet_end, there, ttl, ip_id, source_high, source_low, target_high, target_low = columns
    counts.cut -= len(which)
    payload = start + header
    return Segments(
        record=which,
        time_ns=records.time_ns[which],
        source_high=source_high,
        source_low=source_low,
        target_high=target_high,
        target_low=target_low,
        source_port=_ints(tcp["source"]),
        target_port=_ints(tcp["target"]),
        sequence=_ints(tcp["sequence"]),
        acknowledgment=_ints(tcp["acknowledgment"]),
        flags=_ints(tcp["flags"]),
        window=_ints(tcp["window"]),
        length=np.maximum(packet_end - payload, 0),
        ttl=ttl,
        ip_id=ip_id,
        header=start,
        payload=payload,
        end=np.minimum(packet_end, there),
    )
