"""What would end the trouble: the smallest timer, or the keep-alives, that would do."""

from collections.abc import Iterator, Sequence

from hbprobe.diagnosis.advice import beyond_it, enough_s, in_a_line
from hbprobe.diagnosis.heartbeat import lives, needed_s, safe_interval_s
from hbprobe.diagnosis.ranking import Match
from hbprobe.diagnosis.reasoning import BoxKind, Movement, Reasoning, Runs, Whose
from hbprobe.diagnosis.saved import outlived, post_mortem, saved_from
from hbprobe.duration import format_duration
from hbprobe.exchange.verdict import Judgement
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import deciding_timer, quiet_timer
from hbprobe.profiles.vocabulary import QuietPhase
from hbprobe.text import seconds
from hbprobe.trial.evidence import Observation, Question
from hbprobe.trial.methods.table import DEFAULT, METHODS, MethodTraits
from hbprobe.trial.outcome import Limit

_NO_TIMER = {
    BoxKind.LATE_SERVER: "No timer is to blame: look at the server, which answers later than it was asked to.",
    BoxKind.DOWN: "No timer is to blame: the server, or the path to it, went down. Try again when it stays up.",
    BoxKind.NONE: "Nothing needs mending within the longest hold that was tried.",
}

_MEASURE = "To measure the path beyond that: hbprobe serve at the far end, with --method hold."
_MOST_PRODUCTS = 3
"""Of more products that fit, none is likely enough to be told how to set it."""


def is_of_the_path(reasoning: Reasoning) -> bool:
    """Whether the limit is one that a held request meets: then it decides about event 1040."""
    return reasoning.alone not in (BoxKind.LATE_SERVER, BoxKind.DOWN, BoxKind.SERVER)


def mend(
    limit: Limit,
    seen: Sequence[Observation],
    reasoning: Reasoning,
    verdict: Judgement | None,
    fitting: Sequence[Match] = (),
    *,
    method: str = DEFAULT,
    heartbeat_s: float | None = None,
) -> tuple[str, ...]:
    """Say what to do, one sentence or two each, with the lines that do it where their source is known.

    `fitting` are the products that fit best, `heartbeat_s` is how often the application sends something, if it said.
    """
    traits = METHODS[method]
    if reasoning.alone in _NO_TIMER:
        return (_NO_TIMER[reasoning.alone],)
    tried = (
        *_ping(limit, seen, reasoning, traits),
        *_from_one_end(limit, seen),
        *_in_the_application(limit, seen, reasoning),
        *_keep_alive(limit, seen, reasoning, traits),
        *_other_ends(limit, seen),
    )
    if reasoning.alone is BoxKind.SERVER:
        return (*tried, *_at_the_server(seen, traits), _MEASURE)
    return (
        *_timer(limit, verdict),
        *_at_the_product(enough_s(limit, verdict), fitting),
        *_for_the_heartbeat(limit, verdict, heartbeat_s, fitting, traits),
        *tried,
        *(_untried(limit, seen) if verdict is None else ()),
        *_for_either(seen, reasoning, traits),
    )


def _at_the_server(seen: Sequence[Observation], traits: MethodTraits) -> Iterator[str]:
    if traits.phase is QuietPhase.BETWEEN:
        yield "The server's own timer runs between requests: it cuts no request that is held."
    else:
        yield f"It is the server's own timer{_own_limit(seen)}: raise it there, if idle sessions are to live longer."


def _own_limit(seen: Sequence[Observation]) -> str:
    died = post_mortem(seen)
    if died is None or not died.own_limit:
        return ""
    return f"{', set far below the usual' if died.is_far_below_own_limit else ''} ({died.own_limit})"


def _for_either(seen: Sequence[Observation], reasoning: Reasoning, traits: MethodTraits) -> Iterator[str]:
    """Tell what to do in either case, where the evidence leaves open whether it is the server or a box."""
    if BoxKind.LATE_SERVER in reasoning.kinds:
        yield "If it is the server that answers late, no timer is to blame: look at the server."
    if BoxKind.SERVER not in reasoning.kinds:
        return
    harmless = "; it cuts no request that is held" if traits.phase is QuietPhase.BETWEEN else ""
    longer = f"raise it there, if idle sessions are to live longer{harmless}."
    yield f"If the timer is the server's own{_own_limit(seen)}: {longer}"
    yield "If it is a proxy's or a balancer's before the server: raise its timer for idle connections."
    if reasoning.whose is Whose.SERVER:
        yield "Where the other address leads to the same server past a proxy, it is that proxy's."
    elif reasoning.whose is Whose.SHARED:
        yield "Where one of the two addresses leads to the same server past every proxy, it is the server's own."
    elif reasoning.whose in (None, Whose.UNTOLD):
        if any(one.ask.question is Question.ELSEWHERE for one in seen):
            yield "A third address behind the same proxy may tell whether it is the proxy's: the other one did not."
        else:
            yield "Another address behind the same proxy tells whether it is the proxy's (--compare, --other-port)."


