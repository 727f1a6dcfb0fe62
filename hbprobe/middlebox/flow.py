"""One flow through a box: what moved when, when it is due, and what the box does then.

A flow is told what happened and when; it never asks for the time and touches no socket. Its life:

    OPENING --connected--> ESTABLISHED --fin--> HALF_CLOSED
       |                        |                    |
       +------------------------+------ expire ------+----> EXPIRED

In each phase one timer runs: half_open, idle, half_closed (idle where the box has no timer of its own for that),
and in all of them the lifetime. A box that sweeps its table finds a flow at the first sweep after its timer ran out;
sweeps happen at multiples of their period, counted from the clock's zero.
"""

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from hbprobe.profiles.model import Ends, Expiry, Profile, Restart, TimerKind


class Side(IntEnum):
    """The two ends of a flow, as seen from the box."""

    CLIENT = 0
    SERVER = 1


class Phase(IntEnum):
    """Where in its life a flow is."""

    OPENING = 0
    ESTABLISHED = 1
    HALF_CLOSED = 2
    EXPIRED = 3


class Act(StrEnum):
    """What the box does to one end of a flow that has expired."""

    MUTE = "mute"
    """Nothing, and it answers nothing any more."""
    RESET_ON_NEXT = "reset-on-next"
    """Nothing, but it answers the next packet with RST."""
    RESET = "reset"
    CLOSE = "close"


_ENDS = {Ends.BOTH: (True, True), Ends.CLIENT: (True, False), Ends.SERVER: (False, True)}
_RESTARTS = {
    Restart.ANY_PACKET: (True, True),
    Restart.DATA: (True, True),
    Restart.CLIENT_DATA: (True, False),
    Restart.SERVER_DATA: (False, True),
    Restart.NOTHING: (False, False),
}
_ACTS = {
    Expiry.SILENT: Act.MUTE,
    Expiry.RESET_ON_NEXT: Act.RESET_ON_NEXT,
    Expiry.RESET: Act.RESET,
    Expiry.CLOSE: Act.CLOSE,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One timer of a box, ready to be applied."""

    kind: TimerKind
    length_s: float
    expiry: Expiry
    acts: tuple[Act, Act]
    """What is done to the client's end and to the server's."""
    restarted_by: tuple[bool, bool]
    """Whether what the client sends restarts it, and what the server sends."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a box does to its flows."""

    by_phase: tuple[Rule | None, Rule | None, Rule | None, None]
    """The timer of each phase; none runs once the flow has expired."""
    lifetime: Rule | None
    sweep_s: float
    """The time between two looks over the table; 0 for a box that acts at once."""

    @classmethod
    def of(cls, profile: Profile) -> "Rules":
        """Read the rules out of a profile; raises ValueError for a layer other than packet and tcp."""
        rules = {kind: _rule(profile, kind) for kind in TimerKind}
        idle = rules[TimerKind.IDLE]
        return cls(
            by_phase=(rules[TimerKind.HALF_OPEN], idle, rules[TimerKind.HALF_CLOSED] or idle, None),
            lifetime=rules[TimerKind.LIFETIME],
            sweep_s=profile.sweep.every if profile.sweep else 0.0,
        )


def _rule(profile: Profile, kind: TimerKind) -> Rule | None:
    timer = profile.timers.get(kind)
    if timer is None:
        return None
    if timer.expiry is Expiry.RESPOND:
        raise ValueError(f"{profile.id}: a flow of layer {profile.layer} cannot respond with a status")
    client, server = (_ACTS[timer.expiry] if told else Act.MUTE for told in _ENDS[timer.tells])
    return Rule(kind, timer.default, timer.expiry, (client, server), _RESTARTS[timer.restarted_by])


class Flow:
    """One flow through a box. Times are absolute seconds of the caller's clock."""

    __slots__ = ("opened_at", "phase", "restarted_at", "rules")

    def __init__(self, rules: Rules, now: float) -> None:
        self.rules = rules
        self.phase = Phase.OPENING
        self.opened_at = now
        self.restarted_at = now

    def connected(self, now: float) -> None:
        """Note that the connection stands on both sides."""
        if self.phase is Phase.OPENING:
            self._enter(Phase.ESTABLISHED, now)

    def moved(self, side: int, now: float) -> None:
        """Note that payload from `side` passed."""
        rule = self.rules.by_phase[self.phase]
        if rule is not None and rule.restarted_by[side]:
            self.restarted_at = now

    def fin(self, now: float) -> None:
        """Note that one end has sent FIN."""
        if self.phase is Phase.ESTABLISHED:
            self._enter(Phase.HALF_CLOSED, now)

    def due(self) -> float:
        """Return when the box will look at this flow and find a timer run out; infinite for never."""
        due = min(self._phase_due(), self._lifetime_due())
        sweep_s = self.rules.sweep_s
        return math.ceil(due / sweep_s) * sweep_s if sweep_s and due < math.inf else due

    def expire(self, now: float) -> Rule | None:
        """Return the rule that ends the flow at `now`, or None while none does. An ended flow stays ended."""
        if now < self.due():
            return None
        rule = self.rules.lifetime if self._lifetime_due() < self._phase_due() else self.rules.by_phase[self.phase]
        self.phase = Phase.EXPIRED
        return rule

    def running_since(self, rule: Rule) -> float:
        """Return when the timer of that rule was last set back to its full length."""
        return self.opened_at if rule.kind is TimerKind.LIFETIME else self.restarted_at

    def _enter(self, phase: Phase, now: float) -> None:
        self.phase = phase
        self.restarted_at = now

    def _phase_due(self) -> float:
        rule = self.rules.by_phase[self.phase]
        return math.inf if rule is None else self.restarted_at + rule.length_s

    def _lifetime_due(self) -> float:
        if self.phase is Phase.EXPIRED or self.rules.lifetime is None:
            return math.inf
        return self.opened_at + self.rules.lifetime.length_s
