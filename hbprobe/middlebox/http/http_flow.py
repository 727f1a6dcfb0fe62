"""One client's connection to an http box: which timer runs, when it is due, and what the box does then. No I/O.

Like `Flow`, it is told what happened and when, and never asks for the time. Its life, request after request:

    HEADER --head--> CONNECTING --connected--> SENDING --request_ended--> AWAITING --answer_began--> ANSWERING
       ^                                          |                          |                           |
       |                                          +---- upgraded ------------+--> TUNNEL    answer_ended |
       +---- request_began ---- IDLE <-------------------------------------------------------------------+

A connection to the server that still stands is used again: then a head leads to SENDING at once. In each phase one
timer runs: client_header, server_connect, server_response (while it awaits), between_bytes (while it answers),
tunnel_idle, client_idle; beside it the total of the request, and the lifetime of the connection. In a box without a
timer for tunnels the one with which it waits for the server runs on there, or else its idle one.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

from hbprobe.manner import Act
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.rules import RESTARTS, Rule, TableSweep
from hbprobe.profiles.model import Http, Profile, ServerSide, Timer, TimerKind
from hbprobe.profiles.silent_request import tunnel_timer


class HttpPhase(IntEnum):
    """Where in its life a connection is."""

    HEADER = 0
    """A request's head is on its way; before the first request, nothing may have come yet."""
    CONNECTING = 1
    SENDING = 2
    """The request's body is on its way to the server."""
    AWAITING = 3
    ANSWERING = 4
    TUNNEL = 5
    IDLE = 6
    """Between requests."""


_TIMER_OF = {
    HttpPhase.HEADER: TimerKind.CLIENT_HEADER,
    HttpPhase.CONNECTING: TimerKind.SERVER_CONNECT,
    HttpPhase.AWAITING: TimerKind.SERVER_RESPONSE,
    HttpPhase.ANSWERING: TimerKind.BETWEEN_BYTES,
    HttpPhase.TUNNEL: TimerKind.TUNNEL_IDLE,
    HttpPhase.IDLE: TimerKind.CLIENT_IDLE,
}
_SERVER_ACTS = {ServerSide.CLOSE: Act.CLOSE, ServerSide.RESET: Act.RESET}
_ASKS_NOTHING = (TimerKind.CLIENT_HEADER, TimerKind.CLIENT_IDLE)
"""While these run the server owes no answer, and its connection is closed as any idle one."""


@dataclass(frozen=True, slots=True)
class HttpRules:
    """What an http box does to its connections: a timer for each phase of a request, not of a flow as in `Rules`."""

    by_phase: tuple[Rule | None, ...]
    """The timer of each phase."""
    total: Rule | None
    lifetime: Rule | None
    looks: TableSweep
    server_act: Act
    """What the server's end sees when the box gives a request up."""
    keeps_client: bool
    """After a status of the box's own the client's connection is kept."""

    @classmethod
    def of(cls, profile: Profile) -> "HttpRules":
        """Read the rules out of a profile of layer http."""
        http = profile.http or Http()
        server_act = _SERVER_ACTS[http.server_side]
        kinds = [_TIMER_OF.get(phase) for phase in HttpPhase]
        by_phase = [None if kind is None else _rule(profile, kind, server_act) for kind in kinds]
        by_phase[HttpPhase.TUNNEL] = _tunnel_rule(profile, server_act)
        return cls(
            by_phase=tuple(by_phase),
            total=_rule(profile, TimerKind.TOTAL, server_act),
            lifetime=_rule(profile, TimerKind.LIFETIME, server_act),
            looks=TableSweep.of(profile),
            server_act=server_act,
            keeps_client=http.keeps_client,
        )


def _tunnel_rule(profile: Profile, server_act: Act) -> Rule | None:
    """Return what ends a tunnel that is quiet."""
    found = tunnel_timer(profile)
    return None if found is None else _rule_of(profile, *found, server_act)


def _rule(profile: Profile, kind: TimerKind, server_act: Act) -> Rule | None:
    timer = profile.timers.get(kind)
    return None if timer is None else _rule_of(profile, kind, timer, server_act)


