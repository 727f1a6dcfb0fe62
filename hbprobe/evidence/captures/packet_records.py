"""Where each packet of a capture lies, when it came, and on which kind of link: pcap and pcapng, piece by piece.

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Scanners take bytes and keep what the next piece needs;
they read no file.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

PADDING = 128
"""So many bytes beyond the end of a piece may be read, and mean nothing."""
LARGEST_BLOCK = 16 * 1024 * 1024
"""Wireshark takes no larger one either; what claims to be is damaged."""
_NS = 1_000_000_000
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_MAGIC = 0x1A2B3C4D
_UNKNOWN_LINK = -1


class DamagedError(ValueError):
    """From here on the bytes are no capture; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Records:
    """The packets of one piece, in the order of the file; arrays of one length."""

    offset: Ints
    """Where the packet's bytes begin in the piece."""
    captured: Ints
    """So many bytes of it are there."""
    wire: Ints
    """So many bytes it had."""
    time_ns: Ints
    """Since 1970-01-01 UTC."""
    link: Ints
    """LINKTYPE_ of tcpdump.org."""
    interface: Ints
    """Counted from 0 over the whole file."""

    def __len__(self) -> int:
        return len(self.offset)


NO_RECORDS = Records(*(np.empty(0, np.int64) for _ in range(6)))


@dataclass(slots=True)
class Interface:
    """One interface of a pcapng section."""

    link: int
    snap: int
    ticks: tuple[int, int] = (10, 6)
    """The resolution of its times: base and exponent of ticks in a second."""
    offset_s: int = 0
    name: str = ""
    number: int = 0


class Scanner(Protocol):
    """What finds the packets of a file."""

    kind: str
    """`pcap` or `pcapng`, with what is special about it."""
    untimed: int
    """So many packets came without a time."""

    def scan(self, piece: NDArray[np.uint8], size: int) -> tuple[Records, int]:
        """Return the packets that lie wholly in the first `size` bytes, and how many bytes they took.

        The array is at least `PADDING` longer than that. Raises DamagedError where the next bytes are no packet; what
        came before is lost to nobody: it is returned first, and the error is raised at the next call.
        """


def scanner_of(head: bytes) -> Scanner | None:
    """Return what reads a file that begins so (24 bytes at least, if it has them); None where it is no capture."""
    if head[:4] == b"\x0a\x0d\x0d\x0a":
        return PcapngScanner()
    order = _PCAP_MAGICS.get(head[:4])
    return None if order is None or len(head) < 24 else PcapScanner(head[:24])


_PCAP_MAGICS: Mapping[bytes, tuple[str, int]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x34\xcd\xb2\xa1": ("<", 1000),  # Kuznetzov's: eight more bytes in each record
    b"\xa1\xb2\xcd\x34": (">", 1000),
}


