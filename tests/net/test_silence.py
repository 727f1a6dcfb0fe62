"""Sockets that go silent: what their peers see, and what is done where the system does not permit it."""

import socket
import sys

import pytest

from hbprobe.net import silence
from hbprobe.net.silence import KeptSockets, Way, close_with_reset, mute, unacknowledged_bytes

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")
HOSTS = ("127.0.0.1", "::1")


class Refusing(socket.socket):
    """A socket whose options cannot be set."""

    refused = ()

    def setsockopt(self, level, option, value):
        if option in self.refused:
            raise PermissionError(1, "Operation not permitted")
        super().setsockopt(level, option, value)


def refusing(sock, *options):
    made = Refusing(sock.family, sock.type, sock.proto, fileno=sock.detach())
    made.refused = options
    return made


def unacknowledged_segments(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int.from_bytes(info[24:28], sys.byteorder)  # tcpi_unacked


def sees_nothing(sock):
    try:
        sock.recv(1)
    except BlockingIOError:
        return True
    return False


# Mute


@on_linux
@pytest.mark.parametrize("host", HOSTS)
def test_a_mute_socket_acknowledges_nothing(tcp_pair, host):
    near, far = tcp_pair(host)
    assert mute(far) is Way.MIN_TTL
    near.send(b"anybody there?")
    assert unacknowledged_segments(near) == 1
    assert sees_nothing(near)
    assert sees_nothing(far)


@on_linux
@pytest.mark.parametrize("host", HOSTS)
def test_a_stalled_socket_acknowledges(tcp_pair, host):
    near, far = tcp_pair(host)
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    near.send(b"anybody there?")
    assert unacknowledged_segments(near) == 0


@on_linux
def test_a_mute_socket_is_deaf_to_fin(tcp_pair):
    near, far = tcp_pair()
    mute(far)
    near.shutdown(socket.SHUT_WR)
    assert sees_nothing(far)
    assert unacknowledged_segments(near) == 1


@on_linux
def test_a_mute_socket_sends_no_keep_alives(tcp_pair):
    _, far = tcp_pair()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    mute(far)
    assert far.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


@on_linux
def test_a_socket_with_bytes_in_flight_is_only_stalled(tcp_pair):
    near, far = tcp_pair()
    assert mute(far) is Way.MIN_TTL
    assert unacknowledged_bytes(near) == 0
    near.send(b"lost")
    assert unacknowledged_bytes(near) == 4
    assert mute(near) is Way.STALL


@on_linux
@pytest.mark.parametrize(("host", "option"), [("127.0.0.1", silence._IP_MINTTL), ("::1", silence._IPV6_MINHOPCOUNT)])
def test_stalls_where_the_system_refuses(tcp_pair, host, option):
    _, far = tcp_pair(host)
    with refusing(far, option) as far:
        assert mute(far) is Way.STALL


def test_stalls_on_other_systems(tcp_pair, monkeypatch):
    _, far = tcp_pair()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert mute(far) is Way.STALL


# Reset


@pytest.mark.parametrize("host", HOSTS)
def test_close_with_reset(tcp_pair, host):
    near, far = tcp_pair(host)
    close_with_reset(far)
    assert far.fileno() == -1
    with pytest.raises(ConnectionResetError):
        near.recv(1)


def test_close_with_reset_of_what_is_closed(tcp_pair):
    _, far = tcp_pair()
    far.close()
    close_with_reset(far)


# Sockets that are kept


@pytest.fixture
def kept():
    """A place for sockets, and the descriptors that left it."""
    left = []
    place = KeptSockets(left.append)
    yield place, left
    place.close()


def test_gives_back_the_oldest_first(tcp_pair, kept):
    place, left = kept
    first, second = tcp_pair()[1], tcp_pair()[1]
    place.take_in(first)
    place.take_in(second)
    descriptors = [first.fileno(), second.fileno()]
    assert place.release_oldest()
    assert (left, first.fileno()) == (descriptors[:1], -1)
    assert place.release_oldest()
    assert left == descriptors
    assert not place.release_oldest()
    assert len(place) == 0


def test_gives_one_up_to_its_caller(tcp_pair, kept):
    place, left = kept
    near, far = tcp_pair()
    place.take_in(far)
    place.give_up(far)
    assert (len(place), left) == (0, [far.fileno()])
    assert sees_nothing(near), "what becomes of the socket is the caller's business"


def test_at_the_end_all_are_reset(tcp_pair, kept):
    place, left = kept
    pairs = [tcp_pair(), tcp_pair()]
    descriptors = [far.fileno() for _, far in pairs]
    for _, far in pairs:
        place.take_in(far)
    place.close()
    assert (len(place), left) == (0, descriptors)
    for near, _ in pairs:
        with pytest.raises(ConnectionResetError):
            near.recv(1)


# Closing without a sound


@on_linux
@pytest.mark.parametrize("host", HOSTS)
def test_vanishes_without_a_sound(tcp_pair, kept, host):
    if not silence._sign_from_now_on(tcp_pair(host)[1]):
        pytest.skip("this kernel cannot sign segments")
    near, far = tcp_pair(host)
    place, _ = kept
    place.take_in(far)
    place.release_oldest()
    assert far.fileno() == -1
    assert sees_nothing(near), "neither FIN nor RST"
    near.send(b"anybody there?")
    assert unacknowledged_segments(near) == 1
    assert sees_nothing(near)


def test_is_reset_where_the_kernel_cannot_sign(tcp_pair, kept):
    near, far = tcp_pair()
    place, _ = kept
    place.take_in(refusing(far, silence._TCP_MD5SIG))
    place.release_oldest()
    with pytest.raises(ConnectionResetError):
        near.recv(1)


def test_is_reset_on_other_systems(tcp_pair, kept, monkeypatch):
    near, far = tcp_pair()
    place, _ = kept
    place.take_in(far)
    monkeypatch.setattr(sys, "platform", "darwin")
    place.release_oldest()
    with pytest.raises(ConnectionResetError):
        near.recv(1)


def test_one_whose_peer_is_gone_vanishes_too(tcp_pair, kept):
    near, far = tcp_pair()
    close_with_reset(near)
    place, _ = kept
    place.take_in(far)
    assert place.release_oldest()
    assert far.fileno() == -1
