"""The relay beside HAProxy (`mode tcp`, one thread) and a direct connection, all in the same run.

    python tests/benchmarks/relay.py [--quick] [--repeat N] [--only NAME] [--patient]

Every number is the median of the repetitions, in which the three take turns.
"""

import argparse
import contextlib
import itertools
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import rig

_PEERS = ("direct", "HAProxy", "hbprobe")
_BOXES = _PEERS[1:]
_LONG_S = 600.0

Numbers = dict[str, float]
RELAYS: dict[str, Callable[[int, float], AbstractContextManager[rig.Program]]] = {
    "HAProxy": rig.haproxy,
    "hbprobe": rig.hbprobe,
}
"""What can stand before a server: it is given the server's port, and its idle timer."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    flows: int = 9000
    expiring: int = 2000
    idle_s: float = 4.0
    rounds: int = 5000
    connections: int = 3000
    seconds: float = 3.0
    storm: int = 9000
    storm_idle_s: float = 20.0
    silent_s: float = 180.0


QUICK = Size(
    flows=200,
    expiring=50,
    idle_s=1.0,
    rounds=500,
    connections=200,
    seconds=0.2,
    storm=100,
    storm_idle_s=2.0,
    silent_s=1.0,
)
_AIMS: dict[str, Callable[[float, float], str]] = {
    "memory per idle flow, kB": lambda _, ours: rig.aim(ours, at_most=1.8),
    "expiry error p99, ms": lambda _, ours: rig.aim(ours, at_most=3),
    "64-byte ping-pong p50, µs": lambda haproxy, ours: rig.aim(ours, at_most=haproxy + 25),
    "CPU a round, µs": lambda haproxy, ours: rig.aim(ours, at_most=haproxy * 1.3),
    "CPU a connection, µs": lambda haproxy, ours: rig.aim(ours, at_most=haproxy * 1.5),
    "storm, max, ms": lambda haproxy, ours: rig.aim(ours, at_most=haproxy * 2),
    "storm, newcomer max, ms": lambda _, ours: rig.aim(ours, at_most=100),
    "silent flows that speak late, share that is answered": lambda _, ours: rig.aim(ours, at_most=0.001),
    "one-way, 1 connection, MB/s": lambda haproxy, ours: rig.aim(ours, at_least=haproxy * 834 / 1772),
    "echo, 1 connection, MB/s": lambda haproxy, ours: rig.aim(ours, at_least=haproxy * 426 / 845),
}
"""What hbprobe should reach, given what HAProxy reached; Toxiproxy's throughput is a share of HAProxy's."""


def memory(peer: str, size: Size) -> Numbers:
    """See what quiet flows add to the memory of the relay's process."""
    with _path(peer, "keep") as box:
        before = box.resident_bytes()
        client = _client("keep", box.port, flows=size.flows)
        with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            grown = box.resident_bytes() - before
    return {"memory per idle flow, kB": grown / size.flows / 1024}


def expiry(peer: str, size: Size) -> Numbers:
    """See how late the relay ends flows that were opened within a second."""
    with _path(peer, "keep", size.idle_s) as box:
        late = _load("expire", box.port, flows=size.expiring, idle_s=size.idle_s, spread_s=1.0)
    return {f"expiry error {quantile}, ms": late[quantile] for quantile in ("p50", "p99", "max")}


def ping_pong(peer: str, size: Size) -> Numbers:
    """See how long a small message takes there and back."""
    with _path(peer, "echo") as box:
        before_s = box.cpu_s()
        took = _load("ping_pong", box.port, rounds=size.rounds)
        cpu_us = (box.cpu_s() - before_s) / took["rounds"] * 1e6
    numbers = {f"64-byte ping-pong {quantile}, µs": took[quantile] for quantile in ("p50", "p99")}
    return numbers | ({"CPU a round, µs": cpu_us} if peer in RELAYS else {})


def connections(peer: str, size: Size) -> Numbers:
    """See how fast short connections follow each other."""
    with _path(peer, "echo") as box:
        before_s = box.cpu_s()
        numbers = {"connect, echo, close, 1/s": _load("connections", box.port, count=size.connections)["per_s"]}
        cpu_us = (box.cpu_s() - before_s) / size.connections * 1e6
    return numbers | ({"CPU a connection, µs": cpu_us} if peer in RELAYS else {})


