"""The paths of a mix: what each network carries, and the limit of a box before the server, which all of them pass."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hbprobe.duration import format_duration
from hbprobe.evidence.logs.company.lived import LEAST_SHARE, LivedLimit
from hbprobe.records.logs import PassiveLimitPart

_SAME_S: Final = 2.0
_SAME: Final = 0.02
"""Limits of two networks that are no further apart may be that of one box."""


@dataclass(frozen=True, slots=True)
class MixPath:
    """One of the paths of a network."""

    network: str
    suffix: str
    """What is put behind the network's name."""
    hours: float
    limit: LivedLimit | None
    """None where it is open."""
    seen: str
    """What is known of it, as a comment."""

    def lines(self) -> list[str]:
        """Return it as YAML, without its name."""
        share = f"    share: {max(0.01, self.hours):.2f}"
        if self.limit is None:
            return [share, f"    profile: open-path   # {self.seen}"]
        return [share, f"    limit: {self.limit.limit_s:g}   # {self.seen}", f"    how: {how_of(self.limit)}"]


def how_of(limit: LivedLimit) -> str:
    """Say how devices see it, in the words of a mix."""
    return "reset" if limit.is_told else "silent"


def several(limit: PassiveLimitPart, steps: Sequence[LivedLimit], rest: float, hours: float) -> list[MixPath]:
    """Make a path of each limit, and of the rest an open one; nothing where the evidence holds no limit."""
    if not steps:
        return []
    whole = rest + sum(step.share for step in steps)
    found = [_limited(limit.key, step, f"-{step.limit_s:.0f}s", hours * step.share / whole) for step in steps]
    return [*found, open_path(limit, hours * rest / whole, "-open")] if rest >= LEAST_SHARE else found


def one_limit(limit: PassiveLimitPart, steps: Sequence[LivedLimit], hours: float) -> list[MixPath]:
    """Take what agrees best with the bracket: an interval that got through must get through in the mix, too."""
    low_s, high_s = limit.survived or 0.0, limit.cut or 0.0
    near = [step for step in steps if low_s <= step.limit_s <= high_s]
    best = max(near, key=lambda step: step.share, default=LivedLimit(1.0, low_s, high_s, (low_s + high_s) / 2, False))
    return [_limited(limit.key, replace(best, is_told=limit.how != "silent"), "", hours)]


def open_path(limit: PassiveLimitPart, hours: float, suffix: str = "") -> MixPath:
    """Make one on which no limit was seen."""
    seen = "nothing" if limit.longest_answered is None else format_duration(limit.longest_answered)
    return MixPath(limit.key, suffix, hours, None, f"no limit seen up to {seen}; beyond that nobody tried")


def _limited(network: str, step: LivedLimit, suffix: str, hours: float) -> MixPath:
    return MixPath(network, suffix, hours, step, f"from what devices met: {step.above_s:g} to {step.upto_s:g} s")


def may_be_of_a_box(paths: Sequence[MixPath], carried_s: float) -> list[MixPath]:
    """Return the paths whose limit may be that of a box which all networks pass: of each network, the longest.

    `carried_s` is the longest interval that got through on any network: such a box carries it.
    """
    longest: dict[str, tuple[float, MixPath]] = {}
    for path in paths:
        if path.limit is not None and path.limit.upto_s >= max(carried_s, longest.get(path.network, (0.0,))[0]):
            longest[path.network] = path.limit.upto_s, path
    return [path for _, path in longest.values()]


def box_of(doubtful: Sequence[MixPath]) -> LivedLimit | None:
    """Return the limit of the box where networks share one; what one network alone shows is left with it."""
    limits = [path.limit for path in doubtful if path.limit is not None]
    low_s, high_s = (
        min((one.limit_s for one in limits), default=0.0),
        max((one.limit_s for one in limits), default=0.0),
    )
    if len(limits) < 2 or high_s - low_s > max(_SAME_S, _SAME * high_s) or len({one.is_told for one in limits}) > 1:
        return None
    return max(doubtful, key=lambda path: path.hours).limit


def behind(box: LivedLimit, paths: Sequence[MixPath], doubtful: Sequence[MixPath]) -> list[MixPath]:
    """Return the paths without that limit, which is the box's."""
    seen = f"the firewall's limit, of {box.limit_s:g} s, hides what is beyond"
    return [
        replace(path, suffix=path.suffix and "-open", limit=None, seen=seen) if path in doubtful else path
        for path in paths
    ]
