"""The request: one capture, or two of one path, to a record of who ended the connections, and when."""

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hbprobe.errors import RequestError
from hbprobe.evidence.captures import two_sides
from hbprobe.evidence.captures.capture_file import CaptureFile, found, pieces
from hbprobe.evidence.captures.death import LEAST_IDLE_S, judge
from hbprobe.evidence.captures.fate import ConnectionFate, ConnectionVerdict
from hbprobe.evidence.captures.findings import CaptureFindings, record
from hbprobe.evidence.captures.headers import Segments
from hbprobe.evidence.captures.hints import hints
from hbprobe.evidence.captures.idle_timers import idle_timers
from hbprobe.evidence.captures.other_flows import OtherFlows, simultaneous, weighed
from hbprobe.evidence.captures.retention import Retention, Rows
from hbprobe.evidence.captures.tcp_flow import Endpoint, connection_count, flows
from hbprobe.measure.field_values import read_fields
from hbprobe.text import counted

if TYPE_CHECKING:
    from hbprobe.records.capture import CaptureRecord

Progress = Callable[[CaptureFile, Rows], None]
"""Told after each piece: the file, as far as it is read, and the packets that were kept of the piece."""


_SHORTEST_IDLE_S = 1.0


@dataclass(frozen=True)
class Capture:
    """Say who ended the connections of a capture, after which silence, and which timers that shows.

    `run` does it at once; `measure` in a thread, for programs with an event loop.
    """

    files: Sequence[str | Path]
    """One capture, or two of one path: the client's side and the server's. Each is a file in pcap or pcapng (also
    with gzip), a folder of them, as a ring buffer leaves it, or `-` for standard input."""
    host: str | None = None
    """Only connections of this address, or of addresses in this network (`198.51.100.0/24`)."""
    port: int | None = None
    """Only connections of this port."""
    since: str | datetime | None = None
    """Only packets from this time on: `2026-11-22T02:17:00Z`, in UTC where no zone is named."""
    until: str | datetime | None = None
    """Only packets before this time."""
    least_idle: float = LEAST_IDLE_S
    """Seconds. A connection that was quiet for less has not died of idleness."""
    annotate: str | Path | None = None
    """Where to write a pcapng with comments on the packets that matter."""
    keys: str | Path | None = None
    """A file of TLS keys (SSLKEYLOGFILE) to put into the annotated pcapng: with it, anybody can read the traffic."""

    def __post_init__(self) -> None:
        if isinstance(self.files, str | Path):
            object.__setattr__(self, "files", [self.files])
        read_fields(self)
        if not 1 <= len(self.files) <= 2:
            raise RequestError(
                "{files}: give one capture, or two of one path; for a ring buffer give its folder", "files"
            )
        if self.keys is not None and self.annotate is None:
            text = "{keys}: go into an annotated pcapng: say with {annotate} where to write that"
            raise RequestError(text, "keys")
        if self.port is not None and not 0 < self.port < 65536:
            raise RequestError("{port}: {value} is no port: give one from 1 to 65535", "port", value=self.port)
        if not self.least_idle >= _SHORTEST_IDLE_S:
            text = "{least_idle}: {value} is below 1 s: shorter silences are not kept"
            raise RequestError(text, "least_idle", value=self.least_idle)
        _network(self.host)
        since, until = _moment("since", self.since), _moment("until", self.until)
        if since is not None and until is not None and since >= until:
            raise RequestError("{since}: is not before {until}: swap them", "since")

    def run(self, progress: Progress | None = None) -> "CaptureRecord":
        """Read, judge, annotate where that was asked for, and return the record; raises UserError."""
        findings = self.findings(progress)
        if self.annotate is not None:
            from hbprobe.evidence.captures.annotation import annotate

            annotate(findings, Path(self.annotate), None if self.keys is None else Path(self.keys))
        return record(findings)

    async def measure(self, progress: Progress | None = None) -> "CaptureRecord":
        """Do as `run`, in a thread."""
        return await asyncio.to_thread(self.run, progress)

    def findings(self, progress: Progress | None = None) -> CaptureFindings:
        """Read and judge; raises UserError."""
        from hbprobe.profiles.catalogue import Catalogue

        sides = [_Side(index) for index in range(len(self.files))]
        read: list[CaptureFile] = []
        for side, path in zip(sides, self.files, strict=True):
            for one in found([Path(path)]):
                file = CaptureFile(one, is_of_ring=one != Path(path))
                side.files.append(file)
                read.append(file)
                for piece in pieces(file):
                    rows = side.kept.add(piece.data, self._asked(piece.segments), piece.first_packet, len(read) - 1)
                    if progress is not None:
                        progress(file, rows)
        result = _one(sides[0], read, self.least_idle) if len(sides) == 1 else _two(sides, read, self.least_idle)
        return replace(result, timers=tuple(idle_timers(result.verdicts, Catalogue().all)))

    def _asked(self, segments: Segments) -> Segments:
        keep = np.ones(len(segments), bool)
        if self.port is not None:
            keep &= (segments.source_port == self.port) | (segments.target_port == self.port)
        if (network := _network(self.host)) is not None:
            keep &= _within(segments.source_high, segments.source_low, network) | _within(
                segments.target_high, segments.target_low, network
            )
        since, until = _moment("since", self.since), _moment("until", self.until)
        if since is not None:
            keep &= segments.time_ns >= int(since.timestamp() * 1e9)
        if until is not None:
            keep &= segments.time_ns < int(until.timestamp() * 1e9)
        if keep.all():
            return segments
        names: Any = Segments.__slots__
        return Segments(*(getattr(segments, name)[keep] for name in names))


