import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.conclude import conclude
from hbprobe.measure.run import Run
from hbprobe.records.record import Verb
from hbprobe.records.result import Result
from hbprobe.report.terminal.answer import answer
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Cause, Kind, Limit, Outcome


class TenMinutes:
    """A method whose path cuts after 600 s, but for a first trial of its own."""

    def __init__(self, first=None, name="hold"):
        self.name = name
        self._first = first

    def told(self):
        return None

    async def prove(self):
        return None

    async def trial(self, hold_s):
        outcome, self._first = self._first, None
        if outcome is None and hold_s < 600:
            outcome = Outcome(Kind.SURVIVED, hold_s)
        outcome = outcome or Outcome(Kind.CUT, hold_s + 3, Manner.SILENT)
        await asyncio.sleep(outcome.elapsed_s)
        return outcome


def concluded(settings=None, search=None, first=None, stop_after_s=None, **about):
    """Run a search, perhaps not to its end, and conclude."""

    async def main():
        run = Run(Search(search or SearchSettings(min_s=60)), TenMinutes(first))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(stop_after_s):
                await run.to_the_end()
        about_it = {"verb": Verb.LAB, "target": "lab", "clock": "warp", "wall_s": 0.5} | about
        return run, conclude(run, settings or Settings(), **about_it)

    return warp.run(main(), warp.WarpClock())


def test_what_stood_still_is_told_where_as_long_a_hold_survived():
    first = Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.ACKNOWLEDGED)
    _, result = concluded(search=SearchSettings(min_s=30, max_s=60), first=first)
    assert (result.limit.survived_s, result.limit.cut_s) == (60, None)
    stood = "nothing came in time on a connection that was alive, as where something on the path stands still"
    assert result.notes == (f"trial 1 (hold 60 s): {stood}, and as long a hold survived",)


def test_a_search_that_came_to_its_end():
    run, result = concluded(path=("ten-minute-provider",), cut_by="ten-minute-provider", notes=("a remark",))
    assert replace(result, verdict=None) == Result(
        verb=Verb.LAB,
        target="lab",
        method="hold",
        clock="warp",
        search=SearchSettings(min_s=60),
        limit=Limit(599.5, 600.5, Manner.SILENT),
        trials=tuple(run.trials),
        path_s=12193.0,
        wall_s=0.5,
        path=("ten-minute-provider",),
        cut_by="ten-minute-provider",
        notes=("a remark",),
    )
    assert result.verdict is not None and result.verdict.healthy is False
    assert {finding.code for finding in result.verdict.findings} >= {"push-lost", "limit-below-max"}


def test_the_verdict_is_about_the_settings_given():
    _, result = concluded(Settings(max_heartbeat_s=480, alert_threshold_s=240))
    assert result.verdict is not None and result.verdict.settings.max_heartbeat_s == 480
    assert "limit-below-max" not in {finding.code for finding in result.verdict.findings}


def test_a_search_that_was_stopped():
    _, result = concluded(stop_after_s=4000)
    assert (result.complete, result.confirmed, result.path_s) == (False, False, 4000)
    assert result.limit == Limit(None, 3540, Manner.SILENT)
    assert len(result.trials) == 1
    assert result.verdict is not None


def test_a_search_that_was_stopped_before_it_saw_anything():
    _, result = concluded(stop_after_s=100)
    assert (result.complete, result.trials, result.limit) == (False, (), Limit(None, None))
    assert result.verdict is None


def test_contradictions_are_told_and_the_result_is_not_confirmed():
    # A first trial that survives where all others are cut; confirming asks the longest hold again.
    freak = Outcome(Kind.SURVIVED, 3540)
    _, result = concluded(search=SearchSettings(min_s=60, confirm=2), first=freak)
    assert result.limit == Limit(599.5, 600.5, Manner.SILENT)
    assert result.contradictions == ("a hold of 3540 s survived",)
    assert (result.complete, result.confirmed) == (True, False)


def test_the_result_says_when_it_began():
    _, result = concluded(began=datetime(2026, 11, 22, 2, 17, 5, 123456, UTC))
    assert result.started_at == "2026-11-22T02:17:05Z"
    assert Result.from_dict(result.to_dict()).started_at == "2026-11-22T02:17:05Z"


@pytest.mark.parametrize(
    ("causes", "status", "is_told"),
    [
        ((Cause.CLOSED_BY_SERVER,), 0, True),
        ((Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY), 1, True),
        ((Cause.RESET_BY_SERVER, Cause.RESET_BY_BOX), 1, True),
        ((Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER), 1, False),
        ((Cause.STATE_LOST_SILENTLY,), 1, False),
    ],
)
def test_quiet_between_requests_says_nothing_of_exchange(causes, status, is_told):
    """The own timer of a server that alone is left is no finding; the path beyond it is not called good either."""

    class Quiet(TenMinutes):
        async def trial(self, hold_s):
            return replace(await super().trial(hold_s), causes=causes)

    async def main():
        run = Run(Search(SearchSettings(min_s=60)), Quiet(name="idle"))
        await run.to_the_end()
        return conclude(run, Settings(), verb=Verb.PROBE, target="lab", clock="warp", wall_s=0.5)

    result = warp.run(main(), warp.WarpClock())
    assert (result.verdict, result.exit_status) == (None, status)
    notes = [note for note in result.notes if "was not measured" in note]
    assert bool(notes) is is_told
    if is_told:
        others = {Cause.CLOSED_BY_PROXY: ", or a proxy before it", Cause.RESET_BY_BOX: ", or a box before it"}
        whose = f"at the server{others.get(causes[-1], '')}"
        assert [whose in one for one in (*notes, result.advice[0].text, dict(answer(result))["means"])] == [True] * 3
        assert (" before it" in result.advice[0].text) is (len(causes) > 1)