def _timer(limit: Limit, verdict: Judgement | None) -> Iterator[str]:
    if verdict is None:
        return
    if verdict.healthy:
        yield "The timer is long enough for Direct Push with these settings."
        return
    if verdict.recommended_s is not None and enough_s(limit, verdict) is None:
        yield "The timer is long enough for these devices."
    elif verdict.recommended_s is not None:
        yield f"For the change ticket, {verdict.ticket}"
    yield f"A timer of {_seconds(verdict.carries_max_s)} carries the longest heartbeat of these settings."


def _at_the_product(timer_s: int | None, fitting: Sequence[Match]) -> Iterator[str]:
    """Tell how the timer is set on the products that may be behind the limit, where few may, and sources say."""
    if timer_s is None or len(fitting) > _MOST_PRODUCTS:
        return
    for profile in (match.profile for match in fitting):
        where = f"On {profile.name}" if len(fitting) == 1 else f"If it is {profile.name}"
        timer = deciding_timer(profile)
        if timer is None:
            continue
        if timer.max is not None and timer.max < timer_s:
            yield f"{where}: its timer goes up to {_seconds(timer.max)}: {beyond_it(timer.max)}."
        elif (command := timer.set_to(timer_s)) is not None:
            yield f"{where}: {in_a_line(command)}"


def _for_the_heartbeat(
    limit: Limit,
    verdict: Judgement | None,
    heartbeat_s: float | None,
    fitting: Sequence[Match],
    traits: MethodTraits,
) -> Iterator[str]:
    """Tell how the timer is made long enough for an application whose heartbeat is too seldom for it."""
    if verdict is not None or heartbeat_s is None or lives(limit, heartbeat_s) is not False:
        return
    timer_s = needed_s(heartbeat_s)
    yield f"A timer of {_seconds(timer_s)} is long enough for a heartbeat every {_seconds(heartbeat_s)}."
    known = [
        (match.profile.name, command)
        for match in fitting
        if (timer := quiet_timer(match.profile, traits.phase)) is not None
        and (command := timer.set_to(timer_s)) is not None
        and timer_s <= (timer.max or timer_s)
    ]
    for name, command in known if len(known) <= _MOST_PRODUCTS else ():
        yield f"If it is {name}: {in_a_line(command)}"


def _ping(limit: Limit, seen: Sequence[Observation], reasoning: Reasoning, traits: MethodTraits) -> Iterator[str]:
    """Tell of the protocol's own ping: that is what drips from both ends where no far end of ours drips alone."""
    asked = {one.ask.question: one for one in seen}
    tried = asked.get(Question.BOTH_DRIP)
    if tried is None or Question.SERVER_DRIP in asked or tried.ask.interval_s is None:
        return
    every = f"The protocol's own ping every {_seconds(tried.ask.interval_s)}"
    saving = f"{every}: it was tried, and saved the connection"
    lines = tuple(line.sentence(tried.ask.interval_s) for line in traits.ping_lines)
    if any(word in tried.disconnect_notice for word in _TOO_OFTEN):
        yield (
            f"{every} was tried, and refused: the connection {_ended(tried)}. Whoever says so lets nobody ping so "
            "often: have it allowed there, or have the timer raised, and ping as seldom as is allowed."
        )
    elif tried.survived:
        yield from (f"{saving}; if one is lost, the next still comes in time.", *lines)
    elif outlived(limit, tried, seen):
        yield from (f"{saving} from the timer that strikes by {_seconds(limit.cut_s or 0.0)}.", *lines)
    elif tried.survived is False:
        why = () if reasoning.runs is Runs.IDLE else ("the timer counts from the start",)
        late = ("the server answers no more",) if BoxKind.LATE_SERVER in reasoning.kinds else ()
        yield (
            f"{every} was tried, and did not save the connection, which {_ended(tried)}: "
            f"{', or '.join((*why, 'a ping does not count as data', *late))}. "
            "Let the application send data of its own as often, or have the timer raised."
        )


_TOO_OFTEN = ("ENHANCE_YOUR_CALM", "too_many_pings")
"""How HTTP/2 says that there are too many pings (RFC 9113, section 7), and gRPC in words of its own
(https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md)."""


