import asyncio
import sys

import pytest

from hbprobe.manner import Aftermath
from hbprobe.trial.postmortem import examine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")


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


def test_a_system_that_does_not_tell_what_was_acknowledged(on_warp, serve, monkeypatch):
    async def main():
        async with serve(acknowledges) as peer:
            wire = await peer.dialer().open()
            monkeypatch.setattr("hbprobe.net.tcp_info.sys.platform", "darwin")
            try:
                return (await examine(wire)).aftermath
            finally:
                wire.close()
                monkeypatch.undo()

    assert on_warp(main()) is None
