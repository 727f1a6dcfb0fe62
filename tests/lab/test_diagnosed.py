"""A diagnosis of every sort of box in the catalogue, on the warp clock: the right kind, and the right product."""

import pytest

from hbprobe import warp
from hbprobe.diagnosis.fit import Law
from hbprobe.diagnosis.ranking import best
from hbprobe.diagnosis.reasoning import BoxKind, Direction, Runs, Whose
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import diagnose
from hbprobe.manner import Expiry, Layer
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Category, Profile, TimerKind
from hbprobe.profiles.silent_request import deciding_timer, timer_s
from hbprobe.search.prior import prior_of
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Cause

ALL = Catalogue().all()
PRIOR = prior_of(ALL)
SEARCH = SearchSettings(2, 100_000, connections=8)
KINDS = {Layer.PACKET: BoxKind.PACKET, Layer.TCP: BoxKind.TCP, Layer.HTTP: BoxKind.HTTP}


def lab(profile: Profile, method: str = "hold", trials: int = 0) -> Diagnosing:
    made = diagnose([profile], Settings(), SEARCH, method, PRIOR, trials)
    return warp.run(made, warp.WarpClock())


def sort_of(profile: Profile) -> tuple[object, ...]:
    """Two boxes of the same sort differ in their numbers only."""
    timer = deciding_timer(profile)
    assert timer is not None
    kind = next(kind for kind, one in profile.each_timer() if one is timer)
    idle = profile.timers.client_idle is not None
    more = (timer.restarted_by, timer.tells, timer.revived_by, timer.retries > 0, timer.status)
    return (profile.layer, kind, timer.expiry, *more, idle)


def one_of_each_sort() -> list[Profile]:
    cutting = [
        profile
        for profile in ALL
        if profile.category is not Category.EXAMPLE and 2 < (timer_s(profile) or 0) < SEARCH.max_s
    ]
    return list({sort_of(profile): profile for profile in cutting}.values())


@pytest.mark.parametrize("profile", one_of_each_sort(), ids=lambda profile: profile.id)
def test_the_right_product_is_among_the_best(profile: Profile) -> None:
    found = lab(profile)
    assert found.complete
    assert profile.id in [match.profile.id for match in best(found.matches(ALL))]


@pytest.mark.parametrize("profile", one_of_each_sort(), ids=lambda profile: profile.id)
def test_kind_timer_and_cause_are_those_of_the_profile(profile: Profile) -> None:
    reasoning, timer = lab(profile).reasoning, deciding_timer(profile)
    assert timer is not None
    assert reasoning.whose is Whose.PATH
    assert reasoning.runs is (Runs.TOTAL if timer in (profile.timers.total, profile.timers.lifetime) else Runs.IDLE)
    if not (profile.layer is Layer.PACKET and timer.expiry is Expiry.CLOSE):  # FIN looks like a proxy's
        assert KINDS[profile.layer] in reasoning.kinds
    if not timer.retries and timer.revived_by is None:
        assert reasoning.explanation.causes == CAUSES[timer.expiry]


CAUSES = {
    Expiry.SILENT: (Cause.STATE_LOST_SILENTLY,),
    Expiry.RESET_ON_NEXT: (Cause.STATE_LOST_RESET_ON_NEXT,),
    Expiry.RESET: (Cause.RESET_BY_BOX,),
    Expiry.CLOSE: (Cause.CLOSED_BY_PROXY,),
    Expiry.RESPOND: (Cause.PROXY_STATUS,),
}


def test_there_is_a_box_of_every_kind_among_them() -> None:
    sorts = [sort_of(profile) for profile in one_of_each_sort()]
    assert len(sorts) > 15
    assert {sort[0] for sort in sorts} == set(Layer)
    assert {sort[2] for sort in sorts} == set(CAUSES)


def test_a_box_that_counts_one_direction_only() -> None:
    one_way = next(p for p in ALL if (t := deciding_timer(p)) is not None and str(t.restarted_by) == "server-data")
    assert lab(one_way).reasoning.direction is Direction.SERVER


def test_an_open_path() -> None:
    found = lab(Catalogue().find("open-path"))
    assert (found.complete, found.asks, found.seen) == (True, (), [])
    assert found.reasoning.kinds == (BoxKind.NONE,)
    assert found.matches(ALL) == ()


def test_the_idle_method() -> None:
    found = lab(Catalogue().find("azure-load-balancer"), "idle")
    assert found.run.search.limit.cut_s == 240.5
    assert found.reasoning.kinds == (BoxKind.PACKET,)
    assert found.reasoning.explanation.causes == (Cause.STATE_LOST_SILENTLY,)
    assert found.reasoning.whose is None, "the server may have a timer of its own"


def test_more_trials_show_a_fixed_timer() -> None:
    spread = lab(Catalogue().find("azure-load-balancer"), trials=20).spread
    assert spread is not None and spread.fit is not None
    assert spread.fit.law is Law.TIMER
    assert spread.fit.timer_s is not None
    assert 230 < spread.fit.timer_s < 260


def test_a_timer_of_an_http_box_between_requests_is_another_one() -> None:
    nginx = Catalogue().find("nginx-http-proxy")
    assert {TimerKind.SERVER_RESPONSE, TimerKind.CLIENT_IDLE} <= {kind for kind, _ in nginx.each_timer()}
    between = [one for one in lab(nginx).seen if one.ask.question.value == "between-requests"]
    assert [one.outcome.elapsed_s for one in between] == [75]


def test_the_same_twice() -> None:
    azure = Catalogue().find("azure-load-balancer")
    assert lab(azure).seen == lab(azure).seen
