"""Divides a log in W3C's format into stretches of lines that have the same fields, each a file that a CSV reader
takes.

The format: https://www.w3.org/TR/WD-logfile.html. IIS writes the head anew, in the middle of a file, after each
restart and each change of the fields, and the order of the four lines of the head is not fixed. Whoever takes lines
with `#` for comments reads the lines after a change with the wrong fields, and notices nothing.
"""

import mmap
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, Self

from hbprobe.evidence.logs.lines.log_sources import LogSource, NotReadError, encoding_of, reading
from hbprobe.evidence.logs.lines.rows import Layout

_CHUNK: Final = 1 << 20
_HEAD_BYTES: Final = 1 << 16
_LONGEST_LINE: Final = 1_000_000
_LINE_END, _RETURN = ord("\n"), ord("\r")
_TIME: Final = re.compile(rb"(\d\d):(\d\d):(\d\d)")
_LAST_LINES: Final = 20
"""So many lines at the end of a stretch are looked at for a date: some may be broken."""
_HALF_A_DAY_S: Final = 43_200
_NOTHING: Final = b"\0\r\n \x1a"
"""What a crash, or DOS, leaves of a line that has no text."""
_ANYTHING: Final = re.compile(b"[^" + _NOTHING + b"]")
_TABLE: Final = "DateTime,"
"""The first column of HttpProxy's log, whose fields are divided by commas, and stand in a line without `#`, too."""
_QUOTED: Final = {
    Layout.QUOTED: re.compile(rb'(?:"[^"]*"|[^" ][^ ]*|)(?: (?:"[^"]*"|[^" ][^ ]*|))*'),
    Layout.COMMAS: re.compile(rb'(?:"(?:[^"]|"")*+"|[^",][^,]*|)(?:,(?:"(?:[^"]|"")*+"|[^",][^,]*|))*'),
}
"""A line of values, in which those that begin with a quote end with the next one."""
_VALUE: Final = {
    Layout.QUOTED: re.compile(r'(?:(?<= )|^)(?:"([^"]*)"|([^" ][^ ]*|))(?= |$)'),
    Layout.COMMAS: re.compile(r'(?:(?<=,)|^)(?:"((?:[^"]|"")*+)"|([^",][^,]*|))(?=,|$)'),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines under one `#Fields` line, or before the first, as UTF-8."""

    file: Path
    skip: int
    """So many lines at the beginning of the file are its head."""
    fields: tuple[str, ...]
    """As the log calls them; a `date` that the log does not have is put before the others. None where no `#Fields`
    line stands before its lines."""
    offset: int
    """Where the first byte of `file` is in the log."""
    first_line: int
    """Which line of the log the first line of `file` is, counted from 1."""
    lines: int
    """Of the body, with those that are empty."""
    software: str = ""
    began: str = ""
    """What the `#Date` line says."""
    unended: bytes = b""
    """The last line, where it has no line end: its last value may be cut."""
    unended_at: int = 0
    """Where that begins in the log."""
    is_rewritten: bool = False
    """Its lines have other lengths than in the log."""

    @property
    def layout(self) -> Layout:
        """What divides the values of its lines."""
        if _is_table(self.fields):
            return Layout.COMMAS
        return Layout.QUOTED if "Advanced Logging" in self.software else Layout.BLANKS


@dataclass(frozen=True, slots=True)
class Divided:
    """A log, divided."""

    stretches: tuple[Stretch, ...]
    text: Path
    """The whole of it, as UTF-8."""
    encoding: str
    heads_again: tuple[str, ...]
    """The dates of heads in the middle of the file: a restart, or a change of fields."""
    ends_at: int | None = None
    """Where the log ends and bytes follow that could not be unpacked."""


def divide(source: LogSource, folder: Path) -> Divided:
    """Divide a log; what is not in a plain file of UTF-8 is written to `folder`, which must be empty.

    Raises NotReadError where nothing can be read.
    """
    path, is_followed = (source.path, False) if source.is_plain else _unpacked(source, folder / "unpacked")
    path, encoding = _as_utf8(path, folder / "utf8")
    with reading():
        size = path.stat().st_size
        if not size:
            raise NotReadError("is empty: there is nothing to read")
        file = path.open("rb")
    with file, _mapped(file) as data:
        stretches, again = _stretches(data, path, folder)
    return Divided(tuple(stretches), path, encoding, tuple(again), size if is_followed else None)


def _mapped(file: IO[bytes]) -> mmap.mmap:
    """Return the content of an open file. Raises NotReadError."""
    with reading():
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _unpacked(source: LogSource, target: Path) -> tuple[Path, bool]:
    with source.open(may_be_followed=True) as content, target.open("wb") as out:
        while chunk := content.read(_CHUNK):
            out.write(chunk)
    return target, content.is_followed


def _as_utf8(path: Path, target: Path) -> tuple[Path, str]:
    """Return the file itself where it is UTF-8, or a copy that is, and the encoding that it was in."""
    with reading():
        with path.open("rb") as file:
            encoding = encoding_of(file.read(1 << 16))
        if encoding == "utf-8":
            if _is_utf8(path):
                return path, encoding
            encoding = "cp1252"
        text = path.open(encoding=encoding, errors="replace", newline="")
    with text, target.open("wb") as out:
        while True:
            with reading():
                chunk = text.read(_CHUNK)
            if not chunk:
                return target, encoding
            out.write(chunk.encode())


def _is_utf8(path: Path) -> bool:
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if not rest and chunk.isascii():
                continue
            whole, _, rest = (rest + chunk).rpartition(b"\n")
            try:
                whole.decode()
            except UnicodeDecodeError:
                return False
    try:
        rest.decode()
    except UnicodeDecodeError as error:
        return error.end == len(rest) and error.reason == "unexpected end of data"
    return True


def _stretches(data: mmap.mmap, path: Path, folder: Path) -> tuple[list[Stretch], list[str]]:
    heads = list(_heads(data))
    if not heads:
        raise NotReadError("has no #Fields line that names its columns")
    found, again, line = list[Stretch](), list[str](), 1
    reached: _Reached | None = None
    for number, (head, following) in enumerate(pairwise([_Head(0, 0), *heads, _Head(len(data), len(data))])):
        first_line = line + _line_ends(data, head.begin, head.end)
        lines = _line_ends(data, head.end, following.begin)
        line = first_line + lines
        if number > 1:
            again.append(head.date)
        body = (head.end, following.begin)
        is_whole_file = len(heads) == 1 and not head.begin and head.is_dated and _end_alike(data, 0, len(data))
        name = folder / f"stretch{number}"
        began = _began(head) or reached
        stretch = _stretch(data, path if is_whole_file else None, name, head, body, (first_line, lines), began)
        if stretch is not None:
            found.append(stretch)
            if following.begin < len(data):
                reached = _reached(data, body, head, began)
    return found, again


@dataclass(frozen=True, slots=True)
class _Reached:
    """The day of a line, and the second of it."""

    day: date
    second: int = 0

    def by(self, time: bytes) -> Self:
        """Return when the next line was written."""
        if (match := _TIME.match(time)) is None:
            return self
        second = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
        is_past_midnight = self.second - second > _HALF_A_DAY_S
        return type(self)(self.day + timedelta(days=is_past_midnight), second)


@dataclass(slots=True)
class _Head:
    """Lines with `#` that follow each other."""

    begin: int
    end: int
    fields: tuple[str, ...] = ()
    date: str = ""
    software: str = ""

    def column(self, name: str) -> int | None:
        """Return the place of a field."""
        called = (name, f"{name}-local")
        return next((place for place, field in enumerate(self.fields) if field.lower() in called), None)

    @property
    def is_dated(self) -> bool:
        """Whether each line has its day."""
        return self.column("date") is not None or _is_table(self.fields)


def _is_table(fields: Sequence[str]) -> bool:
    return _TABLE.rstrip(",") in fields


def _heads(data: mmap.mmap) -> Iterator[_Head]:
    """Give each head; what one does not say of fields and software goes on as before it."""
    head: _Head | None = None
    for begin in _marks(data):
        end = data.find(b"\n", begin) + 1 or len(data)
        if head is None or data[head.end : begin].strip(b"\r\n"):
            if head is None:
                head = _Head(begin, end)
            else:
                yield head
                head = replace(head, begin=begin, date="")
        head.end = end
        line = data[begin:end].decode(errors="replace").strip()
        name, _, value = line.partition(":")
        if name == "#Fields":
            head.fields = _names_in(value)
        elif line.startswith(_TABLE):
            head.fields = _names_in(line)
        elif name in ("#Date", "#Start-Date"):
            head.date = value.strip()
        elif name == "#Software":
            head.software = value.strip()
    if head is not None:
        yield head


def _names_in(line: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in line.split(",")) if _TABLE in line else tuple(line.split())


def _marks(data: mmap.mmap) -> Iterator[int]:
    """Give where lines of a head begin: after a line end, or after zeros that a crash left behind."""
    if data.find(_TABLE.encode(), 0, _HEAD_BYTES) >= 0:
        pattern = re.compile(rb"#|" + _TABLE.encode())
        places = iter([match.start() for match in pattern.finditer(data)])
    else:
        places = _places_of(b"#", data)
    return (place for place in places if place == 0 or data[place - 1] in b"\n\0")


def _places_of(mark: bytes, data: mmap.mmap) -> Iterator[int]:
    for at in range(0, len(data), _CHUNK):
        piece = data[at : at + _CHUNK]  # which is searched faster than the map
        place = piece.find(mark)
        while place >= 0:
            yield at + place
            place = piece.find(mark, place + 1)


def _stretch(
    data: mmap.mmap, path: Path | None, target: Path, head: _Head, body: tuple[int, int], counted: tuple[int, int],
    began: _Reached | None,
) -> Stretch | None:  # fmt: skip
    (begin, end), (first_line, lines) = body, counted
    ended = data.rfind(b"\n", begin, end) + 1 or begin
    unended = data[ended:end].strip(_NOTHING)[:_LONGEST_LINE]
    if not (lines or unended) or not (head.fields or _ANYTHING.search(data, begin, end)):
        return None
    if path is not None and ended == end:
        skip = data[: head.end].count(b"\n")
        return Stretch(path, skip, head.fields, 0, 1, lines, head.software, head.date)
    fields, is_alike = head.fields, _end_alike(data, begin, ended)
    is_dated = head.is_dated or not head.fields or began is None  # whoever reads lines of no day refuses them
    with target.open("wb") as out:
        if is_dated and is_alike:
            _copy(data, begin, ended, out)
        elif is_dated or began is None:
            data.seek(begin)
            while data.tell() < ended:
                out.write(_ended(data.readline()))
        else:
            fields = ("date", *fields)
            for line, moment in _dated(data, (begin, ended), head, began):
                out.write((moment.day.isoformat().encode() + b" " if line.strip() else b"") + _ended(line))
    return Stretch(
        target, 0, fields, begin, first_line, lines, head.software, head.date, unended, ended,
        is_rewritten=not (is_dated and is_alike),
    )  # fmt: skip


def _ended(line: bytes) -> bytes:
    """Return a line that ends with LF, with a `+`, as IIS writes a blank, for each CR that ends no line."""
    return line.rstrip(b"\r\n").replace(b"\r", b"+") + b"\n"


def _end_alike(data: mmap.mmap, begin: int, end: int) -> bool:
    """Say whether all lines end with LF, or all with CRLF, and no CR is elsewhere: otherwise DuckDB loses lines."""
    import numpy as np

    feeds = returns = both = 0
    for at in range(begin, end, _CHUNK):
        piece = np.frombuffer(data, np.uint8, min(end, at + _CHUNK) - at, at)
        ends = np.flatnonzero(piece == _LINE_END)
        feeds += len(ends)
        returns += int(np.count_nonzero(piece == _RETURN))
        both += int(np.count_nonzero(piece[ends[ends > 0] - 1] == _RETURN))
        both += at > begin and len(ends) > 0 and ends[0] == 0 and data[at - 1] == _RETURN
    return returns == both and both in (0, feeds)


def place_of(file: Path, line: int) -> int:
    """Return where a line begins, counted from 1. Raises NotReadError."""
    with reading(), file.open("rb") as content:
        return sum(len(next(content, b"")) for _ in range(line - 1))


def without_lone_quotes(stretch: Stretch, target: Path) -> Stretch:
    """Return the stretch with blanks for the quotes of lines in which one has no end; places are as before.

    Such a quote would take whole lines for one value, up to the next quote.
    """
    with body_of(stretch) as data:
        begin = data.tell()
        are_whole = _QUOTED[stretch.layout].fullmatch
        if all(b'"' not in line or are_whole(line.rstrip(b"\r\n")) for line in iter(data.readline, b"")):
            return stretch
        data.seek(begin)
        with target.open("wb") as out:
            while line := data.readline():
                out.write(line if are_whole(line.rstrip(b"\r\n")) else line.replace(b'"', b" "))
    return replace(
        stretch, file=target, skip=0, offset=stretch.offset + begin, first_line=stretch.first_line + stretch.skip
    )


@contextmanager
def body_of(stretch: Stretch) -> Iterator[mmap.mmap]:
    """Open the file of a stretch, at the first line behind the head. Raises NotReadError."""
    with reading():
        file = stretch.file.open("rb")
    with file, _mapped(file) as data:
        for _ in range(stretch.skip):
            data.readline()
        yield data


def _line_ends(data: mmap.mmap, begin: int, end: int) -> int:
    """Count line ends, in place: to copy a piece and count in it takes twice as long."""
    import numpy as np

    pieces = ((at, min(end, at + _CHUNK)) for at in range(begin, end, _CHUNK))
    return sum(int(np.count_nonzero(np.frombuffer(data, np.uint8, to - at, at) == _LINE_END)) for at, to in pieces)


def _copy(data: mmap.mmap, begin: int, end: int, out: IO[bytes]) -> None:
    for at in range(begin, end, _CHUNK):
        out.write(data[at : min(end, at + _CHUNK)])


def _began(head: _Head) -> _Reached | None:
    """Return when a head says that it was written; None where it does not say."""
    try:
        return _Reached(date.fromisoformat(head.date[:10]))
    except ValueError:
        return None


def _dated(
    data: mmap.mmap, body: tuple[int, int], head: _Head, began: _Reached
) -> Iterator[tuple[bytes, _Reached]]:  # fmt: skip
    """Give each line with when it was written: the clock's fall by half a day is midnight."""
    column, reached = head.column("time"), began
    data.seek(body[0])
    while data.tell() < body[1]:
        line = data.readline()
        reached = reached.by(_value(line, column))
        yield line, reached


def _reached(data: mmap.mmap, body: tuple[int, int], head: _Head, began: _Reached | None) -> _Reached | None:
    """Return when the last lines of a stretch were written, for a head behind it that does not say."""
    at = None if head.is_dated else began
    if at is not None:
        return deque((moment for _, moment in _dated(data, body, head, at)), 1).pop() if body[0] < body[1] else at
    day_in, time_in, end = head.column("date"), head.column("time"), body[1]
    for _ in range(_LAST_LINES):
        begin = max(body[0], data.rfind(b"\n", body[0], end - 1) + 1)
        with suppress(ValueError):
            line = data[begin:end]
            return _Reached(date.fromisoformat(_value(line, day_in).decode("ascii", "replace"))).by(
                _value(line, time_in)
            )
        if begin == body[0]:
            break
        end = begin
    return began


def _value(line: bytes, column: int | None) -> bytes:
    if column is None:
        return b""
    parts = line.split(b" ", column + 1)
    return parts[column] if len(parts) > column else b""


# Lines that a CSV reader did not take

_NUMBER: Final = re.compile(r"-?\d+|-")
_DAY, _TIME_OF_DAY = r"\d{4}-\d\d-\d\d", r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00)"
_SHAPES: Final = {
    "DATE": re.compile(_DAY),
    "TIME": re.compile(_TIME_OF_DAY),
    "TIMESTAMP": re.compile(f"{_DAY}[T ]{_TIME_OF_DAY}Z?"),
    **dict.fromkeys(("INTEGER", "BIGINT", "UBIGINT"), _NUMBER),
    "c-ip": re.compile(r"[0-9A-Fa-f.:%]+|-"),
    "s-ip": re.compile(r"[0-9A-Fa-f.:%]+|-"),
    "cs-method": re.compile(r"[A-Z_-]+"),
}
"""Of types of columns, and of columns by name."""


