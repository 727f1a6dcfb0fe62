"""What one flow costs a box that is nothing but a box: processor time, of all kinds in turns, beside HAProxy.

    python tests/benchmarks/flow_cost.py [--quick] [--turns N] [--one-core]

A connection is opened, asked once, and closed from both ends; and a flow expires, the log's line included. Our boxes
stand in one process and on one loop, so that they differ in nothing but what they are; the time is that of its
thread. Programs that load them are processes of their own. What a connection calls is counted besides, which
hardly depends on what else the machine does.
"""

import argparse
import asyncio
import contextlib
import functools
import gc
import multiprocessing
import os
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import load
import rig

from hbprobe import warp
from hbprobe.cli.box_log import BoxLog
from hbprobe.middlebox.chain import Chain
from hbprobe.net.event_feed import EventFeed
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.toxiproxy.api import ToxiproxyApi

_LIKE_OURS = "hbprobe proxy"
_FAULTS = "hbprobe toxiproxy"
_FEED = "hbprobe proxy --control"
_CLOSES = "hbprobe proxy, closing as HAProxy"
_HAPROXY = "HAProxy"

Took = Callable[[], float]


class _Client:
    """A process that opens connections, and tells when it has done."""

    def __init__(self) -> None:
        self._line, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=self._serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    async def do(self, what: str, port: int, count: int) -> Any:
        """Have something done, and wait for it."""
        loop, answered = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._line.fileno(), answered.set)
        self._line.send((what, port, count))
        await answered.wait()
        loop.remove_reader(self._line.fileno())
        return self._line.recv()

    @staticmethod
    def _serve(line: Connection) -> None:
        kept: list[socket.socket] = []
        with contextlib.suppress(EOFError):
            while True:
                what, port, count = line.recv()
                if what == "connections":
                    line.send(load.connections(port, count))
                elif what == "keep":
                    kept = [load._flow(port) for _ in range(count)]
                    line.send(len(kept))
                else:
                    for sock in kept:
                        sock.close()
                    line.send(0)


async def _boxes(upstream: int, log: BoxLog) -> tuple[dict[str, int], dict[str, Any]]:
    """Set our boxes up; return where each listens, and the box."""
    address = [(socket.AF_INET, ("127.0.0.1", upstream))]
    open_path = Catalogue()["open-path"]
    closing = Catalogue()["nginx-stream-proxy"]
    ports: dict[str, int] = {}
    boxes: dict[str, Any] = {}
    feeds = {_LIKE_OURS: None, _CLOSES: None, _FEED: EventFeed()}
    for name, feed in feeds.items():
        profile = closing if name == _CLOSES else open_path
        note = None if feed is None else feed.note
        chain = Chain([profile], address, lambda _: functools.partial(log.tell, "box"), note=note)
        _, ports[name] = await chain.listen("127.0.0.1", 0)
        boxes[name] = chain.relays[0]
    api = ToxiproxyApi()
    port = rig.free_port()
    made = await api.populate([{"name": "one", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream}"}])
    ports[_FAULTS], boxes[_FAULTS] = port, made[0].box
    return ports, boxes


async def _connections(
    client: _Client, upstream: int, turns: int, count: int, haproxy: rig.Program
) -> dict[str, list[float]]:
    ports, _ = await _boxes(upstream, BoxLog())
    clocks: dict[str, Took] = dict.fromkeys(ports, time.thread_time)
    ports[_HAPROXY], clocks[_HAPROXY] = haproxy.port, haproxy.cpu_s
    took: dict[str, list[float]] = {name: [] for name in ports}
    for turn in range(turns + 1):
        for name in sorted(ports, reverse=bool(turn % 2)):
            before_s = clocks[name]()
            await client.do("connections", ports[name], count)
            if turn:
                took[name].append((clocks[name]() - before_s) / count * 1e6)
    return took


async def _calls(client: _Client, upstream: int, count: int) -> dict[str, tuple[float, float]]:
    """Count the functions in Python, and those in C, that a connection calls in each of our boxes."""
    ports, _ = await _boxes(upstream, BoxLog())
    counted: dict[str, tuple[float, float]] = {}
    for name, port in ports.items():
        await client.do("connections", port, count)
        kinds: Counter[str] = Counter()
        sys.setprofile(lambda _, event, __, kinds=kinds: kinds.update((event,)))
        await client.do("connections", port, count)
        sys.setprofile(None)
        counted[name] = kinds["call"] / count, kinds["c_call"] / count
    return counted


async def _expiring(client: _Client, upstream: int, turns: int, count: int) -> dict[str, list[float]]:
    log = BoxLog()
    ports, boxes = await _boxes(upstream, log)
    took: dict[str, list[float]] = {_CLOSES: []}
    for turn in range(turns + 1):
        for name in took:
            await client.do("keep", ports[name], count)
            before_s = time.thread_time()
            assert boxes[name].expire_all() == count
            log.flush()
            if turn:
                took[name].append((time.thread_time() - before_s) / count * 1e6)
            await client.do("close", ports[name], count)
    return took


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="see in seconds that it runs; the numbers mean nothing")
    parser.add_argument("--turns", type=int, default=30, metavar="N", help="default: 30")
    parser.add_argument("--one-core", action="store_true", help="keep all processes on one core")
    args = parser.parse_args()
    gc.set_threshold(20_000)  # as the command line does
    if args.one_core:
        os.sched_setaffinity(0, {0})
    turns, count = (1, 20) if args.quick else (args.turns, 400)
    rig.describe_machine()
    client = _Client()
    with rig.far_end("echo") as echo, rig.far_end("keep") as keep, rig.haproxy(echo.port, 600) as haproxy:
        log = sys.stdout
        with Path(os.devnull).open("w") as sys.stdout:
            took = {
                f"a connection, {name}": row
                for name, row in warp.run(
                    _connections(client, echo.port, turns, count, haproxy), warp.ScaledClock()
                ).items()
            }
            calls = warp.run(_calls(client, echo.port, count), warp.ScaledClock())
            took |= {
                f"an expired flow, {name}": row
                for name, row in warp.run(_expiring(client, keep.port, turns, count), warp.ScaledClock()).items()
            }
        sys.stdout = log
    rows = []
    for name, row in took.items():
        low, middle, high = statistics.quantiles(row, n=4) if len(row) > 1 else row * 3
        rows.append([name, *(rig.show(value) for value in (min(row), low, middle, high))])
    rig.print_table(["µs of processor time", "best", "lower quartile", "median", "upper quartile"], rows)
    sys.stdout.write("\n")
    rig.print_table(
        ["calls of a connection", "in Python", "in C"],
        [[name, *(rig.show(value) for value in row)] for name, row in calls.items()],
    )


if __name__ == "__main__":
    main()
