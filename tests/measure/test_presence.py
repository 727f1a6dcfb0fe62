"""A far end that goes away in the middle of a hold: what dies with it is no evidence of a timer."""

import asyncio

import pytest

from hbprobe.errors import CannotMeasureError
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.measure.presence import BackOff, Presence
from hbprobe.measure.run import Run
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.evidence import Ask, Observation, Question
from hbprobe.trial.outcome import Kind, Outcome

SETTINGS = SearchSettings(min_s=60, max_s=700)
MANNERS = list(Manner)


class Scripted:
    """A method whose trials end as a rule says, on the loop's clock, at a far end that is there."""

    name = "idle"

    def __init__(self, rule):
        self._rule = rule

    async def prove(self):
        return None

    async def trial(self, hold_s):
        return await self._lasting(self._rule(hold_s))

    async def _lasting(self, outcome):
        await asyncio.sleep(outcome.elapsed_s)
        return outcome


def ten_minutes(hold_s):
    if hold_s < 600:
        return Outcome(Kind.SURVIVED, hold_s)
    return Outcome(Kind.CUT, hold_s + 3, Manner.SILENT)


def outage(reason="TCP: mail.example:443: Connection refused"):
    return Outcome(Kind.FAILED, 0.0, reason=reason, again=True, outage=True)


def cut(elapsed_s, manner, hold_s):
    """What a connection that dies at that time looks like from here."""
    if manner is Manner.SILENT:
        return Outcome(Kind.CUT, hold_s + 3, manner, reason="nothing came")
    return Outcome(Kind.CUT, elapsed_s, manner, exact=True, reason="an end")


class Dialling:
    """What a diagnosis knows of its dialer where a scripted method needs none."""

    tls = False


class Restarted(Scripted):
    """A far end behind a ten-minute box that is away between two times: all that is held there dies when it goes."""

    def __init__(self, manner, from_s=1e9):
        super().__init__(ten_minutes)
        self.goes_at(from_s, manner)
        self.asks = frozenset({Question.POST_MORTEM})
        self.limits = None

    def goes_at(self, from_s, manner):
        """Go then, for so long that it is still away when silence is noticed."""
        self._from_s, self._manner = from_s, manner
        self._to_s = from_s + (710 if manner is Manner.SILENT else 20)

    def _is_down(self):
        return self._from_s <= asyncio.get_running_loop().time() < self._to_s

    async def prove(self):
        return outage() if self._is_down() else None

    async def trial(self, hold_s):
        began_s = asyncio.get_running_loop().time()
        if self._is_down():
            return outage()
        outcome = ten_minutes(hold_s)
        if began_s < self._from_s < began_s + outcome.elapsed_s:
            outcome = cut(self._from_s - began_s, self._manner, hold_s)
        return await self._lasting(outcome)

    async def ask(self, ask):
        return Observation(ask, await self.trial(ask.hold_s))


def search(on_warp, far_end, settings):
    async def main():
        run = Run(Search(settings), far_end)
        await run.to_the_end()
        return run

    return on_warp(main())


@pytest.mark.parametrize("connections", [1, 4, 64])
@pytest.mark.parametrize("manner", MANNERS)
def test_a_far_end_that_goes_in_mid_hold_is_no_timer(on_warp, manner, connections):
    """It falls on a first hold of each length; where silence is its sign, it is still away afterwards."""
    settings = SearchSettings(min_s=60, max_s=700, connections=connections)
    run = search(on_warp, Restarted(manner, 70), settings)
    assert run.complete
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == (599.5, 600.5)
    assert run.search.contradictions == ()
    assert {trial.outcome.how for trial in run.trials} == {None, Manner.SILENT}
    assert all(trial.outcome.elapsed_s >= 600 for trial in run.trials if trial.outcome.kind is Kind.CUT)


@pytest.mark.parametrize("manner", MANNERS)
def test_it_is_told_what_was_seen_once_for_all_that_died_together(on_warp, manner):
    run = search(on_warp, Restarted(manner, 5), SearchSettings(min_s=60, max_s=700, connections=8))
    what = "nothing came" if manner is Manner.SILENT else "an end"
    text = (
        f"was no evidence: it was cut ({what}), and right after that the far end was not there, as when it, or a box "
        "on the path, is restarted: TCP: mail.example:443: Connection refused"
    )
    assert sum(remark.endswith(text) for remark in run.remarks) == 1
    assert run.remarks[-1].endswith("it went on")


