"""The paths that devices are on: how long each carries a silent request, and what a device sees of the cut."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hbprobe.fleet.chance import Floats
from hbprobe.manner import Manner
from hbprobe.profiles.model import Profile
from hbprobe.profiles.silent_request import Cut, cut_of, deciding_timer, outlived


@dataclass(frozen=True, slots=True)
class Span:
    """Some of the devices on a path, and what their limit is: every value in a span is as likely as another."""

    weight: float
    low_s: float
    high_s: float
    cut: Cut
    """Its limit is that of the low end."""


@dataclass(frozen=True, slots=True)
class FleetPath:
    """A path, and the share of the devices that are on it at any time."""

    name: str
    share: float
    spans: tuple[Span, ...]


def fixed(cut: Cut) -> tuple[Span, ...]:
    """Return the spans of a path with one limit."""
    return (Span(1.0, cut.limit_s, cut.limit_s, cut),)


def spans_of(profile: Profile) -> tuple[Span, ...]:
    """Return what many boxes of this product do: its distribution, where it is known as one."""
    cut, timer = cut_of(profile), deciding_timer(profile)
    if timer is None or outlived(timer) or timer.population is None:
        return fixed(cut)
    spans = []
    for share in timer.population:
        low_s, high_s = share.at(0.0), share.at(1.0)
        spans.append(Span(share.weight, low_s, high_s, replace(cut, limit_s=low_s)))
    return tuple(spans)


def only_path(profile: Profile) -> FleetPath:
    """Return the path of one profile, for all devices."""
    return FleetPath(profile.id, 1.0, spans_of(profile))


class PathTable:
    """All spans of all paths, to draw from: a row is a span."""

    __slots__ = ("ends", "high_s", "low_s", "manner", "path", "spread_s", "tries")

    def __init__(self, paths: Sequence[FleetPath]) -> None:
        rows = [(number, path, span) for number, path in enumerate(paths) for span in path.spans]
        whole = sum(path.share for path in paths)
        shares = [
            path.share / whole * span.weight / sum(other.weight for other in path.spans) for _, path, span in rows
        ]
        self.ends: Floats = np.cumsum(shares)[:-1]
        self.path: NDArray[np.intp] = np.array([number for number, _, _ in rows], np.intp)
        self.low_s: Floats = np.array([span.low_s for _, _, span in rows])
        self.high_s: Floats = np.array([span.high_s for _, _, span in rows])
        self.spread_s: Floats = np.array([span.cut.spread_s for _, _, span in rows])
        self.tries: Floats = np.array([float(span.cut.tries) for _, _, span in rows])
        self.manner: NDArray[np.intp] = np.array(
            [list(Manner).index(span.cut.manner) for _, _, span in rows], np.intp
        )

    def rows(self, drawn: Floats) -> NDArray[np.intp]:
        """Return the rows that numbers from 0 to 1 stand for, by their shares."""
        return np.searchsorted(self.ends, drawn, side="left")

    def limits_s(self, rows: NDArray[np.intp], drawn: Floats) -> Floats:
        """Return a limit out of each row, by a number from 0 to 1."""
        low_s, high_s = self.low_s[rows], self.high_s[rows]
        with np.errstate(invalid="ignore"):
            between = low_s + drawn * (high_s - low_s)
        return np.where(low_s == high_s, low_s, between)


def forgotten_at(asked_s: float, heartbeat_s: float, timer_s: float) -> float:
    """Return when the entry goes: the timer counts from the last packet.

    That is the server's answer at the heartbeat, where the entry still stands by then, and the request else. The
    server's retransmissions of that answer are not counted. Without a timer it is gone with the server's answer.
    """
    answer_s = asked_s + heartbeat_s
    if timer_s == np.inf:
        return answer_s
    return (answer_s if heartbeat_s < timer_s else asked_s) + timer_s


def forgotten_at_all(asked_s: Floats, heartbeat_s: Floats, timer_s: float) -> Floats:
    """Return the same for many."""
    answer_s = asked_s + heartbeat_s
    if timer_s == np.inf:
        return answer_s
    return np.where(heartbeat_s < timer_s, answer_s, asked_s) + timer_s
