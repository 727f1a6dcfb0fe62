"""The journal of a search on disk: what was started and what it showed, a line each, written through at once.

Whatever happens to the program, a trial that has ended is not lost, and `--resume` does not ask it again. The
format is one JSON object a line: a header that says which search this is, then `start`, `end` and `abandoned`.
A last line that was cut off in the writing is dropped.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hbprobe.errors import UserError
from hbprobe.probe.outcome import Aftermath, How, Kind, Outcome, Trial
from hbprobe.probe.search import SearchSettings

SCHEMA = "hbprobe.journal/1"
_FREE_TO_DIFFER = {"connections"}
"""A search may be resumed with more or fewer connections: that changes how fast it is, not what it finds."""


def header(target: str, method: str, settings: SearchSettings) -> dict[str, Any]:
    """Describe a search, so that a journal can be told from another's."""
    return {"schema": SCHEMA, "target": target, "method": method, "search": asdict(settings)}


class Journal:
    """A journal that is being written."""

    def __init__(self, path: Path, describes: dict[str, Any], *, resume: bool) -> None:
        self._path = path
        self.trials: Sequence[Trial] = ()
        """The finished trials of the runs before this one."""
        if resume:
            self.trials = _read(path, describes)
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

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._descriptor, json.dumps(line, separators=(",", ":")).encode() + b"\n")
        os.fsync(self._descriptor)


def _trial_to_dict(trial: Trial) -> dict[str, Any]:
    return {"trial": trial.number, "hold_s": trial.hold_s, "started_s": trial.started_s} | asdict(trial.outcome)


def _trial_from_dict(line: dict[str, Any]) -> Trial:
    outcome = Outcome(
        kind=Kind(line["kind"]),
        elapsed_s=float(line["elapsed_s"]),
        how=How(line["how"]) if line["how"] else None,
        exact=bool(line["exact"]),
        status=line["status"],
        aftermath=Aftermath(line["aftermath"]) if line["aftermath"] else None,
        reason=str(line["reason"]),
    )
    return Trial(int(line["trial"]), float(line["hold_s"]), float(line["started_s"]), outcome)


def _read(path: Path, describes: dict[str, Any]) -> Sequence[Trial]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if lines[-1]:
        _truncate(path, len(lines[-1]))
    events = [_parse(path, number, line) for number, line in enumerate(lines[:-1], 1)]
    _check_header(path, events[0] if events else {}, describes)
    try:
        return tuple(_trial_from_dict(event) for event in events if event.get("event") == "end")
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: a trial is damaged ({error!r}); start a new journal") from None


def _truncate(path: Path, surplus: int) -> None:
    """Drop a line that was cut off in the writing, so that the next one does not run into it."""
    os.truncate(path, path.stat().st_size - surplus)


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise UserError(f"{path}:{number}: is no line of a journal; start a new one")
    return event


def _check_header(path: Path, found: dict[str, Any], describes: dict[str, Any]) -> None:
    if found.get("schema") != SCHEMA:
        raise UserError(f"{path}: is no journal of this version ({SCHEMA}); start a new one")
    there = {"target": found.get("target"), "method": found.get("method")} | (found.get("search") or {})
    here = {"target": describes["target"], "method": describes["method"]} | describes["search"]
    for key, value in here.items():
        if there.get(key) != value and key not in _FREE_TO_DIFFER:
            option = key.removesuffix("_s")
            raise UserError(
                f"{path}: is the journal of another search: {option} is {there.get(key)} there and {value} here"
            )
