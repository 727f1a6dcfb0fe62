"""Which packets a verdict can need: the first and last of a connection, those around a silence, SYN, FIN and RST.

The others are counted and let go, so that what is held grows with connections and silences, not with bytes.
"""

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hbprobe.evidence.captures.headers import Bytes, Segments
from hbprobe.evidence.captures.packet_records import Ints

Rows = NDArray[Any]

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
QUIET_NS = 500_000_000
"""The packets on both sides of a gap as long as this are kept."""
_FIRST, _LAST = 6, 10
_DUPLICATE_NS = 2_000_000
"""The same packet again within so short a time is a mirror port's copy; no system repeats one so soon."""
_LOOK_BACK = 3
_MOST_ROWS = 1_000_000
_MOST_ATTEMPTS = 20_000
"""So many attempts to connect that came to nothing are kept: of a flood of them a sample tells as much."""
_UNDECIDED_NS = 3_000_000_000
"""So long after a SYN its connection may still come to be."""
_CHECKED_BYTES, _TELLING_BYTES = 48, 32
"""So much of a payload is told from others by a checksum; less than that may well be the same in two connections."""

ROW = np.dtype(
    [
        ("key", np.uint64),
        ("time_ns", np.int64),
        ("gap_ns", np.int64),
        ("data_ns", np.int64),
        ("source_high", np.uint64),
        ("source_low", np.uint64),
        ("target_high", np.uint64),
        ("target_low", np.uint64),
        ("source_port", np.uint16),
        ("target_port", np.uint16),
        ("sequence", np.uint32),
        ("acknowledgment", np.uint32),
        ("length", np.uint32),
        ("window", np.uint16),
        ("ip_id", np.int32),
        ("packet", np.int64),
        ("check", np.uint32),
        ("head", "V16"),
        ("file", np.uint16),
        ("flags", np.uint8),
        ("ttl", np.uint8),
        ("timestamps", np.bool_),
        ("signed", np.bool_),
        ("first_in_piece", np.bool_),
    ]
)
"""`gap_ns`: since the packet before it in the connection, kept or not. `data_ns`: when the payload before it came.
`check`: a checksum of the payload's first bytes, for the first packets of a connection. `signed`: a TLS alert of the
length of close_notify ends it."""


