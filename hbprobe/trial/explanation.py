"""The post-mortem: from what both ends saw of a dead request to what it died of. Facts in, explanations out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hbprobe.duration import format_duration
from hbprobe.manner import Aftermath, Manner
from hbprobe.trial.classify import PROMPT_S
from hbprobe.trial.evidence import FarEndSaw, FarEndState, Observation
from hbprobe.trial.keep_alives import shipped_near
from hbprobe.trial.outcome import IN_ANSWER, Cause, Kind, Outcome


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a request died of, as far as the evidence goes."""

    causes: tuple[Cause, ...]
    """The likeliest first; several where the evidence leaves them open, none where the request lived."""
    evidence: tuple[str, ...]


def explain(seen: Observation, *, tls: bool) -> Explanation:
    """Say what a request died of."""
    return Explanation(_causes(seen, tls=tls), tuple(_evidence(seen, tls=tls)))


def explained(seen: Observation, *, tls: bool) -> Outcome:
    """Return what a trial showed; for a cut with what it died of."""
    outcome = seen.outcome
    if outcome.kind is not Kind.CUT:
        return outcome
    aftermath = outcome.aftermath if seen.socket is None else seen.socket.aftermath
    found = explain(seen, tls=tls)
    return replace(outcome, aftermath=aftermath, causes=found.causes, evidence=found.evidence)


# Causes

_SERVER_IS_ALIVE = (
    FarEndState.WAITING,
    FarEndState.UNASKED,
    FarEndState.UNACKNOWLEDGED,
    FarEndState.ACKNOWLEDGED,
    FarEndState.ANSWERED,
    FarEndState.RESET,
    FarEndState.CLOSED,
    FarEndState.GAVE_UP,
    FarEndState.NEVER_ARRIVED,
)
"""The far end, which never ends a connection of its own accord, is there: so it was another that ended this one."""
_LOST_BEHIND = (
    FarEndState.UNASKED,
    FarEndState.ACKNOWLEDGED,
    FarEndState.ANSWERED,
    FarEndState.RESET,
    FarEndState.CLOSED,
    FarEndState.NEVER_ARRIVED,
)


def _causes(seen: Observation, *, tls: bool) -> tuple[Cause, ...]:
    state = seen.far_end.state if seen.far_end is not None else None
    match seen.outcome.how:
        case Manner.STATUS:
            return (Cause.PROXY_STATUS,)
        case Manner.CLOSED | Manner.RESET if seen.disconnect_notice and seen.by_server:
            return (Cause.CLOSED_BY_SERVER,)
        case Manner.CLOSED if seen.quiet and state is None:
            return _of_quiet_close(seen, tls=tls)
        case Manner.CLOSED:
            return _ended(state, Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER, servers=_is_rather_servers(seen))
        case Manner.RESET if seen.outcome.aftermath is Aftermath.RESET:
            return _of_reset_on_next(seen, state)
        case Manner.RESET:
            return _ended(state, Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER, servers=_is_rather_servers(seen))
        case Manner.SILENT:
            return _of_silence(seen, state)
        case _:
            return ()


def _may_be_servers(seen: Observation) -> bool:
    outcome = seen.outcome
    ended = outcome.how is Manner.CLOSED or (outcome.how is Manner.RESET and outcome.exact)
    return bool(seen.own_limit) and ended and not (seen.disconnect_notice and seen.by_server)


def _is_rather_servers(seen: Observation) -> bool:
    """Whether a limit of the server's own is likelier than another's: not one that would have to be a fraction of the
    usual, unless words came before the end."""
    is_too_early = seen.is_far_below_own_limit and not seen.disconnect_notice
    return (seen.signed or _may_be_servers(seen)) and not is_too_early


def announces(seen: Observation) -> bool:
    """Return whether the server had said that it would end the connection about when it was ended."""
    if seen.announced_s is None:
        return False
    return abs(seen.outcome.elapsed_s - seen.announced_s) <= _ANNOUNCED_SLACK_S + _ANNOUNCED_SLACK * seen.announced_s


_ANNOUNCED_SLACK_S, _ANNOUNCED_SLACK = 1.0, 0.1


