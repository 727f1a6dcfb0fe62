"""Which limit a path has, from silences in the past that nobody planned, with what cannot be known said as such.

Each silence is a trial of its own length. For a limit L, silences shorter than L are lost with a small rate eps, by
accident, and those of L or longer with a rate hit. The L with the highest likelihood is the estimate; all L whose log
likelihood is within 3 of it form the bracket. docs/statistics.md has the model, its assumptions, and how it fails.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from hbprobe.manner import Manner
from hbprobe.statistics.survival import Point, most_likely_shares
from hbprobe.trial.outcome import Kind, Outcome

if TYPE_CHECKING:
    from hbprobe.records.logs import PassiveLimitPart


@dataclass(frozen=True, slots=True)
class Episode:
    """One connection, or one request, that was quiet for a while."""

    who: str
    """Whose silence it was, and the same for all silences of the same one: a device, or a client's address."""
    path: str
    """Silences of one path are judged together: a client's network, or client's network and server."""
    started_s: float
    """When the silence began, in seconds since 1970-01-01 UTC."""
    outcome: Outcome
    """How it ended. `elapsed_s` is how long it lasted: for a cut that is `exact` until the timer struck, for another
    one the time by which the connection was lost. `FAILED` where nothing can be told of the path."""
    asked_s: float | None = None
    """How long it was meant to last, where that is known: a heartbeat interval."""
    where: str = ""
    """Where it stands: file and line, or file and packet."""

    @property
    def ended_s(self) -> float:
        """When the silence ended, in seconds since 1970-01-01 UTC."""
        return self.started_s + self.outcome.elapsed_s


LEAST_GAIN: Final = 10.0
"""So much more likely, in the logarithm, must a limit be than none. Alone it is not enough: losses at random that
happen
to lie at long holds gain more than 30."""
LEAST_HIT: Final = 0.6
"""A path with one limit loses at least this share of what lasts longer, where devices are told."""
LEAST_LOST: Final = 0.9
"""Hardly a silence that lasts longer than the one limit is answered."""
LEAST_OF_SEVERAL: Final = 0.1
LEAST_LOSSES: Final = 5
LEAST_DEVICES: Final = 2
LEAST_ANSWERED: Final = 3
_LEAST_SILENCES: Final = 20
_NEAR: Final = 3.0
"""All limits whose log likelihood is so near to the best are in the bracket."""
_SPREAD: Final = (0.1, 0.9)
_SHARP_S: Final = 5.0
"""A limit whose losses set in over more than this, and more than 1 %, is none that is fixed."""
_PAUSE_S: Final = 130.0
"""So much later than the timer may a device that was told ask again."""
_AGREEING: Final = 0.3
_AT_ONE_TIME: Final = 1.15
_AT_ONE_TIME_S: Final = 5.0
"""What dies within this factor, and so many seconds more, dies at about one time. Of what accidents end, which come
at any moment, one in twenty does at most, however many there are."""
_LEAST_BETWEEN: Final = 10
"""Where fewer silences ended, it is not known whether losses set in at once."""
_CURVE_STEPS: Final = 150
_MOST_S: Final = 7200.0


class LimitStatus(StrEnum):
    """What can be said of a path."""

    LIMIT = "limit"
    """There is one, in the bracket."""
    SEVERAL = "several"
    """There are several, or one that varies: the curve says more."""
    NONE_SEEN = "none-seen"
    """Nothing was lost by a timer as long as the longest that was answered."""
    TOO_LITTLE = "too-little"
    """Too few silences, or of too few devices; or more was lost than accident explains, and no time tells why."""


@dataclass(frozen=True, slots=True, eq=False)
class Silences:
    """Silences as columns."""

    lasted_s: NDArray[np.float64]
    """The answer came after so long; the timer struck then, or earlier."""
    is_cut: NDArray[np.bool_]
    is_exact: NDArray[np.bool_]
    """For a cut: the timer struck just then."""
    who: NDArray[np.int64]
    """Whose they were, by a number."""

    @classmethod
    def of(cls, episodes: Iterable[Episode]) -> Self:
        """Take what episodes tell; those that failed tell nothing."""
        told = [episode for episode in episodes if episode.outcome.kind is not Kind.FAILED]
        numbers: dict[str, int] = {}
        return cls(
            np.array([episode.outcome.elapsed_s for episode in told], np.float64),
            np.array([episode.outcome.kind is Kind.CUT for episode in told], np.bool_),
            np.array([episode.outcome.exact for episode in told], np.bool_),
            np.array([numbers.setdefault(episode.who, len(numbers)) for episode in told], np.int64),
        )

    def __len__(self) -> int:
        return len(self.lasted_s)

    def chosen(self, which: NDArray[np.bool_]) -> Self:
        """Return some of them."""
        return type(self)(self.lasted_s[which], self.is_cut[which], self.is_exact[which], self.who[which])