@dataclass(slots=True)
class Retention:
    """The packets that are kept of the captures of one side."""

    packets: int = 0
    copies: int = 0
    """Packets that a mirror port gave twice."""
    coarser: int = 1
    """So many times coarser than `QUIET_NS` silences are kept, for want of memory."""
    attempts: int = 0
    """Attempts to connect that came to nothing, and were only counted, for there were too many of them."""
    most_rows: int = _MOST_ROWS
    _parts: list[Rows] = field(default_factory=list)
    _held: int = 0
    _settled: int = 0

    def add(self, data: Bytes, found: Segments, first_packet: int, file: int) -> Rows:
        """Take in one piece, and return what was kept of it, connection by connection."""
        if not len(found):
            return np.empty(0, ROW)
        key = _keys(found)
        order = np.lexsort((found.time_ns, key))
        key, time_ns = key[order], found.time_ns[order]
        begins = np.empty(len(key), bool)
        begins[0] = True
        np.not_equal(key[1:], key[:-1], out=begins[1:])
        copies = _copies(found, order, begins, time_ns)
        self.copies += int(copies.sum())
        self.packets += len(key) - int(copies.sum())
        if copies.any():
            stays = ~copies  # the first of a connection is never a copy, so the beginnings stay
            order, key, time_ns, begins = order[stays], key[stays], time_ns[stays], begins[stays]
        flags, length = found.flags[order], found.length[order]
        gap_ns = np.zeros(len(key), np.int64)
        gap_ns[1:] = time_ns[1:] - time_ns[:-1]
        gap_ns[begins] = 0
        keep = _wanted(begins, gap_ns, flags, QUIET_NS * self.coarser)
        rows = np.zeros(int(keep.sum()), ROW)
        data_ns = _last_data(begins, time_ns, length)
        chosen = order[keep]
        columns = {"key": key, "time_ns": time_ns, "gap_ns": gap_ns, "data_ns": data_ns, "first_in_piece": begins}
        for name, column in columns.items():
            rows[name] = column[keep]
        for name in _COPIED:
            rows[name] = getattr(found, name)[chosen]
        rows["packet"] = first_packet + found.record[chosen]
        rows["file"] = file
        _read_payload(rows, data, found, chosen, _places(begins, flags)[keep] < _FIRST)
        self._parts.append(rows)
        self._held += len(rows)
        if self._held > max(self.most_rows, 2 * self._settled):
            self._settle()
        return rows

    def rows(self) -> Rows:
        """Return all that is kept, connection by connection, each in the order of time."""
        self._settle()
        return self._parts[0] if self._parts else np.empty(0, ROW)

    def _settle(self) -> None:
        """Put the pieces together, and let go what was the last of a connection only for the time being."""
        if not self._parts:
            return
        rows = np.concatenate(self._parts)
        rows = rows[np.lexsort((rows["time_ns"], rows["key"]))]  # at one time they stay as they came
        while True:
            begins = np.ones(len(rows), bool)
            begins[1:] = rows["key"][1:] != rows["key"][:-1]
            joined = rows["first_in_piece"] & ~begins
            gap_ns = rows["gap_ns"]
            gap_ns[1:][joined[1:]] = (rows["time_ns"][1:] - rows["time_ns"][:-1])[joined[1:]]
            rows["first_in_piece"] &= begins
            rows["data_ns"] = np.maximum(rows["data_ns"], _last_data(begins, rows["time_ns"], rows["length"]))
            keep = _wanted(begins, gap_ns, rows["flags"], QUIET_NS * self.coarser)
            rows = self._without_floods(rows[keep])
            if len(rows) <= self.most_rows or self.coarser >= _COARSEST:
                break
            self.coarser *= 2
        self._parts, self._held, self._settled = [rows], len(rows), len(rows)

    def _without_floods(self, rows: Rows) -> Rows:
        """Let go, and count, attempts to connect beyond those that are kept: nothing but SYN and RST, and no data."""
        begins = np.flatnonzero(np.concatenate([[True], rows["key"][1:] != rows["key"][:-1]]))
        late = rows["time_ns"] > rows["time_ns"].max() - _UNDECIDED_NS
        tells = ((rows["flags"] & (SYN | RST)) == 0) | (rows["length"] > 0) | late
        floods = np.flatnonzero(~np.logical_or.reduceat(tells, begins))[_MOST_ATTEMPTS:]
        if not len(floods):
            return rows
        self.attempts += len(floods)
        goes = np.zeros(len(begins), bool)
        goes[floods] = True
        kept: Rows = rows[~np.repeat(goes, np.diff(np.append(begins, len(rows))))]
        return kept


_COARSEST = 2
"""Silences of a second are always kept."""
_COPIED = (
    "source_high",
    "source_low",
    "target_high",
    "target_low",
    "source_port",
    "target_port",
    "sequence",
    "acknowledgment",
    "length",
    "window",
    "ip_id",
    "flags",
    "ttl",
)


def _keys(found: Segments) -> NDArray[np.uint64]:
    """Return a number for each packet that is the same in both directions of a connection."""
    one = _mixed(found.source_high, found.source_low, found.source_port)
    other = _mixed(found.target_high, found.target_low, found.target_port)
    low, high = np.minimum(one, other), np.maximum(one, other)
    return _stirred(low * np.uint64(0x9E3779B97F4A7C15) + high)


def _mixed(high: NDArray[np.uint64], low: NDArray[np.uint64], port: Ints) -> NDArray[np.uint64]:
    return _stirred(_stirred(high ^ np.uint64(0x2545F4914F6CDD1D)) + low) + _stirred(port.astype(np.uint64))


