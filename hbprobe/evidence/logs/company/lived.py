"""The limits behind one network and their shares, of the time that devices lived through there.

Requests are no measure: a device behind a short limit asks more often than one behind a long limit, and one that has
found an interval that gets through asks for no other. But as long as a device is on one path its limit is the same.
So its time is divided where what it met cannot be of one limit: each stretch of time then tells above which time, and
up to which, its limit lay. The shares of time that make all of that most likely are the answer (Turnbull's estimator,
`hbprobe.statistics.survival`).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

import numpy as np

from hbprobe.evidence.limits import LEAST_DEVICES
from hbprobe.statistics.survival import most_likely_shares

_WIDTH: Final = 1.1
"""Limits that are no further apart than this factor, and some seconds, are told as one."""
_WIDTH_S: Final = 5.0
_SAME_S: Final = 2.0
_SAME: Final = 0.01
"""Two losses that devices were told of and that are no further apart may be of one limit."""
_TOLD_WITHIN_S: Final = 1.5
"""A device that is told asks again at once, on clocks of whole seconds."""
LEAST_SHARE: Final = 0.01
"""A limit of less of the time is no limit, but requests that were lost by accident."""


class Met(NamedTuple):
    """What a request met, or some in a row, and how long the device stayed where it was until the next."""

    who: int
    above_s: float
    """Its path carries at least so much; 0 where that is not known."""
    upto_s: float
    """It carries less than this, or as much; infinite where that is not known."""
    is_told: bool
    """The device was told of the loss."""
    stay_s: float


NOTHING: Final = Met(-1, 0.0, math.inf, False, 0.0)
"""Of no device: what is before it and what is behind are apart."""


@dataclass(frozen=True, slots=True)
class LivedLimit:
    """A limit, and the share of the devices' time on the network with which it lies there."""

    share: float
    above_s: float
    upto_s: float
    limit_s: float
    """Within; intervals that got through are shorter, and those that did not are not."""
    is_told: bool


def stretches(met: Iterable[Met]) -> Iterator[Met]:
    """Divide the time of devices where their path must be another; requests of one device follow each other."""
    now = NOTHING
    for one in met:
        above_s, upto_s = max(now.above_s, one.above_s), min(now.upto_s, one.upto_s)
        if one.who != now.who or above_s >= upto_s or _is_another(now, one):
            yield now
            now = one
            continue
        now = Met(now.who, above_s, upto_s, now.is_told or one.is_told, now.stay_s + one.stay_s)
    yield now


def _is_another(now: Met, one: Met) -> bool:
    """Say whether a loss cannot be of the limit that the one before was of.

    A limit that devices are told of ends all that waits longer, at the same time. So a device that went away and came
    back, which looks as if it had been told of a cut, is not taken for a limit for longer than that request.
    """
    if math.isinf(now.upto_s) or math.isinf(one.upto_s):
        return False
    apart_s = abs(now.upto_s - one.upto_s)
    return now.is_told != one.is_told or (one.is_told and apart_s > max(_SAME_S, _SAME * one.upto_s))


def steps_of(met: Iterable[Met]) -> tuple[tuple[LivedLimit, ...], float]:
    """Return the limits of a network, the shortest first, and the share of the time that nothing limits."""
    lived = _without_accidents([one for one in stretches(met) if one.above_s > 0 or one.upto_s < math.inf])
    weights: dict[tuple[float, float], float] = {}
    for one in lived:
        between_s = float(math.floor(one.above_s)), float(np.ceil(one.upto_s))
        weights[between_s] = weights.get(between_s, 0.0) + one.stay_s
    told = sorted(weights)
    points = most_likely_shares(told, [math.ceil(weights[one]) for one in told])
    masses = [
        _Mass(above_s, upto_s, before - after)
        for (above_s, before), (upto_s, after) in pairwise(points)
        if before > after
    ]
    found = [_step(near, lived) for near in _near(masses)]
    return tuple(step for step in found if step.share >= LEAST_SHARE), points[-1][1]


def _without_accidents(lived: Sequence[Met]) -> list[Met]:
    """Leave out losses after times after which hardly any are, or those of one device only.

    The most likely shares would put all that is lost later there, too, where nothing shorter was answered.
    """
    lost = sorted((one for one in lived if one.upto_s < math.inf), key=lambda one: one.upto_s)
    least_s = LEAST_SHARE * sum(one.stay_s for one in lived)
    kept = [one for one in lived if math.isinf(one.upto_s)]
    for near in _near(lost):
        if sum(one.stay_s for one in near) >= least_s and len({one.who for one in near}) >= LEAST_DEVICES:
            kept += near
    return kept


class _Mass(NamedTuple):
    """The share of the time whose limit lies between two times."""

    above_s: float
    upto_s: float
    share: float


_Upto = TypeVar("_Upto", Met, _Mass)


def _near(those: Sequence[_Upto]) -> Iterator[list[_Upto]]:
    """Divide what is in order into what lies near each other."""
    near = list[_Upto]()
    for one in those:
        if near and one.upto_s > near[0].upto_s * _WIDTH + _WIDTH_S:
            yield near
            near = []
        near.append(one)
    if near:
        yield near


def _step(near: Sequence[_Mass], lived: Sequence[Met]) -> LivedLimit:
    share = sum(one.share for one in near)
    most = int(np.searchsorted(np.cumsum([one.share for one in near]), share / 2))
    above_s, upto_s, _ = near[min(most, len(near) - 1)]
    lost = [one for one in lived if one.above_s < upto_s <= math.ceil(one.upto_s if one.upto_s < math.inf else 0.0)]
    is_told = sum(one.stay_s if one.is_told else -one.stay_s for one in lost) > 0
    middle_s = (above_s + upto_s) / 2
    limit_s = max(middle_s, upto_s - _TOLD_WITHIN_S) if is_told else middle_s
    return LivedLimit(share, near[0].above_s, near[-1].upto_s, limit_s, is_told)
