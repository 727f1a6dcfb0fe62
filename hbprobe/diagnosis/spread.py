"""How widely the limit scatters: more trials, spread where they tell most."""

from collections.abc import Iterable
from dataclasses import dataclass

from hbprobe.diagnosis.fit import Fit, deaths, fit
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Limit, Trial

_FROM, _TO = 0.25, 1.5
"""Shares of the limit between which holds lie that are cut in silence."""


@dataclass(frozen=True, slots=True)
class Spread:
    """All trials that were made, those of the search among them, and what they follow."""

    trials: tuple[Trial, ...]
    fit: Fit | None
    """None where nothing was cut."""


def spread_holds(limit: Limit, count: int, max_s: float) -> tuple[float, ...]:
    """Return how long to hold so many more trials, in seconds.

    A box that tells names the time itself, so each trial is held past it. A silent one does not: there the holds lie
    evenly around the limit. Where nothing was cut, each is the longest of interest.
    """
    if limit.cut_s is None:
        return (max_s,) * count
    if limit.manner is not Manner.SILENT:
        return (round(_TO * limit.cut_s, 3),) * count
    step = (_TO - _FROM) / max(1, count - 1)
    return tuple(round((_FROM + step * number) * limit.cut_s, 3) for number in range(count))


def spread_of(trials: Iterable[Trial]) -> Spread:
    """Sum the trials up."""
    made = tuple(trials)
    return Spread(made, fit(deaths(made)))
