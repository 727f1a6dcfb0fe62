"""What TLS may ask of a connection, and seldom does: to write before it can read, and to read before it can write."""

import asyncio
import contextlib
import socket
import ssl
import struct

import pytest

from hbprobe.middlebox.http.leg import Leg, LegEnd
from hbprobe.net.tls_end import heed_truncation


class Whims(socket.socket):
    """A socket that in TLS's place first answers with errors, one a call, and then does what it is asked."""

    errors = ()

    def _give_way(self, call):
        for number, (name, error) in enumerate(self.errors):
            if name == call:
                del self.errors[number]
                raise error

    def do_handshake(self):
        self._give_way("do_handshake")

    def recv(self, size):
        self._give_way("recv")
        return super().recv(size)

    def send(self, data):
        self._give_way("send")
        return super().send(data)


class Context:
    """Stands for an SSLContext whose sockets have whims."""

    def __init__(self, errors):
        self._errors = errors

    def wrap_socket(self, sock, **_):
        whims = Whims(fileno=sock.detach())
        whims.setblocking(False)
        whims.errors = self._errors
        return whims


class Owner:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def stands(self, leg):
        self.told.append("stands")

    def came(self, leg, data):
        self.told.append(data)

    def ended(self, leg, end, detail):
        self.told.append((end, detail))

    def drained(self, leg):
        self.told.append("drained")


READ, WRITE = ssl.SSLWantReadError(2, "read"), ssl.SSLWantWriteError(3, "write")


@pytest.fixture
def made(tcp_pair):
    """Make a leg: `with made(("recv", READ), ...) as (far, owner, leg, errors)`; all errors must come to pass."""

    @contextlib.contextmanager
    def make(*errors, name=None):
        near, far = tcp_pair()
        owner, left = Owner(), list(errors)
        leg = Leg(near, owner, set(), Context(left), name)
        try:
            yield far, owner, leg
            assert left == []
        finally:
            leg.reset()

    return make


async def test_a_handshake_may_wait_for_both(made):
    errors = [("do_handshake", READ), ("do_handshake", WRITE), ("do_handshake", READ)]
    with made(*errors, name="a") as (far, owner, leg):
        leg.send(b"early")
        await asyncio.sleep(1)
        assert (owner.told, leg.is_shaking, leg.blocked) == ([], True, True)
        far.send(b"x")
        await asyncio.sleep(1)
        assert (owner.told, leg.is_shaking, leg.blocked) == (["stands", b"x"], False, False)
        assert far.recv(10) == b"early"


async def test_a_pause_in_the_handshake_holds_after_it(made):
    with made(("do_handshake", READ)) as (far, owner, leg):
        leg.pause()
        far.send(b"x")
        await asyncio.sleep(1)
        assert owner.told == ["stands"]
        leg.resume()
        await asyncio.sleep(1)
        assert owner.told == ["stands", b"x"]


async def test_reading_may_wait_to_write(made):
    with made(("recv", WRITE), ("recv", READ)) as (far, owner, _):
        far.send(b"x")
        await asyncio.sleep(1)
        far.shutdown(socket.SHUT_WR)
        await asyncio.sleep(1)
        assert owner.told == ["stands", b"x", (LegEnd.FIN, "")]


async def test_writing_goes_on_where_it_stopped(made):
    with made(("send", WRITE), ("send", READ), ("send", WRITE)) as (far, owner, leg):
        far.send(b"x")
        await asyncio.sleep(1)
        leg.send(b"hel")
        leg.send(b"lo")
        assert leg.blocked
        await asyncio.sleep(1)
        assert (far.recv(10), leg.blocked, owner.told) == (b"hello", False, ["stands", b"x", "drained"])


@pytest.mark.parametrize("blocked", [False, True])
async def test_a_broken_connection_may_have_last_words(made, blocked):
    errors = [("send", WRITE)] * blocked + [("send", BrokenPipeError())]
    with made(*errors) as (far, owner, leg):
        far.send(b"x")
        await asyncio.sleep(1)
        leg.send(b"hello")
        await asyncio.sleep(1)
        leg.send(b"more")
        assert not leg.blocked
        far.send(b"last words")
        far.shutdown(socket.SHUT_WR)
        await asyncio.sleep(1)
        assert owner.told == ["stands", b"x", *["drained"] * blocked, b"last words", (LegEnd.RST, "")]


def of_openssl(reason):
    error = ssl.SSLError(1, "of OpenSSL")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ssl.SSLEOFError(8, "EOF"), (LegEnd.TRUNCATED, "")),
        (of_openssl("UNEXPECTED_EOF_WHILE_READING"), (LegEnd.TRUNCATED, "")),
        (ConnectionResetError(104, "reset"), (LegEnd.RST, "reset")),
        (TimeoutError(110, "timed out"), (LegEnd.GAVE_UP, "timed out")),
        (of_openssl("BAD_RECORD_MAC"), (LegEnd.TLS, "bad record mac")),
    ],
)
async def test_how_it_ended(made, error, end):
    with made(("recv", error)) as (far, owner, _):
        far.send(b"x")
        await asyncio.sleep(1)
        assert owner.told == ["stands", end]


def close_notify(writer):
    writer.close()


def no_close_notify(writer):
    writer.get_extra_info("socket").shutdown(socket.SHUT_WR)


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("said", [b"", b"last words"])
@pytest.mark.parametrize(
    ("leave", "end"), [(close_notify, LegEnd.FIN), (no_close_notify, LegEnd.TRUNCATED), (reset, LegEnd.RST)]
)
async def test_how_tls_itself_ended(tcp_pair, tls_pair, said, leave, end):
    near, far = tcp_pair()
    owner = Owner()
    heed_truncation(tls_pair[0])  # as a box does with its contexts
    leg = Leg(near, owner, set(), tls_pair[0])
    _, writer = await asyncio.open_connection(sock=far, ssl=tls_pair[1], server_hostname="localhost")
    await asyncio.sleep(1)
    writer.write(said)
    leave(writer)
    await asyncio.sleep(1)
    leg.reset()
    writer.transport.abort()
    await asyncio.sleep(1)
    assert [*owner.told[:-1], owner.told[-1][0]] == ["stands", *[said] * bool(said), end]


async def test_a_leg_that_was_left_hears_and_says_nothing(made):
    with made() as (far, owner, leg):
        await asyncio.sleep(1)
        leg.reset()
        for again in (leg.reset, leg.leave, leg.pause, leg.resume, lambda: leg.send(b"x")):
            again()
        await asyncio.sleep(1)
        assert owner.told == []
        with pytest.raises(ConnectionResetError):
            far.recv(1)
