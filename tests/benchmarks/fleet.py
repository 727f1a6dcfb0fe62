"""How many device-days a second the fleet simulates, beside the same model in SimPy and as plain objects in a heap.

`python tests/benchmarks/fleet.py` takes about two minutes; the machine must have nothing else to do. SimPy
(https://simpy.readthedocs.io) must be installed; it is no dependency of hbprobe. The mix is the one that is shipped.
"""

import argparse
import resource
import time
from collections.abc import Callable

import simpy
from rich.console import Console
from rich.table import Table

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import HeartbeatWindow
from hbprobe.fleet import reference
from hbprobe.fleet.mail import DAY_S
from hbprobe.fleet.mix import SHIPPED, load_mix
from hbprobe.fleet.paths import PathTable
from hbprobe.fleet.reference import PlainDevice, Reference
from hbprobe.fleet.run import simulate
from hbprobe.fleet.world import World
from hbprobe.profiles.catalogue import Catalogue

MILLION = 142_858, 7
"""Devices and days: a million device-days."""
PEERS = 500, 1


def in_simpy(world: World, until_s: float) -> Reference:
    """Simulate a fleet with a SimPy process for each device; the devices are those of the reference."""
    env, seen, paths = simpy.Environment(), Reference(), PathTable(world.paths)
    window = HeartbeatWindow(world.settings.sample_size, world.settings.alert_threshold_s)

    def life(device):
        while True:
            yield env.timeout(device.due_s - env.now)
            if (heartbeat_s := device.step()) is not None:
                seen.samples.append(reference.Asked(env.now, device.number, heartbeat_s))
                if (event := window.register(heartbeat_s, env.now)) is not None:
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
    (devices, days), (few, day) = (2000, 1) if args.quick else MILLION, (20, 1) if args.quick else PEERS

    fleet, peers = mix.world(devices, Settings(), 0), mix.world(few, Settings(), 0)
    before = _peak_bytes()
    spent_s = _seconds(lambda: simulate(fleet, days, warm_up_s=0.0))
    grown = _peak_bytes() - before
    table = Table("", "devices", "days", "seconds", "device-days a second", "memory, MB")
    table.add_row("hbprobe fleet", f"{devices:,}", str(days), *_rate(devices * days, spent_s), f"{grown / 1e6:.0f}")
    for name, model in (("SimPy", in_simpy), ("objects in a heap", reference.simulate)):
        spent_s = _seconds(lambda model=model: model(peers, day * DAY_S))
        table.add_row(name, f"{few:,}", str(day), *_rate(few * day, spent_s), "")
    Console(width=110).print(table)
    same = [tuple(asked) for asked in in_simpy(peers, DAY_S).samples]
    assert same == [tuple(asked) for asked in reference.simulate(peers, DAY_S).samples], "the peers are not the same"


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _rate(device_days: int, spent_s: float) -> tuple[str, str]:
    return f"{spent_s:.1f}", f"{device_days / spent_s:,.0f}"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