def storm(peer: str, size: Size) -> Numbers:
    """See how late flows end that are all due within half a second, and how long newcomers wait meanwhile."""
    with _path(peer, "keep", size.storm_idle_s) as box:
        late = _load("storm", box.port, flows=size.storm, idle_s=size.storm_idle_s, spread_s=0.5)
    return {f"storm, {name}, ms": late[name] for name in ("p50", "p99", "max", "newcomer p99", "newcomer max")}


def silence(peer: str, size: Size) -> Numbers:
    """See how many flows that expired in silence get an answer when they speak minutes later."""
    del peer
    with rig.far_end("keep") as far_end, rig.hbprobe(far_end.port, size.storm_idle_s, "cisco-asa") as box:
        heard = _load("silent", box.port, flows=size.storm, idle_s=size.storm_idle_s, silent_s=size.silent_s)
    return {"silent flows that speak late, share that is answered": heard["answered"]}


def throughput(peer: str, size: Size) -> Numbers:
    """See how much gets through."""
    numbers = {}
    for name, mode in (("one-way", "swallow"), ("echo", "echo")):
        for count, noun in ((1, "connection"), (16, "connections")):
            with _path(peer, mode) as box:
                sent = _load("stream", box.port, connections=count, seconds=size.seconds)
            numbers[f"{name}, {count} {noun}, MB/s"] = sent["mb_per_s"]
    return numbers


Measures = Mapping[str, tuple[Callable[[str, Size], Numbers], Sequence[str]]]
_MEASURES: Measures = {
    "memory": (memory, _BOXES),
    "expiry": (expiry, _BOXES),
    "ping-pong": (ping_pong, _PEERS),
    "connections": (connections, _PEERS),
    "throughput": (throughput, _PEERS),
    "storm": (storm, _BOXES),
    "silence": (silence, ("hbprobe",)),
}


@contextlib.contextmanager
def _path(peer: str, mode: str, idle_s: float = _LONG_S) -> Iterator[rig.Program]:
    """Set up a far end and what stands before it; give what the clients connect to."""
    with rig.far_end(mode) as far_end, contextlib.ExitStack() as stack:
        yield stack.enter_context(RELAYS[peer](far_end.port, idle_s)) if peer in RELAYS else far_end


def _client(kind: str, port: int, **arguments: float) -> list[str]:
    return [sys.executable, str(rig.HERE / "load.py"), kind, str(port), json.dumps(arguments)]


def _load(kind: str, port: int, **arguments: float) -> Numbers:
    done = subprocess.run(_client(kind, port, **arguments), stdout=subprocess.PIPE, check=True)
    numbers: Numbers = json.loads(done.stdout)
    return numbers


def measure_all(measures: Measures, size: Size, repeat: int, *, patient: bool = False) -> dict[str, Numbers]:
    """Return for each number what each peer reached."""
    taken: dict[str, dict[str, list[float]]] = {}
    for turn, (name, (measure, peers)) in itertools.product(range(repeat), measures.items()):
        for peer in peers:
            if patient:
                rig.wait_until_quiet()
            rig.note(f"{turn + 1}/{repeat} {name} {peer}")
            for number, value in measure(peer, size).items():
                taken.setdefault(number, {}).setdefault(peer, []).append(value)
    return {number: {peer: statistics.median(of) for peer, of in row.items()} for number, row in taken.items()}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="see in seconds that it runs; the numbers mean nothing")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="medians of N (default: 5)")
    parser.add_argument("--only", action="append", choices=_MEASURES, help="measure only this; may be repeated")
    parser.add_argument("--patient", action="store_true", help="wait for a quiet machine before each measurement")
    args = parser.parse_args()
    size, repeat = (QUICK, 1) if args.quick else (Size(), args.repeat)
    rig.describe_machine()
    measures = {name: _MEASURES[name] for name in args.only or _MEASURES}
    numbers = measure_all(measures, size, repeat, patient=args.patient)
    rows = []
    for name, row in numbers.items():
        aim = _AIMS[name](row.get("HAProxy", math.nan), row["hbprobe"]) if name in _AIMS else ""
        rows.append([name, *(rig.show(row[peer]) if peer in row else "" for peer in _PEERS), aim])
    rig.print_table(["", *_PEERS, "aim"], rows)


if __name__ == "__main__":
    main()
