"""What a measurement found beside its search, in the journal: answers of a diagnosis, trials of hops.

They stand among the search's own lines, under names of their own, and are not asked again after `--resume`. What
failed is no evidence, so it is not kept, and is tried again.
"""

from collections import deque
from dataclasses import dataclass

from hbprobe.measure.journal import Journal
from hbprobe.trial.evidence import Ask, Observation
from hbprobe.trial.outcome import Kind, Outcome, Trial


@dataclass(frozen=True, slots=True)
class HopTrial:
    """A request whose keep-alives reached so far, the one of that number, and what became of it."""

    ttl: int
    number: int
    hold_s: float
    outcome: Outcome


class Answers:
    """The answers that a journal holds, and where new ones go; without a journal there are none."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._seen: dict[Ask, Observation] = {}
        self._extra: dict[float, deque[Trial]] = {}
        self._hops: dict[tuple[int, int, float], Outcome] = {}
        if journal is not None:
            self._seen = {seen.ask: seen for seen in journal.noted("answer", Observation)}
            for trial in journal.noted("extra", Trial):
                self._extra.setdefault(trial.hold_s, deque()).append(trial)
            self._hops = {(hop.ttl, hop.number, hop.hold_s): hop.outcome for hop in journal.noted("hop", HopTrial)}

    def known(self, ask: Ask) -> Observation | None:
        """Return the answer that an earlier run got; None where it has to be asked."""
        return self._seen.get(ask)

    def answered(self, seen: Observation) -> None:
        if self._journal is not None and seen.outcome.kind is not Kind.FAILED:
            self._journal.note("answer", seen)

    def known_trial(self, hold_s: float) -> Trial | None:
        """Return a trial beside the search, of that hold, that an earlier run made; each is returned once."""
        trials = self._extra.get(hold_s)
        return trials.popleft() if trials else None

    def tried(self, trial: Trial) -> None:
        """Note a trial beside the search."""
        if self._journal is not None:
            self._journal.note("extra", trial)

    def known_hop(self, ttl: int, number: int, hold_s: float) -> Outcome | None:
        """Return what the trial of a hop showed in an earlier run; None where it has to be made."""
        return self._hops.get((ttl, number, hold_s))

    def hop_ended(self, ttl: int, number: int, hold_s: float, outcome: Outcome) -> None:
        """Note what the trial of a hop showed."""
        if self._journal is not None:
            self._journal.note("hop", HopTrial(ttl, number, hold_s, outcome))
