"""How many device-days a second the fleet simulates, beside the same model in SimPy and as plain objects.

`python tests/benchmarks/fleet.py` takes about two minutes; the machine should have nothing else to do, and its load
is printed. Fleets are simulated as the verbs do it, with a day before that does not count. SimPy
(https://simpy.readthedocs.io) must be installed; it is no dependency of hbprobe. Where numba is, it is used. The mix
is the one that is shipped.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable

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
from hbprobe.fleet.simulation import simulate
from hbprobe.fleet.world import World
from hbprobe.profiles.catalogue import Catalogue

FLEETS = (1000, 7), (20_000, 7), (100_000, 1)
"""Devices and days."""
PEERS = 500, 1


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
    mix = load_mix(SHIPPED, Catalogue())
    fleets, (few, day) = ([(200, 1)], (20, 1)) if args.quick else (FLEETS, PEERS)

    peers = mix.world(few, Settings(), 0)
    simulate(peers, 0.01)  # numba compiles once, and keeps what it made
    table = Table("", "devices", "days", "CPU seconds", "counted device-days a CPU second", "memory, MB")
    table.title = f"load {os.getloadavg()[0]:.1f}; {'with' if IS_FAST else 'without'} numba"
    before = _peak_bytes()
    for devices, days in fleets:
        fleet = mix.world(devices, Settings(), 0)
        spent_s = _cpu_seconds(lambda fleet=fleet, days=days: simulate(fleet, days))
        grown = f"{(_peak_bytes() - before) / 1e6:.0f}"
        table.add_row("hbprobe fleet", f"{devices:,}", str(days), *_rate(devices * days, spent_s), grown)
    for name, model in (("SimPy", in_simpy), ("plain objects", reference.simulate)):
        spent_s = _cpu_seconds(lambda model=model: model(peers, day * DAY_S))
        table.add_row(name, f"{few:,}", str(day), *_rate(few * day, spent_s), "")
    Console(width=110).print(table)
    assert sorted(in_simpy(peers, DAY_S).samples) == sorted(reference.simulate(peers, DAY_S).samples), "not the same"


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _rate(device_days: int, spent_s: float) -> tuple[str, str]:
    return f"{spent_s:.1f}", f"{device_days / spent_s:,.0f}"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
