import asyncio
import socket
import sys

import pytest

from hbprobe.net.liveness import tcp_info


class On(asyncio.BaseTransport):
    def __init__(self, sock):
        self.sock = sock

    def get_extra_info(self, name, default=None):
        return self.sock if name == "socket" else default


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        with near, far:
            yield near, far


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has TCP_INFO")
def test_a_connection_that_stands_and_one_that_was_reset(pair):
    near, far = pair
    info = tcp_info(On(near))
    assert (info.stands, info.unacknowledged, info.retransmits) == (True, 0, 0)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    far.close()
    assert tcp_info(On(near)).stands is False


def test_nothing_is_known_of_what_is_gone():
    sock = socket.socket()
    sock.close()
    assert tcp_info(On(sock)) is None
    assert tcp_info(None) is None
    assert tcp_info(On(None)) is None
