"""A diagnosis and its JSON form, `hbprobe.diagnosis/1` (docs/diagnose.md)."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from hbprobe.diagnosis.mend import is_of_the_path, mend
from hbprobe.diagnosis.ranking import Match, best
from hbprobe.diagnosis.reasoning import BoxKind, Reasoning
from hbprobe.diagnosis.spread import Spread
from hbprobe.errors import CannotMeasureError
from hbprobe.records.result import Result
from hbprobe.statistics.bands import curve
from hbprobe.trial.evidence import Ask, Observation
from hbprobe.trial.methods.table import METHODS

SCHEMA = "hbprobe.diagnosis/1"


@dataclass(frozen=True, slots=True)
class Diagnosis:
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
        """0 where nothing is to be mended, 1 where something is, 3 where the end was not reached."""
        verdict = self.result.verdict
        if not self.result.complete:
            return CannotMeasureError.exit_status
        if not METHODS[self.result.method].exchange:
            return 0 if self.reasoning.kinds[:1] in ((BoxKind.NONE,), (BoxKind.SERVER,)) else 1
        return 0 if is_of_the_path(self.reasoning) and verdict is not None and verdict.healthy else 1

    @property
    def mend(self) -> tuple[str, ...]:
        """What to do."""
        return mend(self.result.limit, self.seen, self.reasoning, self.result.verdict, best(self.matches))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with seconds rounded to the millisecond."""
        explanation, reasoning = self.reasoning.explanation, self.reasoning
        return {
            "schema": SCHEMA,
            "result": self.result.to_dict(),
            "elsewhere": self.elsewhere,
            "asked": [_ask_dict(ask) for ask in self.asks],
            "answers": [_seen_dict(one) for one in self.seen],
            "post_mortem": {"causes": list(explanation.causes), "evidence": list(explanation.evidence)},
            "timer": {
                "runs": reasoning.runs,
                "counts": reasoning.counts,
                "direction": reasoning.direction,
                "whose": reasoning.whose,
            },
            "kinds": list(reasoning.kinds),
            "nameless": list(self.nameless),
            "boxes": [_match_dict(match) for match in self.matches],
            "spread": None if self.spread is None else _spread_dict(self.spread),
            "mend": list(self.mend),
        }

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _ask_dict(ask: Ask) -> dict[str, Any]:
    return {"question": ask.question, "hold": _ms(ask.hold_s), "interval": _ms(ask.interval_s)}


def _seen_dict(one: Observation) -> dict[str, Any]:
    outcome, socket, far_end = one.outcome, one.socket, one.far_end
    return {
        **_ask_dict(one.ask),
        "outcome": outcome.kind,
        "how": outcome.how,
        "status": outcome.status,
        "elapsed": _ms(outcome.elapsed_s),
        "exact": outcome.exact,
        "reason": outcome.reason,
        "connection": None if outcome.connection is None else asdict(outcome.connection),
        "signed": one.signed,
        "server": one.server or None,
        "via": one.via or None,
        "page": one.page or None,
        "announced": _ms(one.announced_s),
        "late": _ms(one.late_s),
        "socket": None
        if socket is None
        else {"aftermath": socket.aftermath, "retransmits": socket.retransmits, "woke": socket.woke},
        "far_end": None
        if far_end is None
        else {
            "state": far_end.state,
            "at": _ms(far_end.at_s),
            "answered": _ms(far_end.answered_s),
            "times": far_end.times,
        },
    }


def _match_dict(match: Match) -> dict[str, Any]:
    return {
        "id": match.profile.id,
        "name": match.profile.name,
        "score": match.score,
        "contradictions": match.contradictions,
        "built_on": match.profile.built_on or None,
        "reasons": list(match.reasons),
        "doubts": list(match.doubts),
    }


def _spread_dict(spread: Spread) -> dict[str, Any]:
    fit = spread.fit
    return {
        "trials": len(spread.trials),
        "curve": [
            {"at": at, "least": round(least, 4), "most": round(most, 4)} for at, least, most in curve(spread.trials)
        ],
        "law": None if fit is None else fit.law,
        "timer": None if fit is None else _ms(fit.timer_s),
        "sigma": None if fit is None else _ms(fit.sigma_s),
        "mean_life": None if fit is None else _ms(fit.mean_life_s),
        "criterion": None if fit is None else {law: round(value, 3) for law, value in fit.criterion.items()},
    }
