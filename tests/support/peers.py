"""Small servers on loopback that do what a script says, on the warp clock."""

import asyncio
import contextlib
import os
import socket
import struct

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.liveness import acknowledge_on
from hbprobe.net.silence import Way, mute
from hbprobe.net.wire import Dialer, Target
from hbprobe.standin.service import StandIn


class Peer:
    """A server, and what it has seen."""

    def __init__(self, port, tls):
        self.port = port
        self.tls = tls
        self.connections = 0
        self.requests = []

    def dialer(self, host="127.0.0.1", tls=None, path="/"):
        tls = tls or (self.tls and self.tls[1])
        return Dialer(Target(tls is not None, host, self.port, path), tls)


class Connection:
    """One connection of a scripted server."""

    def __init__(self, peer, reader, writer):
        self._peer = peer
        self._reader = reader
        self._writer = writer
        self._socket = writer.get_extra_info("socket")

    async def request(self):
        """Read a request without a body."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        self._peer.requests.append(head.split(b"\r\n")[0].decode())
        return head

    async def read(self):
        data = await self._reader.read(65536)
        acknowledge_on(self._writer.transport)
        return data

    def send(self, data):
        self._writer.write(data)

    def fin(self):
        """Send FIN, and under TLS nothing before it."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self):
        """Close as a server does in good order: under TLS close_notify comes first."""
        self._writer.close()

    def rst(self):
        self.close_by_rst()
        self._writer.transport.abort()

    def close_by_rst(self):
        """Let the connection end with RST whenever it is closed."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def send_beneath_tls(self, data):
        os.write(self._socket.fileno(), data)

    async def start_tls(self, tls):
        """Begin TLS in the middle of the connection."""
        await self._writer.start_tls(tls)

    def mute(self):
        """Answer nothing any more, not even with an ACK."""
        assert mute(self._socket) is Way.MIN_TTL


@contextlib.asynccontextmanager
async def serving(script, tls=None):
    """Serve every connection by `script(connection)`; afterwards it stays open until the end."""
    peer, writers = Peer(0, tls), []

    async def accept(reader, writer):
        peer.connections += 1
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await script(Connection(peer, reader, writer))
            while await reader.read(65536):
                acknowledge_on(writer.transport)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls and tls[0])
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for writer in writers:
            with contextlib.suppress(AttributeError):  # Python before 3.11.4, where TLS is closed already
                writer.transport.abort()
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def echoing(**how):
    """Run a server, on any clock, that sends back what it gets; give its port. `how` is for the loop."""

    async def echo(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, **how)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answer(body, status="200 OK", *headers):
    """Return an HTTP answer as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def web_server(keep_alive_s, act="close", *headers):
    """Answer requests, with more headers if wanted, and end a connection that is quiet for too long."""

    async def script(connection):
        while True:
            try:
                async with asyncio.timeout(keep_alive_s):
                    await connection.request()
            except TimeoutError:
                getattr(connection, act)()
                return
            connection.send(answer(b"ok", "200 OK", *headers))

    return script


@pytest.fixture(scope="session")
def serve():
    return serving


@pytest.fixture(scope="session")
def tls_pair():
    """TLS settings of a server, and of a client that trusts it."""
    return throwaway_pair()


@pytest.fixture(params=["plain", "tls"])
def tls(request):
    """Plain TCP, and TLS."""
    return request.getfixturevalue("tls_pair") if request.param == "tls" else None


@pytest.fixture(scope="session")
def on_warp():
    """Run a coroutine on the warp clock."""
    return lambda main: warp.run(main, warp.WarpClock())


@contextlib.asynccontextmanager
async def eas_serving(tls, settings=None, **given):
    """An ActiveSync server: the stand-in, and a dialer to it; `given` goes to the stand-in."""
    stand_in = StandIn(settings or Settings(), **given)
    far_end = FarEnd(settings or Settings(), tls[0], services=[stand_in])
    _, port = await far_end.listen("127.0.0.1", 0)
    try:
        yield stand_in.exchange, Dialer(Target(True, "localhost", port, "/"), tls[1])
    finally:
        await far_end.close()


@pytest.fixture(scope="session")
def serve_eas(tls_pair):
    return lambda settings=None, **given: eas_serving(tls_pair, settings, **given)