def _of_quiet_close(seen: Observation, *, tls: bool) -> tuple[Cause, ...]:
    """FIN while nothing was asked: every web server has a timer of its own for that, and it is the likelier one.

    Only where TLS was not closed is it likelier that someone else did it, who could not close that.
    """
    known = shipped_near(seen.outcome.elapsed_s, seen.server)
    if announces(seen) or (seen.server and any(one.is_named_by(seen.server) for one in known)):
        return (Cause.CLOSED_BY_SERVER,)
    if seen.signed or known or not tls:
        return (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)
    return (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)


def _ended(state: FarEndState | None, by_box: Cause, by_server: Cause, *, servers: bool) -> tuple[Cause, ...]:
    if state in _SERVER_IS_ALIVE:
        return (by_box,)
    if state is FarEndState.RESTARTED:
        return (by_server,)
    return (by_server, by_box) if servers or state is FarEndState.UNREACHABLE else (by_box, by_server)


def _of_silence(seen: Observation, state: FarEndState | None) -> tuple[Cause, ...]:
    aftermath = seen.socket.aftermath if seen.socket is not None else seen.outcome.aftermath
    woke = seen.socket is not None and seen.socket.woke
    if seen.far_end is not None and seen.far_end.times > 1:
        return (Cause.HELD_BY_PROXY,)
    if seen.late_s is not None:
        return (Cause.ANSWERED_LATE,)
    match aftermath:
        case Aftermath.RESET:
            return _of_reset_on_next(seen, state)
        case Aftermath.CLOSED:
            return _ended(state, Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER, servers=False)
        case _ if state is FarEndState.UNREACHABLE:
            return (Cause.PATH_DOWN,)
        case Aftermath.NOTHING:
            return (Cause.STATE_LOST_SILENTLY,)
        case Aftermath.ACKNOWLEDGED:
            return _of_acknowledged(state, woke=woke)
        case _:
            return _of_unknown(state)


def _of_reset_on_next(seen: Observation, state: FarEndState | None) -> tuple[Cause, ...]:
    if state in (FarEndState.RESTARTED, FarEndState.UNREACHABLE):
        return (Cause.RESET_BY_SERVER,)
    if state is None:
        return (Cause.STATE_LOST_RESET_ON_NEXT, Cause.RESET_BY_SERVER)
    if seen.far_end is not None and _was_taken(seen.far_end):
        return (Cause.STATE_LOST_RESET_ON_NEXT, Cause.RESET_BY_BOX)
    return (Cause.STATE_LOST_RESET_ON_NEXT,)


def _was_taken(saw: FarEndSaw) -> bool:
    """Whether somebody took the far end's answer, and let it lie: a box without the state refuses that at once."""
    if saw.state is FarEndState.ACKNOWLEDGED:
        return True
    return saw.at_s is not None and saw.answered_s is not None and saw.at_s - saw.answered_s > PROMPT_S


def _of_acknowledged(state: FarEndState | None, *, woke: bool) -> tuple[Cause, ...]:
    """Something on the path took the client's packet."""
    if state is FarEndState.WAITING:
        return (Cause.ANSWERED_LATE,)
    if state in (FarEndState.UNACKNOWLEDGED, FarEndState.GAVE_UP):
        return (Cause.STATE_LOST_SILENTLY,) if woke else (Cause.STATE_LOST_SILENTLY, Cause.HELD_BY_PROXY)
    if woke:  # the packet brought back what a box had forgotten
        return (Cause.STATE_LOST_SILENTLY,)
    return (Cause.HELD_BY_PROXY,) if state in _LOST_BEHIND else (Cause.ANSWERED_LATE, Cause.HELD_BY_PROXY)


def _of_unknown(state: FarEndState | None) -> tuple[Cause, ...]:
    """The system does not tell what became of the client's packet."""
    if state is FarEndState.WAITING:
        return (Cause.ANSWERED_LATE,)
    if state in (FarEndState.UNACKNOWLEDGED, FarEndState.RESET, FarEndState.CLOSED, FarEndState.GAVE_UP):
        return (Cause.STATE_LOST_SILENTLY,)
    if state is FarEndState.UNASKED:
        return (Cause.STATE_LOST_SILENTLY, Cause.HELD_BY_PROXY)
    if state in (FarEndState.ACKNOWLEDGED, FarEndState.ANSWERED, FarEndState.NEVER_ARRIVED):
        return (Cause.HELD_BY_PROXY, Cause.STATE_LOST_SILENTLY)
    return (Cause.STATE_LOST_SILENTLY, Cause.ANSWERED_LATE)


