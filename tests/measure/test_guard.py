"""Stalls of the process, of the loop and of the machine, on a clock that has them."""

import asyncio

import pytest

from hbprobe.errors import CannotMeasureError
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.guard import MOST_STALLED, Guard, Repeats, judged, persistently
from hbprobe.measure.run import Run
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome, standstill_of

CUT = Outcome(Kind.CUT, 63, Manner.SILENT)
SURVIVED = Outcome(Kind.SURVIVED, 60)
BROKEN = Outcome(Kind.FAILED, 1.8, reason="the far end answered after 1.8 s instead of 9 s: is its clock another?")


async def lasting(outcome):
    await asyncio.sleep(outcome.elapsed_s)
    return outcome


def guarded(clock, outcome, fault=lambda: None, at_s=30.0, allowed_s=0.5):
    """Make one trial under a guard, with a fault in the middle."""

    async def main():
        asyncio.get_running_loop().call_later(at_s, fault)
        return await Guard(allowed_s, clock.offsets).trial(lambda: lasting(outcome))

    return clock.run(main())


@pytest.mark.parametrize("outcome", [CUT, SURVIVED])
def test_a_trial_during_which_the_process_was_awake_is_what_it_is(faulty, outcome):
    assert guarded(faulty, outcome) == outcome


@pytest.mark.parametrize("seconds", [0.7, 8.0, 3600.0])
@pytest.mark.parametrize("how", ["stall", "suspend"])
def test_a_cut_that_the_process_slept_through_is_void(faulty, how, seconds):
    outcome = guarded(faulty, CUT, lambda: getattr(faulty, how)(seconds))
    assert (outcome.kind, outcome.again, outcome.how) == (Kind.FAILED, True, None)
    assert outcome.stalled_s == pytest.approx(seconds, abs=0.11)
    assert outcome.reason.startswith("hbprobe, or the machine that it runs on, stood still for ")
    assert "(silent)" in outcome.reason


@pytest.mark.parametrize("how", ["stall", "suspend"])
def test_a_failure_for_good_is_none_if_the_process_slept(faulty, how):
    outcome = guarded(faulty, BROKEN, lambda: getattr(faulty, how)(5), at_s=1)
    assert outcome.again
    assert BROKEN.reason in outcome.reason


@pytest.mark.parametrize("how", ["stall", "suspend"])
def test_standing_still_makes_no_dead_connection_answer(faulty, how):
    outcome = guarded(faulty, SURVIVED, lambda: getattr(faulty, how)(8))
    assert outcome.kind is Kind.SURVIVED
    assert outcome.stalled_s == pytest.approx(8, abs=0.11)


def test_a_little_lag_is_no_stall(faulty):
    async def main():
        loop = asyncio.get_running_loop()
        for at_s in range(60):
            loop.call_later(at_s, faulty.stall, 0.3)
        return await Guard(0.5, faulty.offsets).trial(lambda: lasting(CUT))

    assert faulty.run(main()) == CUT


def test_a_stall_in_the_very_moment_of_the_end_is_seen(faulty):
    async def late():
        await asyncio.sleep(10)
        faulty.stall(8)
        return CUT

    async def main():
        return await Guard(0.5, faulty.offsets).trial(late)

    assert faulty.run(main()).kind is Kind.FAILED


def test_what_was_before_a_trial_or_after_it_is_not_its_own(faulty):
    async def main():
        guard = Guard(0.5, faulty.offsets)
        long = asyncio.ensure_future(guard.trial(lambda: lasting(Outcome(Kind.CUT, 20, Manner.SILENT))))
        await asyncio.sleep(5)
        faulty.stall(8)
        short = await guard.trial(lambda: lasting(Outcome(Kind.CUT, 3, Manner.SILENT)))
        faulty.suspend(3)
        return short, await long

    short, long = faulty.run(main())
    assert short.kind is Kind.CUT
    assert long.stalled_s == pytest.approx(8 + 3, abs=0.3)


def test_nothing_stays_behind(faulty):
    async def main():
        guard = Guard(0.5, faulty.offsets)
        await guard.trial(lambda: lasting(SURVIVED))
        before_s = asyncio.get_running_loop().time()
        faulty.stall(8)
        await asyncio.sleep(1000)
        faulty.suspend(8)
        return await guard.trial(lambda: lasting(CUT)), before_s

    outcome, before_s = faulty.run(main())
    assert (outcome, before_s) == (CUT, 60)


def test_on_the_warp_clock_nothing_can_be_late(on_warp):
    async def main():
        return await Guard(0.5, lambda: 1 / 0).trial(lambda: lasting(CUT))

    assert on_warp(main()) == CUT


def persisted(faulty, outcomes, stalls=()):
    """Make a trial persistently; return what came of it at last, what was noted, and how often it was made."""
    left, stalls, noted, made = list(outcomes), list(stalls), [], []

    async def trial():
        made.append(asyncio.get_running_loop().time())
        await asyncio.sleep(10)
        faulty.stall(stalls.pop(0) if stalls else 0.0)
        return left.pop(0) if len(left) > 1 else left[0]

    async def main():
        guard = Guard(0.5, faulty.offsets)
        return await persistently(
            guard, trial, lambda outcome: outcome, noted.append, doubt=lambda outcome: standstill_of(60, outcome)
        )

    return faulty.run(main()), noted, len(made)


