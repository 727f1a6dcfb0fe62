"""A box before a server of a test's own, on the loop of the test or in a thread."""

import asyncio
import contextlib
import shutil
import socket
import sys
import threading

import pytest

from hbprobe.errors import UserError
from hbprobe.manner import Expiry
from hbprobe.middlebox.events import Remark
from hbprobe.profiles.catalogue import built_in_folder, catalogue
from hbprobe.profiles.model import TimerKind
from hbprobe.testing import Box, run
from hbprobe.testing.box import USUAL, chosen
from hbprobe.warp import ScaledClock
from hbprobe.warp import run as run_on

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is unacknowledged")


@contextlib.asynccontextmanager
async def echoing():
    """An echo server; give its port, and close what is left."""
    writers = []

    async def echo(reader, writer):
        writers.append(writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(1024):
                writer.write(data)
                await writer.drain()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def ask(self, within_s=60):
        """Return what comes back, or `nothing`, `fin`, `rst`."""
        self.writer.write(b"?")
        try:
            return await asyncio.wait_for(self.reader.read(1), within_s) or "fin"
        except TimeoutError:
            return "nothing"
        except ConnectionResetError:
            return "rst"


@contextlib.asynccontextmanager
async def through(box):
    """A client that has been answered once."""
    client = Client(*await asyncio.open_connection(box.host, box.port))
    try:
        assert await client.ask() == b"?"
        yield client
    finally:
        client.writer.transport.abort()


def box_threads():
    """Return the threads that boxes run in; the echo server has others, which end when they like."""
    return [thread for thread in threading.enumerate() if thread.name == "hbprobe box"]


def play(scene, *args, **timers):
    """Run `scene(box, client)` on the warp clock, behind `Box(port, *args, **timers)`."""

    async def main():
        async with echoing() as port, Box(port, *args, **timers) as box, through(box) as client:
            await scene(box, client)

    run(main())


# On the loop of the test


@pytest.mark.parametrize(
    ("profile", "sees"),
    [
        ("azure-load-balancer", "nothing"),
        ("aws-nlb-tcp", "rst"),
        ("azure-load-balancer-tcp-reset", "rst"),
        ("aws-global-accelerator", "fin"),
        ("open-path", b"?"),
    ],
)
def test_an_hour_behind_a_box(profile, sees):
    async def scene(box, client):
        await asyncio.sleep(3600)
        assert await client.ask() == sees
        assert bool(box.expired) == (profile != "open-path")

    play(scene, profile)


@on_linux
def test_what_it_tells():
    async def scene(box, client):
        assert box.url() == f"http://127.0.0.1:{box.port}/"
        assert box.url("ws://{}/feed") == f"ws://127.0.0.1:{box.port}/feed"
        (flow,) = box.flows
        assert (flow.number, flow.due_in_s) == (1, 300)
        await asyncio.sleep(301)
        (event,) = box.expired
        assert (event.timer, event.expiry, event.at_s - box.began_s) == (TimerKind.IDLE, Expiry.SILENT, 300)
        assert (box.flows, box.opened, box.events) == ([], 1, [event])
        assert repr(box) == f"<Box ten-minute-provider at 127.0.0.1:{box.port}>"

    play(scene, idle=300)


@pytest.mark.parametrize("text", [5, 5.0, "5s", "0:00:05"])
def test_a_timer_of_ones_own(text):
    async def scene(box, client):
        await asyncio.sleep(4.9)
        assert await client.ask() == b"?"
        await asyncio.sleep(5.1)
        assert await client.ask() == "nothing"

    play(scene, "azure-load-balancer", idle=text)


def test_a_timer_that_is_off():
    async def scene(box, client):
        await asyncio.sleep(86000)
        assert await client.ask() == b"?"

    play(scene, "azure-load-balancer", idle=None)


def test_forgetting():
    async def scene(box, client):
        async with through(box) as other:
            assert box.forget() == 2
            assert (await client.ask(), await other.ask()) == ("rst", "rst")
        assert box.forget() == 0

    play(scene, "aws-nlb-tcp")


def test_a_box_without_timers_forgets_nothing():
    async def scene(box, client):
        assert box.forget() == 0
        assert await client.ask() == b"?"

    play(scene, "open-path")


def test_changing():
    async def scene(box, client):
        box.change("aws-nlb-tcp")
        assert box.profile.id == "aws-nlb-tcp"
        await asyncio.sleep(300)
        assert await client.ask() == b"?"
        box.change(idle=10)
        await asyncio.sleep(11)
        assert await client.ask() == "rst"

    play(scene, "azure-load-balancer")


@pytest.mark.parametrize("profile", ["cisco-asa", "nginx-http-proxy"])
def test_a_timer_that_a_change_lets_run_out_is_due_now(profile):
    async def main():
        async with echoing() as port, Box(port, profile) as box:
            _, writer = await asyncio.open_connection(box.host, box.port)
            await asyncio.sleep(40)
            timer = next(kind for kind in ("client_header", "idle") if getattr(box.profile.timers, kind, None))
            box.change(**{timer: 5})
            assert [flow.due_in_s for flow in box.flows] == [0.0]
            await asyncio.sleep(1)
            assert (len(box.expired), box.flows) == (1, [])
            writer.transport.abort()

    run(main())


def test_changing_to_another_layer():
    async def scene(box, client):
        with pytest.raises(UserError) as caught:
            box.change("nginx-http-proxy")
        assert str(caught.value) == "nginx-http-proxy has layer http, azure-load-balancer has layer packet"
        assert box.profile.id == "azure-load-balancer"

    play(scene, "azure-load-balancer")


def test_a_black_hole_that_heals():
    async def scene(box, client):
        box.blackhole()
        assert await client.ask(within_s=100) == "nothing"
        box.heal()
        assert await asyncio.wait_for(client.reader.read(1), 1) == b"?", "the clock waits for TCP"

    play(scene, "azure-load-balancer")


@on_linux
def test_who_connects_to_a_black_hole_gets_through_when_it_heals():
    async def scene(box, client):
        box.blackhole()
        connecting = asyncio.ensure_future(asyncio.open_connection(box.host, box.port))
        await asyncio.sleep(30)
        box.heal()
        _, writer = await asyncio.wait_for(connecting, 1)
        writer.transport.abort()

    play(scene, "azure-load-balancer")


def test_healing_what_is_well():
    async def scene(box, client):
        box.heal()
        assert await client.ask() == b"?"

    play(scene, "azure-load-balancer")


def test_boxes_in_a_row():
    async def main():
        async with (
            echoing() as port,
            Box(port, "azure-load-balancer") as far,
            Box(far.port, "ten-minute-provider") as near,
            through(near) as client,
        ):
            await asyncio.sleep(300)
            assert (await client.ask(), len(far.expired), near.expired) == ("nothing", 1, [])

    run(main())


def test_a_server_by_name():
    async def main():
        async with echoing() as port, Box(("localhost", port)) as box, through(box) as client:
            assert await client.ask() == b"?"

    run(main())


def test_on_the_real_clock():
    async def main():
        async with echoing() as port, Box(port, "aws-nlb-tcp") as box, through(box) as client:
            box.forget()
            assert await client.ask() == "rst"
            assert box.expired[0].at_s >= box.began_s

    run_on(main(), ScaledClock())


@on_linux
def test_a_peer_that_delays_its_acknowledgement_meets_silence_all_the_same():
    """On the warp clock an hour takes less than the 40 ms of a delayed ACK, without which nobody can be made mute."""

    async def main():
        loop = asyncio.get_running_loop()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        with listener:
            async with Box(listener.getsockname()[1], "azure-load-balancer") as box:
                with socket.create_connection((box.host, box.port)) as client:
                    server, _ = await loop.sock_accept(listener)
                    with server:
                        await loop.sock_sendall(server, b"x")
                        await loop.sock_sendall(server, b"y")
                        client.setblocking(False)
                        await asyncio.sleep(3600)
        return box.events

    assert [type(event) for event in run(main()) if isinstance(event, Remark)] == []


# Of layer http


def test_a_box_that_ends_requests():
    async def main():
        async def late(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(600)
            writer.close()

        server = await asyncio.start_server(late, "127.0.0.1", 0)
        async with Box(server.sockets[0].getsockname()[1], "nginx-http-proxy") as box:
            reader, writer = await asyncio.open_connection(box.host, box.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.sleep(1)
            box.blackhole()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reading := asyncio.ensure_future(reader.readline())), 100)
            box.heal()
            status = await asyncio.wait_for(reading, 1)
            writer.transport.abort()
            server.close()
            await asyncio.sleep(600)
            return status

    assert run(main()) == b"HTTP/1.1 504 Gateway Timeout\r\n"


# In a thread


def asked(sock):
    sock.sendall(b"?")
    return sock.recv(1)


def test_a_client_that_blocks(echo_port):
    with Box(echo_port, "aws-nlb-tcp") as box, socket.create_connection((box.host, box.port), timeout=60) as client:
        assert asked(client) == b"?"
        assert len(box.flows) == 1
        assert box.forget() == 1
        with pytest.raises(ConnectionResetError):
            asked(client)
    assert [event.timer for event in box.expired] == [TimerKind.IDLE]


def test_a_black_hole_for_a_client_that_blocks(echo_port):
    with Box(echo_port) as box, socket.create_connection((box.host, box.port), timeout=60) as client:
        assert asked(client) == b"?"
        box.blackhole()
        client.sendall(b"?")
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        box.heal()
        client.settimeout(60)
        assert client.recv(1) == b"?"


def test_nothing_is_left_of_the_thread(echo_port):
    assert box_threads() == []
    with Box(echo_port) as box:
        assert len(box_threads()) == 1
    assert box_threads() == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((box.host, box.port))


def test_a_box_can_be_used_again(echo_port):
    box = Box(echo_port)
    for _ in range(2):
        with box, socket.create_connection((box.host, box.port), timeout=60) as client:
            assert asked(client) == b"?"


# Mistakes


def test_with_in_a_coroutine():
    async def main():
        with pytest.raises(UserError, match=r"^in a coroutine, write `async with` for a box$"), Box(1):
            pass

    run(main())


def test_a_box_that_is_entered_twice_runs_on(echo_port):
    with Box(echo_port) as box:
        with pytest.raises(UserError, match=r"^the box runs already: enter it once, or make another one$"), box:
            pass
        with socket.create_connection((box.host, box.port), timeout=60) as client:
            assert asked(client) == b"?"
    assert box_threads() == []


def test_a_box_that_is_entered_twice_on_a_loop_runs_on():
    async def scene(box, client):
        with pytest.raises(UserError, match=r"^the box runs already: enter it once, or make another one$"):
            async with box:
                pass
        assert await client.ask() == b"?"

    play(scene)


def test_a_box_that_could_not_begin_may_be_entered_again():
    async def main():
        box = Box(("no-such-host.invalid", 1))
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                async with box:
                    pass

    run(main())


@pytest.mark.parametrize("use", [lambda box: box.flows, Box.forget, Box.blackhole, Box.heal, Box.change])
def test_a_box_that_does_not_run(use):
    with pytest.raises(UserError, match=r"^the box ten-minute-provider does not run: use it inside `async with`"):
        use(Box(1))


@pytest.mark.parametrize(
    ("args", "timers", "message"),
    [
        (("azure",), {}, "no profile called 'azure'; near: azure-"),
        (("azure-load-balancer",), {"lifetime": 5}, "azure-load-balancer has no timer lifetime: it has idle"),
        (("azure-load-balancer",), {"idle": "soon"}, "idle=soon: "),
        (("azure-load-balancer",), {"idle": 0}, "must be above 0"),
    ],
)
def test_what_there_is_not(args, timers, message):
    with pytest.raises(UserError, match=message):
        Box(1, *args, **timers)


def test_a_profile_of_ones_own():
    profile = catalogue()["aws-nlb-tcp"]
    assert Box(1, profile).profile == profile


def test_a_server_that_cannot_be_found():
    with pytest.raises(socket.gaierror), Box(("no.such.host.invalid", 1)):
        pass


def test_ids():
    assert chosen(["aws-nlb-tcp", "azure-load-balancer", "aws-nlb-tcp"]) == ["aws-nlb-tcp", "azure-load-balancer"]
    assert chosen(USUAL) == list(USUAL)


def test_a_category():
    found = chosen(["cloud-load-balancer"])
    assert len(found) > 10
    assert {catalogue()[id_].category for id_ in found} == {"cloud-load-balancer"}


def test_files_of_ones_own(tmp_path):
    file = tmp_path / "mine.yaml"
    shutil.copy(built_in_folder() / "example" / "open-path.yaml", file)
    assert chosen([str(file)]) == chosen([str(tmp_path)]) == [str(file)]


@pytest.mark.parametrize("word", ["", "no-such-box", "Firewall", "example/", "a\0b"])
def test_what_is_none(word):
    with pytest.raises(UserError):
        chosen([word])
