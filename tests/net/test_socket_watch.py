"""Noticing RST on sockets that nobody reads."""

import asyncio
import socket
import sys

import pytest

from hbprobe.net.socket_watch import LoopWatch, watch_of
from hbprobe.net.silence import close_with_reset

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has epoll")


@pytest.fixture
def half_closed(tcp_pair):
    """Connected sockets of which the first has sent FIN."""

    def make():
        near, far = tcp_pair()
        near.shutdown(socket.SHUT_WR)
        assert far.recv(1) == b""
        return near, far

    return make


def called_by(hangups, sock):
    calls = []
    hangups.watch(sock, lambda: calls.append(1))
    return calls


async def test_rst_is_noticed_once(half_closed):
    near, far = half_closed()
    hangups = HangupWatch()
    calls = called_by(hangups, far)
    await asyncio.sleep(3600)  # that the clock gets there shows that FIN keeps nobody busy
    assert calls == []
    close_with_reset(near)
    await asyncio.sleep(3600)
    assert calls == [1]
    hangups.close()


async def test_what_is_forgotten_is_not_noticed(half_closed):
    (near, far), (other_near, other_far) = half_closed(), half_closed()
    hangups = HangupWatch()
    calls, other_calls = called_by(hangups, far), called_by(hangups, other_far)
    hangups.forget(far)
    hangups.forget(far)
    close_with_reset(near)
    close_with_reset(other_near)
    await asyncio.sleep(1)
    assert (calls, other_calls) == ([], [1])
    hangups.close()


async def test_two_at_once_of_which_one_forgets_the_other(half_closed):
    pairs = [half_closed(), half_closed()]
    hangups = HangupWatch()
    calls = []

    def noticed():
        calls.append(1)
        for _, far in pairs:
            hangups.forget(far)

    for near, far in pairs:
        hangups.watch(far, noticed)
        close_with_reset(near)
    await asyncio.sleep(1)
    assert calls == [1]
    hangups.close()


async def test_closing_twice(half_closed, in_use):
    near, far = half_closed()
    before = in_use()
    hangups = HangupWatch()
    calls = called_by(hangups, far)
    hangups.close()
    hangups.close()
    assert in_use() == before
    close_with_reset(near)
    await asyncio.sleep(1)
    assert calls == []


async def test_other_systems_do_without(half_closed, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    near, far = half_closed()
    hangups = HangupWatch()
    calls = called_by(hangups, far)
    close_with_reset(near)
    await asyncio.sleep(1)
    hangups.forget(far)
    hangups.close()
    assert calls == []
