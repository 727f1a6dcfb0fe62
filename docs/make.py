"""Makes every picture of the documents, and the output that the README shows: `python docs/make.py`.

The numbers are measured while it runs: each result comes from a lab on the warp clock.
"""

import io
import re
import textwrap
import time
from pathlib import Path

from rich.console import Console

from hbprobe import warp
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import measure
from hbprobe.lab.pathfile import LabPath, load_path, shipped_paths
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
    box = Catalogue().find(profile_id)
    return measured(LabPath("lab", "", (box,), Settings(), DEVICES, SearchSettings(), ()))


def measured(path: LabPath) -> Result:
    """Measure a path as `hbprobe lab` does."""
    started = time.perf_counter()
    prior = prior_of(Catalogue().all())
    findings = warp.run(measure(path.boxes, path.settings, path.search, prior=prior), warp.WarpClock())
    return conclude(
        findings.run,
        path.settings,
        verb=Verb.LAB,
        target=path.name,
        clock="warp",
        wall_s=time.perf_counter() - started,
        path=tuple(box.id for box in path.boxes),
        cut_by=findings.cut_by,
        devices=path.devices,
    )


def printed(result: Result) -> str:
    """Return what `hbprobe lab` prints of a result."""
    output = io.StringIO()
    print_result(result, Console(file=output, width=100))
    return output.getvalue()


def pasted(readme: str, mark: str, output: str) -> str:
    """Return the README with some output between two marks."""
    block = "\n".join(f"    {line}".rstrip() for line in output.rstrip().splitlines())
    pattern = rf"(?<=<!-- {mark} -->\n).*(?=<!-- /{mark} -->)"
    return re.sub(pattern, lambda _: f"\n{block}\n\n", readme, flags=re.DOTALL)


def main() -> None:
    """Make them all."""
    PICTURES.mkdir(exist_ok=True)
    plots.save(catalogue_plot(Catalogue().all()), PICTURES / "catalogue.png")
    provider = result_of("ten-minute-provider")
    plots.save(plots.search_plot(provider), PICTURES / "search.png")
    balancers = [result_of(name) for name in ("aws-nlb-tcp", "azure-load-balancer", "juniper-srx")]
    plots.save(plots.curve_plot([*balancers, provider], []), PICTURES / "curve.png")
    story = load_path(shipped_paths()["blamed-firewall"], Catalogue())
    readme = pasted(README.read_text(), "lab", printed(provider))
    facts = printed(measured(story)).partition("\n\n")[0]
    README.write_text(pasted(readme, "story", textwrap.fill(story.story, 79) + "\n\n" + facts))


if __name__ == "__main__":
    main()
