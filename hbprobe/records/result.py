"""The result of a measurement, and its JSON form, `hbprobe.result/1` (docs/result-format.md)."""

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

from hbprobe import __version__
from hbprobe.diagnosis.advice import Advice, advise
from hbprobe.diagnosis.heartbeat import lives, safe_interval_s
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.exchange.verdict import Judgement
from hbprobe.records.origin import Origin, Verb
from hbprobe.search.search import SearchSettings
from hbprobe.text import shown
from hbprobe.trial.methods.table import server_timer_counts
from hbprobe.trial.outcome import Cause, Limit, Trial

SCHEMA = "hbprobe.result/1"

Read = TypeVar("Read")
_ANYWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Result:
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
        own = is_servers_own(self.method, self.limit)
        return advise(self.limit, self.verdict, self.cut_by, self.configure, is_servers_own=own, most_s=self.most_s)

    @property
    def exit_status(self) -> int:
        """0 for a healthy path, 1 for a finding, 3 where the end was not reached or nothing was learnt."""
        if not self.complete or not self.limit.is_known:
            return CannotMeasureError.exit_status
        too_seldom = self.heartbeat_s is not None and lives(self.limit, self.heartbeat_s) is False
        if self.verdict is None:
            cuts = self.limit.cut_s is not None and self.heartbeat_s is None
            cuts = cuts and not is_servers_own(self.method, self.limit)
            return 1 if too_seldom or cuts else 0
        return 1 if too_seldom or not self.verdict.healthy else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with seconds rounded to the millisecond."""
        return {
            "schema": SCHEMA,
            "hbprobe": self.hbprobe,
            "verb": self.verb,
            "target": self.target,
            "label": self.origin.label,
            "source": self.origin.source,
            "family": self.origin.family,
            "method": self.method,
            "path": list(self.path),
            "clock": self.clock,
            "search": _search_dict(self.search),
            "limit": _limit_dict(self.limit),
            "trials": [_trial_dict(trial) for trial in self.trials],
            "contradictions": list(self.contradictions),
            "complete": self.complete,
            "confirmed": self.confirmed,
            "confidence": None if self.confidence is None else _down(self.confidence),
            "noise": self.noise,
            "started_at": self.started_at,
            "cut_by": self.cut_by,
            "advice": [asdict(one) for one in self.advice],
            "seconds": {"path": _ms(self.path_s), "wall": _ms(self.wall_s)},
            "notes": list(self.notes),
            "heartbeat": _heartbeat_dict(self.limit, self.heartbeat_s),
            "server": None if self.server is None else dict(self.server),
            "verdict": None if self.verdict is None else self.verdict.as_dict(),
        }

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Read the JSON form.

        Keys that are not known are passed over, so that a newer hbprobe may add some.
        Raises ValueError, in one line that names the key and the mend, for anything that is no such result.
        """
        from hbprobe.records.result_parts import read_fields  # pydantic: only those who read a result wait for it

        return cls(**read_fields(data))


def is_servers_own(method: str, limit: Limit) -> bool:
    """Return whether the limit is rather a timer of the server's own than one of the path's."""
    by_server = limit.causes[:1] in ((Cause.CLOSED_BY_SERVER,), (Cause.RESET_BY_SERVER,))
    return by_server and server_timer_counts(method)


def load_result(path: Path) -> Result:
    """Read a result from a file. Raises UserError, naming file, key and mend, where it is none."""
    return load_with(path, Result.from_dict)


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


def _ms(seconds: float) -> float:
    return round(float(seconds), 3)


def _down(share: float) -> float:
    """Round to four digits, and never up: a confidence is not overstated."""
    return math.floor(share * 10_000) / 10_000


def _ms_or_null(seconds: float | None) -> float | None:
    return None if seconds is None else _ms(seconds)


def _heartbeat_dict(limit: Limit, asked_s: float | None) -> dict[str, Any]:
    return {
        "asked": _ms_or_null(asked_s),
        "lives": None if asked_s is None else lives(limit, asked_s),
        "safe": _ms_or_null(safe_interval_s(limit)),
    }


def _search_dict(search: SearchSettings) -> dict[str, Any]:
    return {
        "min_s": _ms(search.min_s),
        "max_s": _ms(search.max_s),
        "precision_s": _ms(search.precision_s),
        "connections": search.connections,
        "confirm": search.confirm,
        "grace_s": _ms(search.grace_s),
        "noise": search.noise,
        "confidence": search.confidence,
    }


def _limit_dict(limit: Limit) -> dict[str, Any]:
    return {
        "survived": _ms_or_null(limit.survived_s),
        "cut": _ms_or_null(limit.cut_s),
        "how": limit.manner,
        "status": limit.status,
        "exact": limit.exact,
        "aftermath": limit.aftermath,
        "causes": list(limit.causes),
        "evidence": list(limit.evidence),
    }


def _trial_dict(trial: Trial) -> dict[str, Any]:
    outcome = trial.outcome
    return {
        "trial": trial.number,
        "hold": _ms(trial.hold_s),
        "started": _ms(trial.started_s),
        "outcome": outcome.kind,
        "how": outcome.how,
        "status": outcome.status,
        "elapsed": _ms(outcome.elapsed_s),
        "exact": outcome.exact,
        "aftermath": outcome.aftermath,
        "causes": list(outcome.causes),
        "evidence": list(outcome.evidence),
        "reason": outcome.reason,
        "stalled": _ms(outcome.stalled_s),
        "connection": None if outcome.connection is None else asdict(outcome.connection),
    }
