"""What both ends see of a box that has forgotten: each speaks on a connection of its own, two seconds too late."""

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from hbprobe.lab.kernel.path import kernel_path

pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.realtime]

IDLE_S, PAST_S, PATIENCE_S = 2, 2.5, 1.5


@contextlib.contextmanager
def built(profile, *, nat):
    """Build a path; yield it, a listener at its server, and what closes sockets."""
    with (
        kernel_path([profile], nat={1} if nat else ()) as net,
        net.server.listen() as listener,
        contextlib.ExitStack() as stack,
    ):
        listener.setblocking(False)
        yield net, listener, stack


async def connect(net, listener, stack):
    """Return the two ends of a connection on which both have spoken."""
    loop = asyncio.get_running_loop()
    client = stack.enter_context(net.client.make_socket())
    client.setblocking(False)
    await loop.sock_connect(client, listener.getsockname())
    server = stack.enter_context((await loop.sock_accept(listener))[0])
    for sender, receiver in ((client, server), (server, client)):
        await loop.sock_sendall(sender, b"hello")
        assert await loop.sock_recv(receiver, 9) == b"hello"
    return client, server


async def sees(end):
    """Return what comes to an end."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(end, 9)
    except TimeoutError:
        return "nothing"
    except ConnectionResetError:
        return "RST"


async def speak_late(sender, other):
    """Say something, and return what the sender and the other end see."""
    await asyncio.get_running_loop().sock_sendall(sender, b"late")
    return tuple(await asyncio.gather(sees(sender), sees(other)))


def keep_alive(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)


def side_by_side(what, cases):
    """Return what comes of each case, in a thread of its own: building a path holds up a loop."""
    with ThreadPoolExecutor(len(cases)) as pool:
        done = [pool.submit(lambda case=case: asyncio.run(what(case[0], nat=case[1]))) for case in cases.values()]
    return {name: future.result() for name, future in zip(cases, done, strict=True)}


async def what_is_seen(profile, *, nat):
    """Return what the two ends see where the client, the server, and a client with keep-alives speak late."""
    with built(profile, nat=nat) as path:
        pairs = [await connect(*path) for _ in range(3)]
        keep_alive(pairs[2][0])
        await asyncio.sleep(PAST_S)
        speakers = (pairs[0], pairs[1][::-1], pairs[2])
        seen = await asyncio.gather(*(speak_late(*pair) for pair in speakers))
        return dict(zip(("client", "server", "kept alive"), seen, strict=True))


ALIVE = ("nothing", b"late")
UNHEARD = ("nothing", "nothing")
REFUSED = ("RST", "nothing")
ENDED = ("RST", "RST")


def test_what_the_ends_see(box):
    tells_client = {"expiry": "reset-on-next", "tells": "client"}
    cases = {
        "silent": (box(IDLE_S), False),
        "reset-on-next": (box(IDLE_S, "reset-on-next"), False),
        "reset-on-next to the client": (box(IDLE_S, **tells_client), False),
        "revived by the client": (box(IDLE_S, revived_by="client"), False),
        "NAT, silent": (box(IDLE_S), True),
        "NAT, reset-on-next": (box(IDLE_S, "reset-on-next"), True),
        "NAT, reset-on-next to the client": (box(IDLE_S, **tells_client), True),
        "plain routing": (box(60), False),
    }
    seen = side_by_side(what_is_seen, cases)
    assert {name: case["client"] for name, case in seen.items()} == {
        "silent": UNHEARD,
        "reset-on-next": REFUSED,
        "reset-on-next to the client": REFUSED,
        "revived by the client": ALIVE,
        "NAT, silent": UNHEARD,
        "NAT, reset-on-next": REFUSED,
        "NAT, reset-on-next to the client": REFUSED,
        "plain routing": ALIVE,
    }
    assert {name: case["server"] for name, case in seen.items()} == {
        "silent": UNHEARD,
        "reset-on-next": REFUSED,
        "reset-on-next to the client": UNHEARD,
        "revived by the client": UNHEARD,
        "NAT, silent": UNHEARD,
        "NAT, reset-on-next": REFUSED,
        "NAT, reset-on-next to the client": UNHEARD,
        "plain routing": ALIVE,
    }
    assert {case["kept alive"] for case in seen.values()} == {ALIVE}, "keep-alives pass, and restart the timer"


async def what_comes_at_expiry(profile, *, nat):
    """Return what the two ends see who say nothing."""
    with built(profile, nat=nat) as path:
        client, server = await connect(*path)
        await asyncio.sleep(IDLE_S - 0.5)
        too_early = await asyncio.gather(*(peek(end) for end in (client, server)))
        assert too_early == ["nothing", "nothing"]
        return tuple(await asyncio.gather(sees(client), sees(server)))


async def peek(end):
    try:
        return end.recv(9)
    except BlockingIOError:
        return "nothing"


def test_what_comes_at_expiry(box):
    cases = {
        "reset of the client": (box(IDLE_S, "reset", tells="client"), False),
        "reset of the server": (box(IDLE_S, "reset", tells="server"), False),
        "close": (box(IDLE_S, "close"), False),
        "NAT, reset": (box(IDLE_S, "reset"), True),
        "silent": (box(IDLE_S), False),
    }
    assert side_by_side(what_comes_at_expiry, cases) == {
        "reset of the client": ("RST", "nothing"),
        "reset of the server": ("nothing", "RST"),
        "close": (b"", b""),
        "NAT, reset": ENDED,
        "silent": UNHEARD,
    }
