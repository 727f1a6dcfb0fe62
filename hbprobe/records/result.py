"""The result of a measurement, and its JSON form, `hbprobe.result/1` (docs/result-format.md)."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

from hbprobe import __version__
from hbprobe.diagnosis.advice import Advice, advise
from hbprobe.diagnosis.heartbeat import lives
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.exchange.verdict import Judgement
from hbprobe.records.record import JsonRecord, Origin, Verb
from hbprobe.search.search import SearchSettings
from hbprobe.text import shown
from hbprobe.trial.methods.table import pings_after_login, server_timer_counts
from hbprobe.trial.outcome import IN_ANSWER, Cause, Limit, Trial

Read = TypeVar("Read")
_ANYWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Result(JsonRecord):
    """What one measurement of one path showed."""

    verb: Verb
    target: str
    """URL, or host and port, of the far end."""
    method: str
    """The name of one of `hbprobe.trial.methods.table`."""
    clock: str
    """`warp`, `real`, or how many seconds of the path pass in one of the wall's (`60`)."""
    search: SearchSettings
    """What the search was asked for."""
    limit: Limit
    trials: tuple[Trial, ...]
    path_s: float
    """How long the measurement lasted on the path's clock."""
    wall_s: float
    """How long it lasted for the person who waited."""
    origin: Origin = _ANYWHERE
    path: tuple[str, ...] = ()
    """Ids of the profiles on the path, from the client to the server; empty for a real path."""
    contradictions: tuple[str, ...] = ()
    complete: bool = True
    """False where the search was stopped before its end."""
    confirmed: bool = True
    """As many trials as were asked for agree at both ends of the bracket."""
    confidence: float | None = None
    """How sure it is that the limit lies in the bracket, at least; None where every trial was believed."""
    noise: float = 0.0
    """The share of trials that was taken to die for other reasons than the timer."""
    started_at: str | None = None
    """When it began, as in 2026-11-22T02:17:00Z; None where time did not pass as it does elsewhere."""
    cut_by: str | None = None
    """Id of the profile whose box cut; only a lab knows it."""
    configure: str | None = None
    """What sets the timer that is enough on the box that cuts, in its product's own words; None where unknown."""
    most_s: float | None = None
    """The longest timer that this product lets one set; None where unknown."""
    notes: tuple[str, ...] = ()
    """What a reader must know to trust the result, such as a certificate that was not verified."""
    server: Mapping[str, Any] | None = None
    """What a live ActiveSync server said of itself, its heartbeat limits above all; None for other methods."""
    verdict: Judgement | None = None
    """What Exchange will make of it; None where nothing was judged: no evidence, no held request, or not asked."""
    heartbeat_s: float | None = None
    """How often the application sends something, where that was to be judged."""
    hbprobe: str = __version__
    """Version of the program that measured."""

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What ends the trouble, for both sides."""
        asked = self.method, self.limit, self.cut_by
        return advise(
            self.limit,
            self.verdict,
            self.cut_by,
            self.configure,
            may_be_servers=may_be_servers(*asked),
            is_servers_alone=is_servers_alone(*asked),
            most_s=self.most_s,
            pings_after_login=pings_after_login(self.method),
        )

    @property
    def exit_status(self) -> int:
        """0 for a healthy path, 1 for a finding, 3 where the end was not reached or what was asked was not learnt."""
        if not self.complete or not self.limit.is_known:
            return CannotMeasureError.exit_status
        if self.verdict is not None:
            return self.ended_with(finding=not self.verdict.healthy)
        cuts = self.limit.cut_s is not None and self.heartbeat_s is None
        return self.ended_with(finding=cuts and not is_servers_alone(self.method, self.limit, self.cut_by))

    def ended_with(self, *, finding: bool) -> int:
        """Return the exit status with or without a finding: a heartbeat that does not live is one, and one of which
        that was not measured leaves the question open."""
        living = self.heartbeat_s is None or lives(self.limit, self.heartbeat_s)
        if finding or living is False:
            return 1
        return 0 if living else CannotMeasureError.exit_status

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with seconds rounded to the millisecond."""
        from hbprobe.records.result_parts import ResultPart  # pydantic: only those who write or read wait for it

        return ResultPart.of(self).to_dict()

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Read the JSON form.

        Keys that are not known are passed over, so that a newer hbprobe may add some.
        Raises ValueError, in one line that names the key and the mend, for anything that is no such result.
        """
        from hbprobe.records.result_parts import ResultPart

        return cls(**ResultPart.read(data).fields())


_BY_SERVER = frozenset({Cause.CLOSED_BY_SERVER, Cause.RESET_BY_SERVER})


def may_be_servers(method: str, limit: Limit, cut_by: str | None) -> bool:
    """Return whether the limit may be a timer of the server's own, which ends a connection by itself.

    `cut_by` is the box of a lab that is known to have cut.
    """
    ended = (limit.manner, limit.aftermath) not in IN_ANSWER and not _BY_SERVER.isdisjoint(limit.causes)
    return cut_by is None and ended and server_timer_counts(method)


def is_servers_own(method: str, limit: Limit, cut_by: str | None) -> bool:
    """Return whether the limit is rather a timer of the server's own than one of the path's."""
    return may_be_servers(method, limit, cut_by) and limit.causes[0] in _BY_SERVER


def is_servers_alone(method: str, limit: Limit, cut_by: str | None) -> bool:
    """Return whether the evidence leaves nobody but the server: where a proxy may be it, the path has a finding."""
    return may_be_servers(method, limit, cut_by) and _BY_SERVER.issuperset(limit.causes)


def load_result(path: str | PathLike[str]) -> Result:
    """Read a result, or that of a diagnosis, from a file; raises UserError, with file, key and mend, for others."""
    return load_with(Path(path), lambda data: Result.from_dict(_of_diagnosis(data)))


def _of_diagnosis(data: object) -> object:
    """Return the result that a diagnosis holds; anything else as it is."""
    if isinstance(data, Mapping) and str(data.get("schema")).startswith("hbprobe.diagnosis/"):
        return data.get("result", data)
    return data


def load_with(path: Path, read: Callable[[object], Read]) -> Read:
    """Read a JSON file with a reader that raises ValueError for the wrong data; raises UserError as `load_result`.

    A hyphen stands for standard input.
    """
    is_given = path == Path("-")
    name = "standard input" if is_given else shown(str(path))
    try:
        data = sys.stdin.buffer.read() if is_given else path.read_bytes()
        return read(json.loads(data.decode("utf-8-sig"), parse_constant=_no_number))
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError(
            f"{name}: {place}: is not JSON ({error.msg}): give a file that --json or --out wrote"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: is not text in UTF-8: give a file that --json or --out wrote") from error
    except RecursionError as error:
        raise UserError(f"{name}: is nested too deeply: give a file that --json or --out wrote") from error
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"has the value {constant}, which JSON does not know: write a number, or null")