@dataclass(frozen=True, slots=True)
class PassiveLimit:
    """What silences tell of the limit of a path."""

    judgement: LimitStatus
    survived_s: float | None = None
    """For `limit` and `several`: the lower end of the bracket."""
    cut_s: float | None = None
    how: Manner | None = None
    """SILENT where devices gave up by their own clock; None where they were told, by RST, FIN or a status."""
    confidence: float | None = None
    """For `limit`: how much of the likelihood the bracket holds, no limit at all being possible."""
    gain: float = 0.0
    """How much more likely a limit is than none, in the natural logarithm."""
    eps: float = 0.0
    """The share of shorter silences that was lost."""
    hit: float = 0.0
    """The share of longer silences that was lost."""
    silences: int = 0
    losses: int = 0
    devices: int = 0
    longest_answered_s: float | None = None
    """So long, or longer, did at least three silences of two devices last and were answered."""
    curve: tuple[Point, ...] = ()
    """For `several`: seconds, and the share of silences that survives them."""


@dataclass(frozen=True, slots=True)
class _Fit:
    low_s: float
    high_s: float
    gain: float
    eps: float
    hit: float
    confidence: float


def limit_of(silences: Silences, coarse_s: float = 0.0, *, least_devices: int = LEAST_DEVICES) -> PassiveLimit:
    """Judge the silences of one path; `coarse_s` is how coarse the clock is, and how much the bracket is widened.

    What fewer than `least_devices` show may be a device's own doing, and is too little.
    """
    seen = PassiveLimit(
        LimitStatus.TOO_LITTLE,
        silences=len(silences),
        losses=int(silences.is_cut.sum()),
        devices=len(np.unique(silences.who)),
        longest_answered_s=_longest_answered_s(silences, least_devices),
    )
    if len(silences) < _LEAST_SILENCES or seen.devices < least_devices:
        return seen
    fit = _fit(silences)
    if (
        fit is None
        or fit.gain < LEAST_GAIN
        or fit.hit < LEAST_OF_SEVERAL
        or not _enough_losses(silences, fit, least_devices)
    ):
        return _without_a_time(seen, silences, fit, least_devices)
    how, spread = _how(silences, fit), _spread(silences, fit)
    judged = replace(seen, gain=fit.gain, eps=fit.eps, hit=fit.hit, how=how)
    if fit.hit < _least_hit(how) or spread is not None:
        low_s, high_s = spread or (fit.low_s, fit.high_s)
        curve = curve_of(silences)
        if not _many_die(curve, low_s, low_s if spread is None else high_s):
            return _without_a_time(seen, silences, fit, least_devices)
        return replace(judged, judgement=LimitStatus.SEVERAL, survived_s=low_s, cut_s=high_s, curve=curve)
    low_s, high_s = _widened(fit, coarse_s, told=how is None)
    return replace(judged, judgement=LimitStatus.LIMIT, survived_s=low_s, cut_s=high_s, confidence=fit.confidence)


def _without_a_time(seen: PassiveLimit, silences: Silences, fit: _Fit | None, least_devices: int) -> PassiveLimit:
    """Say that no limit is seen, or that too little is known where more was lost than by accident."""
    few_lose = len(np.unique(silences.who[silences.is_cut])) < least_devices
    if seen.longest_answered_s is not None and (few_lose or not _are_beyond_accident(seen.losses, seen.silences)):
        return replace(seen, judgement=LimitStatus.NONE_SEEN)
    return seen if fit is None else replace(seen, gain=fit.gain, eps=fit.eps, hit=fit.hit)


def _least_hit(how: Manner | None) -> float:
    return LEAST_HIT if how is None else LEAST_LOST


def _many_die(curve: Sequence[Point], first_s: float, last_s: float) -> bool:
    """Say whether a tenth dies where losses set in; between two points of the curve it is not known when."""
    times_s = [at_s for at_s, _ in curve]
    before = max(0, bisect_left(times_s, first_s) - 1)
    after = min(bisect_left(times_s, last_s * _AT_ONE_TIME + _AT_ONE_TIME_S), len(curve) - 1)
    return curve[before][1] - curve[after][1] >= LEAST_OF_SEVERAL


def has_unexplained_losses(limit: "PassiveLimit | PassiveLimitPart") -> bool:
    """Say whether too little can be told because of losses, not because of too few silences."""
    return (
        limit.judgement == LimitStatus.TOO_LITTLE.value
        and limit.silences >= _LEAST_SILENCES
        and limit.devices >= LEAST_DEVICES
        and _are_beyond_accident(limit.losses, limit.silences)
    )


