"""What the relay passes on: bytes, FIN and RST as they came."""

import asyncio
import hashlib
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbprobe.middlebox.relay import _BUFFER_BYTES
from hbprobe.net.silence import close_with_reset

MEGABYTE = 1 << 20
BOTH_WAYS = pytest.mark.parametrize("upwards", [True, False], ids=["from client", "from server"])


async def ends(on, *, upwards):
    """Return the ends of a new flow: who speaks, and who listens."""
    client, server = await on.flow()
    return (client, server) if upwards else (server, client)


def pattern(count):
    """Bytes of which none can go missing or change places unnoticed."""
    block = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(2048))
    return (block * (count // len(block) + 1))[:count]


async def blocked(speaker, count=32 * MEGABYTE):
    """Let the speaker send more than fits while the listener reads nothing; it goes on when there is room."""
    data = pattern(count)
    sending = asyncio.ensure_future(speaker.send(data))
    await asyncio.sleep(1)
    assert not sending.done()
    return data, sending


async def give_up(sending):
    sending.cancel()
    await asyncio.wait([sending])


# Bytes


chunks = st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=5000), st.integers(1, 60)), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chunks=chunks)
def test_bytes_pass_unchanged_both_ways(play, stage, open_path, chunks):
    async def scene():
        async with stage(open_path) as on:
            client, server = await on.flow()
            sent = {True: b"", False: b""}
            for upwards, chunk, times in chunks:
                speaker = client if upwards else server
                await speaker.send(chunk * times)
                sent[upwards] += chunk * times
            client.send_fin()
            server.send_fin()
            assert await server.sees_all() == (sent[True], "fin")
            assert await client.sees_all() == (sent[False], "fin")
            assert on.relay.counts.bytes_from_client == len(sent[True])
            assert on.relay.counts.bytes_from_server == len(sent[False])

    play(scene())


