"""Results as a real search would make them, on paths that are only rules."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.probe.outcome import Aftermath, How, Kind, Outcome, Trial
from hbprobe.probe.search import Search, SearchSettings
from hbprobe.report.result import Method, Result, Verb

Rule = Callable[[float, int], Outcome]
"""What becomes of a hold, given its length in seconds and the trial's number."""


def cutting_at(limit_s: float, how: How = How.SILENT, status: int | None = None) -> Rule:
    """Return a path whose one timer strikes at a time."""

    def outcome(hold_s: float, _number: int) -> Outcome:
        if hold_s < limit_s:
            return Outcome(Kind.SURVIVED, hold_s)
        if how is How.SILENT:
            return Outcome(Kind.CUT, hold_s + 3, How.SILENT, aftermath=Aftermath.NOTHING, reason="no answer")
        return Outcome(Kind.CUT, limit_s, how, exact=True, status=status)

    return outcome


def measure(rule: Rule, search: SearchSettings | None = None, **fields: Any) -> Result:
    """Search a path that is a rule, one round after the other."""
    settings = search or SearchSettings()
    state, trials, now_s = Search(settings), [], 0.0
    while holds := state.next_holds():
        for hold_s in holds:
            outcome = rule(hold_s, len(trials) + 1)
            trials.append(Trial(len(trials) + 1, hold_s, now_s, outcome))
            if outcome.kind is not Kind.FAILED:
                state.record(hold_s, outcome)
        now_s += max(trial.outcome.elapsed_s for trial in trials[-len(holds) :])
    limit = state.limit
    verdict = judge(limit.survived_s, limit.cut_s, limit.how, Settings()).as_dict()
    result = Result(
        verb=Verb.LAB,
        target="https://127.0.0.1:8443",
        method=Method.HOLD,
        clock="warp",
        search=settings,
        limit=limit,
        trials=tuple(trials),
        path_s=now_s,
        wall_s=0.125,
        path=("example-provider-10min",),
        contradictions=state.contradictions,
        confirmed=state.confirmed,
        cut_by="example-provider-10min" if limit.cut_s else None,
        verdict=verdict,
        hbprobe="0.1.0",
    )
    return replace(result, **fields)
