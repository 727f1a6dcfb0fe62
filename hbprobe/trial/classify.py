"""What the end of a trial means: evidence about timers, and which, or no evidence at all.

The rules, for a request that is meant to be answered after `hold_s`:

- the right answer: survived;
- RST or FIN before that: cut, at that very time, unless it came so soon that no timer can be behind it. At or after
  that, the answer itself may have provoked it, so the timer struck at some time up to the hold;
- a status that is not the far end's: a proxy's timer, at that very time, unless it says something else (who
  are you, go there, not so often) or came so soon;
- nothing until the hold and a grace are over: cut in silence, at some time up to the hold, unless the far end says
  that it stood still, or that it had no descriptors left.
"""

from dataclasses import replace

from hbprobe.duration import format_duration
from hbprobe.eas.refusal import pause_told_s
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.replies import Answer, Broken, End, EndKind, Reply
from hbprobe.text import cut_short, without_query_values
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question
from hbprobe.trial.outcome import Kind, Outcome

PROMPT_S = 1.0
"""A status or an end within this time is a refusal, not a timer: no catalogued product has so short a one."""
EDGE_S = 0.05
"""So close to the hold, an end may be the answer's doing."""
_PAUSE_S = 30.0
"""For one who throttles, and does not say how long."""
_MOST_STALLED = 0.5
"""A far end that stood still for this share of the grace may have been late: once before it read, once at the end."""
_KEPT_AWAKE = (Question.KEEP_ALIVE, Question.SERVER_DRIP, Question.CLIENT_DRIP, Question.BOTH_DRIP)
"""Questions in which the far end has to send something, or its system to acknowledge, until the hold is over."""
_UNFINISHED = (Question.CLIENT_DRIP, Question.BOTH_DRIP)
"""Questions whose request is whole only at the end of the hold: a far end that waits for it is not late."""
_EARLY_SHARE = 0.98
_EARLY_S = 1.0
"""Real servers answer up to 0.7 s early; more is another clock than ours."""


def classify(reply: Reply, *, hold_s: float, started_s: float, now_s: float, expected: bytes | None) -> Outcome:
    """Say what a reply means for a hold that began at `started_s`.

    `expected` is the body of the right answer; None accepts any answer of the server's. What ended before the hold
    began has lasted no time.
    """
    match reply:
        case None:
            return Outcome(Kind.CUT, now_s - started_s, Manner.SILENT, reason="nothing came")
        case End():
            return _ended(reply, max(0.0, reply.at_s - started_s), hold_s, asked=expected is not None)
        case Broken(end=End() as end):
            outcome = _ended(end, max(0.0, end.at_s - started_s), hold_s, asked=expected is not None)
            return replace(outcome, reason=f"{reply.detail}: {outcome.reason}")
        case Broken():
            return _failed(max(0.0, reply.at_s - started_s), reply.detail)
        case Answer():
            return _answered(reply, max(0.0, reply.at_s - started_s), hold_s, expected)


def came_early(elapsed_s: float, hold_s: float) -> bool:
    """Say whether an answer came too early to be that of a server that held the request to the end."""
    return elapsed_s < hold_s - _EARLY_S and elapsed_s < hold_s * _EARLY_SHARE


def unless_by_far_end(outcome: Outcome, saw: FarEndSaw | None, grace_s: float, ask: Ask | None = None) -> Outcome:
    """Return what a trial showed, given what the far end saw: a silence may be the far end's doing.

    An end that came from the path is one whatever the far end did, unless the far end, or its machine, was to send
    something meanwhile that keeps the path awake; an answer that did not come may be its stall's, or was never asked
    for where it had no descriptor for the connection.
    """
    acts = ask is not None and ask.question in _KEPT_AWAKE
    if saw is None or outcome.kind is not Kind.CUT or not (acts or outcome.how is Manner.SILENT):
        return outcome
    most_s = grace_s * _MOST_STALLED
    if acts and ask is not None and ask.interval_s is not None:
        most_s = min(most_s, ask.interval_s)
    if saw.stalled_s is not None and saw.stalled_s > most_s:
        reason = f"the far end stood still for {format_duration(saw.stalled_s)} meanwhile"
    elif saw.was_full and saw.state is FarEndState.NEVER_ARRIVED:
        reason = "the far end turned connections away meanwhile: it had no descriptors left"
    else:
        return outcome
    return Outcome(Kind.FAILED, outcome.elapsed_s, reason=f"{reason}, which says nothing of the path", again=True)


def in_answer(outcome: Outcome, end: End, to: str) -> Outcome:
    """Return what an end shows that came in answer to what was asked after the silence, and not by itself.

    The client that did not ask would wait still. `to` names what was asked.
    """
    aftermath = {EndKind.RST: Aftermath.RESET, EndKind.FIN: Aftermath.CLOSED}.get(end.kind)
    if aftermath is None or outcome.kind is not Kind.CUT:
        return outcome
    return replace(outcome, aftermath=aftermath, exact=False, reason=f"{outcome.reason} in answer to {to}")