def _other_ends(limit: Limit, seen: Sequence[Observation]) -> Iterator[str]:
    """Tell how those ended that were saved from the limit, and met another end: that is the next timer."""
    for ended in dict.fromkeys(_ended(one) for one in seen if outlived(limit, one, seen)):
        yield f"What outlived this limit met another end later, as of a second timer: it {ended}."


def _ended(one: Observation) -> str:
    """Say how and when a connection ended, with the last words that came."""
    outcome = one.outcome
    name = {Manner.CLOSED: "FIN", Manner.RESET: "RST", Manner.STATUS: f"status {outcome.status}"}.get(
        outcome.how or Manner.SILENT
    )
    if name is None:
        return "fell silent"
    words = f"{one.disconnect_notice} and " if one.disconnect_notice else ""
    return f"ended with {words}{name} after {_seconds(outcome.elapsed_s)}"


def _from_one_end(limit: Limit, seen: Sequence[Observation]) -> Iterator[str]:
    """Tell which end must say something, as far as the protocol lets this one say something that is not answered."""
    asked = {one.ask.question: one for one in seen}
    tried, pinged = asked.get(Question.CLIENT_DRIP), asked.get(Question.BOTH_DRIP)
    if pinged is None or not saved_from(limit, pinged, seen) or Question.SERVER_DRIP in asked:
        return
    if tried is None:
        yield (
            "From which end it must come cannot be told here: whatever hbprobe may say in this protocol is answered, "
            "so both ends spoke. With hbprobe serve at the far end it can be told (--method hold)."
        )
        return
    match saved_from(limit, tried, seen):
        case True:
            yield "It may come from the client alone: bytes that the server does not answer saved it, too."
        case False:
            yield (
                "It must be answered, or come from the server: bytes from the client alone, as often, were tried, "
                "and did not save it."
            )
    yield "Whether bytes from the server alone do, --method hold tells, with hbprobe serve at the far end."


def _in_the_application(limit: Limit, seen: Sequence[Observation], reasoning: Reasoning) -> Iterator[str]:
    """Tell which bytes of the application's own save the request, where our far end let each end speak alone."""
    tried = next((one for one in seen if one.ask.question is Question.SERVER_DRIP), None)
    if tried is None or tried.ask.interval_s is None or reasoning.direction is None:
        return
    yield (
        f"In the application: {reasoning.direction.meaning}; every {_seconds(tried.ask.interval_s)} was tried"
        f"{_any_below(limit)}."
    )


def _any_below(limit: Limit) -> str:
    return f"; any interval below {seconds(limit.survived_s)} s should do" if limit.survived_s else ""


def _keep_alive(
    limit: Limit, seen: Sequence[Observation], reasoning: Reasoning, traits: MethodTraits
) -> Iterator[str]:
    tried = next((one for one in seen if one.ask.question is Question.KEEP_ALIVE), None)
    saved = None if tried is None else saved_from(limit, tried, seen)
    if tried is not None and saved and tried.ask.interval_s is not None:
        yield (
            f"Or TCP keep-alives every {_seconds(tried.ask.interval_s)} from either end: from this one they were "
            f"tried, and saved the request{_any_below(limit)}."
        )
        yield from (line.sentence(tried.ask.interval_s) for line in traits.keep_alive_lines)
    elif reasoning.counts is Movement.DATA:
        yield "TCP keep-alives do not help: only data counts."
    elif reasoning.runs in (Runs.TOTAL, Runs.FROM_REQUEST):
        yield "Neither keep-alives nor data help: the timer counts from the start, whatever moves."
    elif tried is not None and saved is False and tried.ask.interval_s is not None:
        yield f"TCP keep-alives every {_seconds(tried.ask.interval_s)} were tried, and did not save the connection."


def _untried(limit: Limit, seen: Sequence[Observation]) -> Iterator[str]:
    """Tell how often something must move where no ping could be tried, and nothing else saved it."""
    asked = {one.ask.question: one for one in seen}
    alive, safe_s = asked.get(Question.KEEP_ALIVE), safe_interval_s(limit)
    if safe_s is None or Question.BOTH_DRIP in asked or (alive is not None and saved_from(limit, alive, seen)):
        return
    others = " or TCP keep-alives" if alive is None else ""
    yield (
        f"If it is an idle timer, data{others} every {_seconds(safe_s)} will do: that is half of the longest silence "
        "that survived. It was not tried: there is no ping to try it with."
    )


def _seconds(value_s: float) -> str:
    words = format_duration(value_s)
    return words if value_s < 60 else f"{seconds(value_s)} s ({words})"
