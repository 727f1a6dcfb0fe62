"""What is kept of a capture, as connections: the packets of one client and one server, in order."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from hbprobe.evidence.captures.retention import ACK, FIN, RST, SYN, Rows

_NS = 1e9
_WRAP = 1 << 32
_INITIAL_TTLS = (64, 128, 255)
_KNOWN_PORTS = 1024


class Endpoint(StrEnum):
    """One end of a connection."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> "Endpoint":
        """The end at the other side."""
        return Endpoint.SERVER if self is Endpoint.CLIENT else Endpoint.CLIENT


@dataclass(frozen=True, slots=True)
class Packet:
    """One TCP packet of a connection."""

    at_s: float
    """In seconds since 1970-01-01 UTC."""
    gap_s: float
    """Since the packet before it in this connection, whoever sent that; 0 for the first."""
    data_gap_s: float | None
    """Since the last payload before it; None where there was none."""
    sender: Endpoint
    flags: int
    sequence: int
    acknowledgment: int
    length: int
    """Bytes of payload."""
    window: int
    ttl: int
    ip_id: int
    """-1 for IPv6."""
    timestamps: bool
    """It carries TCP's timestamp option."""
    signed: bool
    """It ends in a TLS record that by type and length is close_notify."""
    head: bytes
    """The first 16 bytes of payload, zeros where they were not captured."""
    check: int
    """A checksum of the first bytes of payload; 0 where there are none."""
    file: int
    number: int
    """In its file, counted from 1."""

    def has(self, flags: int) -> bool:
        """Whether it carries one of the flags."""
        return bool(self.flags & flags)

    @property
    def is_opening(self) -> bool:
        """SYN without ACK."""
        return self.flags & (SYN | ACK) == SYN

    @property
    def occupies(self) -> int:
        """How many sequence numbers it takes: those that the other end has to acknowledge."""
        return self.length + self.has(SYN) + self.has(FIN)

    @property
    def following(self) -> int:
        """The sequence number after it."""
        return (self.sequence + self.occupies) % _WRAP


