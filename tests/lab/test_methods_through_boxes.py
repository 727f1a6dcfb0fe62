"""Every method meets the same boxes in the same way: through every packet and tcp profile of the catalogue it finds
the limit, the manner and the aftermath that `hold` finds."""

import asyncio
import contextlib
import random
import socket
import sys
from functools import cache
from math import ceil, floor

import pytest

import hbprobe
from hbprobe import warp
from hbprobe.eas.client import Account
from hbprobe.errors import RequestError
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import dialer_for, far_end_for, measure, no_fault_is_lost
from hbprobe.manner import Aftermath, Manner
from hbprobe.middlebox.chain import Chain
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import HTTP_2, Target
from hbprobe.net.wire import Dialer
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Layer
from hbprobe.profiles.running import with_overrides
from hbprobe.profiles.silent_request import cut_by, cut_of, deciding_timer, outlived, quiet_timer, timer_s
from hbprobe.report.terminal.words import death_words
from hbprobe.search.search import SearchSettings
from hbprobe.standin.service import StandIn
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.methods.table import DEFAULT, METHODS
from hbprobe.trial.outcome import Cause, Kind, Limit
from tests.support.peers import serving
from tests.support.talkers import STREAM

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")
BOXES = [profile for profile in Catalogue().all() if profile.layer is not Layer.HTTP]
LAX = Settings(min_heartbeat_s=10, max_heartbeat_s=10**6)
"""A heartbeat may be as long as any box's timer."""
GRACE_S = 3.0


@cache
def pair(is_http2):
    """TLS for a server and for clients that offer the same in it: that is set for all their connections."""
    return throwaway_pair()


def holds_around(box):
    """Return the hold just below the limit and the one just above it, whole seconds both, as a heartbeat must be."""
    timer = deciding_timer(box)
    if timer is None:
        return 60, 3540
    cut = cut_by(timer.model_copy(update={"revived_by": None}), box)
    if cut.limit_s == float("inf"):
        return floor(timer.default) - 1, 2 * ceil(timer.default)
    return floor(cut.limit_s) - 1, ceil(cut.latest_s) + 2


