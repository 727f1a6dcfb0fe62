"""A pcapng with comments on the packets that matter, a verdict on the section, and names; packets as they were.

Format: draft-ietf-opsawg-pcapng. Wireshark and tshark show the comments (`frame.comment`).
"""

import ipaddress
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hbprobe import __version__
from hbprobe.errors import UserError
from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture_file import PIPE, CaptureFile, pieces
from hbprobe.evidence.captures.fate import ConnectionVerdict
from hbprobe.evidence.captures.findings import CaptureFindings, record
from hbprobe.evidence.captures.tcp_flow import Endpoint
from hbprobe.text import shown

_SECTION, _INTERFACE, _NAMES, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 4, 6, 10
_COMMENT, _IF_NAME, _IF_TSRESOL, _USER = 1, 2, 9, 4
_TLS_KEYS = 0x544C534B
_NAME_IPV4, _NAME_IPV6 = 1, 2
_NANOSECONDS = b"\x09"
_MOST_COMMENT = 60_000
"""Bytes; an option's length has 16 bits."""
_MOST_NAMES = 1000


def annotate(findings: CaptureFindings, out: Path, keys: Path | None = None) -> None:
    """Write the packets of all files, each side as an interface of its own. Raises UserError.

    Nothing is left behind where that fails half way.
    """
    secrets = _read_keys(keys)
    if any(file.path == PIPE for file in findings.files):
        raise UserError("annotate: packets from a pipe are gone once they are read: capture into a file first")
    if any(out.exists() and file.path.samefile(out) for file in findings.files):
        raise UserError(f"{shown(str(out))}: is one of the captures: write the annotated one elsewhere")
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            _write(findings, file, secrets)
        part.replace(out)
    except OSError as error:
        raise UserError(f"{shown(str(out))}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _read_keys(keys: Path | None) -> bytes | None:
    if keys is None:
        return None
    try:
        text = keys.read_bytes()
    except OSError as error:
        raise UserError(f"{shown(str(keys))}: cannot be read: {error.strerror}") from error
    if not any(line.split(b" ")[0] in _KEY_LABELS for line in text.splitlines()):
        raise UserError(f"{shown(str(keys))}: holds no TLS keys: give a file that SSLKEYLOGFILE names")
    return text


_KEY_LABELS = {
    b"CLIENT_RANDOM",
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET",
    b"CLIENT_TRAFFIC_SECRET_0",
    b"SERVER_TRAFFIC_SECRET_0",
    b"EXPORTER_SECRET",
}


def _write(findings: CaptureFindings, out: BinaryIO, secrets: bytes | None) -> None:
    comments: dict[tuple[int, int], list[str]] = defaultdict(list)
    for verdict in findings.verdicts:
        for comment in verdict.comments:
            if comment.text not in comments[comment.file, comment.number]:
                comments[comment.file, comment.number].append(comment.text)
    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    program = f"hbprobe {__version__}".encode()
    out.write(_block(_SECTION, body + _options([(_COMMENT, _summary(findings)), (_USER, program)])))
    if secrets is not None:
        out.write(_block(_SECRETS, struct.pack("<II", _TLS_KEYS, len(secrets)) + _padded(secrets)))
    out.write(_names(findings.verdicts))
    interfaces: dict[tuple[int, int], int] = {}
    for index, side in enumerate(findings.sides):
        read = findings.files[index]
        file = CaptureFile(read.path, read.is_of_ring)
        for piece in pieces(file):
            records = piece.records
            for link in np.unique(records.link).tolist():
                if (index, link) not in interfaces:
                    interfaces[index, link] = len(interfaces)
                    name = f"{side} side" if side is not None else shown(file.path.name)
                    head = struct.pack("<HHI", max(link, 0), 0, 0)
                    options = [(_IF_NAME, name.encode()), (_IF_TSRESOL, _NANOSECONDS)]
                    out.write(_block(_INTERFACE, head + _options(options)))
            view = piece.data.data
            for place, (offset, captured, wire, time_ns, link) in enumerate(
                zip(
                    records.offset.tolist(),
                    records.captured.tolist(),
                    records.wire.tolist(),
                    records.time_ns.tolist(),
                    records.link.tolist(),
                    strict=True,
                )
            ):
                stamp = max(time_ns, 0)
                head = struct.pack("<IIIII", interfaces[index, link], stamp >> 32, stamp & 0xFFFFFFFF, captured, wire)
                told = comments.get((index, piece.first_packet + place), ())
                end = _options([(_COMMENT, text.encode()[:_MOST_COMMENT]) for text in told]) if told else b""
                out.write(_block(_PACKET, head + _padded(bytes(view[offset : offset + captured])) + end))


def _summary(findings: CaptureFindings) -> bytes:
    return "\n".join(answer(record(findings))).encode()[:_MOST_COMMENT]


def _names(verdicts: Iterable[ConnectionVerdict]) -> bytes:
    """Return names for the ends: Wireshark shows them where it resolves addresses from the file."""
    known: dict[str, Endpoint] = {}
    for verdict in verdicts:
        known.setdefault(verdict.flow.client, Endpoint.CLIENT)
        known[verdict.flow.server] = Endpoint.SERVER
    records = b"".join(_name_records(list(known.items())[:_MOST_NAMES]))
    return _block(_NAMES, records + struct.pack("<HH", 0, 0)) if known else b""


def _name_records(known: list[tuple[str, Endpoint]]) -> Iterator[bytes]:
    for address, end in known:
        packed = ipaddress.ip_address(address).packed
        kind = _NAME_IPV4 if len(packed) == 4 else _NAME_IPV6
        value = packed + f"{end}-{address.replace(':', '-')}".encode() + b"\0"
        yield struct.pack("<HH", kind, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _options(pairs: Iterable[tuple[int, bytes]]) -> bytes:
    parts = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in pairs]
    return b"".join(parts) + struct.pack("<HH", 0, 0)


def _padded(value: bytes) -> bytes:
    return value + b"\0" * (-len(value) % 4)
