"""How many device-days a second the verbs simulate, beside the same model in SimPy and as plain objects.

`python tests/benchmarks/fleet.py` takes about two minutes; the machine should have nothing else to do, and its load
is printed. The verbs run as users run them, each a command of its own: so the time to start counts, and the day
before the ones that count. The first row is nearly nothing but that start. SimPy (https://simpy.readthedocs.io)
must be installed; it is no dependency of hbprobe. Where numba is, it is used. The mix is the one that is shipped.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import simpy
from rich.console import Console
from rich.table import Table

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import HeartbeatWindow
from hbprobe.fleet import reference
from hbprobe.fleet.compiled import IS_FAST
from hbprobe.fleet.mail import DAY_S
from hbprobe.fleet.mix import SHIPPED, load_mix
from hbprobe.fleet.paths import PathTable
from hbprobe.fleet.reference import PlainDevice, Reference
from hbprobe.fleet.world import World
from hbprobe.profiles.catalogue import Catalogue


class Row(NamedTuple):
    """A command, and what it simulates: so many fleets."""

    argv: str
    devices: int
    days: float
    fleets: int = 1


_SWEEP = "fleet --sweep-share 5min"
ROWS = (
    Row("fleet", 1, 0.01),
    Row("fleet", 1000, 7),
    Row("fleet", 20_000, 7),
    Row("fleet", 100_000, 1),
    Row("size", 1000, 1, 56),
    Row("size", 2000, 1, 56),
    Row("size --step 10min", 20_000, 1, 6),
    Row("size --step 10min", 100_000, 1, 6),
    Row(_SWEEP, 1000, 7, 15),
    Row(_SWEEP, 20_000, 1, 15),
)
"""A sweep tries eleven shares, and up to four more."""
QUICK = Row("fleet", 200, 1), Row("size --step 30min", 100, 1, 2)
PEERS = 500, 1


class Spent(NamedTuple):
    """What a command took."""

    wall_s: float
    cpu_s: float
    """Of all its threads and processes."""
    peak_bytes: int
    """Of its largest process."""


def spent_by(row: Row) -> Spent:
    """Run a command, and say what it took."""
    own = f"--devices {row.devices} --days {row.days} --json"
    argv = [sys.executable, "-m", "hbprobe", *row.argv.split(), *own.split()]
    began = time.perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, argv
    return Spent(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def in_simpy(world: World, until_s: float) -> Reference:
    """Simulate a fleet with a SimPy process for each device; the devices are those of the reference."""
    env, seen, paths = simpy.Environment(), Reference(), PathTable(world.paths)
    window = HeartbeatWindow(world.settings.sample_size, world.settings.alert_threshold_s)

    def life(device):
        while True:
            yield env.timeout(device.due_s - env.now)
            if (heartbeat_s := device.step()) is not None and (
                event := window.register(heartbeat_s, env.now)
            ) is not None:
                seen.events.append(event)

    for number in range(world.devices):
        env.process(life(PlainDevice(world, paths, seen, number)))
    env.run(until_s)
    return seen


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    args = parser.parse_args()
    rows, (few, day) = (QUICK, (20, 1)) if args.quick else (ROWS, PEERS)

    spent_by(QUICK[0])  # numba compiles once, and keeps what it made
    table = Table(
        "", "devices", "days", "fleets", "seconds", "CPU seconds", "device-days a second", "a CPU second", "MB"
    )
    table.title = f"load {os.getloadavg()[0]:.1f}; {'with' if IS_FAST else 'without'} numba"
    for row in rows:
        spent, device_days = spent_by(row), row.devices * row.days * row.fleets
        rates = f"{device_days / spent.wall_s:,.0f}", f"{device_days / spent.cpu_s:,.0f}"
        said = f"{row.devices:,}", f"{row.days:g}", str(row.fleets), f"{spent.wall_s:.1f}", f"{spent.cpu_s:.1f}"
        table.add_row(f"hbprobe {row.argv}", *said, *rates, f"{spent.peak_bytes / 1e6:.0f}")
    peers = load_mix(SHIPPED, Catalogue()).world(few, Settings(), 0)
    for name, model in (("SimPy", in_simpy), ("plain objects", reference.simulate)):
        spent_s = _cpu_seconds(lambda model=model: model(peers, day * DAY_S))
        rate = f"{few * day / spent_s:,.0f}"
        table.add_row(name, f"{few:,}", str(day), "1", "", f"{spent_s:.1f}", "", rate, "")
    Console(width=120).print(table)
    assert sorted(in_simpy(peers, DAY_S).samples) == sorted(reference.simulate(peers, DAY_S).samples), "not the same"


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