def test_one_that_is_gone_after_every_cut_ends_the_search_with_the_reason(on_warp):
    """Somebody locks out who was cut off: no limit can be told, and the search does not go on for ever."""

    class LocksOut(Scripted):
        async def trial(self, hold_s):
            outcome = await super().trial(hold_s)
            self.was_cut = outcome.kind is Kind.CUT
            return outcome

        async def prove(self):
            return outage("TCP: locked out") if getattr(self, "was_cut", False) else None

    async def main():
        with pytest.raises(CannotMeasureError, match=r"TCP: locked out; \d+ more attempts in .* were in vain"):
            await Run(Search(SETTINGS), LocksOut(ten_minutes)).to_the_end()

    on_warp(main())


@pytest.mark.parametrize(
    ("objection", "is_void"),
    [
        (outage(), True),
        (Outcome(Kind.FAILED, 0.0, reason="the database system is shutting down"), True),
        (Outcome(Kind.FAILED, 0.0, reason="status 429: a proxy throttles", again=True, pause_s=30), False),
        (None, False),
    ],
)
@pytest.mark.parametrize("manner", MANNERS)
def test_who_is_there_and_only_busy_excuses_nothing(on_warp, manner, objection, is_void):
    class There(Scripted):
        async def prove(self):
            return objection

    shown = cut(5.0, manner, 10)
    outcome = on_warp(Presence(There(lambda _: shown)).trial(10))
    assert (outcome != shown) is is_void
    assert (outcome.kind, outcome.again, outcome.outage) == (
        (Kind.FAILED, True, True) if is_void else (Kind.CUT, False, False)
    )


def test_what_lived_or_failed_is_not_looked_after(on_warp):
    class Unasked(Scripted):
        async def prove(self):
            raise AssertionError

    for outcome in (Outcome(Kind.SURVIVED, 10), outage()):
        assert on_warp(Presence(Unasked(lambda _, outcome=outcome: outcome)).trial(10)) == outcome


@pytest.mark.parametrize("is_there", [True, False])
def test_a_method_whose_proof_asks_nothing_connects(on_warp, serve, is_there):
    async def silent(connection):
        await connection.request()

    async def main():
        async with serve(silent) as peer:
            dialer = peer.dialer()
            (await dialer.open()).close()
            if is_there:
                return await pinged(dialer)
        return await pinged(dialer)

    async def pinged(dialer):
        method = Scripted(lambda _: cut(5.0, Manner.CLOSED, 10))
        method.name = "ping"
        return await Presence(method, dialer).trial(10)

    outcome = on_warp(main())
    assert outcome.kind is (Kind.CUT if is_there else Kind.FAILED)
    assert ("Connection refused" in outcome.reason) is not is_there


@pytest.mark.parametrize("manner", MANNERS)
def test_the_questions_of_a_diagnosis_are_asked_again(on_warp, manner):
    """All are asked at one time, so that one restart falls on them all."""

    async def main():
        run = Run(Search(SETTINGS), far_end := Restarted(manner))
        await run.to_the_end()
        more = 0 if manner is Manner.SILENT else 4  # of which some notice the silence long before it is over
        found = Diagnosing(run, Dialling(), keep_alives=False, trials=more)
        far_end.goes_at(asyncio.get_running_loop().time() + 5, manner)
        await found.to_the_end()
        return found

    found = on_warp(main())
    assert [(seen.outcome.kind, seen.outcome.how) for seen in found.seen] == [(Kind.CUT, Manner.SILENT)]
    assert {trial.outcome.how for trial in found.spread_trials} <= {None, Manner.SILENT}
    assert all(trial.outcome.elapsed_s >= 600 for trial in found.spread_trials if trial.outcome.how)


def diagnosed(on_warp, away_s):
    """Diagnose a path whose far end goes in the middle of the questions, and is away so long."""

    async def main():
        run = Run(Search(SETTINGS), far_end := Restarted(Manner.CLOSED))
        await run.to_the_end()
        found = Diagnosing(run, Dialling(), keep_alives=False)
        far_end.goes_at(asyncio.get_running_loop().time() + 5, Manner.CLOSED)
        far_end._to_s = far_end._from_s + away_s
        try:
            await found.to_the_end()
        except CannotMeasureError as error:
            return found, str(error)
        return found, ""

    return on_warp(main())


@pytest.mark.parametrize("away_s", [20, 60, 250])
def test_a_diagnosis_waits_as_long_as_a_search(on_warp, away_s):
    found, error = diagnosed(on_warp, away_s)
    assert (found.complete, error) == (True, "")
    assert [(seen.outcome.kind, seen.outcome.how) for seen in found.seen] == [(Kind.CUT, Manner.SILENT)]
    assert "s): no evidence, and made again: it was cut (an end), and right after" in found.remarks[-1]


