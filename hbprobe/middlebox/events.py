"""What a box tells of itself while it runs, and the sums that it keeps."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hbprobe.manner import Expiry
from hbprobe.net.silence import Way
from hbprobe.profiles.model import TimerKind


@dataclass(frozen=True, slots=True)
class FlowExpired:
    """A timer of the box ran out, and the box acted."""

    at_s: float
    """On the loop's clock."""
    number: int
    """The flow's, counted from 1 in the order of arrival."""
    client: str
    timer: TimerKind
    expiry: Expiry
    age_s: float
    quiet_s: float
    """Since the timer that ran out was last restarted."""
    ways: frozenset[Way]
    """How the ends that were to meet silence were silenced."""


@dataclass(frozen=True, slots=True)
class FlowRevived:
    """A packet brought a flow back that had expired."""

    at_s: float
    number: int
    client: str


@dataclass(frozen=True, slots=True)
class FlowRefused:
    """A client was turned away with RST, or with a status by a box of layer http."""

    at_s: float
    client: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something the user should know once."""

    at_s: float
    text: str


Event = FlowExpired | FlowRevived | FlowRefused | Remark
Observer = Callable[[Event], None]


@dataclass(slots=True)
class FlowCounts:
    """How many flows came, and how they ended."""

    opened: int = 0
    closed: int = 0
    """Both ends sent FIN."""
    reset: int = 0
    """One end sent RST, or could not be reached any more."""
    refused: int = 0
    expired: Counter[TimerKind] = field(default_factory=Counter)
    revived: int = 0
    bytes_from_client: int = 0
    bytes_from_server: int = 0