def parts_of(line: str, layout: Layout) -> list[str]:
    """Return what marks divide in a line."""
    line = line.rstrip("\r\n" if layout is Layout.COMMAS else "\r\n ")
    if layout is Layout.BLANKS:
        return line.split(" ")
    return [quoted.replace('""', '"') or plain for quoted, plain in _VALUE[layout].findall(line)]


def mended(parts: Sequence[str], columns: Mapping[str, str], layout: Layout) -> list[str] | None:
    """Return the values of a line; None where there is no way, or more than one. `columns` are names with types.

    Known are a doubled blank, raw blanks inside the query, which Exchange's own text brings there, and numbers that
    are too large for their column. All that have a shape (dates, numbers, addresses) must then have theirs.
    """
    ways: list[Sequence[str] | None] = [parts]
    if layout is not Layout.COMMAS:
        ways += [[part for part in parts if part], _query_joined(parts, tuple(columns))]
    found = list[list[str]]()
    for values in ways:
        if values is not None and len(values) == len(columns) and values not in found and _fits(values, columns):
            found.append(list(values))
    return found[0] if len(found) == 1 else None


def _query_joined(parts: Sequence[str], names: Sequence[str]) -> list[str] | None:
    extra = len(parts) - len(names)
    if extra <= 0 or "cs-uri-query" not in names:
        return None
    place = names.index("cs-uri-query")
    return [*parts[:place], "+".join(parts[place : place + extra + 1]), *parts[place + extra + 1 :]]


def _fits(values: Sequence[str], columns: Mapping[str, str]) -> bool:
    shapes = (_SHAPES.get(kind) or _SHAPES.get(name) for name, kind in columns.items())
    return all(
        (shape is None or shape.fullmatch(value)) and (kind not in ("DATE", "TIMESTAMP") or _is_a_day(value[:10]))
        for value, shape, kind in zip(values, shapes, columns.values(), strict=True)
    )


def _is_a_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
