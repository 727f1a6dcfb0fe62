"""Whether peers still wait to send again what a box did not hear."""

import socket
import sys
from types import SimpleNamespace

import pytest

from hbprobe.net.liveness import acknowledge_now
from hbprobe.net.silence import deafen, unmute
from hbprobe.testing import in_flight

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute, and tells of it")


@pytest.fixture
def naps(monkeypatch):
    """Time passes only while `wait_until_delivered` naps, a tenth of a second each; give the list of the naps."""
    taken = []
    clock = SimpleNamespace(sleep=taken.append, perf_counter=lambda: len(taken) / 10)
    monkeypatch.setattr(in_flight, "time", clock)  # in this module alone: other threads may sleep, too
    return taken


def port_of(sock):
    return sock.getsockname()[1]


@pytest.fixture
def new_pair(tcp_pair):
    """Make connected sockets; the port was not another's before, who still waits for an answer from there."""
    return lambda: next(pair for pair in iter(tcp_pair, None) if not [*in_flight._waiting(port_of(pair[1]), 1)])


def test_nothing_is_in_flight(new_pair, naps):
    near, far = new_pair()
    near.send(b"x")
    assert far.recv(1) == b"x"
    acknowledge_now(far)
    in_flight.wait_until_delivered(port_of(far), 1, 0.0)
    assert naps == []


@pytest.mark.parametrize("to_the_box", [True, False], ids=["from a client", "from the server"])
def test_bytes_are_waited_for(tcp_pair, to_the_box):
    near, far = tcp_pair()
    deafen(far)
    near.send(b"x")
    unmute(far)
    ports = (port_of(far), 1) if to_the_box else (1, port_of(near))
    in_flight.wait_until_delivered(*ports, 60.0)
    assert far.recv(1) == b"x"


def test_who_is_silent_for_good_is_not_waited_for_without_end(new_pair, naps):
    near, far = new_pair()
    deafen(far)
    near.send(b"x")
    in_flight.wait_until_delivered(port_of(far), 1, 0.35)
    assert len(naps) == 7, "0.35 s, 0.2 s until it is repeated, and 0.1 s"


def test_a_syn_is_waited_for_longer(naps):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        deafen(listener)
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        in_flight.wait_until_delivered(port_of(listener), 1, 0.05)
    assert len(naps) == 12, "0.05 s, 1 s until it is repeated, and 0.1 s"


def test_where_nothing_is_told_nothing_is_waited_for(monkeypatch, tmp_path, naps):
    monkeypatch.setattr(in_flight, "_TABLES", (tmp_path / "tcp",))
    in_flight.wait_until_delivered(1, 1, 60.0)
    assert naps == []