class PcapScanner:
    """pcap, in all byte orders and resolutions."""

    def __init__(self, head: bytes) -> None:
        """`head` is the first 24 bytes, which `scan` is given as well."""
        self._order, self._unit = _PCAP_MAGICS[head[:4]]
        patched = head[:4] in (b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34")
        self._record = 24 if patched else 16
        snap, link = struct.unpack(f"{self._order}II", head[16:24])
        self._most = max(snap, 262_144) if snap <= LARGEST_BLOCK else LARGEST_BLOCK
        self._link = link & 0xFFFF  # the upper half says whether a frame ends in its check sequence
        self._head = 24
        self._damage: str | None = None
        self.untimed = 0
        self.kind = f"pcap, {'nano' if self._unit == 1 else 'micro'}seconds" + (", patched" if patched else "")

    def scan(self, piece: NDArray[np.uint8], size: int) -> tuple[Records, int]:
        """Return the packets of a piece, and how many bytes they took."""
        if self._damage is not None:
            raise DamagedError(self._damage)
        if size < self._head:
            return NO_RECORDS, 0
        starts: list[int] = []
        at, self._head = self._head, 0
        record, most, append = self._record, self._most, starts.append
        captured = struct.Struct(f"{self._order}I").unpack_from
        data = piece.data
        last = size - record
        while at <= last:
            (length,) = captured(data, at + 8)
            if length > most:
                self._damage = f"a packet claims {length} bytes"
                break
            end = at + record + length
            if end > size:
                break
            append(at)
            at = end
        if self._damage is not None and not starts:
            raise DamagedError(self._damage)
        return self._records(piece, np.array(starts, np.int64)), at

    def _records(self, piece: NDArray[np.uint8], starts: Ints) -> Records:
        fields = _words(piece, starts, 4, self._order)
        time_ns = fields[:, 0] * _NS + fields[:, 1] * self._unit
        count = len(starts)
        link, interface = np.full(count, self._link, np.int64), np.zeros(count, np.int64)
        return Records(starts + self._record, fields[:, 2], fields[:, 3], time_ns, link, interface)


def _words(piece: NDArray[np.uint8], starts: Ints, count: int, order: str) -> Ints:
    """Gather some 32-bit words from each place."""
    rows = np.lib.stride_tricks.sliding_window_view(piece, 4 * count)[starts]
    return np.ascontiguousarray(rows).view(f"{order}u4").astype(np.int64).reshape(len(starts), count)


@dataclass(slots=True)
class _Found:
    """Packet blocks of a section, by kind: where each begins."""

    blocks: dict[int, list[int]] = field(default_factory=lambda: {_PACKET: [], _OLD_PACKET: [], _SIMPLE_PACKET: []})


class PcapngScanner:
    """pcapng: several sections and interfaces, each with its own byte order and resolution."""

    def __init__(self) -> None:
        self._order = "<"
        self._interfaces: list[Interface] = []
        self.interfaces: list[Interface] = []
        """Those of all sections."""
        self._damage: str | None = None
        self._last_ns = 0
        self.untimed = 0
        self.kind = "pcapng"

    def scan(self, piece: NDArray[np.uint8], size: int) -> tuple[Records, int]:
        """Return the packets of a piece, and how many bytes they took."""
        if self._damage is not None:
            raise DamagedError(self._damage)
        parts: list[Records] = []
        found = _Found()
        data, at = piece.data, 0
        head = struct.Struct(f"{self._order}II").unpack_from
        epb = found.blocks[_PACKET].append
        while at + 12 <= size:
            kind, length = head(data, at)
            if kind == _SECTION:
                order = self._order_of(data, at)
                if order is None:
                    self._damage = "a section begins without pcapng's mark"
                    break
                if order != self._order:
                    parts.append(self._records(piece, found))
                    found = _Found()
                    epb = found.blocks[_PACKET].append
                    self._order, head = order, struct.Struct(f"{order}II").unpack_from
                    _, length = head(data, at)
            if length < 12 or length % 4 or length > LARGEST_BLOCK:
                self._damage = f"a block claims {length} bytes"
                break
            if at + length > size:
                break
            if kind == _PACKET:
                epb(at)
            elif kind in (_OLD_PACKET, _SIMPLE_PACKET):
                found.blocks[kind].append(at)
            elif kind == _SECTION:
                parts.append(self._records(piece, found))
                found = _Found()
                epb = found.blocks[_PACKET].append
                self._interfaces = []
            elif kind == _INTERFACE:
                parts.append(self._records(piece, found))
                found = _Found()
                epb = found.blocks[_PACKET].append
                self._add_interface(bytes(data[at + 8 : at + length - 4]))
            at += length
        parts.append(self._records(piece, found))
        if self._damage is not None and not at:
            raise DamagedError(self._damage)
        return _joined(parts), at

    @staticmethod
    def _order_of(data: memoryview, at: int) -> str | None:
        (little,) = struct.unpack_from("<I", data, at + 8)
        if little == _MAGIC:
            return "<"
        return ">" if little == 0x4D3C2B1A else None

    def _add_interface(self, body: bytes) -> None:
        if len(body) < 8:
            return
        link, _, snap = struct.unpack_from(f"{self._order}HHI", body)
        interface = Interface(link, snap, number=len(self.interfaces))
        for code, value in options(body[8:], self._order):
            if code == 9 and len(value) == 1:
                interface.ticks = (2, value[0] & 0x7F) if value[0] & 0x80 else (10, value[0])
            elif code == 14 and len(value) == 8:
                (interface.offset_s,) = struct.unpack(f"{self._order}q", value)
            elif code == 2:
                interface.name = value.decode("utf-8", "replace")
        self._interfaces.append(interface)
        self.interfaces.append(interface)

    def _records(self, piece: NDArray[np.uint8], found: _Found) -> Records:
        enhanced, old, simple = (
            np.array(found.blocks[kind], np.int64) for kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET)
        )
        if not len(enhanced) + len(old) + len(simple):
            return NO_RECORDS
        words = _words(piece, enhanced, 7, self._order)
        parts = [self._timed(enhanced + 28, words[:, 2], words[:, 3:7], words[:, 1])]
        words = _words(piece, old, 7, self._order)
        interface = words[:, 2] & 0xFFFF if self._order == "<" else words[:, 2] >> 16
        parts.append(self._timed(old + 28, interface, words[:, 3:7], words[:, 1]))
        words = _words(piece, simple, 3, self._order)
        parts.append(self._untimed(simple + 12, words[:, 2], words[:, 1]))
        whole = _joined(parts)
        order = np.argsort(whole.offset, kind="stable")
        records = _chosen(whole, order)
        if len(simple):  # a block without a time is taken to have come with the one before it
            records.time_ns[:] = _carried(records.time_ns, self._last_ns)
        if len(records):
            self._last_ns = int(records.time_ns[-1])
        return records

    def _timed(self, offset: Ints, interface: Ints, words: Ints, block: Ints) -> Records:
        stamp = (words[:, 0].astype(np.uint64) << np.uint64(32)) | words[:, 1].astype(np.uint64)
        time_ns = np.zeros(len(offset), np.int64)
        link = np.full(len(offset), _UNKNOWN_LINK, np.int64)
        number = np.zeros(len(offset), np.int64)
        for place, one in enumerate(self._interfaces):
            mine = interface == place
            if mine.any():
                time_ns[mine] = _nanoseconds(stamp[mine], one)
                link[mine], number[mine] = one.link, one.number
        captured = np.minimum(words[:, 2], np.maximum(block - 32, 0))
        return Records(offset, captured, np.maximum(words[:, 3], captured), time_ns, link, number)

    def _untimed(self, offset: Ints, wire: Ints, block: Ints) -> Records:
        self.untimed += len(offset)
        first = self._interfaces[0] if self._interfaces else Interface(_UNKNOWN_LINK, 0)
        room = np.minimum(block - 16, first.snap) if first.snap else block - 16
        time_ns, link = np.full(len(offset), -1, np.int64), np.full(len(offset), first.link, np.int64)
        number = np.full(len(offset), first.number, np.int64)
        return Records(offset, np.minimum(wire, np.maximum(room, 0)), wire, time_ns, link, number)


