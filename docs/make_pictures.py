"""Makes every picture of the README and the documents: `python docs/make_pictures.py`.

The numbers in them are measured while it runs: each result comes from a lab on the warp clock.
"""

import time
from pathlib import Path

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import measure
from hbprobe.probe.search import SearchSettings
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.report import plots
from hbprobe.report.conclude import conclude
from hbprobe.report.result import Result, Verb

PICTURES = Path(__file__).parent / "pictures"


def result_of(profile_id: str) -> Result:
    """Measure one profile as `hbprobe lab PROFILE` does."""
    started = time.perf_counter()
    box = Catalogue().find(profile_id)
    findings = warp.run(measure([box], Settings(), SearchSettings()), warp.WarpClock())
    return conclude(
        findings.run,
        Settings(),
        verb=Verb.LAB,
        target="lab",
        clock="warp",
        wall_s=time.perf_counter() - started,
        path=(box.id,),
        cut_by=findings.cut_by,
    )


def main() -> None:
    """Draw them all."""
    PICTURES.mkdir(exist_ok=True)
    provider = result_of("ten-minute-provider")
    plots.save(plots.search_plot(provider), PICTURES / "search.png")
    balancers = [result_of(name) for name in ("aws-nlb-tcp", "azure-load-balancer", "juniper-srx")]
    plots.save(plots.curve_plot([*balancers, provider], []), PICTURES / "curve.png")


if __name__ == "__main__":
    main()
