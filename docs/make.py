"""Makes every picture of the documents, and the output that the README shows: `python docs/make.py`.

The numbers are measured while it runs: each result comes from a lab on the warp clock.
"""

import io
import re
import time
from pathlib import Path

from rich.console import Console

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import measure
from hbprobe.probe.prior import prior_of
from hbprobe.probe.search import SearchSettings
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.report import plots
from hbprobe.report.catalogue_plot import catalogue_plot
from hbprobe.report.conclude import conclude
from hbprobe.report.result import Result, Verb
from hbprobe.report.tables import print_result

PICTURES = Path(__file__).parent / "pictures"
README = Path(__file__).parent.parent / "README.md"


def result_of(profile_id: str) -> Result:
    """Measure one profile as `hbprobe lab PROFILE` does."""
    started = time.perf_counter()
    catalogue = Catalogue()
    box, prior = catalogue.find(profile_id), prior_of(catalogue.all())
    findings = warp.run(measure([box], Settings(), SearchSettings(), prior=prior), warp.WarpClock())
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


def pasted(readme: str, output: str) -> str:
    """Return the README with the output of `hbprobe lab` between its marks."""
    block = "\n".join(f"    {line}".rstrip() for line in output.rstrip().splitlines())
    return re.sub(r"(?<=<!-- lab -->\n).*(?=<!-- /lab -->)", lambda _: f"\n{block}\n\n", readme, flags=re.DOTALL)


def main() -> None:
    """Make them all."""
    PICTURES.mkdir(exist_ok=True)
    plots.save(catalogue_plot(Catalogue().all()), PICTURES / "catalogue.png")
    provider = result_of("ten-minute-provider")
    plots.save(plots.search_plot(provider), PICTURES / "search.png")
    balancers = [result_of(name) for name in ("aws-nlb-tcp", "azure-load-balancer", "juniper-srx")]
    plots.save(plots.curve_plot([*balancers, provider], []), PICTURES / "curve.png")
    output = io.StringIO()
    print_result(provider, Console(file=output, width=100))
    README.write_text(pasted(README.read_text(), output.getvalue()))


if __name__ == "__main__":
    main()
