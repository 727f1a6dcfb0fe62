"""A watch that has run for days and measures now, as its endpoint sees it, without a network."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.run import Run, Running
from hbprobe.net.target import Target
from hbprobe.records.record import Verb
from hbprobe.records.result import Result
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Cause, Kind, Limit, Outcome, Trial
from hbprobe.watch.control import Control
from hbprobe.watch.store import State, Store
from hbprobe.watch.watchfile import WatchPlan, WatchTarget

HOUR = 3600.0
SEARCH = SearchSettings(min_s=60, max_s=3540, connections=4)


class Writing:
    """Stands for the writer of a watch."""

    def __init__(self, waiting=3, is_behind=False):
        self.waiting, self.is_behind = waiting, is_behind


class RunningTarget:
    """Stands for the watch over one target."""

    def __init__(self, number=0, run=None, next_at=None):
        self.number, self.run, self.next_at = number, run, next_at
        self.hurried = 0

    def hurry(self):
        self.hurried += 1
        return True


def target(name, module=""):
    return WatchTarget(name, Target.parse("https://probe.example.net:8443/"), "hold", None, SEARCH, module=module)


def control(path, *names, module=""):
    return Control(WatchPlan(path, HOUR, None, Settings(), tuple(target(name, module) for name in names)))


def result(survived_s, cut_s, at):
    """A result with its two deciding trials."""
    how = None if cut_s is None else Manner.SILENT
    causes = () if cut_s is None else (Cause.STATE_LOST_SILENTLY,)
    trials = [Trial(1, survived_s, 0.0, Outcome(Kind.SURVIVED, survived_s))]
    if cut_s is not None:
        trials.append(Trial(2, cut_s, 0.0, Outcome(Kind.CUT, cut_s + 15, how, aftermath=Aftermath.NOTHING)))
    return Result(
        verb=Verb.PROBE,
        target="https://probe.example.net:8443/",
        method="hold",
        clock="real",
        search=SEARCH,
        limit=Limit(survived_s, cut_s, how, causes=causes),
        trials=tuple(trials),
        path_s=1815.0,
        wall_s=1815.0,
        verdict=judge(survived_s, cut_s, how, Settings()),
        started_at=f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
    )


def measured(store, name, until, limits):
    """Put a measurement of each hour into the store: what survived, and what was cut."""
    for hours_ago, limit in zip(range(len(limits), 0, -1), limits, strict=True):
        at = until - hours_ago * HOUR
        begun = store.begin(name, "{}", at)
        store.finish(begun.id, result(*limit, at), at + 1815)


def searching():
    """A search that has had three trials, and tries four holds at once; needs a running loop."""
    run = Run(Search(SEARCH), SimpleNamespace(name="hold"))  # it makes no trial
    for number, (hold_s, is_cut) in enumerate(((3540.0, True), (900.0, False), (1800.0, True)), 1):
        cut = Outcome(Kind.CUT, hold_s + 15, Manner.SILENT, aftermath=Aftermath.NOTHING)
        outcome = cut if is_cut else Outcome(Kind.SURVIVED, hold_s)
        run.trials.append(Trial(number, hold_s, 0.0, outcome))
        run.search.record(hold_s, outcome)
    run.running += [Running(4 + place, hold_s, 0.0) for place, hold_s in enumerate((1080.0, 1260.0, 1440.0, 1620.0))]
    return run


def stored(path, now, hours=24):
    """Store what a watch found in hours: one path changed, one is well, one cannot be measured."""
    with Store(path, create=True) as store:
        store._db.execute("PRAGMA synchronous = OFF")  # no test needs it to survive a power cut
        half = hours // 2
        measured(store, "branch office", now, [(1799.0, 1800.0)] * half + [(899.5, 900.5)] * (hours - half))
        measured(store, "head office <b>", now, [(3540.0, None)] * 3)
        failed = store.begin("warehouse", "{}", now - HOUR)
        store.end(failed.id, State.FAILED, "TCP: no route to host")
        store.begin("branch office", "{}", now - 1200)


def of_days(path, now, number):
    """A watch over what is stored, in the middle of a measurement."""
    steered = control(path, "branch office", "head office <b>", "warehouse")
    steered.running["branch office"] = RunningTarget(number, searching())
    for name in ("head office <b>", "warehouse"):
        steered.running[name] = RunningTarget(next_at=now + 1500)
    asyncio.get_running_loop().call_soon(steered.says, "2026-11-28 09:00:00  branch office: begins measurement 29")
    return steered