def _moment(name: str, value: str | datetime | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        text = f"{{{name}}}: {{value!r}} is no time: write 2026-11-22T02:17:00Z"
        raise RequestError(text, name, value=value) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str | None) -> _Network | None:
    if text is None:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        told = "{host}: {value!r} is no address: write one, or a network such as 198.51.100.0/24"
        raise RequestError(told, "host", value=text) from None


def _within(high: NDArray[np.uint64], low: NDArray[np.uint64], network: _Network) -> NDArray[np.bool_]:
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.version == 4:
        mapped = 0xFFFF << 32
        first, last = mapped | first, mapped | last
    mask = first ^ last  # ones where any value is within
    fixed_high, fixed_low = ~(mask >> 64) & (2**64 - 1), ~mask & (2**64 - 1)
    same_high: NDArray[np.bool_] = (high & np.uint64(fixed_high)) == np.uint64((first >> 64) & fixed_high)
    same_low: NDArray[np.bool_] = (low & np.uint64(fixed_low)) == np.uint64(first & fixed_low)
    return same_high & same_low


@dataclass(slots=True)
class _Side:
    """The captures of one point."""

    index: int
    files: list[CaptureFile] = field(default_factory=list)
    kept: Retention = field(default_factory=Retention)

    @property
    def end_s(self) -> float:
        return max((file.last_ns or 0 for file in self.files), default=0) / 1e9


def _judged(
    kept: Rows, end_s: float, least_idle_s: float, *, all_of_them: bool = False
) -> tuple[list[ConnectionVerdict], OtherFlows]:
    others, verdicts = OtherFlows(kept), []
    for flow in flows(kept, least_gap_s=min(least_idle_s, 1.0), others_too=all_of_them):
        others.add(flow)
        verdict = judge(flow, end_s=end_s, least_idle_s=least_idle_s)
        verdicts.append(replace(verdict, hints=hints(flow)))
    return verdicts, others


def _one(side: _Side, files: Sequence[CaptureFile], least_idle_s: float) -> CaptureFindings:
    rows = side.kept.rows()
    verdicts, others = _judged(rows, side.end_s, least_idle_s)
    judged = tuple(weighed(verdicts, others))
    return CaptureFindings(
        tuple(files),
        (None,) * len(files),
        max(connection_count(rows), len(judged)) + side.kept.attempts,
        judged,
        notes=tuple(_notes([side], judged)),
    )


