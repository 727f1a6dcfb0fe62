"""A fixed timer, or random loss? Which of two laws makes what many trials, spread around a limit, showed likelier.

A trial says that its connection would have died at a known time, before its hold (cut in silence), or after it
(survived). Under a timer of T seconds, whose clock is off by a share of T (normal, sigma), nearly all die at T; under
random loss at a constant rate, some die at any time, and just as many per second early as late. The laws are
compared at their best parameters by Schwarz's criterion (https://doi.org/10.1214/aos/1176344136): minus twice the
log-likelihood, and for each parameter the logarithm of the number of trials.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hbprobe.manner import Manner
from hbprobe.trial.outcome import Kind, Limit, Trial
from hbprobe.word import Word

_CLOCK_S = 0.05
"""Exact times are known no better."""
_SIGMAS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Shares of the timer by which its clock may be off."""
_LEAST = 1e-12
_DECISIVE = 6.0
"""A difference in the criterion from which on one law is called better: the other is twenty times less likely."""
_TIMERS_TRIED = 400
_RATES_TRIED = 200
_Parameters = tuple[float, float, float]
"""Timer, sigma, rate of loss."""


class Law(Word):
    """What the deaths follow."""

    TIMER = "timer", "a fixed timer"
    LOSS = "loss", "random loss, at any time"
    BOTH = "both", "a fixed timer, and random loss before it"


@dataclass(frozen=True, slots=True)
class Fit:
    """The comparison."""

    law: Law | None
    """The better one; None where the trials do not tell them apart."""
    timer_s: float | None
    """The likeliest timer, and how far its clock is off; None under loss alone."""
    sigma_s: float | None
    mean_life_s: float | None
    """The mean life under random loss; None under a timer alone."""
    criterion: dict[Law, float]
    """Schwarz's, for each law: less is better."""


@dataclass(frozen=True, slots=True)
class Death:
    """When a connection would have died: after `low_s`, and not after `high_s`."""

    low_s: float
    high_s: float


def deaths(trials: Iterable[Trial]) -> list[Death]:
    """Read from each trial when its connection would have died."""
    told = []
    for trial in trials:
        at_s = min(trial.hold_s, trial.outcome.elapsed_s)
        match trial.outcome.kind:
            case Kind.SURVIVED:
                told.append(Death(at_s, math.inf))
            case Kind.CUT if trial.outcome.exact:
                told.append(Death(max(0.0, at_s - _CLOCK_S), at_s + _CLOCK_S))
            case Kind.CUT:
                told.append(Death(0.0, trial.hold_s))
    return told


def fit(told: Sequence[Death]) -> Fit | None:
    """Compare the laws; None where nothing died, or everything did at once."""
    edges = sorted({edge for death in told for edge in (death.low_s, death.high_s) if 0 < edge < math.inf})
    if not edges or all(math.isinf(death.high_s) for death in told):
        return None
    timers = _between(edges[0] * 0.9, edges[-1] * 1.1, _TIMERS_TRIED)
    rates = [1 / life for life in _geometric(edges[0] / 10, edges[-1] * 100, _RATES_TRIED)]
    timer, timer_at = _best(told, _at_timers(timers, 0.0))
    loss, loss_at = _best(told, [(math.inf, 1.0, rate) for rate in rates])
    both, both_at = _best_of_both(told, timers, rates, loss_at[2] / 4)
    cost = math.log(len(told))
    criterion = {Law.TIMER: 2 * cost - 2 * timer, Law.LOSS: cost - 2 * loss, Law.BOTH: 3 * cost - 2 * both}
    law = _better(criterion)
    t, sigma, rate = {Law.TIMER: timer_at, Law.LOSS: loss_at}.get(law or Law.BOTH, both_at)
    return Fit(
        law,
        timer_s=t if math.isfinite(t) else None,
        sigma_s=sigma if math.isfinite(t) else None,
        mean_life_s=1 / rate if rate else None,
        criterion=criterion,
    )


def _at_timers(timers: Sequence[float], rate: float) -> list[_Parameters]:
    return [(timer_s, share * timer_s, rate) for timer_s in timers for share in _SIGMAS]


def _best_of_both(
    told: Sequence[Death], timers: Sequence[float], rates: Sequence[float], rate: float
) -> tuple[float, _Parameters]:
    """Climb: the best timer for a rate, then the best rate for that timer, and so again."""
    for _ in range(2):
        _, (timer_s, sigma_s, _) = _best(told, _at_timers(timers, rate))
        likelihood, found = _best(told, [(timer_s, sigma_s, rate) for rate in rates])
        rate = found[2]
    return likelihood, found


def _better(criterion: dict[Law, float]) -> Law | None:
    """Choose: both laws together only where neither alone will do."""
    timer, loss = criterion[Law.TIMER], criterion[Law.LOSS]
    if min(timer, loss) - criterion[Law.BOTH] >= _DECISIVE:
        return Law.BOTH
    if abs(timer - loss) < _DECISIVE:
        return None
    return Law.TIMER if timer < loss else Law.LOSS


def _best(told: Sequence[Death], parameters: Sequence[_Parameters]) -> tuple[float, _Parameters]:
    """Return the greatest log-likelihood, and the parameters that have it."""
    return max((_likelihood(told, _law(*chosen)), chosen) for chosen in parameters)


def _law(timer_s: float, sigma_s: float, rate: float) -> Callable[[float], float]:
    """Return the share that is alive after a time."""

    def alive(at_s: float) -> float:
        if math.isinf(at_s):
            return 0.0
        before_timer = 1.0 if math.isinf(timer_s) else 0.5 * math.erfc((at_s - timer_s) / (sigma_s * math.sqrt(2)))
        return before_timer * math.exp(-rate * at_s)

    return alive


def _likelihood(told: Sequence[Death], alive: Callable[[float], float]) -> float:
    return sum(math.log(max(_LEAST, alive(death.low_s) - alive(death.high_s))) for death in told)


def _between(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * step / count for step in range(count + 1)]


def _geometric(low: float, high: float, count: int) -> list[float]:
    ratio = math.log(high / low)
    return [low * math.exp(ratio * step / count) for step in range(count + 1)]


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
    if limit.heard is not Manner.SILENT:
        return (round(_TO * limit.cut_s, 3),) * count
    step = (_TO - _FROM) / max(1, count - 1)
    return tuple(round((_FROM + step * number) * limit.cut_s, 3) for number in range(count))


def spread_of(trials: Iterable[Trial]) -> Spread:
    """Sum the trials up."""
    made = tuple(trials)
    return Spread(made, fit(deaths(made)))