def test_a_diagnosis_whose_far_end_never_comes_back_is_not_complete(on_warp):
    found, error = diagnosed(on_warp, 1e6)
    assert not found.complete
    assert error == "TCP: mail.example:443: Connection refused; 14 more attempts in 301 s were in vain"
    assert found.run.complete


@pytest.mark.parametrize(
    ("stood", "was_held", "waited_s"), [(True, False, 301), (False, False, 3), (False, True, 301)]
)
def test_who_never_stood_is_hardly_waited_for(on_warp, stood, was_held, waited_s):
    async def main():
        presence = Presence(far_end := Restarted(Manner.CLOSED), stood=stood)
        if was_held:
            await presence.trial(10)
        far_end.goes_at(0, Manner.CLOSED)
        far_end._to_s = 1e9
        back_off = BackOff()
        return await presence.back(back_off), back_off.waited_s

    assert on_warp(main()) == (False, waited_s)


def test_an_ask_keeps_what_was_seen(on_warp):
    ask = Ask(Question.POST_MORTEM, 10)
    seen = on_warp(Presence(Restarted(Manner.CLOSED)).ask(ask))
    assert seen == Observation(ask, Outcome(Kind.SURVIVED, 10))


class Questioned(Scripted):
    """A proxy that closes after ten quiet minutes; `first` says otherwise of questions asked the first time."""

    asks = frozenset({Question.POST_MORTEM, Question.CLIENT_DRIP, Question.BOTH_DRIP, Question.BETWEEN_REQUESTS})
    limits = None

    def __init__(self, first, later=None):
        super().__init__(lambda hold_s: Outcome(Kind.SURVIVED, hold_s) if hold_s < 600 else cut(600, CLOSED, hold_s))
        self._first = first
        self._later = later or {}
        self.asked = []

    async def ask(self, ask):
        showing = self._later if ask.question in self.asked else self._first
        self.asked.append(ask.question)
        is_quiet = ask.question in (Question.POST_MORTEM, Question.BETWEEN_REQUESTS)
        truth = cut(600, CLOSED, ask.hold_s) if is_quiet else Outcome(Kind.SURVIVED, ask.hold_s)
        return Observation(ask, await self._lasting(showing.get(ask.question, truth)))


CLOSED = Manner.CLOSED
ALIVE = Outcome(Kind.CUT, 1210, Manner.SILENT, aftermath=Aftermath.ACKNOWLEDGED)
LOST = Outcome(Kind.CUT, 1210, Manner.SILENT, aftermath=Aftermath.NOTHING)


def questioned(on_warp, first, later=None):
    async def main():
        run = Run(Search(SETTINGS), far_end := Questioned(first, later))
        await run.to_the_end()
        found = Diagnosing(run, Dialling(), keep_alives=False)
        await found.to_the_end()
        return found, far_end.asked

    found, asked = on_warp(main())
    assert found.run.search.limit.cut_s == 600
    assert len(found.seen) == len(found.asks) == 4
    return found, asked


@pytest.mark.parametrize(
    "first",
    [
        dict.fromkeys(Questioned.asks, cut(700, CLOSED, 0)),
        dict.fromkeys(Questioned.asks, cut(700, Manner.RESET, 0)),
        {Question.BETWEEN_REQUESTS: cut(700, CLOSED, 0)},
        {Question.BOTH_DRIP: ALIVE, Question.CLIENT_DRIP: LOST},
        {Question.BOTH_DRIP: cut(700, CLOSED, 0), Question.CLIENT_DRIP: LOST},
    ],
)
def test_what_stood_still_among_the_questions_proves_nothing(on_warp, first):
    """What ended well past the limit is asked again, and so is what was cut beside one that shows a standstill."""
    found, asked = questioned(on_warp, first)
    assert {seen.ask.question: seen.survived for seen in found.seen} == {
        Question.POST_MORTEM: False,
        Question.BETWEEN_REQUESTS: False,
        Question.CLIENT_DRIP: True,
        Question.BOTH_DRIP: True,
    }
    assert all(seen.outcome.elapsed_s == 600 for seen in found.seen if not seen.survived)
    assert {question for question in asked if asked.count(question) == 2} >= set(first)
    assert any("something on the path stands still; asked again" in remark for remark in found.remarks)


def test_a_second_timer_is_met_twice_and_believed(on_warp):
    later = {Question.CLIENT_DRIP: cut(800, CLOSED, 0), Question.BOTH_DRIP: cut(800, CLOSED, 0)}
    found, asked = questioned(on_warp, later, later)
    assert sorted(seen.outcome.elapsed_s for seen in found.seen) == [600, 600, 800, 800]
    assert len(asked) == 6
    assert not any("again" in remark for remark in found.remarks)
