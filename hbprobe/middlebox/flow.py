"""One flow through a box: what moved when, when it is due, and what the box does then.

A flow is told what happened and when; it never asks for the time and touches no socket. Its life:

    OPENING --connected--> FRESH --moved--> ESTABLISHED --fin--> HALF_CLOSED
       |                     |                   |                    |
       +---------------------+------ expire -----+--------------------+----> EXPIRED --revive--> ESTABLISHED

In each phase one timer runs: half_open, first_data (without it a flow is never FRESH), idle, half_closed (idle where
the box has no timer of its own for that). Beside it run the lifetime and, while data may be on its way,
unacknowledged. Steps of a timer and sweeps of the table fall on multiples of their period, from the clock's zero.
"""

import math
from collections.abc import Callable
from enum import IntEnum

from hbprobe.manner import Act
from hbprobe.middlebox.rules import Rule, Rules
from hbprobe.profiles.model import TimerKind

__all__ = ["CLIENT", "SERVER", "SIDES", "Act", "Flow", "Phase", "Rule", "Rules", "Side"]


class Side(IntEnum):
    """The two ends of a flow, as seen from the box."""

    CLIENT = 0
    SERVER = 1


class Phase(IntEnum):
    """Where in its life a flow is."""

    OPENING = 0
    FRESH = 1
    """The connection stands, and nothing has been said on it."""
    ESTABLISHED = 2
    HALF_CLOSED = 3
    EXPIRED = 4


SIDES = CLIENT, SERVER = int(Side.CLIENT), int(Side.SERVER)
"""Plain numbers, where every byte passes: CPython 3.11 looks a member up in its enumeration more slowly than it makes
a system call, and compares with it, or finds a place by it, five times as slowly as with a number."""
OPENING, FRESH, ESTABLISHED, HALF_CLOSED, EXPIRED = Phase
_STANDING = (FRESH, ESTABLISHED)
_LIFETIME, _UNACKNOWLEDGED = TimerKind.LIFETIME, TimerKind.UNACKNOWLEDGED
_NOT_KEPT = (-math.inf, -math.inf)


def _always(_side: int) -> bool:
    return True


