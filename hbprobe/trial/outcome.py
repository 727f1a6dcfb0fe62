"""What a trial showed, and what the trials together say about the path's limit."""

from dataclasses import dataclass
from enum import StrEnum

from hbprobe.manner import Aftermath, Manner
from hbprobe.net.replies import Connection
from hbprobe.word import Word


class Kind(StrEnum):
    """Whether a trial is evidence, and of what."""

    SURVIVED = "survived"
    CUT = "cut"
    FAILED = "failed"
    """No evidence about timers: DNS, TLS, login."""


class Cause(Word):
    """What a request died of."""

    STATE_LOST_SILENTLY = "state-lost-silently", "a box forgot the connection without a word"
    STATE_LOST_RESET_ON_NEXT = (
        "state-lost-reset-on-next",
        "a box forgot the connection, and answers the next packet with RST",
    )
    ANSWERED_LATE = "answered-late", "the server answered late; nothing on the path was cut"
    CLOSED_BY_PROXY = "closed-by-proxy", "a proxy closed the connection"
    PROXY_STATUS = "proxy-status", "a proxy answered in the server's place"
    RESET_BY_BOX = "reset-by-box", "a box on the way reset the connection"
    RESET_BY_SERVER = "reset-by-server", "the server reset the connection"
    CLOSED_BY_SERVER = "closed-by-server", "the server closed the connection"
    HELD_BY_PROXY = "held-by-proxy", "a proxy still holds the client's connection, but the request behind it is lost"
    PATH_DOWN = "path-down", "the server, or the whole path to it, is down"


IN_ANSWER = ((Manner.RESET, Aftermath.RESET), (Manner.CLOSED, Aftermath.CLOSED))
"""An end that did not come by itself: what was asked after the silence was answered with it."""


@dataclass(frozen=True, slots=True)
class SocketSaw:
    """What the client's socket saw of one more packet on a silent connection."""

    aftermath: Aftermath | None
    """None where the system does not tell what was acknowledged."""
    retransmits: int | None = None
    """So many times in a row had the system sent the packet again when the look at it ended."""
    woke: bool = False
    """Bytes came: what had been held back for want of this packet."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one trial showed."""

    kind: Kind
    elapsed_s: float
    """From the end of the request to what ended the trial."""
    how: Manner | None = None
    """For a cut."""
    exact: bool = False
    """For a cut: the timer struck at `elapsed_s`; otherwise somewhere at or below the hold."""
    status: int | None = None
    """The HTTP status, where one came that was not the far end's answer."""
    aftermath: Aftermath | None = None
    """What came in answer to a packet from here: for a silent cut the one that examined the connection, and otherwise
    what was asked after the silence. None for an end that came by itself."""
    reason: str = ""
    """For people: what was seen."""
    causes: tuple[Cause, ...] = ()
    """For a cut: what the request died of, the likeliest first; several where the evidence leaves them open."""
    evidence: tuple[str, ...] = ()
    """For people: what both ends saw of a cut."""
    again: bool = False
    """For a failed trial: another one may be evidence."""
    outage: bool = False
    """For a failed trial that may be tried again: path or server were not there, and may be back in a while."""
    pause_s: float = 0.0
    """So long the server asked to be left alone before the next request."""
    stalled_s: float = 0.0
    """So long did this process, or its machine, stand still meanwhile."""
    connection: Connection | None = None
    """What it was held on; None where none stood, or where time does not pass as it does elsewhere."""


_LATE_S = 0.5
"""An end that the answer provoked comes a round trip after the hold; a later one lay somewhere, or came alone."""


def may_have_stood_still(hold_s: float, outcome: Outcome) -> bool:
    """Say whether a cut may be a standstill of something on the path, which swallowed what was due after the hold.

    It is alive, and says so, be it late. Where it does not even acknowledge, nothing tells it from a box that forgot;
    and RST to the next packet is one that forgot where the far end bears witness that it met nothing else.
    """
    if outcome.kind is not Kind.CUT:
        return False
    if outcome.how is not Manner.SILENT:
        return not outcome.exact and outcome.elapsed_s > hold_s + _LATE_S
    if outcome.aftermath is Aftermath.RESET:
        return outcome.causes != (Cause.STATE_LOST_RESET_ON_NEXT,)
    return outcome.aftermath in (Aftermath.ACKNOWLEDGED, Aftermath.CLOSED)


STOOD_STILL = "nothing came in time on a connection that was alive, as where something on the path stands still"


def standstill_of(hold_s: float, outcome: Outcome) -> str:
    """Say why a cut is to be met again before it is believed; empty where it is not."""
    return STOOD_STILL if may_have_stood_still(hold_s, outcome) else ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One connection on which one request was held open for a chosen time."""

    number: int
    hold_s: float
    started_s: float
    """Path time since the search began."""
    outcome: Outcome


_TOLERANCE = 0.05
"""Limits that lie no further apart than this share of themselves are one: boxes sweep, and answers come late."""


_BEFORE_THE_SERVER = {Cause.CLOSED_BY_PROXY: "a proxy", Cause.RESET_BY_BOX: "a box"}


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest hold that survives, as a bracket: what was measured of a path.

    What a product does, by its profile, is `hbprobe.profiles.silent_request.Cut`.
    """

    survived_s: float | None
    """The longest that survived; None when not even the shortest tried did."""
    cut_s: float | None
    """The shortest that was cut; None when nothing was cut."""
    manner: Manner | None = None
    """How the cut at `cut_s` looked to the client."""
    status: int | None = None
    exact: bool = False
    """`cut_s` is the time at which the timer struck, not the length of the shortest hold that was cut."""
    aftermath: Aftermath | None = None
    causes: tuple[Cause, ...] = ()
    """What the request died of that was cut at `cut_s`."""
    evidence: tuple[str, ...] = ()

    @property
    def heard(self) -> Manner | None:
        """How a client sees it that only waits: not at all, where the end came in answer to what was asked later."""
        return Manner.SILENT if (self.manner, self.aftermath) in IN_ANSWER else self.manner

    @property
    def named_end(self) -> str:
        """Who ends idle sessions, where that is rather the server: the evidence may leave another one open."""
        others = [name for cause, name in _BEFORE_THE_SERVER.items() if cause in self.causes]
        return ", or ".join(("the server", *(f"{name} before it" for name in others)))

    @property
    def is_known(self) -> bool:
        """Whether any trial told anything."""
        return self.survived_s is not None or self.cut_s is not None

    def agrees(self, other: "Limit") -> bool:
        """Return whether both can be of the same timer: whether their brackets overlap, or all but."""
        low_s = max(self.survived_s or 0.0, other.survived_s or 0.0)
        high_s = min((each.cut_s for each in (self, other) if each.cut_s is not None), default=low_s)
        return low_s <= high_s * (1 + _TOLERANCE)
