"""From the answers to what kind of timer it is, whose, and what kind of box. Facts in, words out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hbprobe.diagnosis.saved import HELPERS, There, fares_elsewhere, post_mortem, saved_from
from hbprobe.manner import Manner
from hbprobe.trial.evidence import Observation, Question
from hbprobe.trial.explanation import Explanation, explain
from hbprobe.trial.methods.table import is_talk, may_be_http, server_timer_counts
from hbprobe.trial.outcome import Cause, Limit
from hbprobe.word import Word


class Runs(Word):
    """What the timer counts from."""

    IDLE = "idle", "an idle timer: what moves sets it back"
    TOTAL = "total", "a lifetime: nothing that moves sets it back"
    FROM_REQUEST = (
        "from-request",
        "a total time from the end of the request on: bytes from the client only put that end off",
    )


class Movement(Word):
    """What counts as movement."""

    PACKETS = "packets", "any packet counts, a TCP keep-alive too"
    DATA = "data", "only data counts: TCP keep-alives do not save the request"


class Direction(Word):
    """Whose bytes set the timer back."""

    EITHER = "either", "bytes from either end save the request"
    CLIENT = "client", "only bytes from the client save it"
    SERVER = "server", "only bytes from the server save it"
    BOTH = "both", "only bytes from both ends save it"
    ALONE = "alone", "bytes from one end save it, from either; bytes from both ends at once do not"


class Whose(Word):
    """Whose timer it is."""

    PATH = "path", "a box on the path"
    SERVER = "server", "the server itself, or a box that stands before it alone"
    ADDRESS = "address", "a box that treats this address otherwise than the other one"
    SHARED = "shared", "what both addresses share: a box on the way to both, or the server itself"
    UNTOLD = "untold", "not told: at the other address it dies sooner, or otherwise, as of another timer"


class BoxKind(Word):
    """What kind of box kills the request."""

    PACKET = "packet", "a packet-level box: a firewall, a NAT, a carrier"
    TCP = "tcp", "a TCP proxy or load balancer, which relays bytes"
    TLS = "tls", "a TLS offloader, which ends TLS and relays the bytes within"
    HTTP = "http", "an HTTP proxy or load balancer, which ends TLS and relays requests"
    SERVER = "server", "the server's own timer"
    LATE_SERVER = "late-server", "no box: the server is late"
    DOWN = "down", "no box: the server or the path went down, or was restarted"
    NONE = "none", "no box cuts within the longest hold that was tried"


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What the answers add up to; None where they leave it open."""

    explanation: Explanation
    runs: Runs | None
    counts: Movement | None
    direction: Direction | None
    whose: Whose | None
    kinds: tuple[BoxKind, ...]
    """The likeliest first."""

    @property
    def alone(self) -> BoxKind | None:
        """The kind, where the evidence leaves one open; None where it leaves several."""
        return self.kinds[0] if len(self.kinds) == 1 else None

    @property
    def is_a_box(self) -> bool:
        """Whether a box of the catalogue may be behind it."""
        return any(kind in (BoxKind.PACKET, BoxKind.TCP, BoxKind.TLS, BoxKind.HTTP) for kind in self.kinds)


_CAUSE_OF: dict[Manner | None, Cause] = {
    Manner.STATUS: Cause.PROXY_STATUS,
    Manner.SILENT: Cause.STATE_LOST_SILENTLY,
    Manner.RESET: Cause.RESET_BY_BOX,
}
"""What is behind a limit, where the post-mortem could not be had."""
_BY_SERVER = (Cause.CLOSED_BY_SERVER, Cause.RESET_BY_SERVER)
_MAY_BE_SERVERS = frozenset({*_BY_SERVER, Cause.ANSWERED_LATE})
"""Causes that lie with the server: where both addresses lead to the same one, it loses the request at both."""


