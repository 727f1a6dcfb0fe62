"""Results of a plain search, on paths that are only rules; and locations."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.locate.finding import Reached, Route, locate
from hbprobe.locate.hop_trials import plan
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.location import Location
from hbprobe.records.record import Verb
from hbprobe.records.result import Result
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Cause, Kind, Outcome, Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rule = Callable[[float], Outcome]
"""What becomes of a hold of so many seconds."""


def located(route: Route, seen: Sequence[Reached], **more: Any) -> Location:
    """A location on a path of 300 s, with what the hops showed."""
    return Location(
        target="https://mail.example:443/",
        asked=plan(300),
        limit_s=300.0,
        is_given=True,
        route=route,
        seen=tuple(seen),
        finding=locate(route, seen, 309.0, 100),
        wall_s=313.25,
        **more,
    )


_EXPLAINED = {
    Manner.RESET: (
        (Cause.RESET_BY_BOX,),
        (
            "RST came after 10 min",
            "no close_notify of TLS came before it, as from a box without the keys of the connection",
            "the far end: its connection was reset 10 min after the request came",
        ),
    )
}


def _cutting_at(timer_s: float, how: Manner = Manner.SILENT, status: int | None = None) -> Rule:
    def outcome(hold_s: float) -> Outcome:
        if hold_s < timer_s:
            return Outcome(Kind.SURVIVED, hold_s)
        if how is Manner.SILENT:
            return Outcome(Kind.CUT, hold_s + 3, how, aftermath=Aftermath.NOTHING, reason="no answer")
        causes, evidence = _EXPLAINED.get(how, ((), ()))
        return Outcome(Kind.CUT, timer_s, how, exact=True, status=status, causes=causes, evidence=evidence)

    return outcome


def _bisect(rule: Rule, search: SearchSettings) -> list[Trial]:
    """The longest hold, then always the middle of what is left: plainer than the real search, and so it stays."""
    trials: list[Trial] = []
    steps = range(round(search.max_s / search.precision_s))
    left_s = [(step + 0.5) * search.precision_s for step in steps] + [search.max_s]
    left_s = [hold_s for hold_s in left_s if hold_s >= search.min_s]
    hold_s, now_s = search.max_s, 0.0
    while left_s:
        outcome = rule(hold_s)
        trials.append(Trial(len(trials) + 1, hold_s, now_s, outcome))
        now_s += outcome.elapsed_s
        if outcome.kind is Kind.SURVIVED:
            left_s = [other_s for other_s in left_s if other_s > hold_s]
        else:
            cut_s = outcome.elapsed_s if outcome.exact else hold_s
            left_s = [other_s for other_s in left_s if other_s < cut_s]
        hold_s = left_s[len(left_s) // 2] if left_s else 0.0
    return trials


def _measure(rule: Rule, search: SearchSettings | None = None, **fields: Any) -> Result:
    state = Search(search or SearchSettings(min_s=60))
    trials = _bisect(rule, state.settings)
    for trial in trials:
        state.record(trial.hold_s, trial.outcome)
    limit = state.limit
    result = Result(
        verb=Verb.LAB,
        target="https://127.0.0.1:8443",
        method="hold",
        path=("a-box",),
        clock="warp",
        search=state.settings,
        limit=limit,
        trials=tuple(trials),
        path_s=trials[-1].started_s + trials[-1].outcome.elapsed_s,
        wall_s=0.125,
        contradictions=state.contradictions,
        confirmed=state.confirmed,
        cut_by=None if limit.cut_s is None else "a-box",
        verdict=judge(limit.survived_s, limit.cut_s, limit.manner, Settings()),
        hbprobe="0.1.0",
    )
    return replace(result, **fields)


@pytest.fixture
def cutting_at():
    """A path whose one timer strikes at a time: `cutting_at(600, Manner.STATUS, 504)`."""
    return _cutting_at


@pytest.fixture
def measure():
    """A search of such a path, with its verdict; keyword arguments replace fields of the result."""
    return _measure


@pytest.fixture(scope="session")
def ten_minutes():
    """The worked example: silent after 10 minutes."""
    return _measure(_cutting_at(600))


@pytest.fixture
def tried():
    """A result of hand-made trials, each (hold, outcome), with the limit that is given."""

    def make(trials, limit, **fields):
        numbered = tuple(Trial(number, hold_s, 0.0, outcome) for number, (hold_s, outcome) in enumerate(trials, 1))
        return replace(_measure(_cutting_at(600)), trials=numbered, limit=limit, **fields)

    return make


@pytest.fixture
def misplaced():
    """What a reader would stumble over in a figure: texts that meet each other or leave the page."""
    return _misplaced


def _misplaced(figure: "Figure") -> list[str]:
    from matplotlib.text import Text

    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in texts]
    page = figure.bbox
    outside = [words for words, box in boxes if not page.contains(*box.min) or not page.contains(*box.max)]
    meeting = [
        f"{one!r} meets {other!r}"
        for (one, box), (other, other_box) in combinations(boxes, 2)
        if box.overlaps(other_box)
    ]
    return outside + meeting