# Evidence

_AFTERMATH = {
    Aftermath.RESET: "one more packet from here was answered with RST",
    Aftermath.CLOSED: "one more packet from here was answered with FIN",
    Aftermath.ACKNOWLEDGED: "one more packet from here was acknowledged",
    Aftermath.NOTHING: "one more packet from here was not acknowledged",
}


def _evidence(seen: Observation, *, tls: bool) -> Iterator[str]:
    yield _death(seen)
    if seen.disconnect_notice:
        earlier = f"{format_duration(seen.lingered_s)} " if seen.lingered_s >= PROMPT_S else ""
        yield f"{earlier}before that came {seen.disconnect_notice}"
    if seen.outcome.how in (Manner.CLOSED, Manner.RESET) and tls:
        yield (
            "TLS's close_notify came first: whoever ended it holds the keys of the connection"
            if seen.signed
            else "no close_notify of TLS came before it, as from a box without the keys of the connection"
        )
    if seen.server:
        yield f"whoever answered calls itself {seen.server!r}"
    if seen.via:
        yield f"the answer came through {seen.via!r} (Via)"
    if seen.announced_s is not None:
        yield f"the server announces that it keeps a quiet connection for {format_duration(seen.announced_s)}"
    if _may_be_servers(seen):
        early = " so early only where it is set far below the usual" if seen.is_far_below_own_limit else ""
        yield f"a server of this protocol may end it by itself{early}: {seen.own_limit}"
    yield from _of_shipped(seen)
    yield from _of_socket(seen)
    if seen.far_end is not None:
        yield _of_far_end(seen)
    if seen.late_s is not None:
        yield f"the answer came after all, {format_duration(seen.late_s)} late"


def _of_shipped(seen: Observation) -> Iterator[str]:
    if not seen.quiet or seen.outcome.how not in (Manner.CLOSED, Manner.RESET):
        return
    known = shipped_near(seen.outcome.elapsed_s, seen.server)
    if known:
        names = ", ".join(f"{one.name} ({one.setting})" for one in known)
        yield f"so long does a quiet connection live, as shipped, at {names}"


def _death(seen: Observation) -> str:
    outcome, hold = seen.outcome, format_duration(seen.ask.hold_s)
    at = format_duration(outcome.elapsed_s + seen.lingered_s)
    match outcome.how:
        case Manner.STATUS:
            return f"status {outcome.status} came after {at}"
        case Manner.SILENT:
            due = f"for {hold}, and nothing was asked" if seen.quiet else f"though the answer was due after {hold}"
            return f"nothing came here{' ' if seen.quiet else ', '}{due}"
        case Manner.CLOSED | Manner.RESET:
            what = "RST" if outcome.how is Manner.RESET else "FIN"
            if (outcome.how, outcome.aftermath) in IN_ANSWER:
                return f"{what} came in answer to what was asked after {at}"
            return f"{what} came after {at}{', while nothing was asked' if seen.quiet else ''}"
        case _:
            return f"a request that was quiet for {hold} lived: the limit is not the same each time"


def _of_socket(seen: Observation) -> Iterator[str]:
    if seen.socket is None:
        return
    if seen.socket.aftermath is None:
        yield "this system does not tell whether one more packet was acknowledged"
    else:
        again = ", though it was sent again and again" if seen.socket.retransmits else ""
        yield _AFTERMATH[seen.socket.aftermath] + again
    if seen.socket.woke:
        yield "that packet brought the connection back: what had been held up came after it"


def _of_far_end(seen: Observation) -> str:
    saw = seen.far_end
    assert saw is not None
    when = "" if saw.at_s is None else f" {format_duration(saw.at_s)} after {seen.since}"
    answered = ""
    if saw.answered_s is not None:
        answered = f" (it answered after {format_duration(saw.answered_s)})"
    again = f"; the request came {saw.times} times, as from a proxy that asks again" if saw.times > 1 else ""
    return f"the far end: {saw.state.meaning}{when}{answered}{again}"
