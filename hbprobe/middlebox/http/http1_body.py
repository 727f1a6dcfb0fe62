"""Where the body of an HTTP/1.1 message ends, found in the bytes as they pass. No I/O.

A body is shown what came, and says how much of it belongs to it and may be passed on. It keeps nothing: what it
has not taken is shown again, together with what comes next. So a line of a chunked body is passed on only when it
is whole and right.
"""

import re
from typing import Protocol

from hbprobe.middlebox.http.http1 import Framing, FramingKind, find_end, read_trailers

_SIZE_LIMIT = 4096
"""The most bytes of a line with a chunk's size, extensions included."""
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_SIZE_BEGUN = re.compile(rb"(?:[0-9A-Fa-f]{1,15}(?:;[\t\x20-\x7e\x80-\xff]*)?\r?)?")


class Body(Protocol):
    """A body on its way."""

    done: bool
    """Its end has passed."""

    def take(self, data: bytes, at: int) -> int:
        """Return up to where `data`, from `at` on, belongs to the body; raises ValueError where it is malformed."""
        ...

    def end_here(self) -> None:
        """Note that the connection has ended: where that is what ends the body, it is done."""


class Sized:
    """A body of a known number of bytes; none at all is one, too."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def take(self, data: bytes, at: int) -> int:
        """Take what is left of the body."""
        taken = min(self._left, len(data) - at)
        self._left -= taken
        self.done = self._left == 0
        return at + taken

    def end_here(self) -> None:
        """Change nothing: the body is cut short, or was done before."""


class UntilClose:
    """A body that ends with the connection."""

    done = False

    def take(self, data: bytes, at: int) -> int:
        """Take everything."""
        del at
        return len(data)

    def end_here(self) -> None:
        """Be done."""
        self.done = True


class Chunked:
    """A body in chunks (RFC 9112, section 7.1)."""

    def __init__(self) -> None:
        self.done = False
        self._step = self._size
        self._left = 0

    def take(self, data: bytes, at: int) -> int:
        """Take chunks, as far as their lines are whole."""
        while not self.done:
            taken = self._step(data, at)
            if taken is None:
                break
            at = taken
        return at

    def end_here(self) -> None:
        """Change nothing: the body is cut short, or was done before."""

    def _size(self, data: bytes, at: int) -> int | None:
        end = data.find(b"\r\n", at, at + _SIZE_LIMIT)
        match = _SIZE.fullmatch(data, at, end) if end >= 0 else None
        if match is None:
            if end >= 0 or len(data) - at >= _SIZE_LIMIT or not _SIZE_BEGUN.fullmatch(data, at):
                raise ValueError("a bad chunk size")
            return None
        self._left = int(match[1], 16)
        self._step = self._data if self._left else self._last_line
        return end + 2

    def _data(self, data: bytes, at: int) -> int | None:
        taken = min(self._left, len(data) - at)
        self._left -= taken
        if self._left == 0:
            self._step = self._line_end
        return at + taken if taken else None

    def _line_end(self, data: bytes, at: int) -> int | None:
        if not b"\r\n".startswith(data[at : at + 2]):
            raise ValueError("a chunk that is longer than its size")
        if len(data) - at < 2:
            return None
        self._step = self._size
        return at + 2

    def _last_line(self, data: bytes, at: int) -> int | None:
        """Take the empty line that ends the body, with the trailers before it if there are any."""
        if data.startswith(b"\r\n", at):
            self.done = True
            return at + 2
        rest = data[at:]
        if b"\r\n".startswith(rest):
            return None
        end = find_end(rest)
        if end is None:
            return None
        read_trailers(rest[:end])
        self.done = True
        return at + end + 4


def body_of(framing: Framing) -> Body:
    """Return the body that a head announces."""
    match framing.kind:
        case FramingKind.CHUNKED:
            return Chunked()
        case FramingKind.UNTIL_CLOSE:
            return UntilClose()
        case FramingKind.SIZED | FramingKind.NONE:
            return Sized(framing.length)