def options(body: bytes, order: str) -> list[tuple[int, bytes]]:
    """Return the options of a pcapng block, as far as they are whole."""
    found, at = [], 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        if code == 0 or at + 4 + length > len(body):
            break
        found.append((code, body[at + 4 : at + 4 + length]))
        at += 4 + (length + 3) // 4 * 4
    return found


def _nanoseconds(stamp: NDArray[np.uint64], interface: Interface) -> Ints:
    """Turn ticks of an interface into nanoseconds since 1970."""
    base, exponent = interface.ticks
    if base == 10 and exponent <= 18:
        factor = np.uint64(10 ** abs(9 - exponent))
        time_ns = stamp * factor if exponent <= 9 else stamp // factor
    elif base == 2 and exponent <= 63:
        low = np.uint64((1 << exponent) - 1)
        fraction = (stamp & low).astype(np.float64) / float(1 << exponent) * _NS
        time_ns = (stamp >> np.uint64(exponent)) * np.uint64(_NS) + fraction.astype(np.uint64)
    else:  # so fine that 64 bits hold no time since 1970
        time_ns = np.zeros(len(stamp), np.uint64)
    offset_ns = interface.offset_s * _NS
    return time_ns.astype(np.int64) + (offset_ns if abs(offset_ns) < 1 << 62 else 0)


def _carried(time_ns: Ints, before_ns: int) -> Ints:
    """Give what has no time (-1) that of the one before it."""
    known = np.where(time_ns >= 0, np.arange(len(time_ns)), -1)
    last = np.maximum.accumulate(known)
    return np.where(last < 0, before_ns, time_ns[np.maximum(last, 0)])


def _joined(parts: list[Records]) -> Records:
    filled = [part for part in parts if len(part)]
    if len(filled) <= 1:
        return filled[0] if filled else NO_RECORDS
    names: Any = Records.__slots__
    return Records(*(np.concatenate([getattr(part, name) for part in filled]) for name in names))


def _chosen(records: Records, which: NDArray[Any]) -> Records:
    names: Any = Records.__slots__
    return Records(*(getattr(records, name)[which] for name in names))
