"""What speaks for the path: a request that died of its far end's doing says nothing about timers on the way."""

from hbprobe.duration import format_duration
from hbprobe.manner import Manner
from hbprobe.trial.evidence import FarEndState, Observation
from hbprobe.trial.outcome import Kind, Outcome

_LATE = ("the far end is late", "the far end was late")


def excuse_of(seen: Observation, grace_s: float, *, witnessed: bool) -> str | None:
    """Return what the far end itself did to a request that looks cut; None where the path is to blame.

    `witnessed`: the far end has borne witness before, so that its silence says something as well. An answer that it
    sent when half the grace was over, or later, need not have been in time here.
    """
    if seen.outcome.kind is not Kind.CUT:
        return None
    saw = seen.far_end
    if saw is None:
        return "the far end did not say what became of the request" if witnessed else None
    match saw.state:
        case FarEndState.RESTARTED:
            return "the far end was restarted meanwhile"
        case FarEndState.UNREACHABLE:
            return "the far end cannot be reached any more, by a new connection either"
        case FarEndState.WAITING if seen.outcome.how is Manner.SILENT and saw.times == 1:
            return f"the far end is late: it has not answered yet, though that was due after {_of(seen.ask.hold_s)}"
    is_late = saw.answered_s is not None and saw.answered_s > seen.ask.hold_s + grace_s / 2
    if seen.outcome.how is Manner.SILENT and is_late and saw.answered_s is not None:
        return f"the far end was late: it answered after {_of(saw.answered_s)} instead of {_of(seen.ask.hold_s)}"
    return None


def excused(outcome: Outcome, excuse: str) -> Outcome:
    """Return the outcome as no evidence; the far end may be well again in a while.

    One that is only late is there, so that it is not waited for: it is asked again, a few times.
    """
    return Outcome(
        Kind.FAILED,
        outcome.elapsed_s,
        status=outcome.status,
        reason=excuse,
        evidence=outcome.evidence,
        again=True,
        outage=not excuse.startswith(_LATE),
        connection=outcome.connection,
    )


def _of(seconds: float) -> str:
    return format_duration(seconds)
