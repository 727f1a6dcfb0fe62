"""What a profile foretells for the questions of a diagnosis."""

from dataclasses import dataclass

from hbprobe.manner import Aftermath, Layer, Manner
from hbprobe.profiles.model import Ends, Http, Profile, Restart, ServerSide, Timer, TimerKind
from hbprobe.profiles.silent_request import Cut, cut_by, ending_timers, outlived, runs_unasked
from hbprobe.profiles.vocabulary import QuietPhase
from hbprobe.trial.evidence import Ask, FarEndState, Question

_SAVED_BY = {
    Restart.ANY_PACKET: (True, True, True),
    Restart.DATA: (True, True, True),
    Restart.CLIENT_DATA: (True, False, True),
    Restart.SERVER_DATA: (False, True, True),
    Restart.EACH_DIRECTION: (False, False, True),
    Restart.NOTHING: (False, False, False),
}
"""Whether a drip from the client, from the server, and from both saves a flow."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one product would show, with its timer as shipped."""

    cut: Cut
    """When and how it cuts."""
    settable_s: tuple[float, float] | None
    """The least and the most that its timer can be set to; None where no source says."""
    aftermath: Aftermath | None
    """For a silent cut."""
    status: int | None
    far_end: FarEndState | None
    """What the far end sees at that moment; None where that depends on more."""
    timer: Timer
    before: tuple[Timer, ...] = ()
    """The timers that strike before it as shipped, and must have been changed for this one to be seen."""

    @property
    def manners(self) -> tuple[Manner, ...]:
        """How the client may see the cut: a box that asks other servers first looks silent until it gives up."""
        return (self.cut.manner, Manner.SILENT) if self.cut.tries > 1 else (self.cut.manner,)


def predictions(profile: Profile, phase: QuietPhase = QuietPhase.REQUEST) -> tuple[Prediction, ...]:
    """Say what becomes of a connection that is silent in that part of it; nothing for a product that lets it live.

    The first is what happens as shipped, the others what happens where somebody changed the timers before theirs.
    """
    timers = ending_timers(profile, phase)
    return tuple(_predict(profile, timer, phase, timers[:number]) for number, timer in enumerate(timers))


def _predict(profile: Profile, timer: Timer, phase: QuietPhase, before: tuple[Timer, ...]) -> Prediction:
    told = timer.tells in (Ends.BOTH, Ends.CLIENT)
    return Prediction(
        cut=cut_by(timer, profile, phase),
        settable_s=settable(timer),
        aftermath=_aftermath(timer) if told else Aftermath.NOTHING,
        status=timer.status,
        far_end=_far_end(profile, timer),
        timer=timer,
        before=before,
    )


def survives(profile: Profile, timer: Timer, ask: Ask) -> bool | None:
    """Say whether a product lets a request live past its limit; None where that cannot be told."""
    if ask.question is Question.KEEP_ALIVE:
        counted = timer.restarted_by in (Restart.ANY_PACKET, Restart.EACH_DIRECTION)  # the other end acknowledges
        return profile.layer is Layer.PACKET and counted
    if ask.question is Question.BETWEEN_REQUESTS:
        return _between_requests(profile, timer, ask)
    if ask.question not in _PLACE:
        return None
    if runs_unasked(profile, timer):
        http2 = (profile.http or Http()).http2  # what moves where no request does is frames of HTTP/2
        return None if http2 is None else http2.pings_count
    if timer is profile.timers.server_response:
        return _dripped_through_http(profile, ask)
    if timer is profile.timers.total and ask.question is not Question.SERVER_DRIP:
        return None  # it may begin to count when the request is whole, which a drip from the client puts off
    if profile.layer is Layer.PACKET and timer.restarted_by is Restart.EACH_DIRECTION:
        return True  # acknowledgements are packets, too
    return _SAVED_BY[timer.restarted_by][_PLACE[ask.question]]


_PLACE = {Question.CLIENT_DRIP: 0, Question.SERVER_DRIP: 1, Question.BOTH_DRIP: 2}


def settable(timer: Timer) -> tuple[float, float] | None:
    """Return the least and the most that a timer can be set to; None where no source says."""
    if timer.min is None and timer.max is None:
        return None
    return timer.min or 0.0, timer.max or float("inf")


def _aftermath(timer: Timer) -> Aftermath | None:
    foretold = timer.expiry.traits.aftermath
    if foretold is None:
        return Aftermath.ACKNOWLEDGED if timer.retries else None
    return Aftermath.ACKNOWLEDGED if timer.revived_by in (Ends.CLIENT, Ends.BOTH) else foretold


def _far_end(profile: Profile, timer: Timer) -> FarEndState | None:
    if profile.layer is Layer.HTTP:
        reset = (profile.http or Http()).server_side is ServerSide.RESET
        return FarEndState.RESET if reset else FarEndState.CLOSED
    if timer.tells not in (Ends.BOTH, Ends.SERVER):
        return None
    act = timer.expiry.traits.act
    # To a bare FIN the server's TLS says goodbye: whether RST to that comes before its own end is a matter of luck.
    return FarEndState.RESET if act is not None and act.heard is Manner.RESET else None


def _between_requests(profile: Profile, timer: Timer, ask: Ask) -> bool | None:
    """On a packet's or a byte's level there are no requests, but the next one may bring a flow back."""
    if profile.layer is not Layer.HTTP:
        return timer.revived_by in (Ends.CLIENT, Ends.BOTH)
    timers = [profile.timers.get(kind) for kind in (TimerKind.CLIENT_IDLE, TimerKind.LIFETIME)]
    return not any(timer is not None and not outlived(timer) and timer.default < ask.hold_s for timer in timers)


def _dripped_through_http(profile: Profile, ask: Ask) -> bool:
    """The timer for the server's first byte waits for the end of the request, and stops with that byte."""
    between = profile.timers.between_bytes
    stalls = ask.question is Question.SERVER_DRIP and between is not None and between.default <= (ask.interval_s or 0)
    return not stalls
