"""Toxics on real sockets against theory, and the relay with stages at hand beside the relay without, in one run.

    python tests/benchmarks/toxics.py [--quick]

The first table has the median of some repetitions of each, and how late the loop itself was meanwhile: no toxic can
be more exact than that. The second one has what must be exact. The third compares processor time for the same bytes
and rounds, in turns: with no toxic a flow goes the same way.
"""

import argparse
import asyncio
import contextlib
import select
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import rig
from aiohttp import ClientSession

from hbprobe import warp
from hbprobe.middlebox.faults.fault_box import FaultBox
from hbprobe.middlebox.faults.staged_relay import StagedRelay
from hbprobe.middlebox.faults.toxic_calls import add_toxic
from hbprobe.middlebox.relay import Relay
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.toxiproxy.api import ToxiproxyApi

_CHUNK = bytes(64 * 1024)
T = TypeVar("T")
Ends = tuple[socket.socket, socket.socket]


async def _through(relay: Relay, listener: socket.socket, measure: Callable[[Ends], Awaitable[float]]) -> float:
    """Measure something on one flow through a relay."""
    loop = asyncio.get_running_loop()
    address = await relay.listen("127.0.0.1", 0)
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, address)
        server, _ = await loop.sock_accept(listener)
        with server:
            server.setblocking(False)
            taken = await measure((client, server))
    relay.close()
    return taken


async def _degraded(
    kind: str, attributes: dict[str, float], measure: Callable[[Ends], Awaitable[float]]
) -> tuple[float, float]:
    """Return what was measured, and how late the loop was meanwhile: the 99th percentile of ticks."""
    late = [0.0, 0.0]
    ticking = asyncio.ensure_future(_tick(late))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        box = _box(listener)
        add_toxic(box, {"type": kind, "attributes": attributes})
        took = await _through(box, listener, measure)
    ticking.cancel()
    return took, statistics.quantiles(late, n=100)[-1]


