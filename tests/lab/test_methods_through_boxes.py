"""Every method meets the same boxes in the same way: through each kind of expiry it finds the limit, the manner and
the aftermath that `hold` finds."""

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
from hbprobe.profiles.silent_request import deciding_timer, timer_s
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import METHODS
from tests.support.peers import serving
from tests.support.talkers import SERVERS, talking

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
async def path_to(name, box):
    """A server of the method's protocol behind the box."""
    tls = None
    if name not in _PLAIN:
        tls = throwaway_pair()
        if name == "http2":
            tls[0].set_alpn_protocols(["h2"])
    async with serving(talking(SERVERS[name]), tls) as peer:
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
