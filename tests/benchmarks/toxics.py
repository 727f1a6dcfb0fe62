"""Toxics on real sockets against theory, and the relay with stages at hand beside the relay without, in one run.

    python tests/benchmarks/toxics.py [--quick]

The second table compares processor time for the same bytes and rounds, in turns: with no toxic a flow goes the same
way.
"""

import argparse
import asyncio
import random
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import rig

from hbprobe.middlebox.faults.staged_relay import StagedRelay
from hbprobe.middlebox.faults.toxics import SETTINGS, Toxic, Toxics
from hbprobe.middlebox.relay import Relay
from hbprobe.profiles.catalogue import Catalogue

_CHUNK = bytes(64 * 1024)
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


async def _degraded(kind: str, attributes: dict[str, float], measure: Callable[[Ends], Awaitable[float]]) -> float:
    toxics = Toxics("benchmark", random.Random, Catalogue().find)
    toxics.put(Toxic("t", kind, "downstream", 1.0, SETTINGS[kind](**attributes)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        upstream = [(socket.AF_INET, listener.getsockname())]
        relay = StagedRelay(Catalogue()["open-path"], upstream, lambda _: None, treat=toxics.treatment)
        return await _through(relay, listener, measure)


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
    ]
    rows = []
    for name, attributes, measure, theory_s in cases[:1] if quick else cases:
        took_s = asyncio.run(_degraded(name, attributes, measure))
        written = ", ".join(f"{key} {value}" for key, value in attributes.items())
        rows.append([f"{name}: {written}", f"{theory_s:.3f}", f"{took_s:.4f}", f"{took_s / theory_s - 1:+.1%}"])
    rig.print_table(["toxic", "theory, s", "took, s", "off by"], rows)
    count, size, turns = (200, 2_000_000, 1) if quick else (3000, 300_000_000, 7)
    found: dict[type[Relay], list[tuple[float, float]]] = {Relay: [], StagedRelay: []}
    for turn in range(turns):
        for kind in [Relay, StagedRelay][:: 1 if turn % 2 else -1]:
            found[kind].append(asyncio.run(_processor_s(kind, count, size)))
    rows = []
    for place, name in enumerate((f"{count} rounds of 64 bytes", f"{size // 1_000_000} MB one way")):
        plain, staged = (min(times[place] for times in found[kind]) for kind in (Relay, StagedRelay))
        rows.append([name, f"{plain:.3f}", f"{staged:.3f}", f"{staged / plain:.3f}"])
    sys.stdout.write("\n")
    rig.print_table(["processor time, best of the turns", "Relay, s", "StagedRelay without toxics, s", "ratio"], rows)


if __name__ == "__main__":
    main()
