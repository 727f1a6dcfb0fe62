"""How often the limit lies in the bracket that a search reports, where a share of the trials dies at random.

`python tests/benchmarks/noise.py` searches 10,000 random paths for each share, and draws what the searches stated
against what was so (docs/pictures/noise.png and .svg). No sockets: the search itself is asked and answered.

A path has a limit, which is a product's timer, or lies evenly over the seconds or over the orders of magnitude, in
the range of the search or beyond; a box that cuts in silence, or one that tells; and its accidents: with the share's
probability a trial dies at a moment that is equally likely anywhere in the hold, in silence, by RST, FIN or a status.
"""

import argparse
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from rich.console import Console
from rich.table import Table

from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.report.plots.style import FAINT, INK, LINES, in_style, save
from hbprobe.search.prior import Prior, prior_of
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SEED = 1040
SHARES = (0.0, 0.02, 0.05, 0.1)
ASKED = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
"""How sure a search is asked to be; each path draws one."""
TELLING = (Manner.RESET, Manner.CLOSED, Manner.STATUS)
BINS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1.0)
TITLE = "A bracket holds the limit at least as often as it says"
CAPTION = "{:,} random paths for each share; bars are two standard errors (Wilson)"
FEWEST = 20
"""So many searches must have stated about the same confidence before their share is drawn."""
LINE: dict[str, Any] = {"linewidth": 1.2, "markersize": 4.5, "elinewidth": 0.8, "capsize": 2}


@dataclass(frozen=True, slots=True)
class RandomPath:
    """A path that is only a rule."""

    limit_s: float
    how: Manner
    share: float

    def answer(self, hold_s: float, grace_s: float, rng: random.Random) -> Outcome:
        """Say what becomes of a trial."""
        accident_s = rng.uniform(0, hold_s) if rng.random() < self.share else math.inf
        struck_s = min(accident_s, self.limit_s)
        if struck_s >= hold_s:
            return Outcome(Kind.SURVIVED, hold_s)
        how = rng.choice((Manner.SILENT, *TELLING)) if accident_s < self.limit_s else self.how
        if how is Manner.SILENT:
            return Outcome(Kind.CUT, hold_s + grace_s, how)
        return Outcome(Kind.CUT, struck_s, how, exact=True)


@dataclass(frozen=True, slots=True)
class Ended:
    """What one search stated, and whether it was so."""

    asked: float
    stated: float
    """1 where nothing was stated, for every trial was believed."""
    right: bool
    trials: int
    multiple: float
    """Its path time, as a multiple of the limit or the longest hold."""


class Point(NamedTuple):
    """One point of the figure."""

    stated: float
    right: float
    less: float
    """So much less may the share be."""
    more: float


def random_path(share: float, prior: Prior, settings: SearchSettings, rng: random.Random) -> RandomPath:
    """Draw a path."""
    products = [*prior.silent.shares.items(), *prior.telling.shares.items()]
    limits = [limit_s for limit_s, _ in products]
    limit_s = rng.choice(
        (
            rng.choices(limits, [weight for _, weight in products])[0],
            rng.uniform(settings.min_s / 2, settings.max_s * 1.2),
            math.exp(rng.uniform(math.log(settings.min_s / 2), math.log(settings.max_s * 2))),
        )
    )
    return RandomPath(limit_s, rng.choice((Manner.SILENT, rng.choice(TELLING))), share)


def walk(path: RandomPath, search: Search, rng: random.Random) -> tuple[int, float]:
    """Search a path to the end; return the number of trials and the path time."""
    trials, now_s = 0, 0.0
    while holds := search.next_holds():
        round_s = 0.0
        answers = [(path.answer(hold_s, search.settings.grace_s, rng), hold_s) for hold_s in holds]
        for outcome, hold_s in sorted(answers, key=lambda answer: answer[0].elapsed_s):
            if not search.is_moot(hold_s):
                search.record(hold_s, outcome)
                trials += 1
                round_s = outcome.elapsed_s
        now_s += round_s
    return trials, now_s


def search_one(share: float, prior: Prior, rng: random.Random, asked: float, said: float | None = None) -> Ended:
    """Draw a path and search it, by a strategy and a number of connections that are drawn, too."""
    settings = SearchSettings(
        min_s=60.0, connections=rng.choice((1, 4)), noise=share if said is None else said, confidence=asked
    )
    path = random_path(share, prior, settings, rng)
    search = Search(settings, rng.choice((None, prior)))
    trials, path_s = walk(path, search, rng)
    low_s, high_s = search.limit.survived_s or 0.0, search.limit.cut_s or math.inf
    right = low_s <= path.limit_s <= high_s
    stated = 1.0 if search.confidence is None else search.confidence
    return Ended(asked, stated, right, trials, path_s / min(path.limit_s, settings.max_s))


