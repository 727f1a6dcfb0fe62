"""How a flow that has expired looks from both its ends: then, and when one of them speaks again."""

import asyncio
import itertools
import socket
import sys

import pytest

from hbprobe.manner import Expiry
from hbprobe.middlebox import alarm, expired_ends
from hbprobe.middlebox.events import FlowExpired
from hbprobe.middlebox.expired_ends import ExpiredEnds
from hbprobe.middlebox.flow import Act
from hbprobe.net.silence import Way
from hbprobe.profiles.model import TimerKind

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")
TOLD = {"both": (True, True), "client": (True, False), "server": (False, True)}


@pytest.fixture(scope="session")
def box(make_box):
    """Make a box whose flows are idle for 60 s at most: `box("reset", "client")`."""
    return lambda expiry, tells="both": make_box(idle={"default": 60, "expiry": expiry, "tells": tells})


async def expired_flow(on):
    """Return both ends of a flow that has been idle for too long."""
    client, server = await on.flow()
    await client.send(b"question")
    assert await server.sees() == b"question"
    await asyncio.sleep(60)
    assert len(on.expired) == 1
    return client, server


async def test_the_observer_is_told(stage, box):
    async with stage(box("reset")) as on:
        await asyncio.sleep(1)
        client, server = await on.flow()
        name = "{}:{}".format(*client.sock.getsockname())
        await asyncio.sleep(30)
        await server.send(b"answer")
        await asyncio.sleep(60)
        assert on.events == [
            FlowExpired(
                at_s=91,
                number=1,
                client=name,
                timer=TimerKind.IDLE,
                expiry=Expiry.RESET,
                age_s=90,
                quiet_s=60,
                ways=frozenset(),
            )
        ]
        assert (len(on.relay), on.relay.counts.expired, on.relay.counts.reset) == (0, {TimerKind.IDLE: 1}, 0)


@pytest.mark.parametrize("tells", TOLD)
@pytest.mark.parametrize(("expiry", "told"), [("reset", "rst"), ("close", "fin")])
async def test_an_end_is_told_or_meets_silence(stage, box, expiry, told, tells):
    async with stage(box(expiry, tells)) as on:
        client, server = await expired_flow(on)
        expected = [told if is_told else "nothing" for is_told in TOLD[tells]]
        assert [await client.sees(), await server.sees()] == expected
        ways = on.expired[0].ways
        assert len(ways) == (0 if tells == "both" else 1)


@on_linux
@pytest.mark.parametrize("expiry", ["reset", "close"])
async def test_the_end_that_is_not_told_stays_in_the_dark(stage, box, expiry):
    async with stage(box(expiry, "client")) as on:
        client, server = await expired_flow(on)
        assert on.expired[0].ways == {Way.MIN_TTL}
        await server.send(b"answer")
        assert server.unacknowledged_segments() == 1
        assert await server.sees(3600) == "nothing"
        assert await client.sees() == {"reset": "rst", "close": "fin"}[expiry]


@on_linux
async def test_silent_is_silent_for_both(stage, box):
    async with stage(box("silent")) as on:
        client, server = await expired_flow(on)
        assert on.expired[0].ways == {Way.MIN_TTL}
        assert on.remarks == []
        assert [await client.sees(), await server.sees()] == ["nothing", "nothing"]
        await client.send(b"still there?")
        await server.send(b"answer")
        assert [client.unacknowledged_segments(), server.unacknowledged_segments()] == [1, 1]
        assert [await client.sees(3600), await server.sees(3600)] == ["nothing", "nothing"]


@pytest.mark.parametrize("first", [0, 1], ids=["client first", "server first"])
async def test_reset_on_next_answers_each_end_when_it_speaks(stage, box, first):
    async with stage(box("reset-on-next")) as on:
        flow = await expired_flow(on)
        speaker, other = flow[first], flow[1 - first]
        assert [await speaker.sees(), await other.sees()] == ["nothing", "nothing"]
        await speaker.send(b"still there?")
        assert [await speaker.sees(), await other.sees(3600)] == ["rst", "nothing"]
        await other.send(b"and I?")
        assert await other.sees() == "rst"
        assert len(on.expired) == 1


async def test_reset_on_next_answers_fin_too(stage, box):
    async with stage(box("reset-on-next")) as on:
        client, _ = await expired_flow(on)
        client.send_fin()
        assert await client.sees() == "rst"


@on_linux
@pytest.mark.parametrize("tells", ["client", "server"])
async def test_reset_on_next_for_one_end(stage, box, tells):
    async with stage(box("reset-on-next", tells)) as on:
        client, server = await expired_flow(on)
        await client.send(b"still there?")
        await server.send(b"answer")
        expected = ["rst" if is_told else "nothing" for is_told in TOLD[tells]]
        assert [await client.sees(), await server.sees()] == expected


async def test_an_end_that_has_said_its_last_is_not_answered_before_it_speaks(stage, box):
    async with stage(box("reset-on-next")) as on:
        client, server = await on.flow()
        client.send_fin()
        assert await server.sees() == "fin"
        await asyncio.sleep(60)
        assert len(on.expired) == 1
        assert [await client.sees(3600), await server.sees()] == ["nothing", "nothing"]
        client.send_rst()
        assert await server.sees() == "nothing"
        await server.send(b"answer")
        assert await server.sees() == "rst"
        assert on.relay.counts.reset == 0


