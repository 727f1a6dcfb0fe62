"""What strangers do to a far end without a login, and a probe beside it that finds the truth all the same."""

import asyncio
import contextlib
import gzip
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net import http_server
from hbprobe.net.http_server import FIRST_REQUEST_S
from hbprobe.net.wire import Dialer, Target
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind

BOMB = gzip.compress(bytes(20_000_000), compresslevel=1)


class Attack:
    """A far end, its log, and the strangers' connections."""

    def __init__(self, far_end, port, tls, said):
        self.far_end, self.said = far_end, said
        self._port, self._tls = port, tls
        self._strangers = contextlib.ExitStack()

    @property
    def connections(self):
        return len(self.far_end._server)

    async def strangers(self, count, data=b"", *, half_close=False):
        """Connect so many times, send something, and look at nothing that comes back."""
        made = []
        for _ in range(count):
            sock = self._strangers.enter_context(socket.socket())
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
            with contextlib.suppress(OSError):
                sock.send(data)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            made.append(sock)
        return made

    async def probe(self, hold_s=10.0):
        """Make one trial on the open path beside it."""
        target = Target(self._tls is not None, "localhost", self._port, "/")
        method = make(Environment("hold", Dialer(target, self._tls and self._tls[1]), 3.0, random.Random(1)))
        return await method.trial(hold_s)

    def leave(self):
        self._strangers.close()


@pytest.fixture
def attacked(tls, caplog):
    """Play a scene against a far end on the warp clock; nothing may be logged, and no connection be left."""

    def play(scene):
        async def main():
            said = []
            far_end = FarEnd(Settings(), tls and tls[0], said.append)
            _, port = await far_end.listen("127.0.0.1", 0)
            attack = Attack(far_end, port, tls, said)
            try:
                result = await scene(attack)
            finally:
                attack.leave()
            await asyncio.sleep(FIRST_REQUEST_S + 1)
            assert attack.connections == 0
            await far_end.close()
            return result

        with caplog.at_level(logging.WARNING):
            result = warp.run(main(), warp.WarpClock())
        assert caplog.records == []
        return result

    return play


def test_connections_that_say_nothing_have_a_minute(attacked):
    async def scene(attack):
        await attack.strangers(300)
        await asyncio.sleep(FIRST_REQUEST_S - 1)
        before = attack.connections
        await asyncio.sleep(2)
        return before, attack.connections

    assert attacked(scene) == (300, 0)


def test_a_request_that_never_ends_has_a_minute_too(attacked):
    async def scene(attack):
        for sock in await attack.strangers(10, b"POST /hold?seconds=1&nonce=a HTTP/1.1\r\nHost: x\r\n"):
            sock.setblocking(False)
        await asyncio.sleep(FIRST_REQUEST_S + 1)
        return attack.connections

    assert attacked(scene) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
        b"\x00" * 3000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /hold HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(BOMB), BOMB),
        b"POST /hold?seconds=1&nonce=a HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
    ids=["silence", "a-hello-cut-short", "zeros", "http-9", "no-chunk", "no-url", "bomb", "bad-gzip"],
)
@pytest.mark.parametrize("half_close", [False, True])
def test_a_probe_beside_a_storm_finds_the_truth(attacked, data, half_close):
    async def scene(attack):
        trial = asyncio.ensure_future(attack.probe(10))
        await attack.strangers(60, data, half_close=half_close)
        await asyncio.sleep(4)
        await attack.strangers(60, data, half_close=half_close)
        return (
            (await trial).kind,
            (await attack.probe(1)).kind,
            len([line for line in attack.said if "held" not in line]),
        )

    kinds = attacked(scene)
    assert kinds[:2] == (Kind.SURVIVED, Kind.SURVIVED)
    assert kinds[2] <= 120  # at most a line for each hold that its stranger left


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/hold?seconds=1&nonce=a", "/hold/a", "/Microsoft-Server-ActiveSync"]
)
def test_no_body_is_inflated(attacked, tls, path):
    if tls:
        pytest.skip("the same above TLS")

    async def scene(attack):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n"
        (sock,) = await attack.strangers(1, head.encode() + BOMB)
        await asyncio.sleep(1)
        return sock.recv(4096).split(b"\r\n")

    status, *headers = attacked(scene)
    assert status == b"HTTP/1.1 415 Unsupported Media Type"
    assert b"Accept-Encoding: identity" in headers
    assert b"Connection: close" in headers


def test_where_many_shake_hands_the_others_wait_in_the_queue_and_the_oldest_make_room(attacked, tls, monkeypatch):
    if not tls:
        pytest.skip("there is no handshake")
    monkeypatch.setattr(http_server, "_MOST_SHAKING", 4)

    async def scene(attack):
        await attack.strangers(10)
        began_s = asyncio.get_running_loop().time()
        outcome = await attack.probe(1)
        return outcome.kind, asyncio.get_running_loop().time() - began_s

    kind, took_s = attacked(scene)
    assert kind is Kind.SURVIVED
    assert took_s < 3 * http_server._SHAKES_S


def test_a_crowd_of_handshakes_all_get_their_turn(attacked, tls, monkeypatch):
    monkeypatch.setattr(http_server, "_MOST_SHAKING", 4)
    monkeypatch.setattr(http_server, "_STEPS_A_TURN", 1)

    async def scene(attack):
        return {outcome.kind for outcome in await asyncio.gather(*(attack.probe(1) for _ in range(40)))}

    assert attacked(scene) == {Kind.SURVIVED}


def test_who_is_turned_away_is_told_once_a_minute():
    async def main():
        said = []
        far_end = FarEnd(Settings(), None, said.append)
        for number in range(100):
            far_end._server._refused(f"192.0.2.1:{number}", "Too many open files")
        await asyncio.sleep(61)
        far_end._server._refused("192.0.2.2:1", "Too many open files")
        await far_end.close()
        return said

    assert warp.run(main(), warp.WarpClock()) == [
        "turned 192.0.2.1:0 away: Too many open files",
        "turned 192.0.2.2:1 away: Too many open files (99 more since the last such line)",
    ]


@pytest.mark.realtime
@pytest.mark.skipif(os.name != "posix", reason="descriptor limits")
def test_more_silent_connections_than_there_are_descriptors():
    """A process with 64 descriptors, 200 strangers that say nothing, and a hold under way beside them."""
    import resource

    command = [sys.executable, "-m", "hbprobe", "serve", "--listen", "127.0.0.1:0", "--tls", "off"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    ) as server:
        try:
            port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
            seen = warp.run(_beside_strangers(port), warp.ScaledClock())
        finally:
            server.send_signal(signal.SIGINT)
            out, err = server.communicate()
    for outcome in seen:
        stood_still = outcome.kind is Kind.FAILED and "stood still" in outcome.reason  # on a busy machine
        assert outcome.kind is Kind.SURVIVED or stood_still, outcome
    assert err == ""
    away = [line for line in out.splitlines() if "away" in line or "make room" in line]
    assert len(away) == 1


async def _holding(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return b'"holding": 1' in await reader.read()


async def _beside_strangers(port):
    attack = Attack(None, port, None, [])
    under_way = asyncio.ensure_future(attack.probe(1.5))
    while not (under_way.done() or await _holding(port)):
        pass  # before its request has come nobody can tell it from a stranger
    await attack.strangers(200)
    seen = [await attack.probe(0.2), await under_way]
    attack.leave()
    return [*seen, await attack.probe(0.2)]
