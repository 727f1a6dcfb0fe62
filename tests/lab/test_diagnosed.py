"""A diagnosis of every sort of box in the catalogue, on the warp clock: the right kind, and the right product."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hbprobe import warp
from hbprobe.diagnosis.fit import Law
from hbprobe.diagnosis.mend import mend
from hbprobe.diagnosis.ranking import best
from hbprobe.diagnosis.reasoning import BoxKind, Direction, Runs, Whose
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.lab.inprocess import diagnose
from hbprobe.manner import Expiry, Layer
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.measure.setup import set_up
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Category, Profile, TimerKind
from hbprobe.profiles.silent_request import deciding_timer, timer_s
from hbprobe.search.prior import prior_of
from hbprobe.search.search import SearchSettings
from hbprobe.trial.evidence import Question
from hbprobe.trial.outcome import Cause

ALL = Catalogue().all()
PRIOR = prior_of(ALL)
SEARCH = SearchSettings(2, 100_000, connections=4)
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
def test_kind_timer_cause_and_product_are_those_of_the_profile(profile: Profile) -> None:
    found, timer = lab(profile), deciding_timer(profile)
    assert found.complete
    assert profile.id in [match.profile.id for match in best(found.matches(ALL))]
    reasoning = found.reasoning
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


def test_an_exchange_with_nothing_of_ours_at_the_far_end() -> None:
    search = SearchSettings(60, 3540, 2, connections=2)
    made = diagnose([Catalogue().find("aws-nlb-tcp")], Settings(), search, "ping", PRIOR)
    found = warp.run(made, warp.WarpClock())
    assert (found.run.search.limit.survived_s, found.run.search.limit.cut_s) == (349, 351)
    assert [(ask.question, ask.hold_s) for ask in found.asks] == [(Question.POST_MORTEM, 440)]
    assert found.reasoning.kinds == (BoxKind.PACKET,)
    assert found.remarks == (
        (
            "not asked, for only --method hold, with hbprobe serve at the far end, lets us: "
            "whether bytes save it, and from which end"
        ),
    )


def test_the_interval_that_is_named_for_a_websocket_was_tried_and_saves() -> None:
    made = diagnose([Catalogue().find("nginx-http-proxy")], Settings(), SEARCH, "websocket", PRIOR)
    found = warp.run(made, warp.WarpClock())
    limit = found.run.search.limit
    assert (limit.survived_s, limit.cut_s, limit.manner) == (59.5, 60, "closed")
    (pinged,) = [one for one in found.seen if one.ask.question is Question.BOTH_DRIP]
    assert (pinged.survived, pinged.ask.interval_s, pinged.ask.hold_s > 1.5 * 60) == (True, 29, True)
    told = mend(limit, found.seen, found.reasoning, None)
    assert told[0].startswith("The protocol's own ping every 29 s: it was tried, and saved the connection")
    assert "nginx-http-proxy" in {match.profile.id for match in best(found.matches(ALL))}


@pytest.mark.parametrize(
    ("name", "cut_s", "told", "other"),
    [
        ("haproxy-debian", 50, "The protocol's own ping every 24 s: it was tried, and saved", "openstack-octavia"),
        ("aws-alb", 60, "The protocol's own ping every 29 s was tried, and did not save", "haproxy-debian"),
    ],
)
def test_a_ping_of_http2_tells_proxies_apart_that_answer_it(name: str, cut_s: int, told: str, other: str) -> None:
    found = warp.run(diagnose([Catalogue().find(name)], Settings(), SEARCH, "http2", PRIOR), warp.WarpClock())
    limit = found.run.search.limit
    assert (limit.cut_s, limit.manner) == (cut_s, "closed")
    assert mend(limit, found.seen, found.reasoning, None)[0].startswith(told)
    fitting = {match.profile.id for match in best(found.matches(ALL))}
    assert name in fitting
    assert other not in fitting


def test_a_box_that_does_not_count_small_frames_is_no_lifetime() -> None:
    """Some balancers let a WebSocket die whose Pings they relay."""

    async def relayed() -> Diagnosing:
        server_tls, client_tls = throwaway_pair()
        far_end = FarEnd(Settings(), server_tls)
        _, upstream = await far_end.listen("127.0.0.1", 0)
        relay = await asyncio.start_server(counting_frames(upstream, least_bytes=80, idle_s=60), "127.0.0.1", 0)
        dialer = Dialer(Target(True, "localhost", relay.sockets[0].getsockname()[1], "/ws"), client_tls)
        run = await set_up("websocket", dialer, SearchSettings(2, 200, connections=8), None, random.Random(1))
        found = Diagnosing(run, dialer, keep_alives=False)
        await found.to_the_end()
        relay.close()
        await far_end.close()
        await asyncio.sleep(61)  # until the relay has ended what nobody speaks on any more
        return found

    found = warp.run(relayed(), warp.WarpClock())
    limit = found.run.search.limit
    assert limit.survived_s is not None and limit.cut_s is not None
    assert limit.survived_s < 61 and 59 < limit.cut_s < 62
    assert found.reasoning.runs is None
    assert "or a ping does not count as data" in mend(limit, found.seen, found.reasoning, None)[0]


def counting_frames(upstream: int, least_bytes: int, idle_s: float) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return a relay that ends a connection on which nothing of so many bytes has passed for so long."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        there, back = await asyncio.open_connection("127.0.0.1", upstream)
        due_s = loop.time() + idle_s

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            nonlocal due_s
            while data := await source.read(65536):
                if len(data) >= least_bytes:
                    due_s = loop.time() + idle_s
                sink.write(data)

        copies = asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)
        try:
            while not copies.done() and (left_s := due_s - loop.time()) > 0:
                await asyncio.wait([copies], timeout=left_s)
        finally:  # what is relayed still is cancelled at the end
            copies.cancel()
            writer.close()
            back.close()

    return relay
