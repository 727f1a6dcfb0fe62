"""A stage for boxes: two peers with a relay between them, on real sockets and the warp clock.

A test that is a coroutine function runs on the warp clock: hours of path time pass in no time, and a loop that spins
or waits for ever is ended after a minute of real time.
"""

import asyncio
import contextlib
import inspect
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from hbprobe import warp
from hbprobe.middlebox.events import FlowExpired, FlowRefused, Remark
from hbprobe.middlebox.relay import Relay
from hbprobe.net.silence import close_with_reset
from hbprobe.profiles.model import Profile

_PATIENCE_S = 60


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    play(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def play(scene):
    """Run a coroutine on the warp clock; a fault in a callback of the loop is a fault of the test."""
    faults = []

    async def guarded():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        await scene

    with _watchdog():
        warp.run(guarded(), warp.WarpClock())
    assert faults == []


@contextlib.contextmanager
def _watchdog():
    if not hasattr(signal, "alarm"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _bite)
    signal.alarm(_PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _bite(*_):
    raise AssertionError(f"still running after {_PATIENCE_S} s of real time")


def make_box(*, sweep=None, layer="packet", **timers):
    """Make a profile from what matters in a test: `make_box(idle={"default": 600, "expiry": "reset"})`."""
    for kind, timer in timers.items():
        restarted_by = "nothing" if kind in ("half_open", "lifetime") else "data"
        timers[kind] = {"expiry": "silent", "restarted_by": restarted_by, "source": "us"} | timer
    return Profile.model_validate(
        {
            "id": "box",
            "name": "Box",
            "category": "example",
            "layer": layer,
            "timers": timers,
            "sweep": sweep and {"every": sweep, "source": "us"},
            "sources": {"us": {"grade": "example", "says": "made up"}},
        }
    )


_MANY = 1 << 20
_REPEAT_S = 0.5
"""Where buffers are full, Linux may drop a packet on loopback, and sends it again after 0.2 s by its own clock."""


def let_the_kernel_repeat():
    """Its timers do not follow our clock."""
    time.sleep(_REPEAT_S)  # noqa: TID251


class Peer:
    """One end of a connection."""

    def __init__(self, sock):
        self.sock = sock
        self._loop = asyncio.get_running_loop()
        self._saw_fin = False

    async def send(self, data):
        await self._loop.sock_sendall(self.sock, data)

    def send_fin(self):
        self.sock.shutdown(socket.SHUT_WR)

    def send_rst(self):
        close_with_reset(self.sock)

    async def sees(self, within_s=5.0):
        """Return the next bytes, or `fin`, `rst`, or `nothing`."""
        if self._saw_fin:  # from now on recv() says so again and again, whatever comes
            await asyncio.sleep(within_s)
            return "rst" if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) else "nothing"
        try:
            async with asyncio.timeout(within_s):
                data = await self._loop.sock_recv(self.sock, 1 << 20)
        except TimeoutError:
            return "nothing"
        except ConnectionResetError:
            return "rst"
        self._saw_fin = not data
        return data or "fin"

    async def sees_all(self):
        """Return all bytes that come, and what came after them."""
        received, waited_at = bytearray(), None
        while True:
            while isinstance(seen := await self.sees(), bytes):
                received += seen
            if seen != "nothing" or len(received) < _MANY or waited_at == len(received):
                return bytes(received), seen
            waited_at = len(received)
            let_the_kernel_repeat()

    def unacknowledged_segments(self):
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return int.from_bytes(info[24:28], sys.byteorder)  # tcpi_unacked


class Stage:
    """A box, an upstream listener behind it, and what the box tells. Checks at its end that nothing was left open."""

    def __init__(self, profile, max_flows=None, *, upstream=None, descriptors=8192):
        self._profile = profile
        self._max_flows = max_flows
        self._upstream = upstream
        self._descriptors = descriptors
        self._socks = []
        self.events = []

    async def __aenter__(self):
        self._loop = asyncio.get_running_loop()
        self._before = in_use()
        self.listener = self.keep(listening_socket())
        upstream = self._upstream or [(socket.AF_INET, self.listener.getsockname())]
        self.relay = Relay(
            self._profile, upstream, self.events.append, self._max_flows, descriptors=self._descriptors
        )
        self.address = await self.relay.listen("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self.relay.close()
        for sock in self._socks:
            sock.close()
        assert len(self.relay) == 0
        assert in_use() == self._before, "(readers and writers, descriptors)"

    def keep(self, sock):
        """Close the socket at the end."""
        self._socks.append(sock)
        return sock

    def client(self):
        """Connect to the box."""
        sock = self.keep(socket.socket())
        sock.connect(self.address)
        sock.setblocking(False)
        return Peer(sock)

    async def server(self):
        """Accept the next connection from the box."""
        sock, _ = await self._loop.sock_accept(self.listener)
        return Peer(self.keep(sock))

    async def flow(self):
        """Connect through the box; return both ends."""
        client = self.client()
        return client, await self.server()

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def expired(self):
        return self.told(FlowExpired)

    @property
    def refused(self):
        return self.told(FlowRefused)

    @property
    def remarks(self):
        return self.told(Remark)


def listening_socket(backlog=128):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(backlog)
    sock.setblocking(False)
    return sock


def in_use():
    """Return how many sockets the running loop looks at, and how many descriptors are open where that can be told."""
    descriptors, loop = Path("/proc/self/fd"), asyncio.get_running_loop()
    watched = len(loop._selector.get_map()) + len(getattr(loop, "readiness", ()))
    return watched, descriptors.exists() and len([*descriptors.iterdir()])


@pytest.fixture(scope="session", name="make_box")
def _make_box():
    return make_box


@pytest.fixture(scope="session")
def open_path():
    """A box without timers."""
    return make_box()


@pytest.fixture(scope="session")
def stage():
    """Make a stage: `async with stage(box) as on: ...`."""
    return Stage


@pytest.fixture(scope="session", name="play")
def _play():
    return play


@pytest.fixture(scope="session", name="listening_socket")
def _listening_socket():
    return listening_socket


@pytest.fixture(scope="session", name="in_use")
def _in_use():
    return in_use


@pytest.fixture
def tcp_pair():
    """Make connected TCP sockets: `tcp_pair()` or `tcp_pair("::1")`."""
    with contextlib.ExitStack() as socks:

        def connect(host="127.0.0.1"):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socks.enter_context(socket.socket(family))
            try:
                listener.bind((host, 0))
            except OSError:
                pytest.skip(f"{host} is not available")
            listener.listen()
            near = socks.enter_context(socket.socket(family))
            near.connect(listener.getsockname())
            far = socks.enter_context(listener.accept()[0])
            for sock in (near, far):
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return near, far

        yield connect


@pytest.fixture
def few_descriptors():
    """Leave only so many descriptors: `few_descriptors(5)`; all are back at the end."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def leave(count):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        probes = [os.open(os.devnull, os.O_RDONLY) for _ in range(count)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(probes, default=0) + 1, hard))
        for probe in probes:
            os.close(probe)

    yield leave
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
