"""What a box makes of a request that is held in silence, as Direct Push holds it: how long it lives, how it dies."""

from typing import NamedTuple

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.model import Ends, Profile, Timer, TimerKind

_ENDING = (TimerKind.IDLE, TimerKind.SERVER_RESPONSE, TimerKind.TOTAL, TimerKind.LIFETIME)
"""The timers that can end such a request. The others have stopped when its last byte has been acknowledged."""

_BETWEEN = (TimerKind.CLIENT_IDLE, TimerKind.LIFETIME)


class Held(NamedTuple):
    """The fate of a request on which nothing moves until its answer comes."""

    limit_s: float | None
    """It is lost when it takes longer than this; None where the box lets it live for ever.

    Where the box tries other servers first, the client learns of it only (1 + retries) timers after the request."""
    expiry: Expiry | None
    """How it is cut; where it lives, what the box does instead; None for a box without such a timer."""
    status: int | None
    """The HTTP status of a box that answers with one."""


def silent_hold(profile: Profile) -> Held:
    """Return the limit and the manner of a request that is held in silence through the box."""
    timer = deciding_timer(profile)
    if timer is None:
        return Held(None, None, None)
    return Held(None if outlived(timer) else timer.default, timer.expiry, timer.status)


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


def latest_s(profile: Profile) -> float | None:
    """Return how long such a request can live at most: the limit, and what steps, jitter and sweep may add."""
    timer = deciding_timer(profile)
    return None if timer is None else latest_of(timer, profile)


def between_requests(profile: Profile) -> Timer | None:
    """Return the timer that ends a connection first on which nothing is asked, or None where none runs."""
    if profile.layer is not Layer.HTTP:
        return deciding_timer(profile)
    timers = [timer for kind in _BETWEEN if (timer := profile.timers.get(kind)) is not None]
    return min(timers, key=lambda timer: (outlived(timer), timer.default), default=None)


def latest_of(timer: Timer, profile: Profile) -> float | None:
    """Return when a timer strikes at the latest, with steps, jitter and sweep; None where it ends nothing."""
    if outlived(timer):
        return None
    latest = timer.default + (timer.jitter or 0.0) + (timer.step or 0.0)
    return latest + (profile.sweep.every * profile.sweep.passes if profile.sweep else 0.0)