@contextlib.asynccontextmanager
async def ways_through(box):
    """Give what makes a method's dialer: to a far end of its own behind the box, or to one that it shares."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(no_fault_is_lost())
        shared = {}

        async def way(traits):
            tls = pair(traits.alpn == HTTP_2)
            what = traits.responder, traits.alpn == HTTP_2
            if what not in shared:
                services = () if traits.responder else (StandIn(LAX),)
                far_end = far_end_for(traits, LAX, tls[0], services)
                stack.push_async_callback(far_end.close)
                upstream = [(socket.AF_INET, await far_end.listen("127.0.0.1", 0))]
                chain = Chain([box], upstream, lambda _: lambda _: None, chance=random.Random(1))
                stack.callback(chain.close)
                shared[what] = await chain.listen("127.0.0.1", 0)
            return dialer_for(traits, *shared[what], tls[1])

        yield way


async def every_method(box, holds):
    """Make a trial of each hold with each method, all at the same time."""

    async def trials(name, dialer):
        account = Account("lab", "no secret") if METHODS[name].needs_account else None
        where = Environment(name, dialer, GRACE_S, random.Random(1), account=account, connections=len(holds))
        method = make(where)
        await method.prepare()
        return await asyncio.gather(*(method.trial(hold_s) for hold_s in holds))

    async with ways_through(box) as way:
        dialers = [await way(traits) for traits in METHODS.values()]
        found = await asyncio.gather(*(trials(*one) for one in zip(METHODS, dialers, strict=True)))
    return dict(zip(METHODS, found, strict=True))


def as_hold_sees_it(found):
    """RST in answer to the question that ends the silence is what `hold` finds when it looks after it.

    Nothing says that such a client noticed by itself.
    """
    limit = Limit(1, 2, found.how, aftermath=found.aftermath)
    if limit.heard is not found.how:
        assert found.evidence[0].startswith("RST came in answer to what was asked after ")
        assert not any("at once" in line for line in death_words(limit))
    return limit.heard, found.aftermath


@pytest.mark.parametrize("box", BOXES, ids=lambda box: box.id)
def test_every_method_finds_what_hold_finds(box):
    """Where a packet of one end revives what was forgotten, those methods live that let that end speak next."""
    timer, (below_s, above_s) = deciding_timer(box), holds_around(box)
    found = warp.run(every_method(box, (below_s, above_s)), warp.WarpClock())
    assert {name: below.kind for name, (below, _) in found.items()} == dict.fromkeys(METHODS, Kind.SURVIVED)
    lives = {name: timer is None or outlived(timer, row.phase) for name, row in METHODS.items()}
    kinds = {name: Kind.SURVIVED if lives[name] else Kind.CUT for name in METHODS}
    assert {name: above.kind for name, (_, above) in found.items()} == kinds
    cut = {name: as_hold_sees_it(above) for name, (_, above) in found.items() if not lives[name]}
    expected = (Manner.SILENT, Aftermath.NOTHING) if lives[DEFAULT] else cut[DEFAULT]
    assert cut == dict.fromkeys(cut, expected)
    exact = {above.exact for _, above in found.values() if above.kind is Kind.CUT}
    assert len(exact) <= 1, "whether the end came at its own time"
    if exact == {True}:
        limit = cut_of(box)
        times = [above.elapsed_s for _, above in found.values()]
        assert limit.limit_s - 0.5 <= min(times) <= max(times) <= limit.latest_s + 0.5


def test_the_boxes_are_of_every_expiry_and_revived_by_either_end():
    timers = [timer for box in BOXES if (timer := deciding_timer(box))]
    assert {"silent", "reset-on-next", "reset", "close"} <= {timer.expiry for timer in timers}
    assert {"client", "server"} <= {timer.revived_by for timer in timers}
    assert {box.layer for box in BOXES} == {Layer.PACKET, Layer.TCP}


# In a lab


def one_of_each_expiry():
    found = {(box.layer, deciding_timer(box).expiry, deciding_timer(box).tells): box for box in BOXES if timer_s(box)}
    return [box for box in found.values() if 10 < timer_s(box) < 10_000]


SAMPLE = one_of_each_expiry()
OTHERS = [name for name in METHODS if name != DEFAULT]
PAIRS = [(name, SAMPLE[place % len(SAMPLE)]) for place, name in enumerate(OTHERS)]


@pytest.mark.parametrize(("name", "box"), PAIRS, ids=[f"{name}-{box.id}" for name, box in PAIRS])
def test_a_lab_searches_with_every_method(name, box):
    limit_s, whole = timer_s(box), METHODS[name].whole_seconds
    search = SearchSettings(floor(limit_s * 0.8), ceil(limit_s * 1.25), 2 if whole else 1, connections=2)
    expected, found = (
        warp.run(measure([box], LAX, search, method), warp.WarpClock()).run.search.limit for method in (DEFAULT, name)
    )
    apart_s = 2.5 if whole else 1.0
    assert (found.survived_s, found.cut_s) == pytest.approx((expected.survived_s, expected.cut_s), abs=apart_s)
    assert found.heard is expected.manner
    assert found.aftermath is expected.aftermath


@pytest.mark.parametrize(
    "make_request",
    [
        lambda: hbprobe.Lab(["aws-nlb-tcp", "nginx-http-proxy"], method="redis"),
        lambda: hbprobe.Diagnose(lab=["aws-nlb-tcp", "nginx-http-proxy"], method="redis"),
    ],
)
def test_what_is_no_http_does_not_go_through_an_http_box(make_request):
    with pytest.raises(RequestError) as caught:
        make_request().run()
    told = caught.value.told(lambda name: f"--{name}")
    assert told.startswith(
        "--method redis: nginx-http-proxy speaks HTTP, and lets nothing else through: use boxes of"
    )


@contextlib.asynccontextmanager
async def path_to(box, script):
    """A server of a script behind the box."""
    tls = throwaway_pair()
    async with serving(script, tls) as peer:
        chain = Chain([box], [(socket.AF_INET, ("127.0.0.1", peer.port))], lambda _: lambda _: None)
        host, port = await chain.listen("127.0.0.1", 0)
        try:
            yield Dialer(Target(True, host, port, "/"), tls[1])
        finally:
            chain.close()


COMMENT = b"3\r\n:\n\n\r\n"
"""A comment of an event stream, as a chunk."""
BOX_OF_55_S = with_overrides(Catalogue().find("aws-nlb-tcp"), {"idle": "55"})[0]


def commenting(every_s):
    """A stream of events on which nothing happens, with a comment at every interval."""

    async def script(connection):
        await connection.read()
        connection.send(STREAM)
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(every_s)
                connection.send(COMMENT)

    return script


async def listened_to(every_s):
    async with no_fault_is_lost(), path_to(BOX_OF_55_S, commenting(every_s)) as dialer:
        method = make(Environment("sse", dialer, 3.0, random.Random(1)))
        return await method.trial(600)


def test_a_stream_with_comments_every_15_s_lives_behind_a_box_of_55_s():
    outcome = warp.run(listened_to(15), warp.WarpClock())
    told = "the server speaks by itself every 15 s or sooner: longer silence cannot be tested"
    assert (outcome.kind, outcome.reason, round(outcome.elapsed_s)) == (Kind.FAILED, told, 600)


def test_one_with_comments_every_90_s_dies_there():
    """Of what comes after its time the client hears nothing: it learns what has happened when it speaks next."""
    outcome = warp.run(listened_to(90), warp.WarpClock())
    assert (outcome.kind, outcome.how, outcome.aftermath) == (Kind.CUT, Manner.RESET, Aftermath.RESET)
    assert outcome.reason == "RST in answer to one more packet" and not outcome.exact


def one_of_each_http2():
    """Return a profile of layer http for each timer that ends a connection without requests, and how."""
    found = {}
    for profile in Catalogue().all():
        timer = quiet_timer(profile, METHODS["http2"].phase)
        speaks = profile.http is None or profile.http.http2 is None or profile.http.http2.spoken
        if profile.layer is Layer.HTTP and timer is not None and speaks:
            is_head = timer is profile.timers.client_header
            found.setdefault((is_head, timer.expiry, timer.restarted_by), profile)
    return list(found.values())


@pytest.mark.parametrize("box", one_of_each_http2(), ids=lambda box: box.id)
def test_http2_without_requests_dies_of_the_box_s_timer_for_that(box):
    expected = cut_by(quiet_timer(box, METHODS["http2"].phase), box)
    search = SearchSettings(expected.limit_s / 2, 2 * expected.latest_s, expected.limit_s / 8, connections=2)
    found = warp.run(measure([box], Settings(), search, "http2"), warp.WarpClock())
    limit = found.run.search.limit
    assert expected.limit_s - 0.5 <= limit.cut_s <= expected.latest_s + 0.5
    assert (limit.manner, found.cut_by) == (expected.manner, box.id)
    assert any("GOAWAY NO_ERROR" in fact for fact in limit.evidence) is (limit.manner is Manner.CLOSED)
    assert not any("far end" in fact for fact in limit.evidence), "HTTP/2 behind the box is another connection"


async def both_ends_saw(box, name):
    async with ways_through(box) as way:
        method = make(Environment(name, await way(METHODS[name]), GRACE_S, random.Random(1)))
        return await method.trial(ceil(1.5 * timer_s(box)))


STANDS = "nothing came to it that it had to answer, and its connection stands"
RESET = "its connection was reset {} after the request came"
NO_REQUEST = ("the request came", "the connection stood")
ANSWERED = "it has answered, and nobody acknowledges the answer (it answered after {})"


@pytest.mark.parametrize(
    ("box", "cause", "socket_sees", "stream_sees"),
    [
        ("ten-minute-provider", Cause.STATE_LOST_SILENTLY, (STANDS, ""), (ANSWERED, "15 min")),
        ("f5-bigip-fastl4", Cause.RESET_BY_BOX, (RESET, "5 min"), (RESET, "5 min")),
        ("squid-connect-tunnel", Cause.CLOSED_BY_PROXY, (RESET, "15 min"), (RESET, "15 min")),
    ],
)
def test_the_far_end_bears_witness_of_streams(box, cause, socket_sees, stream_sees):
    for name, (word, after) in (("websocket", socket_sees), ("sse", stream_sees), ("http2", socket_sees)):
        found = warp.run(both_ends_saw(Catalogue().find(box), name), warp.WarpClock())
        assert (found.kind, found.causes) == (Kind.CUT, (cause,))
        told = f"the far end: {word.format(after)}"
        assert found.evidence[-1] == (told.replace(*NO_REQUEST) if name == "http2" else told)
