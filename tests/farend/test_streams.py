"""The far end's streams: as silent as they are told, witnessed, and found by the methods that listen to them."""

import asyncio
import random
import sys

import pytest

from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.target import HTTP_1_1, HTTP_2, Target
from hbprobe.net.wire import Dialer
from hbprobe.trial.evidence import FarEndSaw, FarEndState
from hbprobe.trial.http import Conversation
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind
from hbprobe.trial.postmortem import WitnessClient
from hbprobe.trial.talks import http2, sse, websocket
from hbprobe.trial.talks.talk import Where

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")


def with_far_end(on_warp, tls_pair, main):
    async def run():
        far_end = FarEnd(Settings(), tls_pair[0])
        _, port = await far_end.listen("127.0.0.1", 0)
        try:
            return await main(lambda path: Dialer(Target(True, "localhost", port, path), tls_pair[1]))
        finally:
            await far_end.close()

    return on_warp(run())


async def come(dialer, path, seconds):
    """Ask, and return the bytes that come within so long, and when each came."""
    loop, wire = asyncio.get_running_loop(), await dialer(path).open()
    began_s = loop.time()
    Conversation(wire, "localhost").ask("GET", path)
    pieces = []
    while (event := await wire.receive(began_s + seconds)) is not None:
        pieces.append((round(loop.time() - began_s), event))
    wire.close()
    return pieces


@pytest.mark.parametrize(("name", "path"), [("websocket", "/ws"), ("sse", "/events?silence=%7Bhold%7D")])
def test_a_trial_survives_on_an_open_path(on_warp, tls_pair, name, path):
    async def main(dialer):
        method = make(Environment(name, dialer(path), 3.0, random.Random(1)))
        return await method.prove(), await method.trial(1800)

    objection, outcome = with_far_end(on_warp, tls_pair, main)
    assert objection is None
    assert (outcome.kind, round(outcome.elapsed_s)) == (Kind.SURVIVED, 1800)


def test_events_come_when_they_are_told(on_warp, tls_pair):
    pieces = with_far_end(on_warp, tls_pair, lambda dialer: come(dialer, "/events?silence=100&every=15", 131))
    head, *events = [(at_s, data) for at_s, data in pieces if data.strip()]
    assert head[0] == 0
    assert b"text/event-stream" in head[1]
    assert [at_s for at_s, data in events if b"data: hbprobe" in data] == [100, 115, 130]


@pytest.mark.parametrize("query", ["silence=long", "silence=-1", "silence=nan", "every=0", "silence=1e9"])
def test_what_is_no_number_of_seconds(on_warp, tls_pair, query):
    (_, answer), *_ = with_far_end(on_warp, tls_pair, lambda dialer: come(dialer, f"/events?{query}", 5))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"must be a number of seconds" in b"".join([answer])


def test_a_web_page_is_no_websocket(on_warp, tls_pair):
    async def main(dialer):
        return await make(Environment("websocket", dialer("/"), 3.0, random.Random(1))).prove()

    found = with_far_end(on_warp, tls_pair, main)
    assert found.reason == "status 200 instead of a WebSocket: there is none at this path"


def test_a_web_page_is_no_event_stream(on_warp, tls_pair):
    async def main(dialer):
        return await make(Environment("sse", dialer("/"), 3.0, random.Random(1))).prove()

    found = with_far_end(on_warp, tls_pair, main)
    assert found.reason == "the answer is no event stream, but application/json; charset=utf-8"


# The witness


async def begun(dialer, path):
    """Open a stream, and return its connection and the talk on it once it stands."""
    make_talk = {"/ws": websocket.make, HTTP_2: http2.make}.get(path, sse.make)
    where = dialer("/").offering(HTTP_2) if path == HTTP_2 else dialer(path)
    wire, talk = await where.open(), make_talk(Where("localhost", path))
    wire.send(talk.begin())
    while not (talk.stands and talk.witness_nonce):
        wire.send(talk.take(await wire.receive(asyncio.get_running_loop().time() + 5)))
    return wire, talk


def seen(on_warp, tls_pair, path, then):
    """Open a stream, do something to it after 30 s, and ask the witness ten seconds later."""

    async def main(dialer):
        wire, talk = await begun(dialer, path)
        await asyncio.sleep(30)
        then(wire, talk)
        await asyncio.sleep(10)
        saw = await WitnessClient(dialer("/").offering(HTTP_1_1)).saw(talk.witness_nonce, 0)
        wire.close()
        return saw

    return with_far_end(on_warp, tls_pair, main)


@linux
@pytest.mark.parametrize("path", ["/ws", "/events?silence=300", HTTP_2])
@pytest.mark.parametrize(
    ("then", "state", "at_s"),
    [
        (lambda *_: None, FarEndState.UNASKED, None),
        (lambda wire, _: wire.close(), FarEndState.CLOSED, 30),
    ],
    ids=["quiet", "closed"],
)
def test_the_far_end_bears_witness_of_a_stream(on_warp, tls_pair, path, then, state, at_s):
    assert seen(on_warp, tls_pair, path, then) == FarEndSaw(state, at_s, stalled_s=0)


@linux
@pytest.mark.parametrize(
    ("path", "then"),
    [
        ("/ws", lambda wire, talk: wire.send(talk.ask())),
        ("/events?silence=30", lambda *_: None),
        (HTTP_2, lambda wire, talk: wire.send(talk.ask())),
    ],
)
def test_it_says_when_it_spoke_last(on_warp, tls_pair, path, then):
    assert seen(on_warp, tls_pair, path, then) == FarEndSaw(FarEndState.ACKNOWLEDGED, answered_s=30, stalled_s=0)


def test_each_stream_has_a_nonce_of_its_own(on_warp, tls_pair):
    async def main(dialer):
        paths = ("/ws", "/ws", "/events?silence=9", "/events?silence=9", HTTP_2, HTTP_2)
        streams = [await begun(dialer, path) for path in paths]
        for wire, _ in streams:
            wire.close()
        return {talk.witness_nonce for _, talk in streams}

    nonces = with_far_end(on_warp, tls_pair, main)
    assert len(nonces) == 6
    assert all(nonce.isalnum() and len(nonce) == 32 for nonce in nonces)


PINGS = b"\0\0\x08\6\0\0\0\0\0too many" * 3000
CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"


@linux
@pytest.mark.parametrize(("path", "said"), [(HTTP_2, PINGS), ("/ws", CLOSE)], ids=["http2", "ws"])
def test_what_the_far_end_ends_itself_tells_nothing_of_the_path(on_warp, tls_pair, path, said):
    saw = seen(on_warp, tls_pair, path, lambda wire, _: wire.send(said))
    assert saw == FarEndSaw(FarEndState.NEVER_ARRIVED)
