"""The watch over days of the warp clock, on paths that are only rules."""

import asyncio
import json
import ssl
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from hbprobe import warp
from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings
from hbprobe.manner import Manner
from hbprobe.measure.observe import Observer
from hbprobe.measure.run import Run
from hbprobe.net.wire import Target
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.watch.control import Control, WatchObserver
from hbprobe.watch.history import histories
from hbprobe.watch.store import State, Store
from hbprobe.watch.watch import run_of, watch
from hbprobe.watch.watchfile import WatchPlan, WatchTarget
from hbprobe.watch.writer import Writer

TUESDAY = 1795528800.0  # 2026-11-24 14:00 UTC
HOUR = 3600.0
SEARCH = SearchSettings(min_s=60, max_s=600, precision_s=20)


class Rule:
    """A method on a path whose timer may change with time."""

    name, limits, notes = "hold", None, ()

    def __init__(self, timer_s, now):
        self._timer_s, self._now = timer_s, now

    def told(self):
        return None

    async def prove(self):
        return None

    async def trial(self, hold_s):
        timer_s = self._timer_s(self._now())
        if timer_s is None:
            return Outcome(Kind.FAILED, 0.0, reason="TCP: no route to host")
        await asyncio.sleep(min(hold_s, timer_s))
        if hold_s < timer_s:
            return Outcome(Kind.SURVIVED, hold_s)
        return Outcome(Kind.CUT, timer_s, Manner.RESET, exact=True)


def over(rule):
    """What sets up a run on such a path."""

    async def run(target, record, observer, prior):
        return Run(Search(target.search, prior), rule(), record, observer.search)

    return run


def target(name="office", search=SEARCH):
    return WatchTarget(name, Target.parse("http://127.0.0.1:9/"), "hold", None, search)


def plan(*targets):
    return WatchPlan(Path("unused"), HOUR, None, Settings(), targets or (target(),))


@pytest.fixture
def follow(store):
    """What watches for some time, and returns what was said; the clock on the wall goes with the loop's."""

    def run(for_s, timer_s, what=None, since_s=TUESDAY, clock=lambda now_s: now_s):
        said = []

        async def main():
            loop = asyncio.get_running_loop()

            def now():
                return clock(since_s + loop.time())

            async with Writer(store.path, said.append) as writer:
                watching = watch(what or plan(), writer, now, None, over(lambda: Rule(timer_s, now)))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(watching, for_s)

        warp.run(main(), warp.WarpClock())
        return said

    return run


