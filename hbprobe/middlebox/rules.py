"""The timers of a profile, ready to be applied, and what a box of layer packet or tcp does to its flows by them."""

import math
from dataclasses import dataclass, field

from hbprobe.manner import Act, Expiry, Layer
from hbprobe.profiles.model import Ends, Probes, Profile, Restart, Timer, TimerKind

_ENDS = {
    None: (False, False),
    Ends.BOTH: (True, True),
    Ends.CLIENT: (True, False),
    Ends.SERVER: (False, True),
}
RESTARTS = {
    Restart.ANY_PACKET: (True, True),
    Restart.DATA: (True, True),
    Restart.CLIENT_DATA: (True, False),
    Restart.SERVER_DATA: (False, True),
    Restart.EACH_DIRECTION: (True, True),
    Restart.NOTHING: (False, False),
}
"""Whether what the client sends restarts a timer, and what the server sends."""


@dataclass(frozen=True, slots=True)
class Probing:
    """A box that asks the ends before a flow expires."""

    every_s: float
    count: int
    asks: tuple[bool, bool]
    """Whether it asks the client, and the server."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One timer of a box of any layer, ready to be applied."""

    kind: TimerKind
    length_s: float
    expiry: Expiry
    acts: tuple[Act, Act]
    """What is done to the client's end, once it has its status where there is one, and to the server's."""
    restarted_by: tuple[bool, bool]
    """Whether what the client sends restarts it, and what the server sends."""
    each_direction: bool = False
    """There are two such timers, each restarted by its own end."""
    counts_acks: bool = False
    """An end that acknowledges is heard: the box looks at packets."""
    step_s: float = 0.0
    jitter_s: float = 0.0
    asking: Probing | None = None
    status: int | None = None
    """Layer http: the client is answered with it, where its answer has not begun."""
    body: str = ""
    """Of that answer."""
    retries: int = 0
    """Layer http: so many times the request is sent again before the rule is applied."""

    @property
    def is_plain(self) -> bool:
        """Whether it runs out its length after it was last set back, and nobody is asked before."""
        return not (self.each_direction or self.asking or self.step_s or self.jitter_s)


@dataclass(frozen=True, slots=True)
class TableSweep:
    """How often a box looks over its table, and finds what is overdue; sweeps count from the clock's zero."""

    every_s: float = 0.0
    """0 for a box that acts at once."""
    passes: int = 1
    """So many looks must find a flow overdue."""

    @classmethod
    def of(cls, profile: Profile) -> "TableSweep":
        """Read them out of a profile."""
        return cls() if profile.sweep is None else cls(profile.sweep.every, profile.sweep.passes)

    def after(self, due: float) -> float:
        """Return when the box notices what is due at that time."""
        if not self.every_s or due == math.inf:
            return due
        return (math.ceil(due / self.every_s) + self.passes - 1) * self.every_s


@dataclass(frozen=True, slots=True)
class Rules:
    """What a box of layer packet or tcp does to its flows; the phases of an http box are those of `HttpRules`."""

    by_phase: tuple[Rule | None, Rule | None, Rule | None, Rule | None, None]
    """The timer of each phase; none runs once the flow has expired."""
    lifetime: Rule | None
    looks: TableSweep
    unacknowledged: Rule | None = None
    has_fresh: bool = False
    """A timer runs before the first data."""
    half_close: bool = True
    """One end may end before the other."""
    looks_closely: bool = False
    """It matters who said something, and whether that was acknowledged."""
    are_plain: bool = field(init=False)
    """One timer runs at a time, and acts when it runs out: what most boxes have, and is soon reckoned."""

    def __post_init__(self) -> None:
        runs_alone = self.lifetime is None and self.unacknowledged is None and not self.looks.every_s
        plain = runs_alone and all(rule is None or rule.is_plain for rule in self.by_phase)
        object.__setattr__(self, "are_plain", plain)

    @classmethod
    def of(cls, profile: Profile) -> "Rules":
        """Read the rules out of a profile; raises ValueError for a layer other than packet and tcp."""
        rules = {kind: _rule(profile, kind) for kind in TimerKind}
        idle, first_data = rules[TimerKind.IDLE], rules[TimerKind.FIRST_DATA]
        half_closed, unacknowledged = rules[TimerKind.HALF_CLOSED] or idle, rules[TimerKind.UNACKNOWLEDGED]
        return cls(
            by_phase=(rules[TimerKind.HALF_OPEN], first_data, idle, half_closed, None),
            lifetime=rules[TimerKind.LIFETIME],
            looks=TableSweep.of(profile),
            unacknowledged=unacknowledged,
            has_fresh=first_data is not None,
            half_close=profile.half_close is None or profile.half_close.allowed,
            looks_closely=first_data is not None
            or unacknowledged is not None
            or any(rule is not None and (rule.each_direction or rule.asking) for rule in (idle, half_closed)),
        )


def _rule(profile: Profile, kind: TimerKind) -> Rule | None:
    """Return the rule of a timer; none where flows do not feel it, since the server chosen anew is the same."""
    timer = profile.timers.get(kind)
    if timer is None or not timer.expiry.ends:
        return None
    act = timer.expiry.traits.act
    if profile.layer is Layer.HTTP or act is None:
        raise ValueError(f"{profile.id}: a flow of layer {profile.layer} cannot respond with a status")
    return Rule(
        kind,
        timer.default,
        timer.expiry,
        _acts(timer, act),
        RESTARTS[timer.restarted_by],
        each_direction=timer.restarted_by is Restart.EACH_DIRECTION,
        counts_acks=profile.layer is Layer.PACKET,
        step_s=timer.step or 0.0,
        jitter_s=timer.jitter or 0.0,
        asking=None if timer.probes is None else _asking(timer.probes),
    )


def _acts(timer: Timer, act: Act) -> tuple[Act, Act]:
    acts = [act if told else Act.MUTE for told in _ENDS[timer.tells]]
    client, server = (
        Act.LISTEN if revives else done for done, revives in zip(acts, _ENDS[timer.revived_by], strict=True)
    )
    return client, server


def _asking(probes: Probes) -> Probing:
    return Probing(probes.every, probes.count, _ENDS[probes.asks])