async def _tick(late: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + 0.001
        await asyncio.sleep(0.001)
        late.append(loop.time() - due)


def _box(listener: socket.socket) -> FaultBox:
    upstream = [(socket.AF_INET, listener.getsockname())]
    open_path = Catalogue()["open-path"]
    return FaultBox(open_path, upstream, lambda _: None, seed="benchmark", note=lambda *_: None, of={})


async def _one_way_s(ends: Ends) -> float:
    client, server = ends
    loop, took = asyncio.get_running_loop(), []
    for _ in range(20):
        began_s = loop.time()
        await loop.sock_sendall(server, b"x")
        await loop.sock_recv(client, 1)
        took.append(loop.time() - began_s)
    return statistics.median(took)


def _passes(size: int) -> Callable[[Ends], Awaitable[float]]:
    async def measure(ends: Ends) -> float:
        client, server = ends
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        sending = asyncio.ensure_future(loop.sock_sendall(server, bytes(size)))
        left = size
        while left:
            left -= len(await loop.sock_recv(client, 1 << 20))
        await sending
        return loop.time() - began_s

    return measure


async def _fin_s(ends: Ends) -> float:
    client, server = ends
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    server.shutdown(socket.SHUT_WR)
    await loop.sock_recv(client, 1)
    return loop.time() - began_s


async def _rst_s(ends: Ends) -> float:
    client, _ = ends
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    with contextlib.suppress(ConnectionResetError):
        await loop.sock_recv(client, 1)
        raise SystemExit("reset_peer ended a connection with FIN")
    return loop.time() - began_s


async def _limited(ends: Ends) -> float:
    """Return how many bytes arrive, whatever is sent."""
    client, server = ends
    loop = asyncio.get_running_loop()
    sending = asyncio.ensure_future(loop.sock_sendall(server, bytes(1_000_000)))
    received = 0
    while count := len(await loop.sock_recv(client, 1 << 20)):
        received += count
    sending.cancel()
    await asyncio.wait([sending])
    return received


async def _answered_after_fin(ends: Ends) -> float:
    """Return how many bytes of an answer arrive that is sent after the client's FIN."""
    client, server = ends
    loop = asyncio.get_running_loop()
    client.shutdown(socket.SHUT_WR)
    assert await loop.sock_recv(server, 1) == b""
    await loop.sock_sendall(server, bytes(1000))
    server.shutdown(socket.SHUT_WR)
    received = 0
    while count := len(await loop.sock_recv(client, 1 << 20)):
        received += count
    return received


async def _healed(dark_s: float) -> tuple[int, float]:
    """Return how many of 2,000 bytes are lost that are sent into a black hole, and when the last came after it."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        box, received = _box(listener), 0

        async def measure(ends: Ends) -> float:
            nonlocal received
            add_toxic(box, {"type": "blackhole"})
            for sock in ends:
                await loop.sock_sendall(sock, bytes(1000))
            await asyncio.sleep(dark_s)
            if select.select(ends, [], [], 0)[0]:
                raise SystemExit("something has passed a black hole")
            box.remove("blackhole_downstream")
            began_s = loop.time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(20):
                    for sock in ends:
                        before = received
                        while received - before < 1000:
                            received += len(await loop.sock_recv(sock, 1000))
            return loop.time() - began_s

        took_s = await _through(box, listener, measure)
        return 2000 - received, took_s


async def _slowest_call_s(kind: str, attributes: dict[str, float]) -> float:
    """Return the longest that a call of the API takes while a client does not read what a server sends."""
    loop, took, held = asyncio.get_running_loop(), [], []

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        with contextlib.suppress(ConnectionError):
            writer.write(bytes(20_000_000))
            await writer.drain()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    api = ToxiproxyApi()
    host, port = await api.listen("127.0.0.1", 0)
    upstream = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    toxic = {"name": "t", "type": kind, "attributes": attributes}
    proxy = {"name": "p", "listen": "127.0.0.1:0", "upstream": upstream, "toxics": [toxic]}
    (made,) = await api.populate([proxy])
    at, _, own = made.listen.rpartition(":")
    async with ClientSession(f"http://{host}:{port}") as session:
        with socket.create_connection((at, int(own))):
            await asyncio.sleep(0.5)
            for method, path, body in (
                ("GET", "/proxies", None),
                ("PATCH", "/proxies/p/toxics/t", {"attributes": attributes}),
                ("DELETE", "/proxies/p/toxics/t", None),
                ("PATCH", "/proxies/p", {"enabled": False}),
            ):
                began_s = loop.time()
                async with session.request(method, path, json=body) as answer:
                    await answer.read()
                took.append(loop.time() - began_s)
    await api.close()
    server.close()
    for writer in held:
        writer.transport.abort()
    await asyncio.sleep(0.01)
    return max(took)


async def _rounds(ends: Ends, count: int) -> float:
    client, server = ends
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.sock_sendall(client, b"x" * 64)
        await loop.sock_recv(server, 64)
        await loop.sock_sendall(server, b"y" * 64)
        await loop.sock_recv(client, 64)
    return 0.0


async def _processor_s(kind: type[Relay], count: int, size: int) -> tuple[float, float]:
    """Return the processor time of rounds of 64 bytes, and of one stream; both ends are in it, the same for both."""
    took = []
    for measure in (lambda ends: _rounds(ends, count), _passes(size)):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            upstream = [(socket.AF_INET, listener.getsockname())]
            relay = kind(Catalogue()["open-path"], upstream, lambda _: None)
            began_s = time.process_time()
            await _through(relay, listener, measure)
            took.append(time.process_time() - began_s)
    return took[0], took[1]


def _run(what: Coroutine[Any, Any, T]) -> T:
    """Run it on the loop that `hbprobe toxiproxy` has."""
    return warp.run(what, warp.ScaledClock())


def main() -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="see in seconds that it runs; the numbers mean nothing")
    quick = parser.parse_args().quick
    rig.describe_machine()
    cases: list[tuple[str, dict[str, float], Callable[[Ends], Awaitable[float]], float]] = [
        ("latency", {"latency": 100}, _one_way_s, 0.1),
        ("bandwidth", {"rate": 1000}, _passes(2_000_000), 2.0),
        ("bandwidth", {"rate": 50_000}, _passes(50_000_000), 1.0),
        ("slow_close", {"delay": 500}, _fin_s, 0.5),
        ("timeout", {"timeout": 500}, _fin_s, 0.5),
        ("reset_peer", {"timeout": 500}, _rst_s, 0.5),
        ("slicer", {"average_size": 1000, "delay": 10_000}, _passes(20_000), 0.31),
    ]
    rows = []
    for name, attributes, measure, theory_s in cases[:1] if quick else cases:
        found = [_run(_degraded(name, attributes, measure)) for _ in range(1 if quick else 5)]
        took_s, late_s = (statistics.median(of) for of in zip(*found, strict=True))
        written = ", ".join(f"{key} {value}" for key, value in attributes.items())
        off_ms = f"{(took_s - theory_s) * 1000:+.1f} ms, {took_s / theory_s - 1:+.1%}"
        rows.append([f"{name}: {written}", f"{theory_s:.3f}", f"{took_s:.4f}", off_ms, f"{late_s * 1000:.1f} ms"])
    rig.print_table(["toxic", "theory, s", "took, s", "off by", "loop late, p99"], rows)
    sys.stdout.write("\n")
    limit = _run(_degraded("limit_data", {"bytes": 123_457}, _limited))[0]
    answer = _run(_degraded("latency", {"latency": 50}, _answered_after_fin))[0]
    dark_s = 0.5 if quick else 5.0
    lost, took_s = _run(_healed(dark_s))
    stalling = {"latency": {"latency": 1}, "bandwidth": {"rate": 1}, "slicer": {"average_size": 500}, "noop": {}}
    slowest = {kind: _run(_slowest_call_s(kind, dict(of))) for kind, of in stalling.items()}
    rig.print_table(
        ["exact", "expected", "found"],
        [
            ["limit_data: bytes of 1,000,000 that arrive", "123,457", f"{limit:,.0f}"],
            ["half-close under latency: bytes of the answer after FIN", "1,000", f"{answer:,.0f}"],
            [
                f"blackhole of {dark_s:g} s: bytes lost of 2,000, both ways",
                "0",
                f"{lost} ({took_s:.2f} s after it healed)",
            ],
            ["API while a client reads nothing: slowest call", "< 100 ms", f"{max(slowest.values()) * 1000:.0f} ms"],
        ],
    )
    count, size, turns = (200, 2_000_000, 1) if quick else (3000, 300_000_000, 7)
    found: dict[type[Relay], list[tuple[float, float]]] = {Relay: [], StagedRelay: []}
    for turn in range(turns):
        for kind in [Relay, StagedRelay][:: 1 if turn % 2 else -1]:
            found[kind].append(_run(_processor_s(kind, count, size)))
    rows = []
    for place, name in enumerate((f"{count} rounds of 64 bytes", f"{size // 1_000_000} MB one way")):
        plain, staged = (min(times[place] for times in found[kind]) for kind in (Relay, StagedRelay))
        rows.append([name, f"{plain:.3f}", f"{staged:.3f}", f"{staged / plain:.3f}"])
    sys.stdout.write("\n")
    rig.print_table(["processor time, best of the turns", "Relay, s", "StagedRelay without toxics, s", "ratio"], rows)


if __name__ == "__main__":
    main()
