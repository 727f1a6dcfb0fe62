"""A store in a folder of its own, and results to put in."""

import pytest

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.record import Verb
from hbprobe.records.result import Result
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Kind, Limit, Outcome, Trial
from hbprobe.watch.store import Store


@pytest.fixture
def store(tmp_path):
    """An empty database."""
    with Store(tmp_path / "watch.sqlite", create=True) as opened:
        yield opened


@pytest.fixture
def trial():
    """A trial with everything in it."""
    outcome = Outcome(Kind.CUT, 603.5, Manner.SILENT, status=None, aftermath=Aftermath.NOTHING, reason="no answer")
    return Trial(4, 600.5, 1234.5678, outcome)


@pytest.fixture
def result_of():
    """What makes a result of a limit."""

    def make(survived_s, cut_s):
        how = None if cut_s is None else Manner.SILENT
        known = survived_s is not None or cut_s is not None
        return Result(
            verb=Verb.PROBE,
            target="https://host:443/",
            method="hold",
            clock="real",
            search=SearchSettings(),
            limit=Limit(survived_s, cut_s, how),
            trials=(),
            path_s=1.0,
            wall_s=1.0,
            verdict=judge(survived_s, cut_s, how, Settings()) if known else None,
        )

    return make


@pytest.fixture
def measured(store, result_of):
    """What puts a finished measurement into the store."""

    def put(target, at, survived_s, cut_s):
        begun = store.begin(target, "{}", at)
        store.finish(begun.id, result_of(survived_s, cut_s), at + 60)
        return begun.id

    return put