async def test_close_over_bytes_that_were_not_read_is_fin(tcp_pair):
    keeper = ExpiredEnds(print)
    near, far = tcp_pair()
    near.send(b"unread")
    assert keeper.end(far, Act.CLOSE, has_ended=False) is None
    assert far.fileno() == -1
    assert near.recv(1) == b""
    keeper.close()


async def test_close_comes_after_what_the_box_had_sent(stage, make_box):
    box = make_box(lifetime={"default": 60, "expiry": "close"})
    async with stage(box) as on:
        client, server = await on.flow()
        sending = asyncio.ensure_future(server.send(b"." * (1 << 25)))
        await asyncio.sleep(61)
        received, end = await client.sees_all()
        assert (end, len(received) > 1 << 20) == ("fin", True)
        with pytest.raises(ConnectionError):
            await sending


@on_linux
async def test_a_flow_with_bytes_in_flight_is_stalled_and_said_so_once(stage, make_box):
    box = make_box(lifetime={"default": 60})
    async with stage(box) as on:
        flows = [await on.flow() for _ in range(3)]
        sending = [asyncio.ensure_future(server.send(b"." * (1 << 25))) for _, server in flows]
        await asyncio.sleep(61)
        assert [event.ways for event in on.expired] == [{Way.STALL, Way.MIN_TTL}] * 3
        (remark,) = on.remarks
        assert (remark.at_s, remark.text) == (
            60,
            "a flow could not be made mute here: the box stalls it, and packets are still acknowledged",
        )
        for one in sending:
            one.cancel()
        await asyncio.wait(sending)


async def test_where_nothing_can_be_mute_every_flow_is_stalled(stage, box, monkeypatch):
    monkeypatch.setattr(expired_ends, "mute", lambda _, **_how: Way.STALL)
    async with stage(box("silent")) as on:
        client, server = await expired_flow(on)
        assert on.expired[0].ways == {Way.STALL}
        assert len(on.remarks) == 1
        await client.send(b"still there?")
        assert [await client.sees(3600), await server.sees(3600)] == ["nothing", "nothing"]


async def test_the_end_of_a_flow_that_never_opened(stage, make_box, listening_socket):
    box = make_box(half_open={"default": 30, "expiry": "reset-on-next"})
    with listening_socket(backlog=0) as deaf:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:  # a full queue lets no more connections stand
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        async with stage(box, upstream=[(socket.AF_INET, deaf.getsockname())]) as on:
            client = on.client()
            await client.send(b"hello")
            assert await client.sees(3600) == "nothing"
            assert [event.timer for event in on.expired] == [TimerKind.HALF_OPEN]
            await client.send(b"hello again")
            assert await client.sees() == "rst"
        for filler in fillers:
            filler.close()


@on_linux
async def test_makes_room_by_letting_the_oldest_go(tcp_pair):
    told = []
    keeper = ExpiredEnds(told.append)
    (near, first), (_, second) = tcp_pair(), tcp_pair()
    for sock in (first, second):
        assert keeper.end(sock, Act.RESET_ON_NEXT, has_ended=False) is None
    assert keeper.make_room()
    assert [first.fileno(), second.fileno() >= 0] == [-1, True]
    near.send(b"to nobody")
    await asyncio.sleep(1)  # a loop that still looked at the first one would complain
    assert keeper.make_room()
    assert not keeper.make_room()
    assert told == [2], "how many were kept when the first had to go, once"
    keeper.close()


async def test_keeps_as_many_as_it_may(tcp_pair):
    told = []
    keeper = ExpiredEnds(told.append)
    socks = [tcp_pair()[1] for _ in range(4)]
    for sock in socks:
        keeper.end(sock, Act.MUTE, has_ended=False)
    keeper.keep_at_most(4)
    assert told == []
    keeper.keep_at_most(1)
    assert (told, [sock.fileno() >= 0 for sock in socks]) == ([4], [False, False, False, True])
    keeper.keep_at_most(-2)
    assert socks[3].fileno() == -1
    keeper.close()


async def test_a_peer_that_never_stops_sending_does_not_hold_the_box_up():
    class Endless:
        reads = 0

        def recv_into(self, buffer):
            self.reads += 1
            return len(buffer)

    sock = Endless()
    expired_ends._drain(sock)
    assert sock.reads == expired_ends._MOST_DRAINS


@on_linux
async def test_silence_lasts_as_long_as_descriptors_do(stage, box):
    async with stage(box("silent"), descriptors=8) as on:
        early = [await on.flow() for _ in range(3)]
        await asyncio.sleep(61)
        assert len(on.expired) == 3
        late = await on.flow()
        assert on.remarks == [], "eight descriptors: six for the silent, two for the living"
        for client, server in early:
            await client.send(b"still there?")
            assert [await client.sees(3600), await server.sees()] == ["nothing", "nothing"]
        assert await on.flow() != late
        (remark,) = on.remarks
        assert remark.text.startswith("descriptors have run out, 8 of them kept for ends of expired flows")
        assert await on.flow() != late
        assert len(on.remarks) == 1, "said once"


async def test_a_storm_lets_others_have_their_turn(stage, box):
    async with stage(box("reset")) as on:
        flows = [await on.flow() for _ in range(100)]
        turns = []
        loop = asyncio.get_running_loop()

        def turn():
            turns.append(len(on.expired))
            if len(on.expired) < len(flows):
                loop.call_soon(turn)

        loop.call_at(60, turn)
        await asyncio.sleep(61)
        assert len(on.expired) == len(flows)
        assert max(after - before for before, after in itertools.pairwise(turns)) <= alarm._AT_ONCE
