"""In which order of time the lines of logs stand: where they go back, a clock was set back.

IIS writes a line when its request is over, and gathers lines before it writes them, so that lines of one moment may
change places. What goes back by more than that was a clock, or another program put the lines in this order. A log of
more than one server is looked at server by server. Logs of one folder follow each other, so no two should tell of one
time.
"""

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hbprobe.evidence.logs.lines.clocks import SetBack
from hbprobe.evidence.logs.lines.rows import Layout
from hbprobe.evidence.logs.lines.w3c import Stretch, body_of, parts_of

CHANGES_PLACE_S: Final = 5
"""So far may lines go back in time that were only written in another order."""
_FEW: Final = 3
_MOST: Final = 20
_DAY_S: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_CHUNK: Final = 1 << 20
_UNKNOWN: Final = -1
_SHAPE: Final = np.frombuffer(b"0000-00-00 00:00:00", np.uint8)
_SHAPE_IN_CSV: Final = np.frombuffer(b"0000-00-00T00:00:00", np.uint8)
_DIGITS, _MARKS = np.flatnonzero(ord("0") == _SHAPE), np.flatnonzero(ord("0") != _SHAPE)
_WEIGHTS: Final = np.zeros((len(_DIGITS), 4), np.int64)
"""Of the digits in the day, as a number of eight digits, and in hours, minutes and seconds."""
_WEIGHTS[:8, 0] = 10 ** np.arange(7, -1, -1)
_WEIGHTS[8:10, 1] = _WEIGHTS[10:12, 2] = _WEIGHTS[12:, 3] = (10, 1)

_Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LineOrder:
    """How the lines of a log stand in time."""

    set_back: tuple[SetBack, ...] = ()
    is_sorted_otherwise: bool = False
    """They go back so far or so often that it was no clock."""
    span: tuple[int, int] | None = None
    """The earliest time and the latest, in seconds since 1970, without those of broken lines."""