def _ended(end: End, elapsed_s: float, hold_s: float, *, asked: bool) -> Outcome:
    """`asked` says that an answer is due: a server may end a connection on which nothing is asked at any time."""
    if end.kind is EndKind.UNREACHABLE:
        is_damaged = end.detail.startswith("TLS")
        return _failed(elapsed_s, f"the connection broke: {end.detail}", again=True, outage=not is_damaged)
    if end.kind is EndKind.TIMED_OUT:  # what was sent met with silence, for as long as the system has patience
        return Outcome(
            Kind.CUT, elapsed_s, Manner.SILENT, reason="nothing was acknowledged, until the system gave up"
        )
    name, exact = _END_NAMES[end.kind, end.signed], elapsed_s < hold_s - EDGE_S
    if asked and exact and elapsed_s < PROMPT_S:
        text = f"{name} at once: a server that went down, a proxy that cannot reach it, or another protocol"
        return _failed(elapsed_s, text, again=True, outage=True)
    return Outcome(Kind.CUT, elapsed_s, _how(end), exact=exact, reason=name)


_END_NAMES = {
    (EndKind.RST, False): "RST",
    (EndKind.RST, True): "RST after TLS's close_notify",
    (EndKind.FIN, False): "FIN",
    (EndKind.FIN, True): "FIN after TLS's close_notify",
}


def _how(end: End) -> Manner:
    return Manner.RESET if end.kind is EndKind.RST else Manner.CLOSED


def _answered(answer: Answer, elapsed_s: float, hold_s: float, expected: bytes | None) -> Outcome:
    if expected is None or (answer.status == 200 and answer.body == expected):
        if came_early(elapsed_s, hold_s):
            text = f"the far end answered after {elapsed_s:.3f} s instead of {hold_s:g} s: is its clock another?"
            return _failed(elapsed_s, text)
        return Outcome(Kind.SURVIVED, elapsed_s)
    return objection(answer, elapsed_s) or Outcome(
        Kind.CUT,
        elapsed_s,
        Manner.STATUS,
        exact=elapsed_s < hold_s - EDGE_S,
        status=answer.status,
        reason=f"status {answer.status} from a proxy",
    )


def objection(answer: Answer, elapsed_s: float) -> Outcome | None:
    """Return why a wrong answer is no evidence about timers; None if it is.

    `hbprobe serve` throttles nobody. So a Retry-After (RFC 9110, section 10.2.3) is worth no more than its status:
    proxies send one with the 503 that their timer makes.
    """
    status, headers = answer.status, answer.headers
    if 300 <= status < 400:
        place = cut_short(without_query_values(headers.get("location", "another place")))
        return _failed(elapsed_s, f"status {status}: the server sends us to {place}", status)
    if throttle := headers.get("x-ms-asthrottle"):  # Exchange is there, and nobody else sends that
        return _failed(elapsed_s, f"status {status}: the server throttles ({cut_short(throttle)})", status)
    if status == 429:
        pause_s = pause_told_s(headers) or _PAUSE_S
        return _failed(elapsed_s, "status 429: a proxy throttles", status, again=True, pause_s=pause_s)
    if 400 <= status < 500 and status != 408:
        return _failed(
            elapsed_s, f"status {status}: {_REFUSALS.get(status, 'the server refuses the request')}", status
        )
    return unexpected(answer, elapsed_s) if elapsed_s < PROMPT_S else None


def unexpected(answer: Answer, elapsed_s: float) -> Outcome:
    """Return what an answer means where nothing has had the time to wait for a timer."""
    status = answer.status
    if status == 200:
        text = "the answer is not from hbprobe serve; --method idle can probe any web server"
        return _failed(elapsed_s, text, status)
    text = f"status {status} at once: a proxy that cannot reach the server"
    return _failed(elapsed_s, text, status, again=True, outage=True)


_REFUSALS = {
    401: "the server wants a login",
    403: "the server forbids it",
    404: "there is no hbprobe serve at this address; --method idle can probe any web server",
    405: "there is no hbprobe serve at this address; --method idle can probe any web server",
    407: "a proxy wants a login",
    449: "the server wants the device to be provisioned first",
}


def _failed(
    elapsed_s: float,
    reason: str,
    status: int | None = None,
    *,
    again: bool = False,
    outage: bool = False,
    pause_s: float = 0.0,
) -> Outcome:
    return Outcome(Kind.FAILED, elapsed_s, status=status, reason=reason, again=again, outage=outage, pause_s=pause_s)


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
        case _ if seen.ask.question in _UNFINISHED:
            return None
        case FarEndState.WAITING if seen.outcome.how is Manner.SILENT and saw.times == 1:
            return f"the far end is late: it has not answered yet, though that was due after {_of(seen.ask.hold_s)}"
    is_late = saw.answered_s is not None and saw.answered_s > seen.ask.hold_s + grace_s / 2
    if seen.outcome.how is Manner.SILENT and is_late and saw.answered_s is not None:
        return f"the far end was late: it answered after {_of(saw.answered_s)} instead of {_of(seen.ask.hold_s)}"
    return None


def unless_excused(seen: Observation, grace_s: float, *, witnessed: bool = False) -> Observation:
    """Return the answer to a question of a diagnosis, which is none where the far end did it.

    What the far end saw stands in the post-mortem alone: there it says what a request died of.
    """
    excuse = excuse_of(seen, grace_s, witnessed=witnessed)
    outcome = seen.outcome if excuse is None else excused(seen.outcome, excuse)
    is_post_mortem = seen.ask.question is Question.POST_MORTEM
    return replace(seen, outcome=outcome, far_end=seen.far_end if is_post_mortem else None)


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
