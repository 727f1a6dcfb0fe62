import asyncio
import json
import re
from collections import Counter

import pytest

from hbprobe.errors import CannotMeasureError
from hbprobe.manner import Manner
from hbprobe.measure.description import describe
from hbprobe.measure.journal import Journal
from hbprobe.measure.run import Run
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome, Trial


class Scripted:
    """A method whose trials end as a rule says, on the loop's clock."""

    name = "hold"

    def __init__(self, rule):
        self._rule = rule
        self.holds = []
        self.given_up = []
        self.running = self.most = 0

    def told(self):
        return None

    async def prove(self):
        return None

    async def trial(self, hold_s):
        self.holds.append(hold_s)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            outcome = self._rule(hold_s)
            await asyncio.sleep(outcome.elapsed_s)
            return outcome
        except asyncio.CancelledError:
            self.given_up.append(hold_s)
            raise
        finally:
            self.running -= 1


def ten_minutes(hold_s):
    if hold_s < 600:
        return Outcome(Kind.SURVIVED, hold_s)
    return Outcome(Kind.CUT, hold_s + 3, Manner.SILENT)


def failing(hold_s, elapsed_s=0.0):
    return Outcome(Kind.FAILED, elapsed_s, reason="status 401: the server wants a login")


SETTINGS = SearchSettings(min_s=60)


def journal_of(path, settings=SETTINGS, resume=False):
    return Journal(path, describe("lab", "hold", settings), resume=resume)


def events(path):
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def carry_out(on_warp, rule, settings=SETTINGS, journal=None, watch=None, stop_after_s=None):
    """Search to the end, or until it is stopped; return the run and its method."""

    async def main():
        method = Scripted(rule)
        run = Run(Search(settings), method, journal, watch)
        try:
            async with asyncio.timeout(stop_after_s):
                await run.to_the_end()
        except TimeoutError:
            pass
        assert run.running == []
        return run, method, run.path_s

    return on_warp(main())


@pytest.mark.parametrize("connections", [1, 3, 8])
def test_a_search_to_the_end(on_warp, connections):
    run, method, _ = carry_out(on_warp, ten_minutes, SearchSettings(min_s=60, connections=connections))
    assert run.complete
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == (599.5, 600.5)
    assert method.most == connections
    assert [trial.number for trial in run.trials] == sorted(trial.number for trial in run.trials)


def test_trials_are_numbered_and_timed_as_they_start(on_warp):
    run, _, path_s = carry_out(on_warp, ten_minutes)
    assert run.trials[:3] == [
        Trial(1, 3540.0, 0.0, Outcome(Kind.CUT, 3543.0, Manner.SILENT)),
        Trial(2, 1799.5, 3543.0, Outcome(Kind.CUT, 1802.5, Manner.SILENT)),
        Trial(3, 928.5, 5345.5, Outcome(Kind.CUT, 931.5, Manner.SILENT)),
    ]
    assert path_s == sum(trial.outcome.elapsed_s for trial in run.trials) == 12193


