"""Writes Windows event logs for tests: chunks without templates, each name written out.

The format, as others found it out: https://github.com/libyal/libevtx/blob/main/documentation/.
"""

import struct
import zlib
from datetime import UTC, datetime

_CHUNK = 65536
_SINCE_1601_S = 11_644_473_600


def write_evtx(path, events):
    """Write (id, provider, datetime, computer, inserts) as a log."""
    chunks, records = [], []
    for number, event in enumerate(events, 1):
        records.append((number, event))
        if len(records) == 40:
            chunks.append(_chunk(records))
            records = []
    if records:
        chunks.append(_chunk(records))
    head = struct.pack(
        "<8sQQQIHHHH76x", b"ElfFile\0", 0, max(0, len(chunks) - 1), len(events) + 1, 128, 1, 3, 4096, len(chunks)
    )
    head += struct.pack("<II", 0, zlib.crc32(head))
    path.write_bytes(head.ljust(4096, b"\0") + b"".join(chunks))
    return path


def _chunk(records):
    body, last = b"", 0
    for number, event in records:
        last = 512 + len(body)
        body += _record(number, event, last)
    first, final = records[0][0], records[-1][0]
    free = 512 + len(body)
    head = struct.pack("<8sQQQQIIII", b"ElfChnk\0", first, final, first, final, 128, last, free, zlib.crc32(body))
    head = head.ljust(120, b"\0")
    tables = b"\0" * 384
    return (head + struct.pack("<II", 0, zlib.crc32(head + tables)) + tables + body).ljust(_CHUNK, b"\0")


def _record(number, event, offset):
    identity, provider, at, computer, inserts = event
    filetime = int((at.replace(tzinfo=at.tzinfo or UTC).timestamp() + _SINCE_1601_S) * 10_000_000)
    xml = _Xml(offset + 24)
    xml.out += b"\x0f\x01\x01\x00"
    created = datetime.fromtimestamp(filetime / 10_000_000 - _SINCE_1601_S, UTC).isoformat()
    with_system = [
        ("Provider", {"Name": provider}, None),
        ("EventID", {"Qualifiers": "32768"}, str(identity)),
        ("Level", {}, "3"),
        ("TimeCreated", {"SystemTime": created}, None),
        ("EventRecordID", {}, str(number)),
        ("Channel", {}, "Application"),
        ("Computer", {}, computer),
    ]
    xml.element("Event", {}, lambda: (
        xml.element("System", {}, lambda: [xml.element(*part) for part in with_system]),
        xml.element("EventData", {}, lambda: [xml.element("Data", {}, insert) for insert in inserts]),
    ))  # fmt: skip
    xml.out += b"\x00"
    size = 24 + len(xml.out) + 4
    return struct.pack("<IIQQ", 0x2A2A, size, number, filetime) + bytes(xml.out) + struct.pack("<I", size)


class _Xml:
    """Binary XML, in which each name stands where it is used."""

    def __init__(self, offset):
        self.offset, self.out = offset, bytearray()

    def element(self, name, attributes, content):
        start = len(self.out)
        self.out += struct.pack(
            "<BI", 0x41 if attributes else 0x01, 0
        )  # the dependency's number is in templates only
        self._name(name)
        if attributes:
            at = len(self.out)
            self.out += struct.pack("<I", 0)
            for key, value in attributes.items():
                self.out += b"\x06"
                self._name(key)
                self._text(value)
            struct.pack_into("<I", self.out, at, len(self.out) - at - 4)
        if content is None:
            self.out += b"\x03"
        else:
            self.out += b"\x02"
            if callable(content):
                content()
            else:
                self._text(content)
            self.out += b"\x04"
        struct.pack_into("<I", self.out, start + 1, len(self.out) - start - 5)

    def _name(self, name):
        here = self.offset + len(self.out) + 4
        number = 0
        for character in name:
            number = (number * 65599 + ord(character)) & 0xFFFFFFFF
        self.out += struct.pack("<I", here) + struct.pack("<IHH", 0, number & 0xFFFF, len(name))
        self.out += name.encode("utf-16-le") + b"\0\0"

    def _text(self, text):
        self.out += struct.pack("<BBH", 0x05, 0x01, len(text)) + text.encode("utf-16-le")