def shown_row(name: str, ended: Sequence[Ended]) -> list[str]:
    """Return what a group of searches came to, as cells of a table."""
    count = len(ended)
    return [
        name,
        f"{count:,}",
        f"{sum(e.stated for e in ended) / count:.4f}" if any(e.stated < 1 for e in ended) else "-",
        f"{sum(e.right for e in ended) / count:.4f}",
        f"{sum(e.trials for e in ended) / count:.1f}",
        f"{sum(e.multiple for e in ended) / count:.1f}",
    ]


def binned(ended: Sequence[Ended]) -> list[Point]:
    """Return a point for each range of the stated confidence."""
    groups = ([e for e in ended if low < e.stated <= high] for low, high in pairwise(BINS))
    return [_point(group) for group in groups if len(group) >= FEWEST]


def _point(group: Sequence[Ended]) -> Point:
    """Return the mean of what was stated, and how often it was so, with Wilson's interval for two standard errors.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    count, square = len(group), 4.0
    right = sum(e.right for e in group) / count
    middle = (right + square / (2 * count)) / (1 + square / count)
    half = math.sqrt(square * right * (1 - right) / count + (square / (2 * count)) ** 2) / (1 + square / count)
    return Point(sum(e.stated for e in group) / count, right, max(0.0, right - middle + half), middle + half - right)


def drawn(ended: dict[float, Sequence[Ended]]) -> Figure:
    """Draw how often the searches were right against how sure they said they were."""
    with in_style():
        figure = Figure(figsize=(5.6, 4.6), dpi=150, layout="constrained")
        axes = figure.subplots()
        figure.suptitle(TITLE, x=0.02, ha="left", weight="bold", fontsize=11)
        each = len(next(iter(ended.values())))
        axes.set_title(CAPTION.format(each), loc="left", color=FAINT, fontsize=8)
        axes.plot((0, 1), (0, 1), color=FAINT, linestyle=(0, (4, 2)), linewidth=1.2)
        axes.text(0.585, 0.6, "as often as stated", color=INK, ha="center", rotation=45, rotation_mode="anchor")
        for (share, searches), look in zip(ended.items(), LINES, strict=False):
            stated, right, less, more = zip(*binned(searches), strict=True)
            label = f"{share:.0%} of the trials die at random" if share else "no trial dies at random"
            error = (less, [max(0.0, part) for part in more])
            axes.errorbar(stated, right, error, color=look.color, marker=look.marker, label=label, **LINE)
        axes.set(xlabel="stated confidence", ylabel="searches with the limit in their bracket")
        axes.set(xlim=(0.5, 1.01), ylim=(0.5, 1.01), aspect="equal")
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(loc="lower right", fontsize=8)
    return figure


def main() -> None:
    """Search the paths, print what came of it, and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=10_000, help="for each share (default: 10,000)")
    parser.add_argument("--out", type=Path, default=PICTURES, help="where the picture goes (default: docs/pictures)")
    args = parser.parse_args()
    prior = prior_of(Catalogue().all())
    table = Table("noise", "searches", "stated", "was so", "trials", "path time / limit")
    ended: dict[float, Sequence[Ended]] = {}
    for share in SHARES:
        rng = random.Random(SEED)
        told = [search_one(share, prior, rng, rng.choice(ASKED)) for _ in range(args.paths)]
        for asked in ASKED:
            table.add_row(*shown_row(f"{share:g}, asked for {asked:g}", [e for e in told if e.asked == asked]))
        untold = [search_one(share, prior, rng, 0.95, said=0.0) for _ in range(args.paths)]
        for name, group in (
            ("unnoticed", [e for e in untold if e.stated == 1]),
            ("noticed", [e for e in untold if e.stated < 1]),
        ):
            if group:
                table.add_row(*shown_row(f"{share:g}, not told, {name}", group))
        table.add_section()
        ended[share] = told
    Console().print(table)
    for suffix in ("png", "svg"):
        save(drawn(ended), args.out / f"noise.{suffix}")


if __name__ == "__main__":
    main()
