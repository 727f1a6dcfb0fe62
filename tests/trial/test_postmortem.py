"""What a silent connection answers, and what the far end testifies."""

import asyncio
import json
import sys

import pytest

from hbprobe.manner import Aftermath
from hbprobe.net.wire import Dialer, Target
from hbprobe.trial.evidence import FarEndSaw, FarEndState
from hbprobe.trial.postmortem import Statement, WitnessClient, examine

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")


async def answers_with_rst(connection):
    await connection.read()
    connection.rst()


async def answers_with_fin(connection):
    await connection.read()
    connection.close()


async def acknowledges(connection):
    await connection.read()


async def vanishes(connection):
    await asyncio.sleep(1)
    connection.mute()


async def talks(connection):
    await connection.read()
    connection.send(b"still here")


@pytest.mark.parametrize(
    ("script", "aftermath", "took_s"),
    [
        (answers_with_rst, Aftermath.RESET, 0),
        (answers_with_fin, Aftermath.CLOSED, 0),
        (acknowledges, Aftermath.ACKNOWLEDGED, 1),
        (vanishes, Aftermath.NOTHING, 1),
        (talks, Aftermath.ACKNOWLEDGED, 1),
    ],
)
@linux
def test_one_more_packet(on_warp, serve, tls, script, aftermath, took_s):
    async def main():
        async with serve(script, tls) as peer:
            wire = await peer.dialer("localhost" if tls else "127.0.0.1").open()
            await asyncio.sleep(10)
            try:
                return (await examine(wire)).aftermath, asyncio.get_running_loop().time() - 10
            finally:
                wire.close()

    assert on_warp(main()) == (aftermath, took_s)


@linux
def test_a_long_path_gets_more_time(on_warp, serve):
    async def main():
        async with serve(acknowledges) as peer:
            wire = await peer.dialer().open()
            wire.round_trip_s = 0.5
            try:
                return (await examine(wire)).aftermath, asyncio.get_running_loop().time()
            finally:
                wire.close()

    assert on_warp(main()) == (Aftermath.ACKNOWLEDGED, 3)


@linux
def test_a_system_that_does_not_tell_what_was_acknowledged(on_warp, serve, monkeypatch):
    async def main():
        async with serve(acknowledges) as peer:
            wire = await peer.dialer().open()
            monkeypatch.setattr("hbprobe.net.liveness.sys.platform", "darwin")
            try:
                return (await examine(wire)).aftermath
            finally:
                wire.close()
                monkeypatch.undo()

    assert on_warp(main()) is None


STANDS = {"up_s": 900, "seen": True, "now_s": 600}


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ({"up_s": 900, "seen": False}, FarEndSaw(FarEndState.NEVER_ARRIVED)),
        ({"up_s": 599, "seen": False}, FarEndSaw(FarEndState.RESTARTED)),
        (STANDS, FarEndSaw(FarEndState.WAITING)),
        (STANDS | {"times": 3}, FarEndSaw(FarEndState.WAITING, times=3)),
        (STANDS | {"answered_s": 500}, FarEndSaw(FarEndState.ANSWERED, answered_s=500)),
        (STANDS | {"held": False}, FarEndSaw(FarEndState.UNASKED)),
        (STANDS | {"held": False, "answered_s": 500}, FarEndSaw(FarEndState.ANSWERED, answered_s=500)),
        (STANDS | {"answered_s": 500, "unacknowledged": 0}, FarEndSaw(FarEndState.ACKNOWLEDGED, answered_s=500)),
        (STANDS | {"answered_s": 500, "unacknowledged": 2}, FarEndSaw(FarEndState.UNACKNOWLEDGED, answered_s=500)),
        (STANDS | {"ended_s": 60, "ending": "reset"}, FarEndSaw(FarEndState.RESET, 60)),
        (STANDS | {"ended_s": 60, "ending": "closed"}, FarEndSaw(FarEndState.CLOSED, 60)),
        (STANDS | {"ended_s": 600, "ending": "gave-up", "answered_s": 60}, FarEndSaw(FarEndState.GAVE_UP, 600, 60)),
        (STANDS | {"stalled_s": 2.5, "full_s": None}, FarEndSaw(FarEndState.WAITING, stalled_s=2.5)),
        (STANDS | {"full_s": 600}, FarEndSaw(FarEndState.WAITING, was_full=True)),
        (STANDS | {"full_s": 601}, FarEndSaw(FarEndState.WAITING)),
        ({"up_s": 900, "seen": False, "full_s": 5}, FarEndSaw(FarEndState.NEVER_ARRIVED, was_full=True)),
    ],
)
def test_what_a_testimony_means(said, means):
    assert Statement.model_validate(said).means(600) == means


def answering(body, status="200 OK"):
    async def script(connection):
        await connection.request()
        connection.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return script


def witnessed(on_warp, serve, script):
    async def main():
        async with serve(script) as peer:
            witness = WitnessClient(peer.dialer())
            return await witness.saw("abc", 0), await witness.is_there(), peer.requests

    return on_warp(main())


def test_the_far_end_is_asked_by_the_nonce(on_warp, serve):
    body = json.dumps(STANDS | {"answered_s": 1, "unacknowledged": 1, "later": "keys"}).encode()
    saw, is_there, requests = witnessed(on_warp, serve, answering(body))
    assert saw == FarEndSaw(FarEndState.UNACKNOWLEDGED, answered_s=1)
    assert is_there
    assert requests == ["GET /hold/abc HTTP/1.1", "GET /hold/0 HTTP/1.1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"hello",
        b"\xff\xfe",
        b'{"up_s": 1}',
        b'{"up_s": -1, "seen": true}',
        b'{"up_s": NaN, "seen": true}',
        b'{"up_s": 1, "seen": true, "ending": "melted"}',
        b"[" * 50_000,
    ],
)
def test_what_is_no_testimony(on_warp, serve, body):
    assert witnessed(on_warp, serve, answering(body))[:2] == (None, False)


def test_a_server_that_knows_of_no_witness(on_warp, serve):
    assert witnessed(on_warp, serve, answering(b"{}", "404 Not Found"))[:2] == (None, False)


def test_a_server_that_says_nothing(on_warp, serve):
    async def script(connection):
        await connection.request()

    async def main():
        async with serve(script) as peer:
            saw = await WitnessClient(peer.dialer()).saw("abc", 0)
            return saw, asyncio.get_running_loop().time()

    assert on_warp(main()) == (None, 10)


def test_a_far_end_that_cannot_be_reached(on_warp):
    async def main():
        witness = WitnessClient(Dialer(Target(False, "127.0.0.1", 1, "/"), None))
        return await witness.saw("abc", 0), await witness.is_there()

    assert on_warp(main()) == (FarEndSaw(FarEndState.UNREACHABLE), False)
