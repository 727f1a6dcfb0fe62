"""What a box makes of a request that is held in silence, as Direct Push holds it: how long it lives, how it dies."""

import math
from dataclasses import dataclass

from hbprobe.manner import Layer, Manner
from hbprobe.profiles.model import Ends, Profile, Timer, TimerKind

_ENDING = (TimerKind.IDLE, TimerKind.SERVER_RESPONSE, TimerKind.TOTAL, TimerKind.LIFETIME)
"""The timers that can end such a request. The others have stopped when its last byte has been acknowledged."""

_BETWEEN = (TimerKind.CLIENT_IDLE, TimerKind.LIFETIME)


@dataclass(frozen=True, slots=True)
class Cut:
    """What a box makes of a request that is held in silence, or of a connection on which nothing is asked.

    It is what a product does; `hbprobe.trial.outcome.Limit` is what was measured of a path.
    """

    limit_s: float = math.inf
    """It is lost when it takes so long or longer; infinite where nothing cuts it."""
    manner: Manner = Manner.SILENT
    """How the client sees it, and so when it notices."""
    spread_s: float = 0.0
    """The limit is longer by up to so much, another for each request: jitter, steps, and how often a box looks."""
    tries: int = 1
    """How many servers are asked, each for the limit; the client hears of the cut after the last."""

    @property
    def latest_s(self) -> float:
        """How long it lives at most at one server."""
        return self.limit_s + self.spread_s


def cut_of(profile: Profile) -> Cut:
    """Return what one box of this product does to a request held in silence."""
    return cut_by(deciding_timer(profile), profile)


def cut_by(timer: Timer | None, profile: Profile) -> Cut:
    """Return what a timer of a box of this product does to a connection that is silent; None stands for no timer."""
    if timer is None or outlived(timer):
        return Cut()
    every_s, passes = (profile.sweep.every, profile.sweep.passes) if profile.sweep else (0.0, 1)
    return Cut(
        limit_s=timer.default + every_s * (passes - 1),
        manner=(timer.expiry.traits.manner if timer.tells is not Ends.SERVER else None) or Manner.SILENT,
        spread_s=(timer.jitter or 0.0) + (timer.step or 0.0) + every_s,
        tries=1 + timer.retries,
    )


def timer_s(profile: Profile) -> float | None:
    """Return the timer that cuts such a request, as it is set; None where the box lets it live for ever."""
    timer = deciding_timer(profile)
    return None if timer is None or outlived(timer) else timer.default


def deciding_timer(profile: Profile) -> Timer | None:
    """Return the timer that ends such a request first, else one that it outlives, or None where none runs."""
    timers = [timer for kind in _ENDING if (timer := profile.timers.get(kind)) is not None]
    return min(timers, key=lambda timer: (outlived(timer), timer.default), default=None)


def ending_timers(profile: Profile, *, between: bool = False) -> tuple[Timer, ...]:
    """Return the timers that can end such a request, the first to strike first: each decides once those before it do
    not.

    `between`: a connection on which nothing is asked.
    """
    kinds = _BETWEEN if between and profile.layer is Layer.HTTP else _ENDING
    timers = (timer for kind in kinds if (timer := profile.timers.get(kind)) is not None)
    return tuple(sorted((timer for timer in timers if not outlived(timer)), key=lambda timer: timer.default))


def upgrade_is_untold(profile: Profile) -> bool:
    """Return whether no source gives a timer for a connection that was upgraded, as to WebSocket."""
    return profile.layer is Layer.HTTP and profile.timers.tunnel_idle is None


def outlived(timer: Timer) -> bool:
    """Return whether a connection between ends that live survives the timer.

    So it does where the box asks the ends before it forgets, where it forgets only which server it had chosen, and
    where the answer of the server revives what was forgotten.
    """
    revives = timer.revived_by in (Ends.SERVER, Ends.BOTH)
    return timer.probes is not None or not timer.expiry.ends or revives


def between_requests(profile: Profile) -> Timer | None:
    """Return the timer that ends a connection first on which nothing is asked, or None where none runs."""
    if profile.layer is not Layer.HTTP:
        return deciding_timer(profile)
    timers = [timer for kind in _BETWEEN if (timer := profile.timers.get(kind)) is not None]
    return min(timers, key=lambda timer: (outlived(timer), timer.default), default=None)
