"""What waits for a socket: readers, writers, and RST on sockets that nobody reads, on each kind of loop."""

import asyncio
import socket
import sys

import pytest

from hbprobe.net.silence import close_with_reset
from hbprobe.net.socket_watch import LoopWatch, watch_of
from hbprobe.readiness import Readiness

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has epoll")


@pytest.fixture(params=[watch_of, LoopWatch])
def watching(request):
    return lambda: request.param(asyncio.get_running_loop())


@pytest.fixture
def half_closed(tcp_pair):
    """Connected sockets of which the first has sent FIN."""

    def make():
        near, far = tcp_pair()
        near.shutdown(socket.SHUT_WR)
        assert far.recv(1) == b""
        return near, far

    return make


def ended_by(watch, sock):
    """Return the calls that are made for a hang-up, of which there is one, since it closes the socket."""
    calls = []

    def was_reset():
        calls.append(1)
        watch.forget(sock.fileno())
        sock.close()

    watch.add_hangup(sock.fileno(), (was_reset, ()))
    return calls


@on_linux
async def test_a_loop_of_hbprobes_watches_itself():
    assert isinstance(watch_of(asyncio.get_running_loop()), Readiness)


@on_linux
async def test_rst_is_noticed(watching, half_closed):
    watch = watching()
    near, far = half_closed()
    watch.add_reader(far.fileno(), (pytest.fail, ("it was read",)))
    calls = ended_by(watch, far)
    await asyncio.sleep(3600)  # that the clock gets there shows that FIN keeps nobody busy
    assert calls == []
    close_with_reset(near)
    await asyncio.sleep(3600)
    assert calls == [1]


@on_linux
async def test_a_writer_is_served_beside(watching, half_closed):
    watch = watching()
    near, far = half_closed()
    calls = ended_by(watch, far)
    written = asyncio.Event()

    def writable():
        written.set()
        watch.remove_writer(far.fileno())

    watch.add_writer(far.fileno(), (writable, ()))
    await asyncio.wait_for(written.wait(), 1)
    await asyncio.sleep(3600)
    close_with_reset(near)
    await asyncio.sleep(1)
    assert calls == [1]


@on_linux
@pytest.mark.parametrize("how", ["forget", "remove_reader"])
async def test_what_is_let_go_is_not_noticed(watching, half_closed, how):
    watch = watching()
    (near, far), (other_near, other_far) = half_closed(), half_closed()
    calls, other_calls = ended_by(watch, far), ended_by(watch, other_far)
    if how == "forget":
        watch.forget(far.fileno())
        far.close()
        watch.forget(far.fileno())
    else:
        watch.remove_reader(far.fileno())
        watch.remove_reader(far.fileno())
    close_with_reset(near)
    close_with_reset(other_near)
    await asyncio.sleep(3600)
    assert (calls, other_calls) == ([], [1])


@on_linux
async def test_two_at_once_of_which_one_lets_the_other_go(watching, half_closed):
    watch = watching()
    pairs = [half_closed(), half_closed()]
    calls = []

    def noticed():
        calls.append(1)
        for _, far in pairs:
            watch.remove_reader(far.fileno())

    for near, far in pairs:
        watch.add_hangup(far.fileno(), (noticed, ()))
        close_with_reset(near)
    await asyncio.sleep(1)
    assert calls == [1]


async def test_it_can_be_read_again(watching, tcp_pair):
    watch = watching()
    near, far = tcp_pair()
    watch.add_hangup(far.fileno(), (pytest.fail, ("nobody has sent RST",)))
    near.send(b"x")
    await asyncio.sleep(1)
    readable = asyncio.Event()

    def read():
        assert far.recv(1) == b"x"
        readable.set()

    watch.add_reader(far.fileno(), (read, ()))
    await asyncio.wait_for(readable.wait(), 1)
    watch.forget(far.fileno())


@on_linux
async def test_no_descriptor_is_left(half_closed, in_use):
    _, far = half_closed()
    before = in_use()
    watch = LoopWatch(asyncio.get_running_loop())
    for _ in range(2):
        ended_by(watch, far)
        watch.forget(far.fileno())
        assert in_use() == before


async def test_other_systems_do_without(half_closed, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    near, far = half_closed()
    watch = LoopWatch(asyncio.get_running_loop())
    calls = ended_by(watch, far)
    close_with_reset(near)
    await asyncio.sleep(1)
    watch.forget(far.fileno())
    assert calls == []
