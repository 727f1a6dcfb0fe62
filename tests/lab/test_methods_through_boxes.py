"""Every method meets the same boxes in the same way: through each kind of expiry it finds the limit, the manner and
the aftermath that `hold` finds."""

import asyncio
import contextlib
import random
import socket
import sys
from functools import cache
from itertools import cycle

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import measure, no_fault_is_lost
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.setup import set_up
from hbprobe.middlebox.chain import Chain
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Layer
from hbprobe.profiles.running import with_overrides
from hbprobe.profiles.silent_request import cut_by, deciding_timer, quiet_timer, timer_s
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Kind
from tests.support.peers import serving
from tests.support.talkers import SERVERS, STREAM, talking

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")
_PLAIN = {"ssh", "postgresql"}
"""They begin in the clear."""


def one_of_each_kind():
    """Return a profile of layer packet and one of layer tcp for each expiry: those whose timer is felt in silence."""
    found = {}
    for profile in Catalogue().all():
        timer, is_http = deciding_timer(profile), profile.layer is Layer.HTTP
        if not is_http and timer is not None and timer_s(profile) and not timer.retries:
            found.setdefault((profile.layer, timer.expiry, timer.tells), profile)
    return list(found.values())


BOXES = one_of_each_kind()
TALKS = [name for name, row in METHODS.items() if row.talk]
PAIRS = [(name, box) for name, box in zip(cycle(TALKS), [box for box in BOXES for _ in range(3)], strict=False)]
PAIRS += [(name, BOXES[place % len(BOXES)]) for place, name in enumerate(TALKS)]


def search_for(box):
    limit_s = timer_s(box)
    return SearchSettings(limit_s / 2, 2 * limit_s, limit_s / 8, connections=8)


@cache
def with_hold(name):
    box = next(box for box in BOXES if box.id == name)
    found = warp.run(measure([box], Settings(), search_for(box)), warp.WarpClock())
    return found.run.search.limit


@contextlib.asynccontextmanager
async def path_to(name, box, script=None):
    """A server of the method's protocol behind the box, or one of a script."""
    tls = None
    if name not in _PLAIN:
        tls = throwaway_pair()
        if name == "http2":
            tls[0].set_alpn_protocols(["h2"])
    async with serving(script or talking(SERVERS[name]), tls) as peer:
        chain = Chain([box], [(socket.AF_INET, ("127.0.0.1", peer.port))], lambda _: lambda _: None)
        host, port = await chain.listen("127.0.0.1", 0)
        try:
            yield Dialer(Target(tls is not None, host, port, "/"), tls and tls[1])
        finally:
            chain.close()


async def limit_with(name, box):
    async with no_fault_is_lost(), path_to(name, box) as dialer:
        run = await set_up(name, dialer, search_for(box), None, random.Random(1))
        await run.to_the_end()
        return run.search.limit


def as_hold_sees_it(limit):
    """RST in answer to the question that ends the silence is what `hold` finds when it looks after it."""
    on_next = limit.manner is Manner.RESET and limit.aftermath is Aftermath.RESET
    return Manner.SILENT if on_next else limit.manner


def test_there_is_a_box_for_each_expiry():
    expiries = {deciding_timer(box).expiry for box in BOXES}
    assert {"silent", "reset-on-next", "reset", "close"} <= expiries
    assert {box.layer for box in BOXES} == {Layer.PACKET, Layer.TCP}
    assert {name for name, _ in PAIRS} == set(TALKS)
    assert {box.id for _, box in PAIRS} == {box.id for box in BOXES}


@pytest.mark.parametrize(("name", "box"), PAIRS, ids=[f"{name}-{box.id}" for name, box in PAIRS])
def test_a_method_finds_what_hold_finds(name, box):
    expected, found = with_hold(box.id), warp.run(limit_with(name, box), warp.WarpClock())
    assert (found.survived_s, found.cut_s) == pytest.approx((expected.survived_s, expected.cut_s), abs=0.5)
    assert as_hold_sees_it(found) is expected.manner
    assert found.aftermath is expected.aftermath


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
    async with no_fault_is_lost(), path_to("sse", BOX_OF_55_S, commenting(every_s)) as dialer:
        method = make(Environment("sse", dialer, 3.0, random.Random(1)))
        return await method.trial(600)


def test_a_stream_with_comments_every_15_s_lives_behind_a_box_of_55_s():
    outcome = warp.run(listened_to(15), warp.WarpClock())
    told = "the server speaks by itself every 15 s or sooner: longer silence cannot be tested"
    assert (outcome.kind, outcome.reason, round(outcome.elapsed_s)) == (Kind.FAILED, told, 600)


def test_one_with_comments_every_90_s_dies_there():
    """Of what comes after its time the client hears nothing, but that the box has forgotten the connection."""
    outcome = warp.run(listened_to(90), warp.WarpClock())
    assert (outcome.kind, outcome.how, outcome.aftermath) == (Kind.CUT, Manner.SILENT, Aftermath.RESET)


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
    search = SearchSettings(expected.limit_s / 2, 2 * expected.latest_s, expected.limit_s / 8, connections=8)
    found = warp.run(measure([box], Settings(), search, "http2"), warp.WarpClock())
    limit = found.run.search.limit
    assert expected.limit_s - 0.5 <= limit.cut_s <= expected.latest_s + 0.5
    assert (limit.manner, found.cut_by) == (expected.manner, box.id)
    assert any("GOAWAY NO_ERROR" in fact for fact in limit.evidence) is (limit.manner is Manner.CLOSED)