def _two(sides: Sequence[_Side], files: Sequence[CaptureFile], least_idle_s: float) -> CaptureFindings:
    rows = [side.kept.rows() for side in sides]
    told = [_judged(kept, side.end_s, least_idle_s, all_of_them=True) for kept, side in zip(rows, sides, strict=True)]
    seen = [[verdict.flow for verdict in verdicts] for verdicts, _ in told]
    order = two_sides.is_client_side(*seen)
    near, far = (1, 0) if order is False else (0, 1)
    pairs = two_sides.matched(seen[near], seen[far])
    clock, missing = two_sides.clock(pairs), two_sides.missing_share(pairs)
    of = {id(verdict.flow): verdict for place in (near, far) for verdict in weighed(*told[place])}
    ends = sides[near].end_s, sides[far].end_s
    verdicts = []
    for pair in pairs:
        one, other = of.pop(id(pair.client_side)), of.pop(id(pair.server_side))
        verdicts.append(two_sides.joined(pair, one, other, missing, ends))
    alone = len(of)
    verdicts += of.values()
    verdicts = [one for one in verdicts if _is_worth_telling(one, least_idle_s)]
    verdicts.sort(key=lambda one: one.flow.packets[0].at_s)
    notes = _notes(sides, verdicts)
    if order is False:
        notes.append("by transit times and TTL the second capture is the one at the client's side")
    elif order is None:
        notes.append("nothing tells which capture is at the client's side; the first is taken for it")
    if not pairs:
        notes.append("the captures have no connection in common: each was judged by itself")
    elif alone:
        notes.append(f"{counted(alone, 'connection')} were seen on one side only")
    if pairs and missing > two_sides.COMPLETE:
        notes.append(f"one of the captures has lost packets ({missing:.1%}): what one side alone saw proves less")
    which = {
        id(file): Endpoint.CLIENT if side is sides[near] else Endpoint.SERVER for side in sides for file in side.files
    }
    return CaptureFindings(
        tuple(files),
        tuple(which[id(file)] for file in files),
        len(pairs) + alone,
        tuple(verdicts),
        tuple(pairs),
        clock,
        missing if pairs else None,
        notes=tuple(notes),
    )


def _is_worth_telling(verdict: ConnectionVerdict, least_idle_s: float) -> bool:
    boring = verdict.ending in (ConnectionFate.ALIVE, ConnectionFate.ORDERLY)
    return not boring or verdict.longest_s >= min(least_idle_s, 1.0)


def _notes(sides: Iterable[_Side], verdicts: Sequence[ConnectionVerdict]) -> list[str]:
    notes = []
    for side in sides:
        for file in side.files:
            counts = file.counts
            if counts.fragments:
                notes.append(f"{file.path}: {counted(counts.fragments, 'fragment')} of packets have no TCP header")
            if counts.unknown_link:
                notes.append(f"{file.path}: {counted(counts.unknown_link, 'packet')} on a link of an unknown type")
            notes += [f"{file.path}: {note}" for note in file.notes]
        if side.kept.copies:
            notes.append(f"{counted(side.kept.copies, 'packet')} came twice, as from a mirror port; once is enough")
        if side.kept.attempts:
            notes.append(
                f"{counted(side.kept.attempts, 'attempt')} to connect that came to nothing were only counted"
            )
        if side.kept.coarser > 1:
            notes.append("so many silences that only those of a second and more were looked at")
    for group in simultaneous([one for one in verdicts if one.is_death]):
        when = datetime.fromtimestamp(group[0].at_s or 0.0, UTC)
        notes.append(
            f"{counted(len(group), 'connection')} ended at one moment ({when:%Y-%m-%d %H:%M:%S} UTC) after silences "
            "of different length: that was an event, a restart perhaps, and no timer"
        )
    return notes
