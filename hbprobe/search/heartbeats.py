"""Searching with heartbeats: whole seconds, and only those that the server takes.

A heartbeat is a whole number of seconds, and so are real timers. A Ping of just a timer's length would race it. So
the search keeps its holds at odd halves of the precision, as ever, and the precision is an even number: with the 2 s
that are usual here, every hold is odd, and nearly every real timer is even. Where a timer is odd after all, the race
may go either way and the limit still is right: the timer is one end of the bracket.
"""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.settings import Settings
from hbprobe.search.prior import Prior
from hbprobe.search.search import Search, SearchSettings

if TYPE_CHECKING:
    from hbprobe.trial.ping_answer import HeartbeatLimits

PRECISION_S = 2.0
"""The finest that heartbeats allow."""


def fit(limits: "HeartbeatLimits", settings: SearchSettings) -> SearchSettings:
    """Return what is left of a search within the limits; raises CannotMeasureError if that is nothing."""
    low_s = max(settings.min_s, limits.min_s or 0)
    high_s = min(settings.max_s, math.inf if limits.max_s is None else limits.max_s)
    if low_s >= high_s:
        raise CannotMeasureError(
            f"the server takes heartbeats {limits}, and the search is to be from {settings.min_s:g} "
            f"to {settings.max_s:g} s"
        )
    return replace(settings, min_s=low_s, max_s=high_s)


def in_force(settings: Settings, limits: "HeartbeatLimits", *, is_file: bool) -> tuple[Settings, tuple[str, ...]]:
    """Return Exchange's settings with the limits of the live server, and what is to be said about them.

    `is_file` says that the settings are those of a web.config: then they stand, and a difference is told.
    """
    low_s = settings.min_heartbeat_s if limits.min_s is None else limits.min_s
    high_s = settings.max_heartbeat_s if limits.max_s is None else limits.max_s
    if (low_s, high_s) == (settings.min_heartbeat_s, settings.max_heartbeat_s):
        return settings, ()
    if is_file:
        there = f"{settings.min_heartbeat_s} to {settings.max_heartbeat_s} s"
        return settings, (f"the server takes heartbeats {limits}, the web.config says {there}: is it this server's?",)
    return replace(settings, min_heartbeat_s=low_s, max_heartbeat_s=high_s), ()


def in_heartbeats(settings: SearchSettings) -> SearchSettings:
    """Return the settings of a search that heartbeats can carry out: as asked for, or the next coarser.

    The range loses its fractions, and the precision becomes an even number.
    """
    return replace(
        settings,
        min_s=float(math.ceil(settings.min_s)),
        max_s=float(math.floor(settings.max_s)),
        precision_s=max(PRECISION_S, 2.0 * math.ceil(settings.precision_s / 2)),
    )


def in_steps(settings: SearchSettings, step_s: int) -> SearchSettings:
    """Return a search as coarse as a server needs that rounds heartbeats: holds are odd multiples of its step."""
    if step_s == 1:
        return settings
    return replace(settings, precision_s=2.0 * step_s * math.ceil(settings.precision_s / (2 * step_s)))


class HeartbeatSearch(Search):
    """A search whose holds are heartbeats. It keeps to the limits, even where those are learnt on the way."""

    def __init__(self, settings: SearchSettings, prior: Prior | None, limits: "HeartbeatLimits") -> None:
        super().__init__(fit(limits, settings), prior)
        self._limits = limits

    def next_holds(self) -> tuple[float, ...]:
        """Return the holds of the next round; one just below an exactly known cut is rounded up."""
        self.settings = in_steps(fit(self._limits, self.settings), step_s := self._limits.step_s or 1)
        last_s = max(self.settings.max_s // step_s, 1) * step_s
        return tuple(min(float(math.ceil(hold_s / step_s) * step_s), last_s) for hold_s in super().next_holds())

    def is_moot(self, hold_s: float) -> bool:
        """Say whether a running trial can no longer tell anything, wherever it was before it was rounded up."""
        step_s = self._limits.step_s or 1
        return super().is_moot(hold_s) and super().is_moot(math.nextafter(hold_s - step_s, math.inf))
