"""Finds logs that were given twice: packed, renamed, or copied while they were written; so that lines count once.

Logs that begin alike are held against each other row by row: where a balancer asks after the health of many servers,
and a log does not say which it is of, the first lines of all of them are the same.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from hbprobe.evidence.logs.lines.rows import from_parquet
from hbprobe.evidence.logs.lines.sql_tables import Tables

_LINES: Final = 64
_DIGITS: Final = 12
_COMPARED: Final = {
    "requests": "ended_ms, took_ms, client, user_name, device, command, status",
    "httperr": "ended_ms, client, client_port, uri, reason",
}
"""What tells one row from another, wherever its log lay."""
_HOUR: Final = "CAST(floor(ended_ms / 3600000) AS BIGINT)"


def opening_of(head: str, key: bytes = b"") -> tuple[str, ...]:
    """Return what tells the beginning of a log from others: a digest of its first line, of its first two, and so on.

    With a key nobody can find out by trying what stands in the lines.
    """
    digest, opening = hashlib.blake2b(digest_size=_DIGITS // 2, key=key[:64]), []
    for line in head.removeprefix("\ufeff").split("\n", _LINES)[:-1]:
        digest.update(line.rstrip("\r").encode() + b"\n")  # a copy may have got other line ends, and a mark
        opening.append(digest.hexdigest())
    return tuple(opening)


class OpenedLog(Protocol):
    """A log of which it is known how it begins."""

    @property
    def lines(self) -> int: ...
    @property
    def opening(self) -> tuple[str, ...]: ...


def repeats(logs: Sequence[OpenedLog], is_within: Callable[[int, int], bool]) -> Mapping[int, int]:
    """Return which logs are the beginning of another, or the whole of it: the index of each, with that of the other.

    Of logs that are alike the longest stands, and the first among those of one length. `is_within` says whether one
    is all in the other, where they begin alike.
    """
    standing, found = defaultdict[str, list[int]](list), dict[int, int]()
    for index in sorted(range(len(logs)), key=lambda index: (-logs[index].lines, index)):
        opening = logs[index].opening
        if not opening or not logs[index].lines:
            continue
        other = next((other for other in standing[opening[-1]] if is_within(index, other)), None)
        if other is not None:
            found[index] = other
        else:
            for digest in opening:
                standing[digest].append(index)
    return found


class Rows:
    """The rows of logs in Parquet, to be held against each other; `files` has those of each log by table."""

    def __init__(self, tables: Tables, files: Sequence[Mapping[str, Sequence[str]]]) -> None:
        self._tables, self._files = tables, files
        self._sums = dict[tuple[int, str], dict[int | None, tuple[int, int]]]()

    def are_within(self, one: int, other: int) -> bool:
        """Say whether the rows of one log are all among those of another; its last line may have been cut."""
        return all(self._table_is_within(table, one, other) for table in _COMPARED)

    def _table_is_within(self, table: str, one: int, other: int) -> bool:
        sums, others = self._by_hour(one, table), self._by_hour(other, table)
        last = max((hour for hour in sums if hour is not None), default=None)
        if last is None:
            return sums.items() <= others.items()
        recent = (last - 1, last)  # of which a copy may not have all
        if any(others.get(hour) != sums[hour] for hour in sums if hour not in recent):
            return False
        chosen = (
            f"SELECT {_COMPARED[table]} FROM {self._from(log, table)} WHERE {_HOUR} BETWEEN {last - 1} AND {last}"
            for log in (one, other)
        )
        if not self._files[other][table]:
            return False
        ((missing,),) = self._tables.each(f"SELECT count(*) FROM ({' EXCEPT ALL '.join(chosen)})")
        return bool(missing <= 1)

    def _by_hour(self, log: int, table: str) -> dict[int | None, tuple[int, int]]:
        known = self._sums.get((log, table))
        if known is None:
            sql = f"SELECT {_HOUR}, count(*), sum(hash({_COMPARED[table]})) FROM {self._from(log, table)} GROUP BY 1"
            rows = self._tables.each(sql) if self._files[log][table] else ()
            self._sums[log, table] = known = {hour: (many, total) for hour, many, total in rows}
        return known

    def _from(self, log: int, table: str) -> str:
        return from_parquet(self._files[log][table])
