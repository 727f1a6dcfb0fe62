"""How fast a lab on the warp clock is, and how soon the command line answers.

    python tests/benchmarks/lab.py [--quick] [--repeat N]

Every number is the median of the repetitions. The search is for a limit of 600 s between 60 and 3540 s, one trial
at a time, through a real TLS server and a real relay on loopback. Its wall time has the making of the certificates in
it, and neither imports nor the verdict.
"""

import argparse
import contextlib
import io
import json
import statistics
import subprocess
import sys
import time

import rig

from hbprobe import warp
from hbprobe.cli.main import main as hbprobe
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import measure
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.heartbeats import in_heartbeats
from hbprobe.search.prior import prior_of
from hbprobe.search.search import SearchSettings

_LAB = ["lab", "--json"]
_SPLIT = [*_LAB, "--strategy", "split", "--connections", "1"]
"""The search that covers the most path time: it does not know which timers products have; one hold at a time."""


_PINGS = [*_SPLIT, "--method", "ping"]
"""The same with ActiveSync: the whole handshake, and whole seconds to within 2."""


def path_seconds_a_second(command: list[str]) -> float:
    """Run one search in this process; return how many seconds of the path passed in one."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        hbprobe(command)
    seconds: dict[str, float] = json.loads(printed.getvalue())["seconds"]
    return seconds["path"] / seconds["wall"]


def times_as_long_with_pings() -> dict[str, float]:
    """Search through each profile of the catalogue with holds and with Pings; return the ratio of their times."""
    profiles = Catalogue().all()
    prior = prior_of(profiles)

    def search_s(method: str, number: int) -> float:
        search = SearchSettings() if method == "hold" else in_heartbeats(SearchSettings())
        began = time.perf_counter()
        warp.run(measure([profiles[number]], Settings(), search, method, prior=prior), warp.WarpClock())
        return time.perf_counter() - began

    def median_s(method: str, number: int) -> float:
        return statistics.median(search_s(method, number) for _ in range(3))

    return {
        profile.id: median_s("ping", number) / median_s("hold", number) for number, profile in enumerate(profiles)
    }


def command_s(*arguments: str) -> float:
    """Run the program from start to end; return how long it took."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "hbprobe", *arguments], stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="measure everything only once")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="medians of N (default: 9)")
    args = parser.parse_args()
    turns = range(1 if args.quick else args.repeat)
    for command in (_SPLIT, _PINGS):
        path_seconds_a_second(command)  # the first run imports everything
    rate, pings = (statistics.median(path_seconds_a_second(command) for _ in turns) for command in (_SPLIT, _PINGS))
    ratios = times_as_long_with_pings()
    slowest = max(ratios, key=ratios.__getitem__)
    middle = statistics.median(ratios.values())
    lab_s = statistics.median(command_s(*_LAB) for _ in turns)
    help_s = statistics.median(command_s("--help") for _ in turns)
    rig.print_table(
        ["", "hbprobe", "aim"],
        [
            ["search by splitting on warp, path s a s", f"{rate:,.0f}", rig.aim(rate, at_least=100_000)],
            ["with Pings, path s a s", f"{pings:,.0f}", ""],
            ["with Pings, times as long", f"{rate / pings:.2f}", rig.aim(rate / pings, at_most=3)],
            [f"of {len(ratios)} profiles, the middle one", f"{middle:.2f}", rig.aim(middle, at_most=3)],
            [f"the slowest, {slowest}", f"{ratios[slowest]:.2f}", rig.aim(ratios[slowest], at_most=3)],
            ["hbprobe lab --json, s", f"{lab_s:.2f}", rig.aim(lab_s, at_most=3)],
            ["hbprobe --help, s", f"{help_s:.2f}", rig.aim(help_s, at_most=0.5)],
        ],
    )


if __name__ == "__main__":
    main()
