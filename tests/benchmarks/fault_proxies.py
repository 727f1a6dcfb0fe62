"""Fault proxies without a fault: `hbprobe toxiproxy` beside `hbprobe proxy`, HAProxy and faulty, all in the same run.

    python tests/benchmarks/fault_proxies.py [--quick] [--repeat N] [--faulty PYTHON]

faulty is a proxy on asyncio's streams; PYTHON is one that has it installed, in an
environment of its own.
"""

import argparse
import contextlib
from collections.abc import Iterator

import relay
import rig

_FAULTY = """
import asyncio, sys
from faulty.core import FaultyProxy
asyncio.run(FaultyProxy("127.0.0.1", int(sys.argv[1]), "127.0.0.1", int(sys.argv[2])).start())
"""
_AIMS = {
    "64-byte ping-pong p50, µs": lambda proxy, ours: rig.aim(ours, at_most=proxy * 1.05),
    "CPU a round, µs": lambda proxy, ours: rig.aim(ours, at_most=proxy * 1.05),
    "CPU a connection, µs": lambda proxy, ours: rig.aim(ours, at_most=proxy * 1.05),
    "one-way, 1 connection, MB/s": lambda proxy, ours: rig.aim(ours, at_least=proxy * 0.95),
    "echo, 1 connection, MB/s": lambda proxy, ours: rig.aim(ours, at_least=proxy * 0.95),
}
"""What the fault proxy should reach, given what `hbprobe proxy --control` reached, which offers as much."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="see in seconds that it runs; the numbers mean nothing")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="medians of N (default: 5)")
    parser.add_argument("--only", action="append", choices=("ping-pong", "connections", "throughput"))
    parser.add_argument("--faulty", metavar="PYTHON", help="a Python with faulty; without it, faulty is left out")
    args = parser.parse_args()

    @contextlib.contextmanager
    def faulty(upstream: int, _: float) -> Iterator[rig.Program]:
        port = rig.free_port()
        with rig.running([args.faulty, "-c", _FAULTY, str(port), str(upstream)], port) as program:
            yield program

    # the same box, which passes on each FIN as it comes; once without, and once with what the fault proxy offers, too
    relay.RELAYS["hbprobe"] = lambda upstream, _: rig.hbprobe(upstream, None, "open-path")
    relay.RELAYS["hbprobe --control"] = lambda upstream, _: rig.hbprobe(
        upstream, None, "open-path", "--control", "127.0.0.1:0"
    )
    relay.RELAYS["hbprobe toxiproxy"] = lambda upstream, _: rig.toxiproxy(upstream)
    peers = ["direct", "HAProxy", "hbprobe", "hbprobe --control", "hbprobe toxiproxy"]
    if args.faulty:
        relay.RELAYS["faulty"] = faulty
        peers.append("faulty")
    measures: relay.Measures = {
        "ping-pong": (relay.ping_pong, peers),
        "connections": (relay.connections, peers),
        "throughput": (relay.throughput, peers),
    }
    measures = {name: measures[name] for name in args.only or measures}
    rig.describe_machine()
    size, repeat = (relay.QUICK, 1) if args.quick else (relay.Size(), args.repeat)
    rows = []
    for name, row in relay.measure_all(measures, size, repeat).items():
        aim = _AIMS[name](row["hbprobe --control"], row["hbprobe toxiproxy"]) if name in _AIMS else ""
        rows.append([name, *(rig.show(row[peer]) if peer in row else "" for peer in peers), aim])
    rig.print_table(["", *peers, "aim"], rows)


if __name__ == "__main__":
    main()
