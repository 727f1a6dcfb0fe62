"""What is said of one connection of a capture: how it ended, who ended it, and why one thinks so."""

from dataclasses import dataclass
from enum import StrEnum

from hbprobe.evidence.captures.tcp_flow import Endpoint, TcpFlow
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause
from hbprobe.word import Word


class ConnectionFate(Word):
    """What became of a connection."""

    ALIVE = "alive", "still alive when the capture ended"
    ORDERLY = "orderly", "ended in good order"
    IDLE_DEATH = "idle-death", "died of idleness"
    LATE_ANSWER = "late-answer", "the client hung up before the server answered; the path was alive"
    ENDED_IDLE = "ended-idle", "one end, or a box in its name, ended it while it was idle"
    BROKEN = "broken", "broke in the midst of traffic, not of idleness"
    REFUSED = "refused", "was refused, or never answered"
    CANNOT_TELL = "cannot-tell", "cannot tell"


class Maker(Word):
    """Who made the packet that ended a connection."""

    CLIENT = "client", "the client itself"
    SERVER = "server", "the server itself"
    BOX = "box", "a box on the path"
    UNKNOWN = "unknown", "cannot tell whether an end or a box in its name"


class Weight(StrEnum):
    """How much a sign proves."""

    DECIDES = "decides"
    STRONG = "strong"
    WEAK = "weak"
    """Alone it proves nothing."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One reason, and how much it proves."""

    weight: Weight
    text: str
    speaks_for: Maker | None = None
    """None for what tells how, not who."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What to say of one packet to somebody who looks at it."""

    file: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Survived:
    """The longest silence that a connection came through."""

    started_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class ConnectionVerdict:
    """What became of one connection, and what shows it. Times in seconds since 1970, lengths in seconds."""

    flow: TcpFlow
    ending: ConnectionFate
    causes: tuple[Cause, ...] = ()
    """What it died of, the likeliest first; several where the evidence leaves them open."""
    maker: Maker | None = None
    """Who made the packet that ended it; None where none did."""
    in_name_of: Endpoint | None = None
    """Whose address that packet bears; for a silent death the end that did not answer."""
    client_saw: Manner | None = None
    server_saw: Manner | None = None
    """None for an end that ended it, and where the capture cannot tell."""
    at_s: float | None = None
    """When it ended, or when its loss showed first."""
    idle_s: float | None = None
    """How long no packet had passed then."""
    data_idle_s: float | None = None
    """How long no payload had passed then."""
    exact: bool = False
    """The timer struck at that age; otherwise at or before it."""
    on_next: bool = False
    """The RST or FIN answered a packet that broke the silence."""
    silence: Survived | None = None
    """The longest time without a packet that it came through."""
    data_silence: Survived | None = None
    """The longest time without payload that it came through, keep-alives or not."""
    longest_s: float = 0.0
    """The longest time without a packet, survived or not."""
    keep_alives: int = 0
    answered_keep_alives: int = 0
    repeats: int = 0
    """How often data was sent again that nobody acknowledged."""
    signs: tuple[Sign, ...] = ()
    comments: tuple[Comment, ...] = ()
    hints: tuple[str, ...] = ()
    """Which protocol it may be."""

    @property
    def how(self) -> Manner | None:
        """How it ended, as an end saw it: the client, where that is known."""
        return self.client_saw or self.server_saw

    @property
    def is_death(self) -> bool:
        """Whether it died, or was ended, while it was idle."""
        return self.ending in (ConnectionFate.IDLE_DEATH, ConnectionFate.ENDED_IDLE)
