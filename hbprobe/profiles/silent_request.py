"""What a box makes of silence: of a request that is held in it, as Direct Push holds it, and in other parts of a
connection."""

from typing import NamedTuple

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.model import Ends, Profile, Restart, Timer, TimerKind
from hbprobe.profiles.vocabulary import QuietPhase

_ENDING = (TimerKind.IDLE, TimerKind.SERVER_RESPONSE, TimerKind.TOTAL, TimerKind.LIFETIME)
"""The timers that can end such a request. The others have stopped when its last byte has been acknowledged."""

_ENDING_IN = {
    QuietPhase.ANSWER: (TimerKind.BETWEEN_BYTES, TimerKind.TOTAL, TimerKind.LIFETIME),
    QuietPhase.BETWEEN: (TimerKind.CLIENT_IDLE, TimerKind.LIFETIME),
    QuietPhase.TUNNEL: (TimerKind.TOTAL, TimerKind.LIFETIME),
    QuietPhase.FOREIGN: (),
}
"""What else can end a connection of an http box in each part."""
_IN_A_TUNNEL = (TimerKind.TUNNEL_IDLE, TimerKind.BETWEEN_BYTES, TimerKind.SERVER_RESPONSE, TimerKind.CLIENT_IDLE)


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


def quiet_timer(profile: Profile, phase: QuietPhase) -> Timer | None:
    """Return the timer that ends a connection first which is quiet in that part of it; None where none runs there.

    A box that relays bytes or packets knows of no parts.
    """
    if profile.layer is not Layer.HTTP or phase is QuietPhase.REQUEST:
        return deciding_timer(profile)
    timers = [timer for kind in _ENDING_IN[phase] if (timer := profile.timers.get(kind)) is not None]
    if phase is QuietPhase.TUNNEL and (tunnel := tunnel_timer(profile)) is not None:
        timers.append(tunnel[1])
    return min(timers, key=lambda timer: (outlived(timer), timer.default), default=None)


def tunnel_timer(profile: Profile) -> tuple[TimerKind, Timer] | None:
    """Return what runs in a tunnel of an http box that is quiet, as of a WebSocket; None where nothing does.

    A box without a timer of its own for that goes on waiting for the server as it does within an answer, or before
    one, or has one idle timer for everything: unless a source says that nothing ends its tunnels.
    """
    if profile.http is not None and profile.http.no_tunnel_timer:
        return None
    kind = next((kind for kind in _IN_A_TUNNEL if profile.timers.get(kind) is not None), None)
    timer = None if kind is None else profile.timers.get(kind)
    if kind is None or timer is None:
        return None
    if kind is TimerKind.TUNNEL_IDLE:
        return kind, timer
    expiry = Expiry.CLOSE if timer.expiry is Expiry.RESPOND else timer.expiry
    unasked = {"expiry": expiry, "restarted_by": Restart.DATA, "status": None, "body": "", "retries": 0}
    return kind, timer.model_copy(update=unasked)


def latest_of(timer: Timer, profile: Profile) -> float | None:
    """Return when a timer strikes at the latest, with steps, jitter and sweep; None where it ends nothing."""
    if outlived(timer):
        return None
    latest = timer.default + (timer.jitter or 0.0) + (timer.step or 0.0)
    return latest + (profile.sweep.every * profile.sweep.passes if profile.sweep else 0.0)
