"""The transport of accepted connections, plain and TLS: bytes, back-pressure, and each way to end."""

import asyncio
import contextlib
import socket
import ssl
import struct

import pytest
from support.boxes import let_the_kernel_repeat

from hbprobe.net.accepted import AcceptedTransport
from hbprobe.net.tls_end import pending_failure

RESET = struct.pack("ii", 1, 0)


class Heard(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self):
        self.data = bytearray()
        self.told = []
        self.error = None

    def data_received(self, data):
        self.data += data

    def eof_received(self):
        self.told.append("eof")

    def pause_writing(self):
        self.told.append("pause")

    def resume_writing(self):
        self.told.append("resume")

    def connection_lost(self, exc):
        self.told.append("lost")
        self.error = exc


class Host:
    """Takes every step of a handshake, unless told otherwise."""

    def __init__(self):
        self.steps = float("inf")
        self.stood, self.went = [], []

    def may_shake(self):
        self.steps -= 1
        return self.steps >= 0

    def stands(self, transport):
        self.stood.append(transport)
        return Heard()

    def gone(self, transport):
        self.went.append(transport)


def pair():
    """Return the two ends of a connection; the server's does not block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    server.setblocking(False)
    return client, server


@contextlib.asynccontextmanager
async def connected(tls, host=None):
    """A transport whose protocol has been told that it stands, and its client's streams."""
    host = host or Host()
    client, server = pair()
    client.setblocking(False)
    transport = AcceptedTransport(server, tls and tls[0], host)
    options = {"ssl": tls[1], "server_hostname": "localhost"} if tls else {}
    reader, writer = await asyncio.open_connection(sock=client, **options)
    await asyncio.sleep(0.1)
    try:
        yield transport, transport.get_protocol(), reader, writer
    finally:
        writer.transport.abort()
        transport.abort()
        await asyncio.sleep(0.1)
        assert host.went == [transport]


def scene(on_warp, tls, play):
    async def main():
        async with connected(tls) as (transport, heard, reader, writer):
            return await play(transport, heard, reader, writer)

    return on_warp(main())


def test_bytes_go_both_ways(on_warp, tls):
    async def play(transport, heard, reader, writer):
        big = bytes(range(256)) * 4000
        writer.write(big)
        transport.write(big)
        assert await reader.readexactly(len(big)) == big
        await asyncio.sleep(1)
        if len(heard.data) < len(big):
            let_the_kernel_repeat()
            await asyncio.sleep(1)
        return heard.data == big, transport.get_write_buffer_size()

    assert scene(on_warp, tls, play) == (True, 0)


def test_what_the_peer_does_not_take_holds_the_writer_back(on_warp, tls):
    async def play(transport, heard, reader, writer):
        writer.transport.pause_reading()
        sent = bytearray()
        for number in range(200):
            sent += (piece := bytes([number]) * 100_000)
            transport.write(piece)
        await asyncio.sleep(1)
        waiting = transport.get_write_buffer_size()
        assert waiting > transport.get_write_buffer_limits()[1]
        assert heard.told == ["pause"]
        writer.transport.resume_reading()
        assert await reader.readexactly(len(sent)) == sent
        assert heard.told == ["pause", "resume"]

    scene(on_warp, tls, play)


def test_nothing_is_read_while_it_is_paused(on_warp, tls):
    async def play(transport, heard, reader, writer):
        transport.pause_reading()
        writer.write(b"x" * 1000)
        await asyncio.sleep(1)
        assert (heard.data, transport.is_reading()) == (b"", False)
        transport.resume_reading()
        await asyncio.sleep(1)
        assert (heard.data, transport.is_reading()) == (b"x" * 1000, True)

    scene(on_warp, tls, play)


def test_a_peer_that_closes(on_warp, tls):
    async def play(transport, heard, reader, writer):
        writer.close()
        await asyncio.sleep(1)
        return heard.told, heard.error, transport.is_closing()

    assert scene(on_warp, tls, play) == (["eof", "lost"], None, True)


