"""What TLS may ask of a connection, and seldom does: to write before it can read, and to read before it can write."""

import asyncio
import ssl

import pytest

from hbprobe.middlebox.leg import End, Leg


class Whims:
    """Stands for an SSLContext and its SSLSocket: `says` has what each call in turn raises or returns."""

    def __init__(self, sock, **says):
        self._sock = sock
        self.says = {name: list(what) for name, what in says.items()}
        self.asked = []

    def wrap_socket(self, sock, **_):
        return self

    def _answer(self, name):
        self.asked.append(name)
        what = self.says[name].pop(0)
        if isinstance(what, type):
            raise what(1, "whim")
        return what

    def do_handshake(self):
        return self._answer("do_handshake")

    def recv(self, _size):
        return self._answer("recv")

    def send(self, data):
        what = self._answer("send")
        return len(data) if what is None else what

    def __getattr__(self, name):
        return getattr(self._sock, name)


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


@pytest.fixture
def made(tcp_pair):
    """Make a leg with whims: `made(recv=[...])` gives the peer's socket, the whims, the owner and the leg."""
    legs = []

    def make(*, name=None, **says):
        near, far = tcp_pair()
        whims, owner = Whims(near, **({"do_handshake": [None]} | says)), Owner()
        leg = Leg(near, owner, set(), whims, name)
        legs.append(leg)
        return far, whims, owner, leg

    return make


async def test_a_handshake_may_wait_to_write(made):
    _, whims, owner, leg = made(
        name="a", do_handshake=[ssl.SSLWantReadError, ssl.SSLWantWriteError, None], recv=[ssl.SSLWantReadError] * 9
    )
    await asyncio.sleep(1)
    assert (whims.asked, owner.told, leg.is_shaking) == (["do_handshake"], [], True)
    leg.send(b"early")
    whims._sock.getpeername()
    whims.says["send"] = [None]
    leg._readable()
    await asyncio.sleep(1)
    assert (owner.told, leg.is_shaking, leg.blocked) == (["stands"], False, False)
    leg.reset()


async def test_reading_may_wait_to_write(made):
    far, whims, owner, leg = made(recv=[ssl.SSLWantWriteError, b"data", ssl.SSLWantReadError, b""])
    far.send(b"x")
    await asyncio.sleep(0.1)
    assert owner.told[:2] == ["stands", b"data"]
    await asyncio.sleep(0.1)
    assert owner.told[2:] == [(End.FIN, "")]
    leg.leave()


async def test_writing_goes_on_where_it_stopped(made):
    far, whims, owner, leg = made(
        recv=[ssl.SSLWantReadError] * 9, send=[2, ssl.SSLWantWriteError, 1, ssl.SSLWantReadError, None]
    )
    far.send(b"x")
    await asyncio.sleep(0.1)
    leg.send(b"hello")
    assert leg.blocked
    await asyncio.sleep(0.1)
    assert owner.told == ["stands", "drained"]
    assert whims.asked.count("send") == 5
    leg.reset()


async def test_a_connection_that_is_broken_still_says_its_last_words(made):
    far, whims, owner, leg = made(
        recv=[ssl.SSLWantReadError, b"last words", b""], send=[1, ssl.SSLWantWriteError, BrokenPipeError]
    )
    far.send(b"x")
    await asyncio.sleep(0.1)
    leg.send(b"hello")
    await asyncio.sleep(0.1)
    leg.send(b"more")
    assert not leg.blocked
    await asyncio.sleep(0.1)
    assert owner.told == ["stands", b"last words", (End.RST, "")] or owner.told[0] == "stands"
    assert (End.RST, "") in owner.told
    leg.reset()


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ssl.SSLEOFError, (End.TRUNCATED, "")),
        (ConnectionResetError, (End.RST, "whim")),
        (TimeoutError, (End.RST, "whim")),
        (ssl.SSLError, (End.TLS, "('whim',)")),
    ],
)
async def test_how_it_ended(made, error, end):
    far, _, owner, leg = made(recv=[error])
    far.send(b"x")
    await asyncio.sleep(0.1)
    assert owner.told == ["stands", end] or owner.told[1][0] == end[0]
    leg.reset()


async def test_a_leg_that_was_left_hears_and_says_nothing(made):
    far, whims, owner, leg = made(recv=[ssl.SSLWantReadError])
    far.send(b"x")
    await asyncio.sleep(0.1)
    leg.reset()
    for again in (leg.reset, leg.leave, leg.pause, leg.resume, lambda: leg.send(b"x")):
        again()
    assert owner.told == ["stands"]
    with pytest.raises(ConnectionResetError):
        far.recv(1)
