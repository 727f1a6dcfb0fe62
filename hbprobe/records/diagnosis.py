"""A diagnosis and its JSON form, `hbprobe.diagnosis/1` (docs/diagnose.md)."""

from dataclasses import dataclass
from typing import Any

from hbprobe.diagnosis.fit import Spread
from hbprobe.diagnosis.mend import is_of_the_path, mend
from hbprobe.diagnosis.ranking import Match, best
from hbprobe.diagnosis.reasoning import BoxKind, Reasoning
from hbprobe.errors import CannotMeasureError
from hbprobe.records.record import JsonRecord
from hbprobe.records.result import Result
from hbprobe.trial.evidence import Ask, Observation
from hbprobe.trial.methods.table import METHODS


@dataclass(frozen=True, slots=True)
class Diagnosis(JsonRecord):
    """What one diagnosis of one path found."""

    result: Result
    """The limit, and what Exchange makes of it; without a verdict where the limit is none of the path's."""
    asks: tuple[Ask, ...]
    seen: tuple[Observation, ...]
    reasoning: Reasoning
    matches: tuple[Match, ...]
    spread: Spread | None = None
    nameless: tuple[str, ...] = ()
    """How those call themselves who answered, where no product of the catalogue is called so."""
    elsewhere: str | None = None
    """The other address that was compared with."""

    @property
    def exit_status(self) -> int:
        """0 where nothing is to be mended, 1 where something is, 3 where that was not learnt."""
        result, verdict = self.result, self.result.verdict
        if not result.complete:
            return CannotMeasureError.exit_status
        if METHODS[result.method].exchange:
            return result.ended_with(
                finding=not is_of_the_path(self.reasoning) or verdict is None or not verdict.healthy
            )
        cuts = result.heartbeat_s is None and self.reasoning.alone not in (BoxKind.NONE, BoxKind.SERVER)
        return result.ended_with(finding=cuts)

    @property
    def mend(self) -> tuple[str, ...]:
        """What to do."""
        result = self.result
        return mend(
            result.limit,
            self.seen,
            self.reasoning,
            result.verdict,
            best(self.matches),
            method=result.method,
            heartbeat_s=result.heartbeat_s,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with seconds rounded to the millisecond."""
        from hbprobe.records.documents import DiagnosisPart  # pydantic: only those who write or read wait for it

        return DiagnosisPart.of(self).to_dict()
