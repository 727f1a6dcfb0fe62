"""What a search costs in path time, as a multiple of the limit: guided by the catalogue, and plain splitting.

`python tests/benchmarks/search.py` reckons every limit of the catalogue in the range of a search, and
limits drawn evenly over the range, for boxes that cut in silence and for boxes that tell. No sockets: the search
itself is asked and answered.
"""

import argparse
import random
from collections.abc import Sequence
from itertools import product

from rich.console import Console
from rich.table import Table

from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.prior import Belief, Prior, prior_of
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome

UNIFORM_LIMITS = 200
SEED = 1040


def path_time_s(limit_s: float, settings: SearchSettings, prior: Prior | None, *, exact: bool) -> float:
    """Return the path time of one whole search on a path without noise."""
    search = Search(settings, prior)
    total_s = 0.0
    while holds := search.next_holds():
        total_s += max(_answer(search, hold_s, limit_s, exact=exact) for hold_s in holds)
    return total_s


def _answer(search: Search, hold_s: float, limit_s: float, *, exact: bool) -> float:
    """Let one trial end, and return how long it took; one that others have answered already is given up."""
    if search.is_moot(hold_s):
        return 0.0
    if hold_s < limit_s:
        outcome = Outcome(Kind.SURVIVED, hold_s)
    elif exact:
        outcome = Outcome(Kind.CUT, limit_s, Manner.RESET, exact=True)
    else:
        outcome = Outcome(Kind.CUT, hold_s + search.settings.grace_s, Manner.SILENT)
    search.record(hold_s, outcome)
    return outcome.elapsed_s


def multiples(limits: Sequence[float], settings: SearchSettings, prior: Prior | None, *, exact: bool) -> list[float]:
    """Return what each limit costs, as a multiple of itself."""
    return [path_time_s(limit_s, settings, prior, exact=exact) / limit_s for limit_s in limits]


def main() -> None:
    """Print mean and worst cost for each number of connections, kind of box, and strategy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 4, 16, 64])
    args = parser.parse_args()
    settings = SearchSettings()
    prior = prior_of(Catalogue().all())
    rng = random.Random(SEED)
    uniform = [rng.uniform(settings.min_s, settings.max_s) for _ in range(UNIFORM_LIMITS)]
    cases = [
        ("catalogue, silent", _within(prior.silent, settings), False),
        ("catalogue, telling", _within(prior.telling, settings), True),
        ("uniform, silent", uniform, False),
        ("uniform, telling", uniform, True),
    ]
    table = Table("K", "limits", "split: mean", "worst", "guided: mean", "worst")
    for connections, (name, limits, exact) in product(args.connections, cases):
        asked = SearchSettings(connections=connections)
        costs = [multiples(limits, asked, strategy, exact=exact) for strategy in (None, prior)]
        figures = [f"{figure:.2f}" for cost in costs for figure in (sum(cost) / len(cost), max(cost))]
        table.add_row(str(connections), f"{name} ({len(limits)})", *figures)
    Console().print(table)


def _within(belief: Belief, settings: SearchSettings) -> list[float]:
    """Return the limits in the range of the search, each as often as products have it."""
    rarest = min(belief.shares.values())
    inside = (
        (limit_s, share) for limit_s, share in belief.shares.items() if settings.min_s <= limit_s < settings.max_s
    )
    return [limit_s for limit_s, share in sorted(inside) for _ in range(round(share / rarest))]


if __name__ == "__main__":
    main()