def _rule_of(profile: Profile, kind: TimerKind, timer: Timer, server_act: Act) -> Rule:
    client = timer.expiry.traits.http_act
    if client is None:
        raise ValueError(f"{profile.id}: no box of layer {profile.layer} has expiry {timer.expiry}")
    server = client
    if server is not Act.MUTE:
        server = Act.CLOSE if kind in _ASKS_NOTHING else server_act
    return Rule(
        kind=kind,
        length_s=timer.default,
        expiry=timer.expiry,
        acts=(client, server),
        restarted_by=RESTARTS[timer.restarted_by],
        status=timer.status,
        body=timer.body,
        retries=timer.retries,
    )


class HttpFlow:
    """One client's connection through an http box. Times are absolute seconds of the caller's clock."""

    __slots__ = ("held", "opened_at", "phase", "request_at", "restarted_at", "rules")

    def __init__(self, rules: HttpRules, now: float) -> None:
        self.rules = rules
        self.phase = HttpPhase.HEADER
        self.opened_at = now
        self.restarted_at = now
        self.request_at = math.inf
        """When the head of the request that is being served was whole; infinite while none is."""
        self.held = False

    # What happened

    def request_began(self, now: float) -> None:
        """Note the first byte of a request."""
        if self.phase is HttpPhase.IDLE:
            self._enter(HttpPhase.HEADER, now)

    def head(self, now: float, *, connected: bool) -> None:
        """Note that a request's head is whole; `connected`: the connection to the server stands already."""
        self.request_at = now
        self._enter(HttpPhase.SENDING if connected else HttpPhase.CONNECTING, now)

    def connecting(self, now: float) -> None:
        """Note that the request is to be sent again, on a fresh connection."""
        self._enter(HttpPhase.CONNECTING, now)

    def connected(self, now: float) -> None:
        """Note that the connection to the server stands."""
        self._enter(HttpPhase.SENDING, now)

    def request_ended(self, now: float) -> None:
        """Note that the last byte of the request has been sent to the server."""
        if self.phase is HttpPhase.SENDING:
            self._enter(HttpPhase.AWAITING, now)

    def answer_began(self, now: float) -> None:
        """Note the first byte of an answer that is no interim one."""
        if self.phase in (HttpPhase.SENDING, HttpPhase.AWAITING):
            self._enter(HttpPhase.ANSWERING, now)

    def answer_ended(self, now: float) -> None:
        """Note that the client has its answer."""
        self.request_at = math.inf
        self._enter(HttpPhase.IDLE, now)

    def upgraded(self, now: float) -> None:
        """Note that the connection has become a tunnel."""
        self._enter(HttpPhase.TUNNEL, now)

    def moved(self, side: Side, now: float) -> None:
        """Note that bytes came from `side`."""
        rule = self.rules.by_phase[self.phase]
        if rule is not None and rule.restarted_by[side]:
            self.restarted_at = now

    def hold(self, held: bool, now: float) -> None:
        """Note that the answer is held up because the client does not take it, or no longer is.

        The server cannot be blamed for that: the time between its bytes is not counted meanwhile.
        """
        if self.held and not held and self.phase is HttpPhase.ANSWERING:
            self.restarted_at = now
        self.held = held

    # What follows

    def due(self) -> float:
        """Return the absolute time at which the box finds a timer run out; infinite for never."""
        return self.rules.looks.after(self._first_due())

    def next_rule(self) -> Rule | None:
        """Return the rule of the timer that runs out first, or None while none runs."""
        due = self._first_due()
        if due == math.inf:
            return None
        if due == self._phase_due():
            return self.rules.by_phase[self.phase]
        return self.rules.total if due == self._total_due() else self.rules.lifetime

    def running_since(self, rule: Rule) -> float:
        """Return when the rule's timer was last restarted."""
        if rule.kind is TimerKind.TOTAL:
            return self.request_at
        return self.opened_at if rule.kind is TimerKind.LIFETIME else self.restarted_at

    def _enter(self, phase: HttpPhase, now: float) -> None:
        self.phase = phase
        self.restarted_at = now

    def _first_due(self) -> float:
        due = self._phase_due()
        if self.rules.total is not None:
            due = min(due, self._total_due())
        return due if self.rules.lifetime is None else min(due, _after(self.opened_at, self.rules.lifetime))

    def _phase_due(self) -> float:
        if self.held and self.phase is HttpPhase.ANSWERING:
            return math.inf
        return _after(self.restarted_at, self.rules.by_phase[self.phase])

    def _total_due(self) -> float:
        return _after(self.request_at, self.rules.total)


def _after(start: float, rule: Rule | None) -> float:
    return math.inf if rule is None else start + rule.length_s
