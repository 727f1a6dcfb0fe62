"""Finds logs that were given twice: packed, renamed, or copied while they were written; so that lines count once."""

import codecs
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

_LINES: Final = 64
_DIGITS: Final = 12


def opening_of(head: bytes, key: bytes = b"") -> tuple[str, ...]:
    """Return what tells the beginning of a log from others: a digest of its first line, of its first two, and so on.

    With a key nobody can find out by trying what stands in the lines.
    """
    digest, opening = hashlib.blake2b(digest_size=_DIGITS // 2, key=key[:64]), []
    for line in head.removeprefix(codecs.BOM_UTF8).split(b"\n", _LINES)[:-1]:
        digest.update(line.rstrip(b"\r") + b"\n")  # a copy may have got other line ends, and a mark
        opening.append(digest.hexdigest())
    return tuple(opening)


class OpenedLog(Protocol):
    """A log of which it is known how it begins."""

    @property
    def lines(self) -> int: ...
    @property
    def opening(self) -> tuple[str, ...]: ...


def repeats(logs: Sequence[OpenedLog]) -> Mapping[int, int]:
    """Return which logs are the beginning of another, or the whole of it: the index of each, with that of the other.

    Of logs that begin alike the longest stands, and the first among those of one length. Two logs of one opening that
    go on differently are taken for one: lines have the second, the address and the time that was taken, so that 64
    of them, or all of a shorter log, are not written twice.
    """
    known, found = dict[str, int](), dict[int, int]()
    for index in sorted(range(len(logs)), key=lambda index: (-logs[index].lines, index)):
        opening = logs[index].opening
        if not opening or not logs[index].lines:
            continue
        if (other := known.get(opening[-1])) is not None:
            found[index] = other
        else:
            known |= dict.fromkeys(opening, index)
    return found
