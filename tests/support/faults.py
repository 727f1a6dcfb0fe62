"""Faults of the machine that a probe runs on, for tests: a process that stands still, a slow or deaf network,
a full disk.

The clock jumps as the warp clock does, but it also passes while code runs, when a test says so.
"""

import asyncio
import contextlib
import errno
import os
import socket

import pytest

from hbprobe import warp


class FaultClock(warp.WarpClock):
    """A clock that jumps when nothing is left to do, and that stalls as it is told."""

    rate = 1.0

    def __init__(self):
        super().__init__()
        self.suspended_s = 0.0
        self._before_a_jump = []

    def stall(self, seconds):
        """Let time pass in which the process does nothing: SIGSTOP, a blocked loop, no processor to run on."""
        self._now += seconds

    def suspend(self, seconds):
        """Let the machine sleep: this clock stands still, others go on."""
        self.suspended_s += seconds

    def offsets(self):
        """What the guard compares."""
        return (self.suspended_s,)

    def before_a_jump(self, act):
        """Do something once the loop has found that no socket is ready, before it learns what time it is then."""
        self._before_a_jump.append(act)

    def wait(self, poll, timeout_s, *, busy):
        ready = super().wait(poll, timeout_s, busy=busy)
        if not ready:
            while self._before_a_jump:
                self._before_a_jump.pop()()
        return ready

    def run(self, main):
        return warp.run(main, self)


@pytest.fixture
def faulty():
    """A clock with faults; `faulty.run(main())` runs a coroutine on it."""
    return FaultClock()


def full_disk(after_bytes):
    """What os.write does on a disk that has only so much room, and that room in a list; more may be added."""
    room, write = [after_bytes], os.write

    def write_some(descriptor, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = write(descriptor, data[: room[0]])
        room[0] -= done
        return done

    return write_some, room


def slow_connects(monkeypatch, delay_s):
    """Let every connect on the running loop take so long, as on a path with that round trip."""
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def slow(sock, address):
        await asyncio.sleep(delay_s(address) if callable(delay_s) else delay_s)
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", slow)


def failing_connects(monkeypatch, errors):
    """Let the next connects on the running loop fail with these errors in turn, the others go through."""
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def failing(sock, address):
        if errors and (error := errors.pop(0)) is not None:
            raise error
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", failing)


@contextlib.contextmanager
def deaf_port():
    """A port of this machine whose SYNs are dropped, for its backlog is full (Linux)."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            full = stack.enter_context(socket.socket())
            full.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                full.connect(listener.getsockname())
        yield listener.getsockname()[1]