@dataclass(frozen=True, slots=True)
class LogSpan:
    """Of which time a log tells of a server."""

    name: str
    folder: str
    server: str
    begin_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two logs of one folder that tell of one time of a server."""

    one: LogSpan
    other: LogSpan

    @property
    def begin_s(self) -> int:
        return self.other.begin_s

    @property
    def end_s(self) -> int:
        return min(self.one.end_s, self.other.end_s)

    @property
    def set_back(self) -> SetBack | None:
        """What is there twice, where it may have been a clock: not where that is half of one of the two, or more."""
        shorter_s = min(self.one.end_s - self.one.begin_s, self.other.end_s - self.other.begin_s)
        is_short = 2 * (self.end_s - self.begin_s) < shorter_s
        return SetBack(self.one.server, 1, self.end_s, self.begin_s) if is_short else None


def overlaps(logs: Iterable[LogSpan]) -> list[Overlap]:
    """Return which logs tell of a time that one before them tells of, too: each with the one that ends last."""
    found, last = list[Overlap](), dict[tuple[str, str], LogSpan]()
    for log in sorted(logs, key=lambda log: (log.begin_s, log.end_s, log.name)):
        before = last.get((log.folder, log.server))
        if before is not None and min(before.end_s, log.end_s) - log.begin_s > CHANGES_PLACE_S:
            found.append(Overlap(before, log))
        if before is None or log.end_s > before.end_s:
            last[log.folder, log.server] = log
    return found


def line_order(stretches: Sequence[Stretch], folder: str) -> LineOrder:
    """Look at every line of a log; `folder` is the server of lines that name none, as it is of their rows."""
    times = [_times_of(stretch) for stretch in stretches]
    every = np.concatenate(times) if times else np.empty(0, np.int64)
    known = every[every != _UNKNOWN]
    if not len(known):
        return LineOrder()
    likely = known[~_are_strays(known)]
    span = (int(likely.min()), int(likely.max()))
    if int((np.maximum.accumulate(known) - known).max()) <= CHANGES_PLACE_S:
        return LineOrder(span=span)
    whose = np.concatenate([_servers_of(stretch, folder) for stretch in stretches])
    lines = np.concatenate(
        [
            stretch.first_line + stretch.skip + np.arange(len(found))
            for stretch, found in zip(stretches, times, strict=True)
        ]
    )
    found = list[SetBack]()
    for server in sorted(set(whose.tolist())):
        mine = np.flatnonzero((whose == server) & (every != _UNKNOWN))
        steps = steps_back(every[mine])
        if steps is None:
            return LineOrder(is_sorted_otherwise=True, span=span)
        found += [SetBack(server, int(lines[mine[place]]), from_s, to_s) for place, from_s, to_s in steps]
    return LineOrder(tuple(sorted(found, key=lambda one: one.line)), span=span)


def steps_back(times: _Times) -> list[tuple[int, int, int]] | None:
    """Return where the times of one clock, in seconds, go back so that some of them are there twice.

    Each is the place of the first that is earlier, the latest time before it, and its own. None where so much goes
    back that the lines were put into this order. The log of a later day in front of that of an earlier one goes back,
    too, but no time is there twice.
    """
    kept = np.flatnonzero(~_are_strays(times))
    times = times[kept]
    places = np.flatnonzero(np.diff(times) < -CHANGES_PLACE_S) + 1
    if not len(places):
        return []
    if len(places) > _FEW:  # a line that is late alone is no clock, and where there are many, many are late
        stay = np.append(times, times.max())[places + 1] < times[places - 1] - CHANGES_PLACE_S
        places = places[stay]
    back_s = int((times[places - 1] - times[places]).sum())
    if len(places) > max(_MOST, len(times) // 1000) or back_s > int(times.max() - times.min()):
        return None
    found = []
    for begin, end in pairwise([*places.tolist(), len(times)]):
        before, after = times[:begin], times[begin:end]
        if _have_some_between(before, after) and _have_some_between(after, before):
            found.append((int(kept[begin]), int(before.max()), int(after[0])))
    return found


def _have_some_between(times: _Times, others: _Times) -> bool:
    return bool(((times >= others.min()) & (times <= others.max())).any())


def _are_strays(times: _Times) -> NDArray[np.bool_]:
    """Say which are more than a day off both neighbours: what a crash has left of a line may have any time."""
    are = np.zeros(len(times), np.bool_)
    if len(times) > 2:
        before, after = np.diff(times)[:-1], np.diff(times)[1:]
        are[1:-1] = (np.minimum(abs(before), abs(after)) > _DAY_S) & (abs(before + after) <= _DAY_S)
    return are


def _times_of(stretch: Stretch) -> _Times:
    """Return when the request of each line ended, in seconds since 1970."""
    names = _names_of(stretch)
    is_table = stretch.layout is Layout.COMMAS
    if not stretch.lines or not (is_table or {"date", "time"} <= set(names)):
        return np.full(stretch.lines, _UNKNOWN, np.int64)
    with body_of(stretch) as data:
        begin = data.tell()
        if is_table:
            return _read(data, begin, 0, None)
        date_at, time_at = names.index("date"), names.index("time")
        first = data.readline().split(b" ", date_at + 1)
        indent = sum(len(part) + 1 for part in first[:date_at]) if time_at == date_at + 1 else None
        return _read(data, begin, indent, (date_at, time_at))


def _names_of(stretch: Stretch) -> list[str]:
    return [name.lower().removesuffix("-local") for name in stretch.fields]


def _read(data: mmap.mmap, begin: int, indent: int | None, places: tuple[int, int] | None) -> _Times:
    """Read lines, a piece at a time; `indent` is where the date begins in the first line, `places` in any other."""
    view, found = np.frombuffer(data, np.uint8), [np.empty(0, np.int64)]
    for at in range(begin, len(view), _CHUNK):
        ends = at + np.flatnonzero(view[at : at + _CHUNK] == ord("\n"))
        if not len(ends):
            continue
        starts = np.concatenate(([begin], ends[:-1] + 1))
        begin = int(ends[-1]) + 1
        times = np.full(len(ends), _UNKNOWN, np.int64)
        if indent is not None:
            whole = np.flatnonzero(starts + indent + len(_SHAPE) <= ends)
            if len(whole):  # the view may be shorter than a time
                times[whole] = _at(view, starts[whole] + indent)
        if places is not None:
            for line in np.flatnonzero(times == _UNKNOWN).tolist():
                times[line] = _in_line(data[int(starts[line]) : int(ends[line])], places)
        found.append(times)
    return np.concatenate(found)


def _at(view: NDArray[np.uint8], places: NDArray[np.int64]) -> _Times:
    """Return the times that stand at these places."""
    rows = sliding_window_view(view, len(_SHAPE))[places]
    digits = rows[:, _DIGITS] - np.uint8(ord("0"))
    numbers = digits @ _WEIGHTS
    day, hour, minute, second = numbers.T
    marks = rows[:, _MARKS]
    are = (digits <= 9).all(axis=1) & ((marks == _SHAPE[_MARKS]) | (marks == _SHAPE_IN_CSV[_MARKS])).all(axis=1)
    are &= (hour < 24) & (minute < 60) & (second < 60)
    days, which = (day[:1], 0) if len(day) and (day == day[0]).all() else np.unique(day, return_inverse=True)
    begins = np.array([_begin_s(one) for one in days.tolist()], np.int64)[which]
    return np.where(are & (begins != _UNKNOWN), begins + hour * 3600 + minute * 60 + second, _UNKNOWN)


@lru_cache(1 << 10)
def _begin_s(day: int) -> int:
    """Return when a day begins, that is a number such as 20300102."""
    try:
        return (date(day // 10_000, day // 100 % 100, day % 100).toordinal() - _EPOCH) * _DAY_S
    except ValueError:
        return _UNKNOWN


def _in_line(line: bytes, places: tuple[int, int]) -> int:
    parts = line.rstrip(b"\r").split(b" ", max(places) + 1)
    if len(parts) <= max(places):
        return _UNKNOWN
    text = b" ".join(parts[place] for place in places)[: len(_SHAPE)]
    return int(_at(np.frombuffer(text, np.uint8), np.zeros(1, np.int64))[0]) if len(text) == len(_SHAPE) else _UNKNOWN


def _servers_of(stretch: Stretch, folder: str) -> NDArray[np.object_]:
    """Return the server of each line, as `rows` calls it."""
    names, layout = _names_of(stretch), stretch.layout
    places = [names.index(name) for name in ("s-computername", "s-ip", "serverhostname") if name in names]
    found = []
    with body_of(stretch) as data:
        while (line := data.readline()).endswith(b"\n"):
            parts = parts_of(line.decode(errors="replace"), layout)
            said = (parts[place] for place in places if place < len(parts))
            found.append(next((name for name in said if name != layout.none), folder))
    return np.array(found, np.object_)