def _are_beyond_accident(losses: int, silences: int) -> bool:
    """Say whether more was lost than where the share is that of accidents at most, by three standard deviations."""
    usual = LEAST_OF_SEVERAL * silences
    return losses >= max(LEAST_LOSSES, usual + 3 * math.sqrt(usual * (1 - LEAST_OF_SEVERAL)))


def _widened(fit: _Fit, coarse_s: float, *, told: bool) -> tuple[float, float]:
    """Round the bracket outwards; where devices were told, its lower end hangs on the difference of two times."""
    if not coarse_s:
        return fit.low_s, fit.high_s
    low_s, high_s = math.floor(fit.low_s / coarse_s) * coarse_s, math.ceil(fit.high_s / coarse_s) * coarse_s
    return max(0.0, low_s - (coarse_s if told else 0.0)), high_s


def _longest_answered_s(silences: Silences, least_devices: int) -> float | None:
    answered = ~silences.is_cut
    lasted_s, who = silences.lasted_s[answered], silences.who[answered]
    order = np.argsort(lasted_s)[::-1]
    firsts = np.sort(np.unique(who[order], return_index=True)[1])  # each device's first place in this order
    if len(order) < LEAST_ANSWERED or len(firsts) < least_devices:
        return None
    return float(lasted_s[order[max(LEAST_ANSWERED - 1, firsts[least_devices - 1])]])


def _fit(silences: Silences) -> _Fit | None:
    order = np.lexsort((silences.is_cut, silences.lasted_s))
    lasted_s, lost = silences.lasted_s[order], silences.is_cut[order].astype(np.float64)
    whole, all_lost = len(lost), float(lost.sum())
    if not all_lost:
        return None
    below = np.arange(whole, dtype=np.float64)  # the limit lies between the silence before and this one
    lost_below = np.concatenate(([0.0], np.cumsum(lost)[:-1]))
    above, lost_above = whole - below, all_lost - lost_below
    eps = np.divide(lost_below, below, out=np.zeros(whole), where=below > 0)
    hit = lost_above / above
    # Silences of the same length are on the same side of every limit.
    possible = (hit > eps) & np.concatenate(([True], np.diff(lasted_s) > 0))
    if not possible.any():
        return None
    logs = np.where(possible, _binomial(lost_below, below) + _binomial(lost_above, above), -np.inf)
    best = int(np.argmax(logs))
    none = float(_binomial(np.array([all_lost]), np.array([float(whole)]))[0])
    near = np.flatnonzero(logs >= logs[best] - _NEAR)
    edges = np.concatenate(([0.0], lasted_s))
    low_s, high_s = float(edges[near[0]]), float(edges[near[-1] + 1])
    widths = np.diff(edges)
    shares = np.exp(logs - logs[best]) * np.maximum(widths, 1e-3)
    inside = float(shares[near[0] : near[-1] + 1].sum())
    doubt = math.exp(max(-700.0, none - float(logs[best]))) * _MOST_S
    confidence = inside / (float(shares.sum()) + doubt)
    return _Fit(low_s, high_s, float(logs[best]) - none, float(eps[best]), float(hit[best]), confidence)


