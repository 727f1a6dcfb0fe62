"""How sure a bracket is when trials also die for other reasons than the timer: Bayes' rule, on a simple model.

The model. A hold that is shorter than the limit is cut all the same with probability p, in any manner, at a time that
is equally likely anywhere in the hold. A hold that is longer than the limit is always cut; only once in p^-3 trials
does it survive, because a stray packet kept the flow alive. So a survival is near to a proof, and a cut is worth as
much as p is small. A cut with an exact time is worth far more when its time is seen again: accidents do not agree.

Where limits lie beforehand is not known, and the answer depends on it. So several beliefs are held side by side, and
the confidence is the least that any of them gives.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from hbprobe.manner import Manner
from hbprobe.search.bracket import Bound
from hbprobe.search.prior import Prior

MOST_NOISE = 0.3
"""Above this share one can hardly speak of accidents."""
ASSUMED_NOISE = 0.1
"""What is assumed once trials have contradicted each other on a path that was said to be without noise."""
SURVIVAL_WEIGHT = 3
"""A hold that survives beyond the limit is as rare as so many accidents in a row."""
_ALIKE = 2.0
"""Explanations whose likelihoods differ by less are equally good."""
_PROMPT, _PROMPT_PART = 0.9, 0.25
"""So often a box that tells strikes within the first quarter of the time by which it may be late."""

Mass = Callable[[float, float], float]
"""A belief about the limit before anything was measured: the share that lies above one time and not above another."""
_Steps = list[tuple[float, float]]
"""A function of the limit that is flat in steps: from which time on, and its value."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What is assumed about trials that do not show the timer."""

    share: float
    """Of the holds shorter than the limit, so many are cut; above 0."""
    late_s: float
    """A box that tells may strike up to so much late: clocks are coarse."""

    @property
    def stray(self) -> float:
        """The logarithm of the share that survives beyond the limit."""
        return SURVIVAL_WEIGHT * math.log(self.share)

    @property
    def striking(self) -> tuple[float, float]:
        """The logarithm of how likely a box that tells is to strike at one moment: late, and in time."""
        late = (1 - self.share) * (1 - _PROMPT) / ((1 - _PROMPT_PART) * self.late_s)
        return math.log(late), math.log((1 - self.share) * _PROMPT / (_PROMPT_PART * self.late_s))


@dataclass(frozen=True, slots=True)
class Doubt:
    """How the belief is spread over a bracket and what lies on both sides of it; together 1."""

    below: float
    inside: float
    above: float


def beliefs(min_s: float, max_s: float, prior: Prior | None) -> tuple[Mass, ...]:
    """Return the beliefs to hold side by side for a search between two times, both of them well inside.

    Limits may lie evenly over the orders of magnitude; evenly over the seconds, an open path being as likely as a
    limit in the range; and, where a prior is given, half of them at timers that products have.
    """
    shortest_s, longest_s = min_s / 10, max_s * 10

    def magnitude(time_s: float) -> float:
        return math.log(min(max(time_s, shortest_s), longest_s))

    def by_magnitude(low_s: float, high_s: float) -> float:
        return (magnitude(high_s) - magnitude(low_s)) / (magnitude(longest_s) - magnitude(shortest_s))

    def by_second(low_s: float, high_s: float) -> float:
        return (min(high_s, 2 * max_s) - min(low_s, 2 * max_s)) / (2 * max_s)

    if prior is None:
        return by_magnitude, by_second
    known = prior.known()

    def by_product(low_s: float, high_s: float) -> float:
        return (known(low_s, high_s) + by_magnitude(low_s, high_s)) / 2

    return by_magnitude, by_second, by_product


def most_likely(evidence: Sequence[Bound], noise: Noise) -> tuple[float, float]:
    """Return between which two bounds a limit explains the trials best; the highest of several.

    The bounds between such gaps are times of accidents, which tell nothing of the limit.
    """
    gaps = _likelihoods(evidence, noise)
    best = max(likelihood for _, _, likelihood in gaps)
    return max((low_s, high_s) for low_s, high_s, likelihood in gaps if likelihood >= best / _ALIKE)


def doubt(evidence: Sequence[Bound], bracket: tuple[float, float], noise: Noise, masses: Sequence[Mass]) -> Doubt:
    """Return what remains of the belief on each side of a bracket, by the belief that doubts the bracket most."""
    gaps = _likelihoods(evidence, noise, bracket)
    return min((_share(gaps, bracket, mass) for mass in masses), key=lambda d: d.inside)


_Gap = tuple[float, float, float]
"""From, to, and how well a limit in between explains the trials, relative to the best."""


def _share(gaps: Sequence[_Gap], bracket: tuple[float, float], mass: Mass) -> Doubt:
    weights = [(low_s, high_s, likelihood * mass(low_s, high_s)) for low_s, high_s, likelihood in gaps]
    whole = sum(weight for _, _, weight in weights)
    if not whole:  # the trials say what this belief holds to be impossible
        return Doubt(0.0, 0.0, 1.0)
    below = sum(weight for _, high_s, weight in weights if high_s <= bracket[0]) / whole
    above = sum(weight for low_s, _, weight in weights if low_s >= bracket[1]) / whole
    return Doubt(below, max(0.0, 1 - below - above), above)


def _likelihoods(evidence: Sequence[Bound], noise: Noise, bracket: tuple[float, ...] = ()) -> list[_Gap]:
    """How well a limit in each gap between two bounds explains the trials; both kinds of boxes are as likely."""
    silent, telling = ([_steps(e, noise, tells=tells) for e in evidence] for tells in (False, True))
    bounds = sorted({0.0, math.inf, *bracket, *(from_s for steps in telling + silent for from_s, _ in steps)})
    logs = list(zip(_summed(silent, bounds), _summed(telling, bounds), strict=True))
    best = max(max(pair) for pair in logs)
    return [
        (low_s, high_s, round(sum(math.exp(log - best) for log in pair), 12))
        for (low_s, high_s), pair in zip(pairwise(bounds), logs, strict=True)
    ]


def _summed(told: Sequence[_Steps], bounds: Sequence[float]) -> list[float]:
    """Add the logarithms up, for each gap between two bounds."""
    changes = [0.0] * len(bounds)
    for steps in told:
        for (_, before), (from_s, after) in pairwise([(0.0, 0.0), *steps]):
            changes[bisect_left(bounds, from_s)] += after - before
    return list(accumulate(changes))[:-1]


def _steps(e: Bound, noise: Noise, *, tells: bool) -> _Steps:
    """How likely a trial is if the limit lies above some time: from which time on, and the logarithm."""
    accident = math.log(noise.share)
    if e.survived:
        return [(0.0, noise.stray), (e.bound_s, math.log(1 - noise.share))]
    if not e.outcome.exact:
        by_accident = tells and e.outcome.how is Manner.SILENT
        return [(0.0, accident if by_accident else 0.0), (e.bound_s, accident)]
    just_then = -math.log(max(e.hold_s, noise.late_s))  # densities, all of them: a time is told
    late, prompt = noise.striking if tells else (accident + just_then,) * 2
    return [
        (0.0, noise.stray + just_then),
        (max(0.0, e.bound_s - noise.late_s), late),
        (max(0.0, e.bound_s - _PROMPT_PART * noise.late_s), prompt),
        (e.bound_s, accident + just_then),
    ]
