"""How long a search is likely to take, in path time: every timer of the catalogue is searched in thought."""

from dataclasses import dataclass

from hbprobe.manner import Manner
from hbprobe.search.prior import Prior
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome

_LEAST, _LIKELY, _MOST = 0.1, 0.5, 0.9
"""With these shares of the products a search is over by the times that are told."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How long a search takes, in seconds of path time."""

    least_s: float
    """With one product in ten it takes less."""
    likely_s: float
    """With half of the products it takes less."""
    most_s: float
    """With one product in ten it takes more."""
    worst_s: float
    """The longest, whatever the timer, where trials do not contradict each other."""


def takes(settings: SearchSettings, prior: Prior, *, guided: bool = True) -> Expected:
    """Return how long a search takes on the paths of a prior; `guided` says that the search knows that prior."""
    known: dict[_Trail, tuple[float, ...]] = {}
    costs = sorted(
        (_cost_s(Search(settings, prior if guided else None), limit_s, known, tells=tells), share)
        for tells, belief in ((False, prior.silent), (True, prior.telling))
        for limit_s, share in belief.shares.items()
    )
    least_s, likely_s, most_s = (_quantile(costs, part) for part in (_LEAST, _LIKELY, _MOST))
    return Expected(least_s, likely_s, most_s, max(settings.worst_case_s, most_s))


_Trail = tuple[tuple[float, Kind, float], ...]


def _cost_s(search: Search, limit_s: float, known: dict[_Trail, tuple[float, ...]], *, tells: bool) -> float:
    """Search one timer; searches that saw the same so far go on with the same holds, which `known` keeps."""
    total_s, trail = 0.0, _Trail()
    while holds := known.get(trail) or known.setdefault(trail, search.next_holds()):
        took_s = 0.0
        for hold_s in holds:
            if search.is_moot(hold_s):
                continue
            outcome = _outcome(hold_s, limit_s, search.settings.grace_s, tells=tells)
            search.record(hold_s, outcome)
            trail += ((hold_s, outcome.kind, outcome.elapsed_s),)
            took_s = max(took_s, outcome.elapsed_s)
        total_s += took_s
    return total_s


def _outcome(hold_s: float, limit_s: float, grace_s: float, *, tells: bool) -> Outcome:
    if hold_s < limit_s:
        return Outcome(Kind.SURVIVED, hold_s)
    if tells:
        return Outcome(Kind.CUT, limit_s, Manner.RESET, exact=True)
    return Outcome(Kind.CUT, hold_s + grace_s, Manner.SILENT)


def _quantile(costs: list[tuple[float, float]], part: float) -> float:
    reached = 0.0
    for cost_s, share in costs:
        reached += share
        if reached >= part:
            return cost_s
    return costs[-1][0] if costs else 0.0
