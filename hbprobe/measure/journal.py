"""The journal of a search on disk: what was started and what it showed, a line each, written through at once.

Whatever happens to the program, a trial that has ended is not lost, and `--resume` does not ask it again. The
format is one JSON object a line: a header that says which search this is, then `start`, `end` and `abandoned`.
A last line that was cut off in the writing is dropped.
"""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from hbprobe.errors import UserError
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Aftermath, Cause, How, Kind, Outcome, Trial

SCHEMA = "hbprobe.journal/1"
_FREE_TO_DIFFER = {"connections", "noise", "confidence"}
"""A search may be resumed with more or fewer connections, or by one who is harder to convince: trials stay what they
showed."""

_OF_THE_SEARCH = ("start", "end", "abandoned")
_OF_THE_MOMENT = {"again", "pause_s"}
"""What of an outcome nobody wants to know later."""


def header(target: str, method: str, settings: SearchSettings) -> dict[str, Any]:
    """Describe a search, so that a journal can be told from another's."""
    return {"schema": SCHEMA, "target": target, "method": method, "search": asdict(settings)}


class Record(Protocol):
    """Where a search notes what happens, and finds what happened before."""

    trials: Sequence[Trial]
    """The finished trials of the runs before this one."""
    last_number: int
    """The highest number that a trial of theirs has, finished or not."""

    def started(self, number: int, hold_s: float, at_s: float) -> None:
        """Note that a trial began."""
        ...

    def ended(self, trial: Trial) -> None:
        """Note what a trial showed."""
        ...

    def abandoned(self, number: int, at_s: float) -> None:
        """Note that a trial was given up, because others had answered its question."""
        ...


class Journal:
    """A journal that is being written."""

    def __init__(self, path: Path, describes: dict[str, Any], *, resume: bool) -> None:
        self.path = path
        self.noted: Sequence[dict[str, Any]] = ()
        """What earlier runs noted beside the search."""
        self.trials: Sequence[Trial] = ()
        """The finished trials of the runs before this one."""
        self.last_number = 0
        """The highest number that a trial of theirs has, finished or not."""
        cut_off = self._take_over(describes) if resume else b""
        try:
            self._descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if resume else os.O_EXCL), 0o666
            )
        except FileExistsError:
            raise UserError(f"{path}: exists already; go on with it by --resume, or name another file") from None
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from None
        if not resume:
            self._write(describes)
        elif cut_off:  # the next line would run into it
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - len(cut_off))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def started(self, number: int, hold_s: float, at_s: float) -> None:
        """Note that a trial began."""
        self._write({"event": "start", "trial": number, "hold_s": hold_s, "started_s": at_s})

    def ended(self, trial: Trial) -> None:
        """Note what a trial showed."""
        self._write({"event": "end"} | _trial_to_dict(trial))

    def abandoned(self, number: int, at_s: float) -> None:
        """Note that a trial was given up, because others had answered its question."""
        self._write({"event": "abandoned", "trial": number, "at_s": at_s})

    def note(self, event: dict[str, Any]) -> None:
        """Note something beside the search."""
        self._write(event)

    def _write(self, line: dict[str, Any]) -> None:
        try:
            os.write(self._descriptor, json.dumps(line, separators=(",", ":")).encode() + b"\n")
            os.fsync(self._descriptor)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written: {error.strerror}") from None

    def _take_over(self, describes: dict[str, Any]) -> bytes:
        """Read what earlier runs wrote; return the last line if it was cut off in the writing."""
        try:
            *lines, cut_off = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read: {error.strerror}") from None
        events = [_parse(self.path, number, line) for number, line in enumerate(lines, 1)]
        _check_header(self.path, events[0] if events else {}, describes)
        self.trials = [_trial(self.path, *event) for event in enumerate(events, 1) if event[1].get("event") == "end"]
        self.noted = [event for event in events[1:] if event.get("event") not in _OF_THE_SEARCH]
        numbers = (event.get("trial") for event in events)
        self.last_number = max((number for number in numbers if isinstance(number, int)), default=0)
        return cut_off


def _trial_to_dict(trial: Trial) -> dict[str, Any]:
    showed = {key: value for key, value in asdict(trial.outcome).items() if key not in _OF_THE_MOMENT}
    return {"trial": trial.number, "hold_s": trial.hold_s, "started_s": trial.started_s} | showed


def _trial(path: Path, line_number: int, line: dict[str, Any]) -> Trial:
    try:
        outcome = Outcome(
            kind=Kind(line["kind"]),
            elapsed_s=_seconds(line["elapsed_s"]),
            how=How(line["how"]) if line["how"] else None,
            exact=bool(line["exact"]),
            status=int(line["status"]) if line["status"] is not None else None,
            aftermath=Aftermath(line["aftermath"]) if line["aftermath"] else None,
            reason=str(line["reason"]),
            causes=tuple(map(Cause, line.get("causes", ()))),  # an older journal knows none
            evidence=tuple(map(str, line.get("evidence", ()))),
        )
        return Trial(int(line["trial"]), _seconds(line["hold_s"]), _seconds(line["started_s"]), outcome)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}:{line_number}: a trial is damaged ({error!r}); start a new journal") from None


def _seconds(value: float) -> float:
    if not 0 <= (seconds := float(value)) < math.inf:
        raise ValueError(f"{value} is no time")
    return seconds


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise UserError(f"{path}:{number}: is no line of a journal; start a new one")
    return event


def _check_header(path: Path, found: dict[str, Any], describes: dict[str, Any]) -> None:
    if found.get("schema") != SCHEMA:
        raise UserError(f"{path}: is no journal of this version ({SCHEMA}); start a new one")
    search = found.get("search")
    there = {"target": found.get("target"), "method": found.get("method")} | (
        search if isinstance(search, dict) else {}
    )
    here = {"target": describes["target"], "method": describes["method"]} | describes["search"]
    for key, value in here.items():
        if there.get(key) != value and key not in _FREE_TO_DIFFER:
            option = key.removesuffix("_s")
            raise UserError(
                f"{path}: is the journal of another search: {option} is {there.get(key)} there and {value} here"
            )