def numbers_between(one: int, other: int) -> int:
    """Return how many sequence numbers the second lies after the first; below 0 where it lies before."""
    return (other - one + _WRAP // 2) % _WRAP - _WRAP // 2


def is_before(one: int, other: int) -> bool:
    """Whether a sequence number comes before another, on the circle that they make (RFC 9293, 3.4)."""
    return numbers_between(one, other) > 0


@dataclass(frozen=True)
class TcpFlow:
    """One connection, as one capture point saw it: all packets that a verdict can need."""

    client: str
    client_port: int
    server: str
    server_port: int
    packets: tuple[Packet, ...]
    """In the order of time."""

    @property
    def name(self) -> str:
        """Client and server, as in `198.51.100.7:50001 > 192.0.2.10:443`."""
        return f"{_place(self.client, self.client_port)} > {_place(self.server, self.server_port)}"

    @property
    def begun_in_mid_stream(self) -> bool:
        """The capture began after the connection did."""
        return not any(packet.has(SYN) for packet in self.packets[:3])

    @cached_property
    def opening(self) -> tuple[float | None, float | None]:
        """From here to the server and back, and from here to the client and back, by the handshake."""
        syn = next((one for one in self.packets[:6] if one.is_opening), None)
        both = next((one for one in self.packets[:6] if one.has(SYN) and one.has(ACK)), None)
        if both is None or syn is None:
            return None, None
        ack = next((one for one in self.packets[:8] if one.sender is Endpoint.CLIENT and not one.has(SYN)), None)
        return both.at_s - syn.at_s, None if ack is None or ack.at_s < both.at_s else ack.at_s - both.at_s

    @property
    def round_trip_s(self) -> float:
        """The handshake's round trip between the ends; a fifth of a second where it was not seen."""
        to_server, to_client = self.opening
        return 0.2 if to_server is None else to_server + (to_client or 0.0)

    def usual_ttl(self, end: Endpoint, before: Packet | None = None) -> int | None:
        """The TTL that most packets of an end had, before one of them; RSTs do not count."""
        seen = Counter(
            packet.ttl
            for packet in self.packets
            if packet.sender is end and not packet.has(RST) and (before is None or _order(packet) < _order(before))
        )
        return seen.most_common(1)[0][0] if seen else None

    @cached_property
    def near(self) -> Endpoint | None:
        """The end that the capture was taken at: its packets still have the TTL that systems begin with."""
        at_client, at_server = (self.usual_ttl(end) in _INITIAL_TTLS for end in Endpoint)
        if at_client == at_server:
            return None
        return Endpoint.CLIENT if at_client else Endpoint.SERVER


def _order(packet: Packet) -> tuple[float, int, int]:
    return packet.at_s, packet.file, packet.number


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def flows(rows: Rows, *, least_gap_s: float, others_too: bool = False) -> Iterator[TcpFlow]:
    """Return the connections that were quiet that long once, or that hold an RST; the others have nothing to explain.

    `rows` stand connection by connection. `others_too` returns those as well, by their first and last packets, so
    that another capture's can be matched with them.
    """
    if not len(rows):
        return
    begins = np.flatnonzero(np.concatenate([[True], rows["key"][1:] != rows["key"][:-1]]))
    bounds = [*begins.tolist(), len(rows)]
    told = (rows["gap_ns"] >= least_gap_s * _NS) | ((rows["flags"] & RST) != 0)
    worth = np.logical_or.reduceat(told, begins)
    for place in range(len(begins)) if others_too else np.flatnonzero(worth).tolist():
        mine = rows[bounds[place] : bounds[place + 1]]
        if not worth[place] and len(mine) > 2 * _ENOUGH:
            mine = np.concatenate([mine[:_ENOUGH], mine[-_ENOUGH:]])
        yield from _connections(mine)


_ENOUGH = 4
"""Packets at each end of a connection that is only to be matched."""


def connection_count(rows: Rows) -> int:
    """Return how many connections there are, by address and port; those that reuse a port count as one."""
    return int(1 + (rows["key"][1:] != rows["key"][:-1]).sum()) if len(rows) else 0


def _connections(rows: Rows) -> Iterator[TcpFlow]:
    """Split the packets of two address-and-port pairs where a new SYN begins another connection."""
    flags = rows["flags"]
    opening = (flags & (SYN | ACK)) == SYN
    first, start = None, 0
    for place in np.flatnonzero(opening).tolist():
        number = (int(rows["source_port"][place]), int(rows["sequence"][place]))
        if first is not None and number != first:
            yield _flow(rows[start:place])
            start = place
        elif first is None and place:  # the end of one that began before the capture
            yield _flow(rows[:place])
            start = place
        first = number
    yield _flow(rows[start:])


def _flow(rows: Rows) -> TcpFlow:
    client = _client(rows)
    first = rows[0]
    packets = tuple(_packets(rows, client))
    ends = {
        (int(first[f"{which}_high"]), int(first[f"{which}_low"]), int(first[f"{which}_port"]))
        for which in ("source", "target")
    }
    server = next(iter(ends - {client}), client)
    return TcpFlow(_address(client), client[2], _address(server), server[2], packets)


_Place = tuple[int, int, int]


def _client(rows: Rows) -> _Place:
    """Tell which end opened the connection: by SYN, else by the ports."""
    for row in rows[:4]:
        if row["flags"] & SYN:
            return _end(row, "target" if row["flags"] & ACK else "source")
    first = rows[0]
    source, target = _end(first, "source"), _end(first, "target")
    known = [one for one in (source, target) if one[2] < _KNOWN_PORTS]
    server = known[0] if len(known) == 1 else min((source, target), key=lambda one: one[2])
    return target if server == source else source


def _end(row: Any, which: str) -> _Place:  # noqa: ANN401  one row of a structured array
    return int(row[f"{which}_high"]), int(row[f"{which}_low"]), int(row[f"{which}_port"])


def numbers_of(address: str) -> tuple[int, int]:
    """Return both halves of an address, as rows hold it."""
    one = ipaddress.ip_address(address)
    return (0, 0xFFFF << 32 | int(one)) if one.version == 4 else (int(one) >> 64, int(one) & (1 << 64) - 1)


def _address(place: _Place) -> str:
    high, low, _ = place
    if high == 0 and low >> 32 == 0xFFFF:
        return str(ipaddress.IPv4Address(low & 0xFFFFFFFF))
    return str(ipaddress.IPv6Address(high << 64 | low))


def _packets(rows: Rows, client: _Place) -> Iterator[Packet]:
    columns = [rows[name].tolist() for name in _COLUMNS]
    start_ns = int(rows["time_ns"][0])
    for place, (
        time_ns,
        gap_ns,
        data_ns,
        high,
        low,
        port,
        flags,
        sequence,
        acknowledgment,
        length,
        window,
        ttl,
        ip_id,
        timestamps,
        signed,
        head,
        check,
        file,
        number,
    ) in enumerate(zip(*columns, strict=True)):
        data_gap_s = (time_ns - data_ns) / _NS if data_ns >= start_ns else None
        yield Packet(
            time_ns / _NS,
            gap_ns / _NS if place else 0.0,  # the first may follow another connection of the same ports
            data_gap_s,
            Endpoint.CLIENT if (high, low, port) == client else Endpoint.SERVER,
            flags,
            sequence,
            acknowledgment,
            length,
            window,
            ttl,
            ip_id,
            timestamps,
            signed,
            bytes(head),
            check,
            file,
            number,
        )


_COLUMNS = (
    "time_ns",
    "gap_ns",
    "data_ns",
    "source_high",
    "source_low",
    "source_port",
    "flags",
    "sequence",
    "acknowledgment",
    "length",
    "window",
    "ttl",
    "ip_id",
    "timestamps",
    "signed",
    "head",
    "check",
    "file",
    "packet",
)


def ends_of(row: Any) -> str:  # noqa: ANN401  one row of a structured array
    """Name the ends of the connection that a packet belongs to, client first as far as one packet tells."""
    source, target = _end(row, "source"), _end(row, "target")
    if source[2] < target[2] or row["flags"] & (SYN | ACK) == SYN | ACK:
        source, target = target, source
    return f"{_place(_address(source), source[2])} > {_place(_address(target), target[2])}"
