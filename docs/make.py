"""Makes every picture of the documents, and the output that the README shows: `python docs/make.py`.

`python docs/make.py readme` makes the README's output alone, which takes a second.

The numbers are measured while it runs: results come from labs on the warp clock, and from simulated fleets. It takes
some minutes, most of them for the figure about noise.
"""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import hbprobe
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mix import SHIPPED, load_mix
from hbprobe.fleet.simulation import simulate
from hbprobe.fleet.size import Sizing, size, with_share
from hbprobe.fleet.tally import FleetResult
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.silent_request import Cut
from hbprobe.records.result import Result
from hbprobe.report.plots.catalogue_plot import catalogue_plot
from hbprobe.report.plots.curve_plot import curve_plot
from hbprobe.report.plots.fleet_plot import average_plot
from hbprobe.report.plots.search_plot import search_plot
from hbprobe.report.plots.size_plot import size_plot
from hbprobe.report.plots.staircase_plot import staircase_plot
from hbprobe.report.plots.style import save

PICTURES = Path(__file__).parent / "pictures"
ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
IN_STAIRCASE = ("textbook", "windows-mobile", "android-4.1", "android-4.4", "ios")


def result_of(*profiles: str) -> Result:
    """Measure a path as `hbprobe lab PROFILE...` does."""
    return hbprobe.Lab(profiles).run()


def printed(path: str) -> str:
    """Return what `hbprobe lab PATH` prints."""
    command = (sys.executable, "-m", "hbprobe", "lab", path)
    return subprocess.check_output(command, text=True, env=os.environ | {"COLUMNS": "100"})


def pasted(readme: str, mark: str, output: str) -> str:
    """Return the README with some output between two marks."""
    block = "\n".join(f"    {line}".rstrip() for line in output.rstrip().splitlines())
    pattern = rf"(?<=<!-- {mark} -->\n).*(?=<!-- /{mark} -->)"
    return re.sub(pattern, lambda _: f"\n{block}\n\n", readme, flags=re.DOTALL)


def draw_cause() -> None:
    """Draw what devices ask for behind the box of the worked example."""
    kinds = [kind for kind in DEVICES if kind.id in IN_STAIRCASE]
    figure = staircase_plot(kinds, 600.0, Manner.SILENT, Settings(), path="ten-minute-provider")
    save(figure, PICTURES / "staircase.png")


def draw_effect() -> None:
    """Draw what Exchange makes of a fleet, half of which is on a path that cuts at five minutes."""
    mix = load_mix(SHIPPED, Catalogue())
    mix = replace(
        mix, name=f"{mix.name}, half of it on five-minutes", paths=with_share(mix.paths, "five-minutes", 0.5)
    )
    save(average_plot(simulate(mix.world(20_000, Settings(), 0), 2), mix.name), PICTURES / "average.png")


def draw_cure() -> None:
    """Draw what each timer of the firewall would do, as `hbprobe size` does."""
    mix, devices = load_mix(SHIPPED, Catalogue()), 2000

    def behind(timer_s: int) -> FleetResult:
        here = replace(mix, firewall=Cut(float(timer_s), mix.firewall.manner))
        return simulate(here.world(devices, Settings(), 0), 1)

    sizing = Sizing(tuple(size(range(300, 3601, 60), behind)))
    save(size_plot(sizing, f"{devices} devices, 1 d, mix {mix.name}"), PICTURES / "size.png")


def draw_all() -> None:
    """Draw every picture."""
    PICTURES.mkdir(exist_ok=True)
    draw_cause()
    draw_effect()
    draw_cure()
    subprocess.run([sys.executable, ROOT / "tests/benchmarks/noise.py"], check=True)
    save(catalogue_plot(Catalogue().all()), PICTURES / "catalogue.png")
    provider = result_of("ten-minute-provider")
    save(search_plot(provider), PICTURES / "search.png")
    balancers = [result_of(name) for name in ("aws-nlb-tcp", "azure-load-balancer", "juniper-srx")]
    save(curve_plot([*balancers, provider], []), PICTURES / "curve.png")


def write_readme() -> None:
    """Paste into the README what `hbprobe lab` prints."""
    readme = pasted(README.read_text(), "lab", printed("ten-minute-provider"))
    story, answer, _ = printed("blamed-firewall").split("\n\n", 2)
    README.write_text(pasted(readme, "story", f"{story}\n\n{answer}"))


if __name__ == "__main__":
    if sys.argv[1:] != ["readme"]:
        draw_all()
    write_readme()