def _stirred(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SplitMix64's output for each number: one bit more or less changes half of all bits."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _copies(found: Segments, order: Ints, begins: NDArray[np.bool_], time_ns: Ints) -> NDArray[np.bool_]:
    """Mark packets that repeat one just before them, byte for byte but for the TTL that a router has lowered."""
    group, sequence = np.cumsum(begins), found.sequence[order]
    copies = np.zeros(len(order), bool)
    for back in range(1, _LOOK_BACK + 1):
        near = (sequence[back:] == sequence[:-back]) & (time_ns[back:] - time_ns[:-back] <= _DUPLICATE_NS)
        near &= group[back:] == group[:-back]
        later = np.flatnonzero(near) + back
        one, other = order[later], order[later - back]
        same = np.ones(len(later), bool)
        for name in ("source_port", "acknowledgment", "flags", "length", "window", "ip_id", "source_low"):
            column = getattr(found, name)
            same &= column[one] == column[other]
        copies[later[same]] = True
    return copies


def _wanted(begins: NDArray[np.bool_], gap_ns: Ints, flags: NDArray[Any], quiet_ns: int) -> NDArray[np.bool_]:
    """Choose what to keep of packets that stand connection by connection, each in the order of time."""
    count = len(begins)
    index = np.arange(count)
    keep = _places(begins, flags) < _FIRST
    ends = np.ones(count, bool)
    ends[:-1] = begins[1:] | ((flags[1:] & (SYN | ACK)) == SYN)  # the same ports again are another connection
    closing = np.where(ends, index, count)
    keep |= np.minimum.accumulate(closing[::-1])[::-1] - index < _LAST
    quiet = gap_ns >= quiet_ns
    keep |= quiet | ((flags & (FIN | SYN | RST)) != 0)
    keep[:-1] |= quiet[1:]
    keep[:-1] |= (flags[1:] & RST) != 0  # what an RST answers
    return keep


def _places(begins: NDArray[np.bool_], flags: NDArray[Any]) -> Ints:
    """Return which packet of its connection each is, counted from 0."""
    index = np.arange(len(begins))
    opens = begins | ((flags & SYN) != 0)
    return index - np.maximum.accumulate(np.where(opens, index, 0))


def _last_data(begins: NDArray[np.bool_], time_ns: Ints, length: NDArray[Any]) -> Ints:
    """Return, for each packet, when the last payload before it came; 0 where none did."""
    if not len(time_ns):
        return np.empty(0, np.int64)
    index = np.arange(len(time_ns))
    last = np.full(len(time_ns), -1)
    last[1:] = np.maximum.accumulate(np.where(length > 1, index, -1))[:-1]  # one byte may be a keep-alive
    return np.where(last >= np.maximum.accumulate(np.where(begins, index, 0)), time_ns[last], 0)


# What only the packets that are kept are looked at for


_ALERT, _APPLICATION = 21, 23
_ALERT_LENGTHS = (2, 18, 26, 32, 48)
"""Of close_notify in TLS 1.2 and before: in clear, ChaCha20-Poly1305, AES-GCM, AES-CBC with SHA-1, with SHA-2."""
_ALERT_13 = 19
"""In TLS 1.3: two bytes, the type, and the tag."""


def _read_payload(rows: Rows, data: Bytes, found: Segments, chosen: Ints, early: NDArray[np.bool_]) -> None:
    start, end = found.payload[chosen], found.end[chosen]
    there = np.maximum(end - start, 0)
    head = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(data, 16)[np.minimum(start, data.size - 16)])
    head[np.arange(16)[None, :] >= there[:, None]] = 0
    rows["head"] = head.view("V16")[:, 0]
    rows["signed"] = _closes_tls(data, start, end, found.length[chosen])
    view = data.data
    checks = rows["check"]
    telling = np.flatnonzero(early & (there > _TELLING_BYTES))
    ends = np.minimum(end, start + _CHECKED_BYTES)
    for place, first, last in zip(telling.tolist(), start[telling].tolist(), ends[telling].tolist(), strict=True):
        checks[place] = zlib.crc32(view[first:last])
    rows["timestamps"] = _has_timestamps(data, found.header[chosen], start)


def _closes_tls(data: Bytes, start: Ints, end: Ints, length: Ints) -> NDArray[np.bool_]:
    """Say which payloads end in a TLS record that by type and length is close_notify."""
    whole = (end - start == length) & (length > 0)
    closes = np.zeros(len(start), bool)
    for size, kind in (*((one, _ALERT) for one in _ALERT_LENGTHS), (_ALERT_13, _APPLICATION)):
        at = end - size - 5
        fits = whole & (at >= start)
        place = np.where(fits, at, 0)
        record = (data[place] == kind) & (data[place + 1] == 3) & (data[place + 3] == 0) & (data[place + 4] == size)
        closes |= fits & record
    return closes


def _has_timestamps(data: Bytes, header: Ints, payload: Ints) -> NDArray[np.bool_]:
    """Say which TCP headers carry the timestamp option (RFC 7323): kind 8, length 10, wherever it stands."""
    found = np.zeros(len(header), bool)
    at, going = header + 20, np.ones(len(header), bool)
    for _ in range(12):
        going &= at + 2 <= np.minimum(payload, data.size)
        if not going.any():
            break
        place = np.where(going, at, 0)
        kind, size = data[place], data[place + 1].astype(np.int64)
        found |= going & (kind == 8) & (size == 10)
        going &= (kind != 0) & ~found
        going &= (kind == 1) | (size >= 2)
        at = at + np.where(kind == 1, 1, size)
    return found