def reason(limit: Limit, seen: Sequence[Observation], method: str, *, tls: bool) -> Reasoning:
    """Add the answers up."""
    died = post_mortem(seen)
    explanation = Explanation((), ()) if died is None else _with_the_search(explain(died, tls=tls), died, limit)
    if (no_timer := _no_timer(limit, explanation, method)) is not None:
        return Reasoning(explanation, None, None, None, None, (no_timer,))
    saved = {one.ask.question: saved_from(limit, one, seen) for one in seen}
    runs, whose = _runs(limit, seen, saved, method), _whose(limit, seen, method, explanation.causes)
    if whose is Whose.SERVER and not (died is not None and died.is_far_below_own_limit):
        explanation = replace(explanation, causes=_servers_first(explanation.causes))
    if whose is Whose.SERVER and _is_servers_alone(limit, seen, explanation.causes):
        kinds: tuple[BoxKind, ...] = (BoxKind.SERVER,)
    elif _knows_requests(limit, seen):
        kinds = (BoxKind.HTTP,)
    else:
        causes = explanation.causes or tuple(_CAUSE_OF[how] for how in (limit.manner,) if how in _CAUSE_OF)
        if not server_timer_counts(method):
            causes = tuple(cause for cause in causes if cause not in _BY_SERVER)
        signed = died is not None and died.signed
        kinds = _kinds(causes, saved, runs, signed=signed) or _of_close(causes, saved, signed=signed, tls=tls)
        if not may_be_http(method):
            kinds = _without_http(kinds, signed=signed)
    direction = None if runs is Runs.FROM_REQUEST else _direction(saved)
    return Reasoning(explanation, runs, _counts(saved, runs), direction, whose, kinds)


def _with_the_search(found: Explanation, died: Observation, limit: Limit) -> Explanation:
    """Name what the search saw as well, where the post-mortem saw the end in another manner."""
    how = died.outcome.how
    if how is None or limit.manner is None or how is limit.manner:
        return found
    causes = tuple(dict.fromkeys((*found.causes, *limit.causes)))
    return Explanation(causes, (*found.evidence, f"in the search it ended otherwise: {limit.manner}, and not {how}"))


def _no_timer(limit: Limit, explanation: Explanation, method: str) -> BoxKind | None:
    """Say what it is if there is no timer at all: then the other answers say nothing of one."""
    if limit.cut_s is None:
        return BoxKind.NONE
    match explanation.causes:
        case (Cause.ANSWERED_LATE,):
            return BoxKind.LATE_SERVER
        case (Cause.PATH_DOWN,):
            return BoxKind.DOWN
        case (cause, *_) if cause in _BY_SERVER and not server_timer_counts(method):  # it ends none while it runs
            return BoxKind.DOWN
        case _:
            return None