def test_a_peer_that_resets(on_warp, tls):
    async def play(transport, heard, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
        await asyncio.sleep(1)
        return heard.told, type(heard.error)

    assert scene(on_warp, tls, play) == (["lost"], ConnectionResetError)


def test_what_came_before_a_reset_is_read(on_warp, tls):
    async def play(transport, heard, reader, writer):
        writer.write(b"last words")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
        await asyncio.sleep(1)
        return bytes(heard.data), type(heard.error)

    assert scene(on_warp, tls, play) == (b"last words", ConnectionResetError)


def test_a_connection_that_the_system_gave_up_is_no_reset(on_warp, tls, monkeypatch):
    def timed_out(sock):
        pending_failure(sock)  # the system says it once
        return TimeoutError(110, "timed out")

    monkeypatch.setattr("hbprobe.net.accepted.pending_failure", timed_out)

    async def play(transport, heard, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
        await asyncio.sleep(1)
        return type(heard.error)

    assert scene(on_warp, tls, play) is (TimeoutError if tls else ConnectionResetError)


def test_writing_to_a_peer_that_has_reset_is_a_reset(on_warp, tls):
    async def play(transport, heard, reader, writer):
        transport.pause_reading()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
        await asyncio.sleep(1)
        transport.write(b"x")
        await asyncio.sleep(1)
        return isinstance(heard.error, ConnectionResetError | BrokenPipeError)

    assert scene(on_warp, tls, play)


def test_fin_without_close_notify_is_an_end(on_warp, tls_pair):
    async def play(transport, heard, reader, writer):
        writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
        await asyncio.sleep(1)
        return heard.told, heard.error

    assert scene(on_warp, tls_pair, play) == (["eof", "lost"], None)


def test_closing_sends_what_is_unsent_first(on_warp, tls):
    async def play(transport, heard, reader, writer):
        transport.write(b"x" * 5_000_000)
        transport.close()
        transport.write(b"too late")
        assert transport.is_closing()
        assert await reader.read(-1) == b"x" * 5_000_000
        return heard.told

    assert scene(on_warp, tls, play) == ["pause", "lost"]


def test_a_peer_that_never_takes_the_rest_is_cut_off(on_warp, tls):
    async def play(transport, heard, reader, writer):
        writer.transport.pause_reading()
        for _ in range(200):
            transport.write(b"x" * 100_000)
        transport.close()
        await asyncio.sleep(59)
        before = list(heard.told)
        await asyncio.sleep(2)
        return before, heard.told

    assert scene(on_warp, tls, play) == (["pause"], ["pause", "lost"])


def test_aborting_ends_it_at_once_and_once(on_warp, tls):
    async def play(transport, heard, reader, writer):
        transport.abort()
        transport.abort()
        transport.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return heard.told, heard.error, transport.get_extra_info("socket")

    assert scene(on_warp, tls, play) == (["lost"], None, None)


def test_what_it_is_asked(on_warp, tls):
    async def play(transport, heard, reader, writer):
        assert transport.get_extra_info("peername") == writer.get_extra_info("sockname")
        assert transport.get_extra_info("sockname") == writer.get_extra_info("peername")
        assert (transport.get_extra_info("ssl_object") is None) == (tls is None)
        assert (transport.get_extra_info("sslcontext") is None) == (tls is None)
        assert transport.get_extra_info("compression", "none") == "none"
        assert transport.can_write_eof() is False

    scene(on_warp, tls, play)


# Handshakes


def handshakes(on_warp, send, host=None):
    """Let a client send bytes instead of a handshake; return how its host heard of it."""
    host = host or Host()

    async def main():
        client, server = pair()
        AcceptedTransport(server, tls_context(), host)
        with client:
            send(client)
            await asyncio.sleep(1)
            return len(host.stood), len(host.went)

    return on_warp(main())


def tls_context():
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", bytes(600), b"SSH-2.0-x\r\n"]
)
def test_what_is_no_handshake_ends_before_there_is_a_protocol(on_warp, garbage):
    assert handshakes(on_warp, lambda client: client.sendall(garbage)) == (0, 1)


def test_a_client_that_says_nothing_is_left_to_its_host(on_warp):
    assert handshakes(on_warp, lambda _: None) == (0, 0)


def test_a_client_that_closes_in_the_middle(on_warp):
    assert handshakes(on_warp, lambda client: client.shutdown(socket.SHUT_WR)) == (0, 1)


def test_a_step_that_there_is_no_time_for_is_taken_later(on_warp, tls_pair):
    async def main():
        host = Host()
        host.steps = 0
        client, server = pair()
        client.setblocking(False)
        transport = AcceptedTransport(server, tls_pair[0], host)
        opening = asyncio.ensure_future(
            asyncio.open_connection(sock=client, ssl=tls_pair[1], server_hostname="localhost")
        )
        for _ in range(50):
            await asyncio.sleep(0)
        assert not opening.done()
        host.steps = 10
        _, writer = await opening
        writer.transport.abort()
        transport.abort()
        await asyncio.sleep(0.1)
        return host.stood == host.went == [transport]

    assert on_warp(main())
