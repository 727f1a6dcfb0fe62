"""Boxes in a row."""

import asyncio
import contextlib
import errno
import socket
import sys

import pytest

from hbprobe.middlebox.chain import Chain
from hbprobe.middlebox.events import FlowExpired, FlowRefused
from hbprobe.net.silence import Way
from hbprobe.profiles.model import TimerKind

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")


@pytest.fixture
def chain(stage):
    """Make boxes in a row on a stage: `async with chain(box, box) as on: ...`; `on.told` has a list for each."""

    @contextlib.asynccontextmanager
    async def make(*boxes, upstream=None):
        async with stage(boxes[0]) as on:
            told = [[] for _ in boxes]
            upstream = upstream or [(socket.AF_INET, on.listener.getsockname())]
            row = Chain(boxes, upstream, lambda place: told[place].append)
            on.address = await row.listen("127.0.0.1", 0)
            on.row, on.told_by = row, told
            try:
                yield on
            finally:
                row.close()
                assert [len(relay) for relay in row.relays] == [0] * len(boxes)

    return make


def shorter_and_longer(make_box):
    return make_box(idle={"default": 60, "expiry": "reset"}), make_box(idle={"default": 600, "expiry": "close"})


async def test_bytes_cross_all_boxes(chain, make_box):
    async with chain(make_box(), make_box(), make_box()) as on:
        client, server = await on.flow()
        await client.send(b"question")
        assert await server.sees() == b"question"
        await server.send(b"answer")
        server.send_fin()
        assert await client.sees_all() == (b"answer", "fin")
        client.send_fin()
        assert await server.sees() == "fin"
        counts = [(relay.counts.bytes_from_client, relay.counts.bytes_from_server) for relay in on.row.relays]
        assert counts == [(8, 6)] * 3
        assert [relay.counts.closed for relay in on.row.relays] == [1] * 3


@pytest.mark.parametrize("cutter", [0, 1], ids=["the first box", "the second box"])
async def test_the_shorter_timer_cuts(chain, make_box, cutter):
    boxes = shorter_and_longer(make_box)[:: -1 if cutter else 1]
    async with chain(*boxes) as on:
        client, server = await on.flow()
        assert await client.sees(59.9) == "nothing"
        assert [await client.sees(), await server.sees()] == ["rst", "rst"]
        assert [[type(event) for event in told] for told in on.told_by] == (
            [[], [FlowExpired]] if cutter else [[FlowExpired], []]
        )
        assert on.row.relays[1 - cutter].counts.reset == 1, "for the other box it is a RST of an end"


@on_linux
async def test_each_box_keeps_its_own_state(chain, make_box):
    near, far = make_box(idle={"default": 60}), make_box(idle={"default": 600, "expiry": "close"})
    async with chain(near, far) as on:
        client, server = await on.flow()
        assert await client.sees(599) == "nothing"
        assert [len(relay) for relay in on.row.relays] == [0, 1], "the far box learns nothing of that"
        assert await server.sees() == "fin"
        assert await client.sees() == "nothing"
        (first,), (second,) = on.told_by
        assert (first.at_s, first.ways) == (60, {Way.MIN_TTL})
        assert (second.at_s, second.timer, second.quiet_s) == (600, TimerKind.IDLE, 600)


async def test_data_restarts_the_timers_of_all_boxes(chain, make_box):
    near, far = shorter_and_longer(make_box)
    async with chain(near, far) as on:
        client, server = await on.flow()
        for _ in range(20):
            await asyncio.sleep(59)
            await client.send(b".")
        assert await server.sees_all() == (b"." * 20, "nothing")
        assert on.told_by == [[], []]


async def test_a_refusal_comes_back_through_all_boxes(chain, make_box, listening_socket):
    with listening_socket() as gone:
        upstream = [(socket.AF_INET, gone.getsockname())]
    async with chain(make_box(), make_box(), upstream=upstream) as on:
        client = on.client()
        assert await client.sees() == "rst"
        assert [[type(event) for event in told] for told in on.told_by] == [[], [FlowRefused]]


async def test_a_port_that_is_taken(make_box, listening_socket, in_use):
    before = in_use()
    with listening_socket() as taken:
        row = Chain([make_box()] * 2, [(socket.AF_INET, taken.getsockname())], lambda _: print)
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked
            await row.listen(*taken.getsockname())
        assert caught.value.errno == errno.EADDRINUSE
        row.close()
    assert in_use() == before