@BOTH_WAYS
async def test_a_slow_reader_slows_the_sender_down(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        data, sending = await blocked(speaker)
        counts = on.relay.counts
        taken = counts.bytes_from_client + counts.bytes_from_server
        await asyncio.sleep(3600)
        assert counts.bytes_from_client + counts.bytes_from_server == taken < len(data), "the relay reads no more"
        (link,) = on.relay._links
        assert sum(len(unsent) for unsent in link.unsent) <= _BUFFER_BYTES
        received = bytearray()
        while len(received) < len(data):
            received += await listener.sees()
            await asyncio.sleep(1)
        assert received == data
        await sending
        assert len(on.relay) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere bytes may be on their way for a moment")
async def test_a_busy_flow_takes_no_path_time(stage, make_box):
    """The warp clock never jumps while bytes are inside the kernel, or this timer would strike."""
    async with stage(make_box(idle={"default": 0.001, "expiry": "reset"})) as on:
        client, server = await on.flow()
        data = pattern(8 * MEGABYTE)

        async def pass_on(speaker, listener):
            sending, received = asyncio.ensure_future(speaker.send(data)), 0
            while received < len(data):
                received += len(await listener.sees())
            await sending

        await asyncio.gather(pass_on(client, server), pass_on(server, client))
        assert (asyncio.get_running_loop().time(), on.events) == (0, [])


async def test_while_one_way_is_blocked_the_other_is_not(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        _, sending = await blocked(server)
        await client.send(b"stop")
        assert await server.sees() == b"stop"
        await give_up(sending)


async def test_both_ways_may_be_blocked(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        down, sending_down = await blocked(server)
        up, sending_up = await blocked(client, 32 * MEGABYTE + 1)
        reading = asyncio.gather(client.sees_all(), server.sees_all())
        await sending_down
        server.send_fin()
        await sending_up
        client.send_fin()
        assert await reading == [(down, "fin"), (up, "fin")]
        assert on.relay.counts.closed == 1


async def test_many_flows_do_not_mix(stage, open_path):
    async with stage(open_path) as on:
        flows = [await on.flow() for _ in range(50)]
        for number, (client, server) in enumerate(flows):
            await client.send(b"question %d" % number)
            await server.send(b"answer %d" % number)
        for number, (client, server) in enumerate(flows):
            assert await server.sees() == b"question %d" % number
            assert await client.sees() == b"answer %d" % number
        assert (len(on.relay), on.relay.counts.opened) == (50, 50)


# FIN


@BOTH_WAYS
async def test_half_closed_stays_half_closed(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        await speaker.send(b"that was all")
        speaker.send_fin()
        assert await listener.sees_all() == (b"that was all", "fin")
        answer = pattern(MEGABYTE)
        sending = asyncio.ensure_future(listener.send(answer))
        await asyncio.sleep(3600)
        assert len(on.relay) == 1
        received = b""
        while len(received) < len(answer):
            received += await speaker.sees()
        assert received == answer
        await sending
        assert await speaker.sees() == "nothing"
        listener.send_fin()
        assert await speaker.sees() == "fin"
        assert (len(on.relay), on.relay.counts.closed, on.relay.counts.reset) == (0, 1, 0)


@BOTH_WAYS
async def test_fin_waits_for_what_was_sent_before_it(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        data, sending = await blocked(speaker)
        reading = asyncio.ensure_future(listener.sees_all())
        await sending
        speaker.send_fin()
        assert await reading == (data, "fin")
        listener.send_fin()
        assert await speaker.sees() == "fin"
        assert on.relay.counts.closed == 1


async def test_both_may_close_at_once(stage, open_path):
    async with stage(open_path) as on:
        client, server = await on.flow()
        client.send_fin()
        server.send_fin()
        assert [await client.sees(), await server.sees()] == ["fin", "fin"]
        assert (len(on.relay), on.relay.counts.closed) == (0, 1)


# RST


@BOTH_WAYS
async def test_rst_is_passed_on_as_rst(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        speaker.send_rst()
        assert await listener.sees() == "rst"
        assert (len(on.relay), on.relay.counts.reset, on.relay.counts.closed) == (0, 1, 0)


@BOTH_WAYS
async def test_what_was_said_before_rst_arrives(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        await speaker.send(b"last words")
        speaker.send_rst()
        assert await listener.sees_all() == (b"last words", "rst")


@BOTH_WAYS
async def test_rst_after_fin_is_not_taken_for_a_second_fin(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        speaker.send_fin()
        assert await listener.sees() == "fin"
        listener.send_rst()
        assert await speaker.sees() == "rst"
        assert (len(on.relay), on.relay.counts.reset, on.relay.counts.closed) == (0, 1, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is noticed when the other end sends something")
@BOTH_WAYS
async def test_rst_of_an_end_that_had_closed_its_half(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        other_speaker, other_listener = await ends(on, upwards=upwards)
        for end in (speaker, other_speaker):
            end.send_fin()
        assert [await listener.sees(), await other_listener.sees()] == ["fin", "fin"]
        for end in (speaker, other_speaker):
            end.send_rst()
        assert [await listener.sees(), await other_listener.sees()] == ["rst", "rst"]
        assert (len(on.relay), on.relay.counts.reset, on.relay.counts.closed) == (0, 2, 0)


@BOTH_WAYS
async def test_rst_of_a_sender_that_is_slowed_down(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        data, sending = await blocked(speaker)
        await give_up(sending)
        speaker.send_rst()
        received, end = await listener.sees_all()
        assert end == "rst"
        assert data.startswith(received)
        assert len(received) > MEGABYTE, "what the relay had taken arrives first"
        assert len(on.relay) == 0


@BOTH_WAYS
async def test_rst_of_an_end_that_does_not_read(stage, open_path, upwards):
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        _, sending = await blocked(speaker)
        listener.send_rst()
        with pytest.raises(ConnectionError):
            await sending
        assert len(on.relay) == 0


@BOTH_WAYS
async def test_of_a_sender_that_broke_off_no_byte_is_left_out(stage, open_path, upwards):
    """The other end speaks to the one that is gone, while bytes of that one are still on their way to it."""
    async with stage(open_path) as on:
        speaker, listener = await ends(on, upwards=upwards)
        data, sending = await blocked(speaker)
        await give_up(sending)
        speaker.send_rst()
        await listener.send(b"are you still there?")
        received, end = await listener.sees_all()
        assert end == "rst"
        assert data.startswith(received)


async def test_a_server_that_answers_and_resets_at_once(stage, open_path):
    async with stage(open_path) as on:
        client = on.client()
        while True:  # be there before the box knows that it is connected
            try:
                sock, _ = on.listener.accept()
                break
            except BlockingIOError:
                await asyncio.sleep(0)
        sock.send(b"go away")
        close_with_reset(sock)
        assert await client.sees_all() == (b"go away", "rst")
        assert (on.events, on.relay.counts.reset, on.relay.counts.refused) == ([], 1, 0)


async def test_a_client_that_is_gone_before_the_server_is_reached(stage, open_path):
    async with stage(open_path) as on:
        client = on.client()
        client.send_rst()
        server = await on.server()
        assert await server.sees() == "rst"
        assert len(on.relay) == 0
