"""What a box makes of silence: of a request that is held in it, as Direct Push holds it, and in other parts of a
connection."""

import math
from dataclasses import dataclass

from hbprobe.manner import Expiry, Layer, Manner
from hbprobe.profiles.model import Ends, Profile, Restart, Timer, TimerKind
from hbprobe.profiles.vocabulary import QuietPhase

_ENDING = (TimerKind.IDLE, TimerKind.SERVER_RESPONSE, TimerKind.TOTAL, TimerKind.LIFETIME)
"""The timers that can end such a request. The others have stopped when its last byte has been acknowledged."""

_ENDING_IN = {
    QuietPhase.ANSWER: (TimerKind.BETWEEN_BYTES, TimerKind.TOTAL, TimerKind.LIFETIME),
    QuietPhase.BETWEEN: (TimerKind.CLIENT_IDLE, TimerKind.LIFETIME),
    QuietPhase.UNASKED: (TimerKind.CLIENT_HEADER, TimerKind.LIFETIME),
    QuietPhase.TUNNEL: (TimerKind.TOTAL, TimerKind.LIFETIME),
    QuietPhase.FOREIGN: (),
}
"""What else can end a connection of an http box in each part."""
_SERVER_IS_NEXT = (QuietPhase.REQUEST, QuietPhase.ANSWER)
"""Where the server's words end the silence; elsewhere it is the client that asks."""
_IN_A_TUNNEL = (TimerKind.TUNNEL_IDLE, TimerKind.BETWEEN_BYTES, TimerKind.SERVER_RESPONSE, TimerKind.CLIENT_IDLE)


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


def cut_by(timer: Timer | None, profile: Profile, phase: QuietPhase = QuietPhase.REQUEST) -> Cut:
    """Return what a timer of a box of this product does to a connection that is silent in that part of it; None
    stands for no timer."""
    if timer is None or outlived(timer, phase):
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
    return quiet_timer(profile, QuietPhase.REQUEST)


def quiet_timer(profile: Profile, phase: QuietPhase) -> Timer | None:
    """Return the timer that ends a connection first which is quiet in that part of it, else one that it outlives, or
    None where none runs there."""
    return min(_running(profile, phase), key=lambda timer: (outlived(timer, phase), timer.default), default=None)


def ending_timers(profile: Profile, phase: QuietPhase) -> tuple[Timer, ...]:
    """Return the timers that can end a connection which is quiet in that part of it, the first to strike first: each
    decides once those before it do not."""
    ending = (timer for timer in _running(profile, phase) if not outlived(timer, phase))
    return tuple(sorted(ending, key=lambda timer: timer.default))


def _running(profile: Profile, phase: QuietPhase) -> list[Timer]:
    """Return the timers that run in a part of a connection; a box that relays bytes or packets knows of no parts."""
    has_parts = profile.layer is Layer.HTTP and phase is not QuietPhase.REQUEST
    if phase is QuietPhase.UNASKED and profile.timers.client_header is None:
        phase = QuietPhase.BETWEEN  # a box that has no time for a head goes by the one between requests
    kinds = _ENDING_IN[phase] if has_parts else _ENDING
    timers = [timer for kind in kinds if (timer := profile.timers.get(kind)) is not None]
    if phase is QuietPhase.UNASKED:
        timers = [_unasked(timer) for timer in timers]
    if has_parts and phase is QuietPhase.TUNNEL and (tunnel := tunnel_timer(profile)) is not None:
        timers.append(tunnel[1])
    return timers


def upgrade_is_untold(profile: Profile) -> bool:
    """Return whether no source says what becomes of a connection that was upgraded, as to WebSocket."""
    if profile.layer is not Layer.HTTP or profile.timers.tunnel_idle is not None:
        return False
    return profile.http is None or not profile.http.no_tunnel_timer


def outlived(timer: Timer, phase: QuietPhase = QuietPhase.REQUEST) -> bool:
    """Return whether a connection between ends that live survives the timer.

    So it does where the box asks the ends before it forgets, where it forgets only which server it had chosen, and
    where what ends the silence revives what was forgotten: the server's answer, or the client's next words.
    """
    revives = timer.revived_by in (Ends.SERVER if phase in _SERVER_IS_NEXT else Ends.CLIENT, Ends.BOTH)
    return timer.probes is not None or not timer.expiry.ends or revives


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
    return kind, _unasked(timer).model_copy(update={"restarted_by": Restart.DATA})


def runs_unasked(profile: Profile, timer: Timer) -> bool:
    """Return whether a timer of an http box is one that runs while no request waits, as it ends a connection then."""
    running = profile.timers.client_header, profile.timers.client_idle
    return profile.layer is Layer.HTTP and any(one and timer in (one, _unasked(one)) for one in running)


def _unasked(timer: Timer) -> Timer:
    """Return a timer as it ends a connection on which no request is there to be answered."""
    expiry = Expiry.CLOSE if timer.expiry is Expiry.RESPOND else timer.expiry
    return timer.model_copy(update={"expiry": expiry, "status": None, "body": "", "retries": 0})