def test_a_day(follow, store):
    said = follow(24 * HOUR, lambda _: 300)
    done = store.measurements("office", State.DONE)
    assert 20 <= len(done) <= 25
    assert {(one.survived_s, one.cut_s) for one in done} == {(done[0].survived_s, 300)}
    gaps = [(b.started_at - a.started_at) / HOUR for a, b in pairwise(done[1:])]
    assert all(0.61 < gap < 1.63 for gap in gaps)
    assert len({int(one.started_at % HOUR // 300) for one in done}) == 12, "no five minutes of the hour are left out"
    assert said[:2] == [
        "2026-11-24 14:00:00  office: begins measurement 1",
        "2026-11-24 14:05:00  office: trial 1: hold 600 s cut: reset at 300.00 s",
    ]
    assert not any("since" in line for line in said)


def test_what_is_kept_is_a_result(follow, store):
    follow(HOUR, lambda _: 300)
    result = json.loads(store.result(1))
    assert (result["schema"], result["verb"], result["clock"]) == ("hbprobe.result/1", "probe", "real")
    assert result["trials"][0]["hold"] == 600 and result["complete"] and result["confirmed"]
    assert len(result["trials"]) == len(store.trials(1))


def test_a_change_is_said_once_it_is_confirmed(follow):
    said = follow(24 * HOUR, lambda now_s: 450 if now_s < TUESDAY + 10 * HOUR else 300)
    changes = [line for line in said if "since" in line]
    assert len(changes) == 1
    time, _, words = changes[0].partition("  office: ")
    assert words.startswith("since Wednesday 2026-11-25 00:") and words.endswith("cuts at 300 s instead of 450 s")
    assert time > "2026-11-25 01:00:00", "after the next measurement"


def test_a_change_is_found_across_a_restart(follow):
    follow(5 * HOUR, lambda _: 450)
    follow(1.7 * HOUR, lambda _: 300, since_s=TUESDAY + 5 * HOUR)
    said = follow(3 * HOUR, lambda _: 300, since_s=TUESDAY + 7 * HOUR)
    assert sum("cuts at 300 s instead of 450 s" in line for line in said) <= 1
    both = follow(3 * HOUR, lambda _: 450, since_s=TUESDAY + 11 * HOUR)
    assert sum("cuts at 450 s instead of 300 s" in line for line in both) == 1


def test_what_was_interrupted_goes_on(follow, store):
    follow(400, lambda _: 300)
    (before,) = store.measurements()
    tried = store.trials(1)
    assert before.state is State.RUNNING and len(tried) == 1
    said = follow(2000, lambda _: 300, since_s=TUESDAY + 900)
    assert said[0].endswith("office: goes on with measurement 1, which was interrupted")
    (after,) = store.measurements()
    assert after.state is State.DONE and after.started_at == TUESDAY
    trials = store.trials(1)
    assert trials[:1] == tried
    assert len({trial.hold_s for trial in trials}) == len(trials), "none is asked twice"
    assert not any("trial 1:" in line for line in said)


def test_a_long_trial_makes_a_measurement_no_older(follow, store):
    follow(299, lambda _: 300)
    said = follow(1, lambda _: 300, since_s=TUESDAY + HOUR + 500)
    assert said == ["2026-11-24 15:08:20  office: goes on with measurement 1, which was interrupted"]


@pytest.mark.parametrize("why", ["too old", "other settings"])
def test_what_can_not_go_on_is_given_up(follow, store, why):
    follow(400, lambda _: 300)
    later_s = TUESDAY + (2.1 * HOUR if why == "too old" else 1100)
    search = SEARCH if why == "too old" else replace(SEARCH, max_s=500)
    said = follow(10, lambda _: 300, plan(target(search=search)), since_s=later_s)
    assert said == [said[0]] and said[0].endswith("office: begins measurement 2")
    first, second = store.measurements()
    assert (first.state, second.state) == (State.GIVEN_UP, State.RUNNING)
    assert first.reason == "interrupted; too old, or of other settings, to go on with"
    assert len(store.trials(1)) == 1, "its trials stay"


def test_a_path_that_is_down_is_tried_again_at_the_next_start(follow, store):
    said = follow(6 * HOUR, lambda now_s: None if now_s < TUESDAY + 3 * HOUR else 300)
    states = [one.state for one in store.measurements()]
    assert states[0] is State.FAILED and states[-1] in (State.DONE, State.RUNNING)
    assert State.DONE in states and 4 <= len(states) <= 8
    assert "2026-11-24 14:00:00  office: could not measure: TCP: no route to host" in said


def test_several_targets_at_their_own_times(follow, store):
    follow(6 * HOUR, lambda _: 300, plan(target("a"), target("b")))
    a, b = store.measurements("a", State.DONE), store.measurements("b", State.DONE)
    assert min(len(a), len(b)) >= 4
    assert not {one.started_at for one in a[1:]} & {one.started_at for one in b[1:]}


def test_a_clock_that_is_set_back_stops_nothing(follow, store):
    follow(12 * HOUR, lambda _: 300, clock=lambda now_s: now_s - (48 * HOUR if now_s > TUESDAY + 3 * HOUR else 0))
    assert len(store.measurements("office", State.DONE)) >= 8


def test_a_database_that_can_never_be_used_again_ends_the_watch(store):
    said = []

    async def main():
        async with Writer(store.path, said.append) as writer:
            watching = watch(
                plan(), writer, lambda: TUESDAY, None, over(lambda: Rule(lambda _: 300, lambda: TUESDAY))
            )
            store._db.execute("DROP TABLE trial")
            await watching

    with pytest.raises(UserError, match="cannot be used as a database: no such table: trial"):
        warp.run(main(), warp.WarpClock())
    lost = f"{store.path}: lost, for it could not be stored: office: trial 1 of measurement 1"
    assert said[-1].startswith(lost)


def test_a_clock_that_is_set_back_invents_no_change(follow, store):
    said = follow(
        15 * HOUR,
        lambda now_s: 450 if now_s >= TUESDAY else 300,
        clock=lambda now_s: now_s - (24 * HOUR if now_s > TUESDAY + 3 * HOUR else 0),
    )
    changes = [line for line in said if "since" in line]
    assert len(changes) == 1 and "cuts at 300 s instead of 450 s" in changes[0]
    (told,) = histories(store)[0].changes
    assert (told.before.cut_s, told.after.cut_s) == (450, 300)


def test_a_token_reaches_no_file(follow, store):
    secret = replace(target(), target=Target.parse("http://127.0.0.1:9/?token=Geheim42&x=1"))
    follow(HOUR, lambda _: 300, plan(secret))
    assert "token=***" in store.latest("office").asked and "token=***" in store.result(1)
    assert not any(b"Geheim42" in file.read_bytes() for file in store.path.parent.iterdir())


def test_the_real_methods():
    async def main():
        held, idle = target(), replace(target(), method="idle", tls=ssl.create_default_context())
        runs = [await run_of(one, None, Observer(), None) for one in (held, idle)]
        return tuple(run.method.name for run in runs)

    assert warp.run(main(), warp.WarpClock()) == ("hold", "idle")


@pytest.fixture
def steered(store):
    """What watches while a script steers it; returns what was said. The script may sleep."""

    def run(script, timer_s, first):
        said, changed = [], []

        async def main():
            loop = asyncio.get_running_loop()

            def now():
                return TUESDAY + loop.time()

            control = Control(first, lambda one, change: changed.append((one.name, change.after.cut_s)))
            async with Writer(store.path, said.append) as writer:
                rules = over(lambda: Rule(timer_s, now))
                watching = asyncio.ensure_future(watch(first, writer, now, None, rules, control))
                await script(control)
                watching.cancel()
                await asyncio.wait({watching})

        warp.run(main(), warp.WarpClock())
        return said, changed

    return run


def test_another_plan_leaves_alone_what_stays_as_it_is(steered, store):
    async def script(control):
        await asyncio.sleep(10)  # all measure
        other = target("branch", replace(SEARCH, max_s=500))
        control.replace(plan(target("office"), other, target("new")))
        await asyncio.sleep(0.4 * HOUR)

    first = plan(target("office"), target("branch"), target("gone"))
    said, _ = steered(script, lambda _: 300, first)
    begun = [line.partition("  ")[2] for line in said if "begins" in line]
    assert begun[:3] == [f"{name}: begins measurement {n}" for n, name in enumerate(("office", "branch", "gone"), 1)]
    assert {line.partition(":")[0] for line in begun[3:]} == {"branch", "new"}
    assert store.latest("gone").state is State.RUNNING, "as if the watch had been ended"
    assert store.measurements("branch")[0].state is State.GIVEN_UP
    assert store.measurements("office")[0].state is State.DONE


def test_the_next_measurement_may_be_asked_for_once_the_last_is_an_interval_old(steered, store):
    asked = []

    async def script(control):
        await asyncio.sleep(60)
        asked.append(control.hurry("office"))  # one runs
        await asyncio.sleep(0.5 * HOUR)
        asked.append(control.hurry("office"))  # it began half an hour ago
        while not control.hurry("office"):  # noqa: ASYNC110
            await asyncio.sleep(60)
        await asyncio.sleep(1)
        asked.append(control.hurry("nobody"))

    steered(script, lambda _: 300, plan(target()))
    assert asked == [False, False, False]
    first, *_, last = store.measurements("office")
    assert last.started_at - first.started_at >= HOUR


def test_who_is_told_of_a_change(steered):
    async def script(control):
        await asyncio.sleep(12 * HOUR)

    _, changed = steered(script, lambda at: 300 if at < TUESDAY + 6 * HOUR else 120, plan(target()))
    assert changed == [("office", 120)]


class Onlooker(WatchObserver):
    """Notes what it can see whenever something happens."""

    def __init__(self, store):
        self.seen, self._path = [], store.path

    def happened(self, control, name):
        if not name:
            self.seen.append("plan")
            return
        watched = control.running[name]
        if watched.run is not None:
            limit = watched.run.search.limit
            self.seen.append((watched.number, limit.survived_s, limit.cut_s, watched.next_at))
        else:
            with Store(self._path, create=False) as store:
                self.seen.append((store.latest(name).state, watched.next_at is not None))


def test_who_looks_on_sees_the_bracket_close_and_then_what_is_stored(store):
    onlooker = Onlooker(store)

    async def main():
        loop = asyncio.get_running_loop()
        control = Control(plan(), observers=[onlooker])
        async with Writer(store.path, control.says) as writer:
            rules = over(lambda: Rule(lambda _: 300, lambda: TUESDAY + loop.time()))
            watching = watch(plan(), writer, lambda: TUESDAY + loop.time(), None, rules, control)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(watching, 0.5 * HOUR)

    warp.run(main(), warp.WarpClock())
    first, *searching, last = onlooker.seen
    assert first == "plan" and last == (State.DONE, True)
    assert searching[0] == (1, None, None, None) and searching[-1][2] == 300
    brackets = [(low or 0, high or 1e9) for _, low, high, _ in searching]
    assert all(a[0] <= b[0] and a[1] >= b[1] for a, b in pairwise(brackets)) and len(set(brackets)) > 2