def test_what_the_process_slept_through_is_made_again_and_told(faulty):
    outcome, noted, made = persisted(faulty, [CUT], [8.0, 8.0])
    assert (outcome, made) == (CUT, 3)
    assert len(noted) == 2
    assert all(text.startswith("no evidence, and made again: hbprobe, or the machine that it") for text in noted)


def test_a_survival_of_a_stall_stands_and_is_told(faulty):
    outcome, noted, made = persisted(faulty, [SURVIVED], [8.0])
    assert (outcome, made) == (SURVIVED, 1)
    assert [text[:47] for text in noted] == ["survived, though hbprobe, or the machine that i"]


def test_what_the_far_end_did_is_made_again_and_told(faulty):
    again = Outcome(Kind.FAILED, 3, reason="the far end was restarted meanwhile", again=True, outage=True)
    outcome, noted, made = persisted(faulty, [again, again, CUT])
    assert (outcome, made) == (CUT, 3)
    assert noted == ["no evidence, and made again: the far end was restarted meanwhile"] * 2


ALIVE = Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.ACKNOWLEDGED)
LOST = Outcome(Kind.CUT, 63, Manner.SILENT, aftermath=Aftermath.NOTHING)
CLOSED_LATE = Outcome(Kind.CUT, 62, Manner.CLOSED)


@pytest.mark.parametrize(
    ("outcomes", "made", "is_told"),
    [
        ([ALIVE, SURVIVED], 2, True),
        ([ALIVE, LOST], 2, True),
        ([ALIVE, ALIVE], 2, False),
        ([CLOSED_LATE, SURVIVED], 2, True),
        ([LOST, SURVIVED], 1, False),
    ],
)
def test_a_standstill_of_something_on_the_path_is_none_that_comes_again(faulty, outcomes, made, is_told):
    outcome, noted, count = persisted(faulty, outcomes)
    assert (outcome, count) == (outcomes[made - 1], made)
    assert [text[:56] for text in noted] == ["nothing came in time on a connection that was alive, as "] * is_told


def test_a_far_end_that_is_gone_is_waited_for_and_that_costs_no_attempt(faulty):
    gone = Outcome(Kind.FAILED, 3, reason="refused", again=True, outage=True)
    left = [gone] * 9 + [CUT]

    async def make():
        return left.pop(0)

    async def back(back_off):
        await asyncio.sleep(back_off.next_s())
        return True

    async def main():
        return await persistently(Guard(0.5, faulty.offsets), make, lambda outcome: outcome, back=back)

    assert faulty.run(main()) == CUT


def test_what_does_not_pass_is_the_last_word(faulty):
    again = Outcome(Kind.FAILED, 3, reason="x", again=True)
    outcome, noted, made = persisted(faulty, [again])
    assert (outcome, len(noted), made) == (again, 3, 4)


def test_a_machine_that_never_comes_to_rest(faulty):
    with pytest.raises(
        CannotMeasureError, match=rf"stood still for (7.9|8.\d) s, and so it did {MOST_STALLED} times"
    ):
        persisted(faulty, [CUT], [8.0] * MOST_STALLED)


def test_one_reason_is_told_once_with_all_that_it_concerned():
    repeats = Repeats()
    for name, why in (("a", "x"), ("b", "x"), ("a", "x"), ("a", "y")):
        repeats.note(name, why)
    assert repeats.remarks == ("a, b: x", "a: y")


def test_a_survivor_is_told_apart_from_one_without_stalls():
    assert judged(SURVIVED, 0.0) == SURVIVED
    assert judged(SURVIVED, 2.0).stalled_s == 2.0


# A whole search


class AMinute:
    """A path that cuts after a minute, whose probe dates everything by its own, faulty, clock."""

    name = "hold"

    def told(self):
        return None

    async def prove(self):
        return None

    async def trial(self, hold_s):
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await asyncio.sleep(min(hold_s, 60) if hold_s < 60 else hold_s + 3)
        elapsed_s = loop.time() - started_s
        if hold_s < 60 and elapsed_s < hold_s + 3:
            return Outcome(Kind.SURVIVED, elapsed_s)
        return Outcome(Kind.CUT, elapsed_s, Manner.SILENT)


@pytest.mark.parametrize("how", ["stall", "suspend"])
@pytest.mark.parametrize("connections", [1, 4])
def test_a_search_in_which_the_process_stands_still_again_and_again(faulty, how, connections):
    async def main():
        loop = asyncio.get_running_loop()
        run = Run(
            Search(SearchSettings(min_s=57, max_s=65, connections=connections)),
            AMinute(),
            guard=Guard(0.5, faulty.offsets),
        )
        for at_s in range(30, 300, 70):
            loop.call_later(at_s, getattr(faulty, how), 8)
        await run.to_the_end()
        return run

    run = faulty.run(main())
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == pytest.approx((59.5, 60.5))
    assert not run.search.contradictions
    assert all(trial.outcome.stalled_s == 0 or trial.outcome.kind is Kind.SURVIVED for trial in run.trials)
    assert any("stood still for " in remark for remark in run.remarks)
