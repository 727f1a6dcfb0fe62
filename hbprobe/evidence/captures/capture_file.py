"""A capture file, a folder of them, or a pipe: read in pieces, or refused by name where it is another kind."""

import gzip
import mmap
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hbprobe.errors import UserError
from hbprobe.evidence.captures.headers import Bytes, PacketCounts, Segments, segments
from hbprobe.evidence.captures.packet_records import PADDING, DamagedError, Records, Scanner, scanner_of
from hbprobe.text import shown

PIPE = Path("-")
_PIECE_BYTES = 64 * 1024 * 1024
_FIRST_BYTES = 4 * 1024 * 1024
_MOST_PACKETS = 250_000
"""Of small packets pieces are smaller: what is made of a piece grows with its packets."""
_PIPE_BYTES = 256 * 1024
_SUFFIXES = (".pcap", ".pcapng", ".cap", ".dmp", ".ntar", ".gz")
_CONVERT = {
    ".etl": "pktmon etl2pcap {name} --out {stem}.pcapng (for a trace of netsh: etl2pcapng {name} {stem}.pcapng)",
    ".erf": "editcap {name} {stem}.pcapng",
    ".snoop": "editcap {name} {stem}.pcapng",
}
_FOREIGN = {
    b"snoop\0\0\0": "is a capture of snoop: convert it with editcap",
    b"GMBU": "is a capture of Microsoft's Network Monitor: convert it with editcap",
    b"XCP\0": "is a capture of NetXRay: convert it with editcap",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: unpack it first",
    b"\xfd7zXZ\0": "is compressed with xz: unpack it first",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a capture."""

    data: Bytes
    size: int
    records: Records
    segments: Segments
    first_packet: int
    """The number that its first packet has in the file, counted from 1 as Wireshark does."""


@dataclass(slots=True)
class CaptureFile:
    """One file, while and after it is read."""

    path: Path
    is_of_ring: bool = False
    """Whoever writes the ring may cut it short at any time. It is read, then, for what is mapped and gone ends the
    process."""
    kind: str = ""
    counts: PacketCounts = field(default_factory=PacketCounts)
    size: int = 0
    untimed: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    notes: list[str] = field(default_factory=list)
    """What a reader must know: a cut last packet, damage."""


def found(paths: Iterable[Path]) -> list[Path]:
    """Return the files that the paths name, those of a folder by name; raises UserError for one that is not there.

    Programs that write a ring of files name them by number or time, so their names are in order.
    """
    files: list[Path] = []
    for path in paths:
        if path == PIPE or path.is_file() or path.is_fifo():
            files.append(path)
        elif path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and _is_capture(one))
            if not inside:
                raise UserError(f"{_name(path)}: holds no capture: give a folder with .pcap or .pcapng files")
            files += inside
        else:
            raise UserError(f"{_name(path)}: is not there: give a capture file, a folder of them, or - for a pipe")
    return files


def _is_capture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError:
        return path.suffix.lower() in _SUFFIXES
    return scanner_of(head) is not None or (head[:2] == b"\x1f\x8b" and ".pcap" in path.name)


def pieces(file: CaptureFile, *, piece_bytes: int = _PIECE_BYTES) -> Iterator[Piece]:
    """Read a file to its end, and leave in `file` what was found. Raises UserError for what is no capture.

    Each piece of a file is read while the one before it is looked at; what a pipe has got is given at once.
    """
    name = _name(file.path)
    for suffix, command in _CONVERT.items():
        if file.path.suffix.lower() == suffix:
            told = command.format(name=file.path.name, stem=file.path.stem)
            raise UserError(f"{name}: {suffix} files are not read: convert it with {shown(told)}")
    is_pipe = file.path == PIPE or file.path.is_fifo()
    try:
        with _opened(file.path) as stream:
            if is_pipe:
                yield from _read(file, _Stream(stream, at_once=True), min(piece_bytes, _PIPE_BYTES))
            elif isinstance(stream, gzip.GzipFile) or file.is_of_ring:
                yield from _ahead(_read(file, _Stream(stream), piece_bytes))
            else:
                yield from _ahead(_read(file, _Mapped(stream), piece_bytes))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{name}: cannot be read: {shown(reason)}") from error


def _opened(path: Path) -> FileIO | gzip.GzipFile:
    if path == PIPE:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    with path.open("rb") as probe:
        is_gzip = not path.is_fifo() and probe.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if is_gzip else path.open("rb", buffering=0)


def _ahead(read: Iterator[Piece]) -> Iterator[Piece]:
    """Give pieces in their order; a thread reads each while the one before it is used."""
    with ThreadPoolExecutor(1, "hbprobe-capture") as thread:
        following = thread.submit(next, read, None)
        while (piece := following.result()) is not None:
            following = thread.submit(next, read, None)
            yield piece


class _Source(Protocol):
    """The bytes of a capture, from its beginning on."""

    def peek(self, most: int) -> tuple[Bytes, int, bool]:
        """Return what comes next, how many bytes that are (`most` at most), and whether no more will follow.

        The array is at least `PADDING` longer, and nothing changes it later.
        """

    def advance(self, count: int) -> None:
        """Step over what was used."""


class _Mapped:
    """A file that is mapped piece by piece: each is gone with the last array that looks at it."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._size, self._at = os.fstat(file.fileno()).st_size, 0

    def peek(self, most: int) -> tuple[Bytes, int, bool]:
        """Return what comes next."""
        size = min(most, self._size - self._at)
        is_last = self._at + size == self._size
        if not size:
            return np.zeros(PADDING, np.uint8), 0, is_last
        begin = self._at // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        end = min(self._at + size + PADDING, self._size)
        view = mmap.mmap(self._file.fileno(), end - begin, access=mmap.ACCESS_READ, offset=begin)
        data = np.frombuffer(view, np.uint8)[self._at - begin :]
        if len(data) < size + PADDING:
            data = np.concatenate([data, np.zeros(PADDING, np.uint8)])
        return data, size, is_last

    def advance(self, count: int) -> None:
        """Step over what was used."""
        self._at += count


class _Stream:
    """What can only be read from its beginning to its end."""

    def __init__(self, file: FileIO | gzip.GzipFile | BytesIO, *, at_once: bool = False) -> None:
        """`at_once`: what has come is given, for somebody may be waiting for it."""
        self._file, self._at_once = file, at_once
        self._rest = np.empty(0, np.uint8)

    def peek(self, most: int) -> tuple[Bytes, int, bool]:
        """Return what comes next."""
        data = np.empty(most + PADDING, np.uint8)
        size, ended = len(self._rest), False
        data[:size] = self._rest
        while size < most and not ended:
            got = self._file.readinto(data.data[size:most])
            size, ended = size + got, not got
            if self._at_once:
                break
        data[size : size + PADDING] = 0
        self._rest = data[:size]
        return data, size, ended

    def advance(self, count: int) -> None:
        """Step over what was used."""
        self._rest = self._rest[count:]


def _read(file: CaptureFile, source: _Source, room: int) -> Iterator[Piece]:
    packets, scanner, wanted, begin = 0, None, min(room, _FIRST_BYTES), 0
    while True:
        data, size, ended = source.peek(wanted)
        file.size = begin + size
        if scanner is None:
            if size < 24 and not ended:
                continue
            scanner = _scanner(file, data[: min(size, 24)].tobytes())
        try:
            records, used = scanner.scan(data, size)
        except DamagedError as damage:
            file.notes.append(f"damaged after packet {packets}: {damage}; what follows was not read")
            return
        file.untimed = scanner.untimed
        if len(records):
            _note_times(file, records)
            found = segments(data, records, file.counts, locate)
            yield Piece(data, size, records, found, packets + 1)
            packets += len(records)
            wanted = min(room, max(_FIRST_BYTES, _MOST_PACKETS * used // len(records)))
        source.advance(used)
        begin += used
        if ended and (not used or used == size):
            if used < size:
                file.notes.append(f"its last packet, number {packets + 1}, is cut off, as when a capture is stopped")
            return
        if size - used >= wanted:
            wanted = 2 * wanted  # never beyond two of the largest blocks, one of which then fits


def _scanner(file: CaptureFile, head: bytes) -> Scanner:
    if not head:
        raise UserError(f"{_name(file.path)}: is empty: not even the head of a capture is there")
    foreign = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), None)
    if foreign is not None:
        raise UserError(f"{_name(file.path)}: {foreign}")
    scanner = scanner_of(head)
    if scanner is None:
        raise UserError(f"{_name(file.path)}: is no capture: give a file in pcap or pcapng")
    file.kind = scanner.kind
    return scanner


def _note_times(file: CaptureFile, records: Records) -> None:
    first, last = int(records.time_ns.min()), int(records.time_ns.max())
    file.first_ns = first if file.first_ns is None else min(first, file.first_ns)
    file.last_ns = last if file.last_ns is None else max(last, file.last_ns)


def _name(path: Path) -> str:
    return "standard input" if path == PIPE else shown(str(path))


def locate(link: int, packet: bytes) -> int | None:
    """Return where a packet of an odd link type has its IP header, by scapy; None where it has none."""
    layer, network = _scapy_layers(link)
    if layer is None:
        return None
    try:
        read = layer(packet)
        inner = next((read[one] for one in network if read.haslayer(one)), None)
    except Exception:
        return None
    return None if inner is None else len(packet) - len(inner.original)


@cache
def _scapy_layers(link: int) -> tuple[Any, tuple[Any, ...]]:
    import scapy.all  # noqa: F401  it enters all layers into the table of link types
    from scapy.config import conf
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6

    return conf.l2types.num2layer.get(link), (IP, IPv6)
