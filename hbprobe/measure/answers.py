"""What a measurement found beside its search, in the journal: answers of a diagnosis, trials of hops.

They stand among the search's own lines, as events of their own names, and are not asked again after `--resume`. What
failed is no evidence, so it is not kept, and is tried again.
"""

from collections import deque
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from hbprobe.errors import UserError
from hbprobe.measure.journal import Journal
from hbprobe.trial.evidence import Ask, Seen
from hbprobe.trial.outcome import Kind, Outcome, Trial

T = TypeVar("T")
_SEEN, _TRIAL, _OUTCOME = TypeAdapter(Seen), TypeAdapter(Trial), TypeAdapter(Outcome)


class Answers:
    """The answers that a journal holds, and where new ones go; without a journal there are none."""

    def __init__(self, journal: Journal | None) -> None:
        """Read what earlier runs noted; raises UserError for a damaged line."""
        self._journal = journal
        self._seen: dict[Ask, Seen] = {}
        self._extra: dict[float, deque[Trial]] = {}
        self._hops: dict[tuple[int, int, float], Outcome] = {}
        for event in () if journal is None else journal.noted:
            try:
                self._take_up(event)
            except (KeyError, TypeError, ValidationError) as error:
                kind, path = event.get("event"), journal.path if journal else ""
                raise UserError(f"{path}: an event {kind!r} is damaged ({error!r}); start a new journal") from None

    def _take_up(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "answer":
                seen = _SEEN.validate_python(event["seen"])
                self._seen[seen.ask] = seen
            case "extra":
                trial = _TRIAL.validate_python(event["trial"])
                self._extra.setdefault(trial.hold_s, deque()).append(trial)
            case "hop":
                hop = int(event["ttl"]), int(event["number"]), float(event["hold_s"])
                self._hops[hop] = _OUTCOME.validate_python(event["outcome"])

    def known(self, ask: Ask) -> Seen | None:
        """Return the answer that an earlier run got; None where it has to be asked."""
        return self._seen.get(ask)

    def answered(self, seen: Seen) -> None:
        """Note an answer."""
        if self._journal is not None and seen.outcome.kind is not Kind.FAILED:
            self._journal.note({"event": "answer", "seen": _SEEN.dump_python(seen, mode="json")})

    def known_trial(self, hold_s: float) -> Trial | None:
        """Return a trial beside the search, of that hold, that an earlier run made; each is returned once."""
        trials = self._extra.get(hold_s)
        return trials.popleft() if trials else None

    def tried(self, trial: Trial) -> None:
        """Note a trial beside the search."""
        if self._journal is not None:
            self._journal.note({"event": "extra", "trial": _TRIAL.dump_python(trial, mode="json")})

    def known_hop(self, ttl: int, number: int, hold_s: float) -> Outcome | None:
        """Return what the trial of a hop showed in an earlier run; None where it has to be made."""
        return self._hops.get((ttl, number, hold_s))

    def hop_ended(self, ttl: int, number: int, hold_s: float, outcome: Outcome) -> None:
        """Note what the trial of a hop showed."""
        if self._journal is not None:
            told = _OUTCOME.dump_python(outcome, mode="json")
            self._journal.note({"event": "hop", "ttl": ttl, "number": number, "hold_s": hold_s, "outcome": told})