def _binomial(lost: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the highest likelihood of so many losses."""
    kept = of - lost
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(lost > 0, lost * np.log(lost / of), 0.0) + np.where(kept > 0, kept * np.log(kept / of), 0.0)
    return np.asarray(logs, np.float64)


def _beyond(silences: Silences, fit: _Fit) -> Silences:
    return silences.chosen(silences.is_cut & (silences.lasted_s >= fit.low_s))


def _enough_losses(silences: Silences, fit: _Fit, least_devices: int) -> bool:
    losses = _beyond(silences, fit)
    return len(losses) >= LEAST_LOSSES and len(np.unique(losses.who)) >= least_devices


def _how(silences: Silences, fit: _Fit) -> Manner | None:
    losses = _beyond(silences, fit)
    return Manner.SILENT if int(losses.is_exact.sum()) * 2 < len(losses) else None


def _spread(silences: Silences, fit: _Fit) -> tuple[float, float] | None:
    """Return between which times losses set in, where that is not at one time: the test of the fit."""
    how = _how(silences, fit)
    if fit.hit < _least_hit(how):
        return None
    if how is None:
        return _spread_of_told(silences, fit)
    if _rises_again(silences, fit):
        return fit.low_s, fit.high_s
    near = (silences.lasted_s >= 0.7 * fit.low_s) & (silences.lasted_s <= 1.4 * fit.high_s)
    # Losses first among silences of one length: then these are pooled, whichever way they came.
    order = np.lexsort((~silences.is_cut[near], silences.lasted_s[near]))
    lasted_s, lost = silences.lasted_s[near][order], silences.is_cut[near][order].astype(np.float64)
    rising = monotone(lost)
    first, last = (fit.eps + share * (fit.hit - fit.eps) for share in _SPREAD)
    low_s = float(lasted_s[np.searchsorted(rising, first)]) if rising[-1] >= first else fit.low_s
    high_s = float(lasted_s[np.searchsorted(rising, last)]) if rising[-1] >= last else fit.high_s
    wide_s = max(_SHARP_S, 0.01 * fit.high_s, fit.high_s - fit.low_s + _SHARP_S)
    between = int(np.count_nonzero((lasted_s > low_s) & (lasted_s < high_s)))
    return (low_s, high_s) if high_s - low_s > wide_s and between >= _LEAST_BETWEEN else None


def _rises_again(silences: Silences, fit: _Fit) -> bool:
    """Say whether those that last longer than the limit have a limit of their own."""
    later = _fit(silences.chosen(silences.lasted_s >= fit.high_s))
    return later is not None and later.gain >= LEAST_GAIN and later.low_s > fit.high_s + _SHARP_S


def _spread_of_told(silences: Silences, fit: _Fit) -> tuple[float, float] | None:
    """Do the same where devices were told: then losses have times of their own, and those of one timer agree.

    Not all of them do: a device that was told may pause before it asks again, and only then shows in a log.
    """
    wide_s = max(_SHARP_S, 0.01 * fit.high_s)
    near = (silences.lasted_s >= 0.7 * fit.low_s) & (
        silences.lasted_s <= max(1.4 * fit.high_s, fit.high_s + _PAUSE_S)
    )
    died_s = silences.lasted_s[near & silences.is_cut & silences.is_exact]
    agree = int(np.count_nonzero((died_s >= fit.low_s - wide_s) & (died_s <= fit.high_s + wide_s)))
    # Where half of them pause, of a few by chance none may be among those that do not.
    if agree < min(_AGREEING * len(died_s), len(died_s) / 2 - 1.5 * math.sqrt(len(died_s))):
        low_s, high_s = np.quantile(died_s, _SPREAD)
        return float(low_s), float(high_s)
    beyond = int(np.count_nonzero(silences.lasted_s > fit.high_s + _PAUSE_S))
    return (fit.low_s, fit.high_s) if len(died_s) < LEAST_LOST * (len(died_s) + beyond) else None


def monotone(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest values that never fall: neighbours that do are pooled (pool adjacent violators).

    Barlow and others, Statistical Inference under Order Restrictions, 1972.
    """
    means, counts = list[float](), list[int]()
    for value in values.tolist():
        mean, count = value, 1
        while means and means[-1] >= mean:
            before, many = means.pop(), counts.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        means.append(mean)
        counts.append(count)
    return np.repeat(np.array(means), np.array(counts, np.intp))


def curve_of(silences: Silences) -> tuple[Point, ...]:
    """Return the share of silences that survives each time, for limits of any number and kind."""
    if not len(silences):
        return ()
    step_s = max(1.0, float(silences.lasted_s.max()) / _CURVE_STEPS)
    at_s = np.maximum(np.ceil(silences.lasted_s / step_s), 1.0) * step_s
    kinds = np.where(silences.is_cut, np.where(silences.is_exact, 2, 1), 0)
    rows, counts = np.unique(np.stack([at_s, kinds]), axis=1, return_counts=True)
    told = [
        ((time_s, math.inf), (0.0, time_s), (time_s - step_s, time_s))[int(kind)]
        for time_s, kind in zip(rows[0].tolist(), rows[1].tolist(), strict=True)
    ]
    return most_likely_shares(told, counts.tolist())


def shared(limits: Sequence[PassiveLimit]) -> tuple[float, float] | None:
    """Return the bracket that all paths share: then the box is where all paths are one, on the server's side.

    None where fewer than two have a limit, or where one carries what another does not.
    """
    named = [one for one in limits if one.judgement is LimitStatus.LIMIT]
    if len(named) < 2:
        return None
    low_s = max(one.survived_s or 0.0 for one in named)
    high_s = min(one.cut_s or math.inf for one in named)
    if low_s > high_s + _SHARP_S:
        return None
    low_s, high_s = min(low_s, high_s), max(low_s, high_s)
    others = [one for one in limits if one.judgement is not LimitStatus.LIMIT]
    apart = any(one.judgement is LimitStatus.SEVERAL or (one.longest_answered_s or 0.0) > high_s for one in others)
    return None if apart else (low_s, high_s)