class Flow:
    """One flow through a box. Times are absolute seconds of the caller's clock."""

    __slots__ = ("asked", "heard_at", "luck", "opened_at", "pending_at", "phase", "restarted_at", "rules")

    def __init__(self, rules: Rules, now: float, luck: float = 0.0) -> None:
        """Open a flow; `luck`, from 0 to 1, is its share of what a timer adds at random."""
        self.rules = rules
        self.luck = luck
        self.phase = OPENING
        self.opened_at = now
        self.restarted_at = now
        self.heard_at = (now, now) if rules.looks_closely else _NOT_KEPT
        """When each end was last heard; kept where the box has a timer for each direction: it costs memory."""
        self.pending_at = math.inf
        """When something was last said that need not have been acknowledged yet; infinite for never."""
        self.asked = 0
        """So many times has the box asked the ends whether they live."""

    # What happened

    def connected(self, now: float) -> bool:
        """Note that the connection stands on both sides; return whether the flow may be due sooner for it."""
        return self.phase is OPENING and self._enter(FRESH if self.rules.has_fresh else ESTABLISHED, now)

    def moved(self, side: int, now: float) -> bool:
        """Note that payload from `side` passed; return whether the flow may be due sooner for it."""
        rule = self.rules.by_phase[self.phase]
        if rule is not None and rule.restarted_by[side]:
            self.restarted_at = now
        return self.rules.looks_closely and self._look_closely(side, now)

    def fin(self, now: float) -> bool:
        """Note that one end has sent FIN; return whether the flow may be due sooner for it."""
        return self.phase in _STANDING and self._enter(HALF_CLOSED, now)

    def revive(self, now: float, *, half_closed: bool) -> None:
        """Note that a packet has brought an expired flow back, as a new one; `half_closed`: one end has sent FIN."""
        self.opened_at = now
        self._enter(HALF_CLOSED if half_closed else ESTABLISHED, now)

    # What follows

    def due(self) -> float:
        """Return when the box will look at this flow and find a timer run out; infinite for never."""
        rules = self.rules
        if rules.are_plain:
            rule = rules.by_phase[self.phase]
            return math.inf if rule is None else self.restarted_at + rule.length_s
        return rules.looks.after(min(self._phase_due(), self._unacknowledged_due(), self._lifetime_due()))

    def expire(self, now: float, holds: Callable[[int], bool] = _always) -> Rule | None:
        """Return the rule that ends the flow at `now`, or None while none does. An ended flow stays ended.

        `holds` tells whether the end on a side still holds the connection and has acknowledged all that it was sent.
        """
        while now >= self.due():
            rule = self._first_due()
            if not self._lives_on(rule, now, holds):
                self.phase = EXPIRED
                return rule
        return None

    def end(self) -> Rule | None:
        """End the flow as the timer would that runs out next, and return its rule; None where none runs."""
        if self.due() == math.inf:
            return None
        rule = self._first_due()
        self.phase = EXPIRED
        return rule

    def running_since(self, rule: Rule) -> float:
        """Return when the timer of that rule was last set back to its full length."""
        if rule.kind is _LIFETIME:
            return self.opened_at
        if rule.kind is _UNACKNOWLEDGED:
            return self.pending_at
        return min(self.heard_at) if rule.each_direction else self.restarted_at

    def _enter(self, phase: Phase, now: float) -> bool:
        """Go over to a phase; return whether its timer may run out sooner than that of the one before."""
        rules = self.rules
        sooner = self.asked > 0 or rules.by_phase[phase] is not rules.by_phase[self.phase]
        self.phase = phase
        self.restarted_at = now
        self.heard_at = (now, now) if rules.looks_closely else _NOT_KEPT
        self.pending_at = math.inf
        self.asked = 0
        return sooner

    def _look_closely(self, side: int, now: float) -> bool:
        """Note what only some boxes keep an eye on."""
        sooner = self.phase is FRESH or (self.rules.unacknowledged is not None and self.pending_at == math.inf)
        if self.phase is FRESH:
            self._enter(ESTABLISHED, now)
        client, server = self.heard_at
        self.heard_at = (now, server) if side == CLIENT else (client, now)
        self.pending_at = now
        self.asked = 0
        return sooner

    def _first_due(self) -> Rule:
        rules = self.rules
        rule = rules.by_phase[self.phase]
        if not rules.are_plain:
            found = (
                (self._phase_due(), rule),
                (self._unacknowledged_due(), rules.unacknowledged),
                (self._lifetime_due(), rules.lifetime),
            )
            rule = min(found, key=lambda one: one[0])[1]
        assert rule is not None  # something is due
        return rule

    def _lives_on(self, rule: Rule, now: float, holds: Callable[[int], bool]) -> bool:
        """Return whether the ends put off what is due, without having said anything that the flow was told."""
        if rule.kind is _UNACKNOWLEDGED:
            acknowledged = holds(CLIENT) and holds(SERVER)
            self.pending_at = math.inf if acknowledged else self.pending_at
            return acknowledged
        if rule.each_direction and rule.counts_acks and self._hear_ack(holds):
            return True
        if rule.asking is None:
            return False
        if all(holds(side) for side in SIDES if rule.asking.asks[side]):
            self.restarted_at, self.asked = now, 0
            return True
        self.asked += 1
        return self.asked <= rule.asking.count

    def _hear_ack(self, holds: Callable[[int], bool]) -> bool:
        """Count the ACK of an end that says nothing as heard, where the other end has been saying something."""
        last = max(self.heard_at)
        silent = CLIENT if self.heard_at[CLIENT] < last else SERVER
        if min(self.heard_at) == last or not holds(silent):
            return False
        self.heard_at = (last, last)
        return True

    def _phase_due(self) -> float:
        rule = self.rules.by_phase[self.phase]
        if rule is None:
            return math.inf
        due = self._after(min(self.heard_at) if rule.each_direction else self.restarted_at, rule)
        return due if rule.asking is None else due + self.asked * rule.asking.every_s

    def _unacknowledged_due(self) -> float:
        rule = self.rules.unacknowledged
        return math.inf if rule is None or self.phase is EXPIRED else self._after(self.pending_at, rule)

    def _lifetime_due(self) -> float:
        rule = self.rules.lifetime
        return math.inf if rule is None or self.phase is EXPIRED else self._after(self.opened_at, rule)

    def _after(self, start: float, rule: Rule) -> float:
        """Return when the rule's timer runs out, had it started then."""
        due = start + rule.length_s + rule.jitter_s * self.luck
        step_s = rule.step_s
        return math.ceil(due / step_s) * step_s if step_s and due < math.inf else due
