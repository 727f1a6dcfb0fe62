"""The fault proxy in a test's own process: on the test's clock, and in a thread for clients that block."""

import asyncio
import json
import socket
import sys
import urllib.request

import pytest
from aiohttp import ClientSession
from support.peers import echoing

from hbprobe.errors import UserError
from hbprobe.testing import FaultProxy, run

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")


def web(port, **more):
    return {"name": "web", "upstream": f"127.0.0.1:{port}"} | more


def on_warp(scene, *given, **more):
    """Run a scene with a client through a proxy before an echo server, on the warp clock."""

    async def main():
        async with echoing() as port, FaultProxy(web(port, **more), *given) as faults:
            reader, writer = await asyncio.open_connection(*faults.address("web"))
            try:
                await scene(faults, reader, writer)
            finally:
                writer.transport.abort()
                await asyncio.sleep(1)  # the server hears of it

    run(main())


async def round_trip_s(reader, writer):
    began_s = asyncio.get_running_loop().time()
    writer.write(b"?")
    assert await reader.read(1) == b"?"
    return asyncio.get_running_loop().time() - began_s


def test_toxics_keep_the_clock_of_the_test():
    async def scene(faults, reader, writer):
        faults.add("web", "latency", latency=60_000)
        assert await round_trip_s(reader, writer) == pytest.approx(60)
        faults.add("web", "latency", latency=90_000)
        assert await round_trip_s(reader, writer) == pytest.approx(90)
        faults.remove("web", "latency")
        faults.add("web", "idle_drop", timeout=3_600_000, manner="reset")
        await asyncio.sleep(3599)
        assert await round_trip_s(reader, writer) == 0
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        (ended,) = [event for event in faults.events if event["event"] == "ended"]
        assert (ended["toxic"], ended["timer"], ended["how"]) == ("idle_drop", "idle", "reset")

    on_warp(scene)


@on_linux
def test_a_black_hole_heals_before_the_clock_goes_on():
    async def scene(faults, reader, writer):
        faults.add("web", "blackhole")
        writer.write(b"?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 60)
        faults.remove("web", "blackhole")
        assert await asyncio.wait_for(reader.read(1), 1) == b"?"

    on_warp(scene)


def test_the_api_answers_on_the_clock_of_the_test():
    async def scene(faults, reader, writer):
        async with ClientSession(faults.url) as session:
            (added,) = (await (await session.get("/proxies/web")).json())["toxics"]
            assert (added["name"], added["toxicity"]) == ("latency_downstream", 0.5)
            await session.delete("/proxies/web/toxics/latency_downstream")
        assert await round_trip_s(reader, writer) == 0

    on_warp(scene, toxics=[{"type": "latency", "attributes": {"latency": 200}, "toxicity": 0.5}])


def test_a_client_that_blocks(echo_port):
    with FaultProxy(web(echo_port)) as faults, socket.create_connection(faults.address("web"), timeout=60) as client:
        client.sendall(b"?")
        assert client.recv(1) == b"?"
        body = json.dumps({"type": "reset_peer"}).encode()
        with urllib.request.urlopen(f"{faults.url}/proxies/web/toxics", body) as answer:
            assert json.load(answer)["name"] == "reset_peer_downstream"
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert faults.events[-1]["event"] == "ended"
    assert faults.events[-1]["event"] == "disabled"


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda faults: faults.address("db"), "no proxy db: there are web"),
        (lambda faults: faults.remove("web", "latency"), "web has no toxic latency: it has none"),
        (lambda faults: faults.add("web", "nonsense"), "nonsense: invalid toxic type"),
        (
            lambda faults: faults.add("web", "blackhole", timeout=5),
            "blackhole has no attribute 'timeout': it has none",
        ),
        (lambda faults: faults.add("web", "idle_drop"), "idle_drop needs timeout, milliseconds above 0, or profile"),
    ],
)
def test_mistakes(use, message):
    async def scene(faults, _reader, _writer):
        with pytest.raises(UserError, match=message):
            use(faults)

    on_warp(scene)


def test_a_proxy_that_cannot_be():
    with pytest.raises(UserError, match="these proxies: missing required field: upstream"), FaultProxy({"name": "a"}):
        pass


def test_one_that_does_not_run():
    with pytest.raises(UserError, match="the fault proxy does not run: use it inside `async with` or `with`"):
        FaultProxy().add("web", "noop")