def _servers_first(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    return tuple(sorted(causes, key=lambda cause: cause not in _BY_SERVER))


def _runs(limit: Limit, seen: Sequence[Observation], saved: dict[Question, bool | None], method: str) -> Runs | None:
    """Tell idle timers from totals.

    A box that knows requests may begin to count when the request is whole. Then a drip from the client saves it, and
    one from the server does not, which would set back any timer that waits for the server.
    """
    knows = limit.manner is Manner.STATUS or _knows_requests(limit, seen)
    client, server = saved.get(Question.CLIENT_DRIP), saved.get(Question.SERVER_DRIP)
    if knows and client and server is False and not saved.get(Question.KEEP_ALIVE):
        return Runs.FROM_REQUEST
    if any(saved.get(question) for question in HELPERS):
        return Runs.IDLE
    if is_talk(method):  # a box may count data, and no ping
        return None
    return Runs.TOTAL if saved.get(Question.BOTH_DRIP) is False else None


def _counts(saved: dict[Question, bool | None], runs: Runs | None) -> Movement | None:
    match saved.get(Question.KEEP_ALIVE):
        case True:
            return Movement.PACKETS
        case False if runs is Runs.IDLE:
            return Movement.DATA
        case _:
            return None


def _direction(saved: dict[Question, bool | None]) -> Direction | None:
    match saved.get(Question.CLIENT_DRIP), saved.get(Question.SERVER_DRIP), saved.get(Question.BOTH_DRIP):
        case True, True, False:
            return Direction.ALONE
        case True, True, _:
            return Direction.EITHER
        case True, False, _:
            return Direction.CLIENT
        case False, True, _:
            return Direction.SERVER
        case False, False, True:
            return Direction.BOTH
        case _:
            return None


def _whose(limit: Limit, seen: Sequence[Observation], method: str, causes: tuple[Cause, ...]) -> Whose | None:
    there = fares_elsewhere(limit, seen)
    if not server_timer_counts(method):
        return Whose.ADDRESS if there in (There.LIVES, There.SOONER) else Whose.PATH
    if there is There.LIVES or _is_servers_alone(limit, seen, causes):
        return Whose.SERVER
    match there:
        case There.ALIKE:
            causes = causes or limit.causes
            return Whose.PATH if causes and _MAY_BE_SERVERS.isdisjoint(causes) else Whose.SHARED
        case There.SOONER | There.OTHERWISE:
            return Whose.UNTOLD
        case _:
            return None


def _is_servers_alone(limit: Limit, seen: Sequence[Observation], causes: tuple[Cause, ...]) -> bool:
    """Whether the evidence leaves nobody but the server. Another address that lives does not do that: a box may stand
    before this one alone."""
    announced = next((one.announced_s for one in seen if one.announced_s is not None), None)
    return (announced is not None and _is_near(announced, limit)) or causes == (Cause.CLOSED_BY_SERVER,)


def _is_near(announced_s: float, limit: Limit) -> bool:
    low_s, high_s = limit.survived_s or 0.0, limit.cut_s or 0.0
    slack_s = 1 + 0.1 * announced_s
    return low_s - slack_s <= announced_s <= high_s + slack_s


def _knows_requests(limit: Limit, seen: Sequence[Observation]) -> bool:
    """Whether the box tells a connection with a request from one without, or has made the request again.

    Where it is silent, a connection may live for another reason: the next request may bring it back.
    """
    if any(one.far_end is not None and one.far_end.times > 1 for one in seen):
        return True
    between = next((one for one in seen if one.ask.question is Question.BETWEEN_REQUESTS), None)
    if between is None or limit.cut_s is None or limit.manner is Manner.SILENT:
        return False
    apart_s = abs(between.outcome.elapsed_s - limit.cut_s)
    return between.survived is True or (between.outcome.exact and apart_s > 2 + 0.1 * limit.cut_s)


def _kinds(
    causes: tuple[Cause, ...], saved: dict[Question, bool | None], runs: Runs | None, *, signed: bool
) -> tuple[BoxKind, ...]:
    """Return the kinds that fit the causes, by the likeliest; none where that takes a look at the FIN."""
    alive = saved.get(Question.KEEP_ALIVE)
    if alive:
        return (BoxKind.PACKET,)
    counts_data = alive is False and runs is not Runs.TOTAL
    match causes[0] if causes else None:
        case Cause.PROXY_STATUS:
            return (BoxKind.HTTP,)
        case Cause.STATE_LOST_SILENTLY | Cause.STATE_LOST_RESET_ON_NEXT:
            late = (BoxKind.LATE_SERVER,) if Cause.ANSWERED_LATE in causes else ()
            return (*((BoxKind.TCP,) if counts_data else ()), BoxKind.PACKET, *late)
        case Cause.RESET_BY_BOX:
            servers = (BoxKind.SERVER,) if Cause.RESET_BY_SERVER in causes else ()
            return (*(() if counts_data else (BoxKind.PACKET,)), BoxKind.TCP, BoxKind.HTTP, *servers)
        case Cause.HELD_BY_PROXY:
            return BoxKind.HTTP, BoxKind.TCP
        case Cause.ANSWERED_LATE:  # not alone: a proxy may hold the connection
            return BoxKind.LATE_SERVER, BoxKind.HTTP, BoxKind.TCP
        case Cause.CLOSED_BY_SERVER | Cause.RESET_BY_SERVER:
            return (BoxKind.SERVER, BoxKind.HTTP, *(() if signed else (BoxKind.TCP,)))
        case _:
            return ()


def _without_http(kinds: tuple[BoxKind, ...], *, signed: bool) -> tuple[BoxKind, ...]:
    """Return the kinds for what no HTTP proxy relays: another one that holds the keys can only be a TLS offloader."""
    instead = (BoxKind.TLS,) if signed else ()
    return tuple(one for kind in kinds for one in (instead if kind is BoxKind.HTTP else (kind,)))


def _of_close(
    causes: tuple[Cause, ...], saved: dict[Question, bool | None], *, signed: bool, tls: bool
) -> tuple[BoxKind, ...]:
    """Tell who sent FIN: one that holds the keys, or one that only sees bytes."""
    server = (BoxKind.SERVER,) if Cause.CLOSED_BY_SERVER in causes else ()
    if signed:
        return (BoxKind.HTTP, *server)
    if tls or Question.BETWEEN_REQUESTS in saved:  # between requests a connection died, too
        return (BoxKind.TCP, *server)
    return (BoxKind.TCP, BoxKind.HTTP, *server)