def test_trials_that_others_have_answered_are_given_up(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"
    settings = SearchSettings(min_s=60, connections=4)
    with journal_of(path, settings) as journal:
        run, method, _ = carry_out(on_warp, ten_minutes, settings, journal)
    assert method.given_up[:3] == [1799.5, 2669.5, 3540]
    assert [trial.hold_s for trial in run.trials[:3]] == [928.5, 232.5, 406.5]
    given_up = [event for event in events(path) if event["event"] == "abandoned"]
    assert given_up[:3] == [{"event": "abandoned", "trial": number, "at_s": 931.5} for number in (2, 3, 4)]


def test_the_journal_has_every_trial(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"
    with journal_of(path) as journal:
        run, method, _ = carry_out(on_warp, ten_minutes, journal=journal)
    assert [event["hold_s"] for event in events(path) if event["event"] == "start"] == method.holds
    with journal_of(path, resume=True) as journal:
        assert list(journal.trials) == run.trials


def test_somebody_may_watch(on_warp):
    seen = []
    run, _, _ = carry_out(
        on_warp, ten_minutes, watch=lambda run: seen.append((len(run.trials), len(run.running), run.complete))
    )
    assert seen[:4] == [(0, 1, False), (1, 0, False), (1, 1, False), (2, 0, False)]
    assert seen[-1] == (len(run.trials), 0, True)


# Failures


def test_a_failed_trial_stops_the_search_with_its_reason(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"

    async def main():
        method = Scripted(lambda hold_s: failing(hold_s) if hold_s < 1000 else ten_minutes(hold_s))
        with journal_of(path) as journal:
            run = Run(Search(SETTINGS), method, journal)
            with pytest.raises(CannotMeasureError) as error:
                await run.to_the_end()
        return str(error.value), run

    message, run = on_warp(main())
    assert message == "status 401: the server wants a login"
    assert not run.complete
    assert [trial.hold_s for trial in run.trials] == [3540, 1799.5]
    assert events(path)[-1]["kind"] == "failed"
    assert events(path)[-1]["hold_s"] == 928.5


def test_a_failed_trial_ends_those_beside_it(on_warp):
    async def main():
        method = Scripted(lambda hold_s: failing(hold_s, 5) if hold_s == 3540 else ten_minutes(hold_s))
        run = Run(Search(SearchSettings(min_s=60, connections=4)), method)
        with pytest.raises(CannotMeasureError):
            await run.to_the_end()
        return method, asyncio.get_running_loop().time()

    method, now_s = on_warp(main())
    assert sorted(method.given_up) == [928.5, 1799.5, 2669.5]
    assert now_s == 5


def test_what_ends_together_with_a_failed_trial_is_not_lost(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"
    settings = SearchSettings(min_s=60, connections=2)

    async def main():
        cut = Outcome(Kind.CUT, 5, Manner.RESET, exact=True)
        method = Scripted(lambda hold_s: failing(hold_s, 5) if hold_s < 3540 else cut)
        with journal_of(path, settings) as journal:
            run = Run(Search(settings), method, journal)
            with pytest.raises(CannotMeasureError):
                await run.to_the_end()

    on_warp(main())
    assert [event["kind"] for event in events(path) if event["event"] == "end"] == ["failed", "cut"]


def test_a_mistake_in_a_method_is_not_hidden(on_warp):
    def broken(hold_s):
        raise ZeroDivisionError(hold_s)

    with pytest.raises(ZeroDivisionError):
        carry_out(on_warp, broken)


def test_a_journal_that_cannot_be_written_is_a_remark_and_no_more(on_warp, tmp_path, monkeypatch):
    path = tmp_path / "journal.jsonl"
    with journal_of(path) as journal:
        monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        run, _, _ = carry_out(on_warp, ten_minutes, journal=journal)
    assert (run.complete, run.search.limit.survived_s, run.search.limit.cut_s) == (True, 599.5, 600.5)
    text = "cannot be written: No space left on device; the measurement goes on without it"
    assert run.remarks == [f"{path}: {text}"]


# Stopping and going on


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("stop_after_s", [0.5, 940, 4000, 6000, 10000])
def test_a_search_that_was_stopped_goes_on_where_it_was(on_warp, tmp_path, connections, stop_after_s):
    path, settings = tmp_path / "journal.jsonl", SearchSettings(min_s=60, connections=connections)
    with journal_of(path, settings) as journal:
        first, _, _ = carry_out(on_warp, ten_minutes, settings, journal, stop_after_s=stop_after_s)
    whole, _, _ = carry_out(on_warp, ten_minutes, settings)
    assert first.complete == (stop_after_s > sum_of(whole))
    started = [event["trial"] for event in events(path) if event["event"] == "start"]

    with journal_of(path, settings, resume=True) as journal:
        second, method, path_s = carry_out(on_warp, ten_minutes, settings, journal)
    assert second.complete
    assert second.search.limit == whole.search.limit
    assert second.trials[: len(first.trials)] == first.trials
    assert not {trial.hold_s for trial in first.trials} & set(method.holds)
    new = second.trials[len(first.trials) :]
    assert all(trial.number > max(started) for trial in new)
    counts = Counter(event["trial"] for event in events(path) if event["event"] == "start")
    assert max(counts.values()) == 1
    ends = [trial.started_s + trial.outcome.elapsed_s for trial in first.trials]
    assert all(trial.started_s >= max(ends, default=0) for trial in new)
    assert path_s == pytest.approx(sum_of(whole))


def sum_of(run):
    """How long a run took."""
    return max(trial.started_s + trial.outcome.elapsed_s for trial in run.trials)


def test_a_search_that_was_over_asks_nothing(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"
    with journal_of(path) as journal:
        first, _, _ = carry_out(on_warp, ten_minutes, journal=journal)
    with journal_of(path, resume=True) as journal:
        second, method, path_s = carry_out(on_warp, ten_minutes, journal=journal)
    assert method.holds == []
    assert (second.complete, second.trials, path_s) == (True, first.trials, 12193)


def test_what_failed_is_asked_again(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"
    with journal_of(path) as journal:
        journal.started(1, 3540.0, 0.0)
        journal.ended(Trial(1, 3540.0, 0.0, failing(3540.0, 7.0)))
    with journal_of(path, resume=True) as journal:
        run, method, _ = carry_out(on_warp, ten_minutes, journal=journal)
    assert method.holds[0] == 3540
    assert run.trials[0] == Trial(2, 3540.0, 7.0, Outcome(Kind.CUT, 3543.0, Manner.SILENT))


def test_more_connections_after_going_on(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"
    with journal_of(path) as journal:
        carry_out(on_warp, ten_minutes, journal=journal, stop_after_s=6000)
    faster = SearchSettings(min_s=60, connections=8)
    with journal_of(path, faster, resume=True) as journal:
        run, method, _ = carry_out(on_warp, ten_minutes, faster, journal)
    assert method.most == 8
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == (599.5, 600.5)


# Trials that are no evidence for reasons that pass


def void(reason="mail came", pause_s=0.0):
    return Outcome(Kind.FAILED, 5, reason=reason, again=True, pause_s=pause_s)


def carry_out_void(on_warp, voids, settings=SETTINGS, journal=None):
    """Search with so many trials without evidence in front; return the run and its method."""
    left = list(voids)
    return carry_out(on_warp, lambda hold_s: left.pop(0) if left else ten_minutes(hold_s), settings, journal)


def test_a_trial_without_evidence_is_repeated(on_warp, tmp_path):
    path = tmp_path / "journal.jsonl"
    with journal_of(path) as journal:
        run, method, _ = carry_out_void(on_warp, [void()], journal=journal)
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == (599.5, 600.5)
    assert method.holds[:3] == [3540, 3540, 1799.5]
    assert run.remarks == ["trial 1 (hold 3540 s) was no evidence: mail came"]
    assert [trial.number for trial in run.trials[:2]] == [2, 3]
    assert events(path)[1]["kind"] == "failed"
    with journal_of(path, resume=True) as journal:
        assert len(carry_out(on_warp, ten_minutes, journal=journal)[0].trials) == len(run.trials)


def test_others_in_the_round_go_on(on_warp):
    run, method, _ = carry_out_void(on_warp, [void()], SearchSettings(min_s=60, connections=3))
    assert run.complete
    assert method.given_up != method.holds[:3]
    assert len(run.remarks) == 1


def test_only_so_many_in_a_row(on_warp):
    assert carry_out_void(on_warp, [void()] * 4)[0].complete
    with pytest.raises(CannotMeasureError) as error:
        carry_out_void(on_warp, [void()] * 5)
    assert str(error.value) == "5 times in a row no trial was evidence, lastly: mail came"


def test_one_trouble_that_meets_all_of_a_round_is_one(on_warp):
    """A far end that stands still for once does so for all that is held there."""
    eight = SearchSettings(min_s=60, connections=8)
    assert carry_out_void(on_warp, [void()] * 8 * 4, eight)[0].complete
    with pytest.raises(CannotMeasureError, match="5 times in a row no trial was evidence"):
        carry_out_void(on_warp, [void()] * 8 * 5, eight)


def test_the_pause_that_a_server_asks_for(on_warp):
    run, _, path_s = carry_out_void(on_warp, [void("busy", 300)])
    assert run.remarks == [
        "trial 1 (hold 3540 s) was no evidence: busy",
        "the server asked for a pause of 300 s, and got it",
    ]
    assert path_s == 5 + 300 + 12193
    assert run.trials[0].started_s == 305


def test_a_pause_after_good_evidence(on_warp):
    def polite(hold_s):
        return Outcome(Kind.SURVIVED, hold_s, pause_s=60)

    run, _, path_s = carry_out(on_warp, polite)
    assert (len(run.trials), path_s) == (1, 3600)


def test_a_pause_that_nobody_waits_for(on_warp):
    with pytest.raises(CannotMeasureError) as error:
        carry_out_void(on_warp, [void("busy", 1801)])
    assert str(error.value) == (
        "the server asks for a pause of 1801 s, and hbprobe waits for 1800 s at most: try again then"
    )


# What may pass, and what cannot


def outage(reason="TCP: mail.example:443: Connection refused", elapsed_s=0.0):
    return Outcome(Kind.FAILED, elapsed_s, reason=reason, again=True, outage=True)


class Down(Scripted):
    """A path on which nothing gets through between two times of the loop's clock."""

    def __init__(self, from_s, to_s):
        super().__init__(ten_minutes)
        self._down = from_s, to_s

    def _is_down(self):
        return self._down[0] <= asyncio.get_running_loop().time() < self._down[1]

    def told(self):
        return None

    async def prove(self):
        return outage() if self._is_down() else None

    async def trial(self, hold_s):
        if self._is_down():
            return outage()
        outcome = await super().trial(hold_s)
        return outage("the far end was restarted meanwhile", outcome.elapsed_s) if self._is_down() else outcome


def carry_out_down(on_warp, from_s, to_s, settings=SETTINGS):
    async def main():
        run = Run(Search(settings), Down(from_s, to_s))
        try:
            await run.to_the_end()
        except CannotMeasureError as error:
            return run, str(error), getattr(error, "run", None), asyncio.get_running_loop().time()
        return run, None, None, asyncio.get_running_loop().time()

    return on_warp(main())


@pytest.mark.parametrize("connections", [1, 4, 64])
@pytest.mark.parametrize("lasts_s", [1, 30, 290])
def test_a_server_that_is_away_in_mid_search_is_waited_for(on_warp, lasts_s, connections):
    settings = SearchSettings(min_s=60, connections=connections)
    first, _, _ = carry_out(on_warp, ten_minutes, settings)
    start_s = min(trial.started_s + trial.outcome.elapsed_s for trial in first.trials)
    run, error, _, _ = carry_out_down(on_warp, start_s - 0.5, start_s + lasts_s, settings)
    assert (error, run.complete) == (None, True)
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == (599.5, 600.5)
    assert any(remark.endswith(("restarted meanwhile", "Connection refused")) for remark in run.remarks)
    assert len(run.remarks) <= 4
    assert re.fullmatch(r"after \d+ s and \d+ attempts it went on", run.remarks[-1])


def test_a_server_that_stays_away_ends_the_search_with_what_is_known(on_warp):
    run, error, partial, now_s = carry_out_down(on_warp, 3544, 1e9)
    assert partial is run
    assert error.startswith("TCP: mail.example:443: Connection refused; 14 more attempts in 3")
    assert [trial.hold_s for trial in run.trials] == [3540]
    assert run.search.limit.cut_s == 3540
    assert not run.complete
    assert 300 <= now_s - 3544 - 1802.5 <= 400


def test_an_address_where_nobody_ever_was_is_given_up_soon(on_warp):
    run, error, _, now_s = carry_out_down(on_warp, 0, 1e9)
    assert (error, run.trials, now_s) == ("TCP: mail.example:443: Connection refused", [], 3)


def test_a_far_end_that_has_proved_itself_is_waited_for_before_any_trial_was_held(on_warp):
    class OnceProved(Down):
        async def prove(self):
            return None

    async def main():
        run = Run(Search(SETTINGS), OnceProved(0, 60))
        await run.to_the_end()
        return run

    run = on_warp(main())
    assert (run.complete, run.search.limit.cut_s) == (True, 600.5)
    assert any("Connection refused" in remark for remark in run.remarks)


def test_a_name_look_up_may_fail_once(on_warp):
    run, error, _, _ = carry_out_down(on_warp, 0, 0.5)
    assert (error, run.complete) == (None, True)
    assert run.remarks == [
        "the first look at the far end was no evidence: TCP: mail.example:443: Connection refused",
        "after 1 s and 1 attempts it went on",
    ]


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_death_in_the_first_second_is_an_accident_once_a_trial_has_survived(on_warp, noise):
    left = [outage("RST at once: another protocol, or a proxy that cannot reach the server", 0.2)]

    def rule(hold_s):
        return ten_minutes(hold_s) if hold_s > 700 or not left else left.pop()

    run, _, _ = carry_out(on_warp, rule, SearchSettings(min_s=60, noise=noise))
    assert (run.complete, run.search.limit.survived_s, run.search.limit.cut_s) == (True, 599.5, 600.5)
    assert sum("RST at once" in remark for remark in run.remarks) == 1


def test_who_is_not_the_far_end_is_asked_nothing(on_warp):
    class Stranger(Scripted):
        def told(self):
            return None

        async def prove(self):
            return Outcome(Kind.FAILED, 0.0, reason="status 404: there is no hbprobe serve at this address")

    async def main():
        method = Stranger(ten_minutes)
        with pytest.raises(CannotMeasureError, match=r"^status 404: there is no hbprobe serve at this address$"):
            await Run(Search(SETTINGS), method).to_the_end()
        return method.holds

    assert on_warp(main()) == []
