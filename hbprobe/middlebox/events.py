"""What a box tells of itself while it runs, and counts, in one place."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hbprobe.manner import Expiry
from hbprobe.middlebox.flow import Side
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


_STALLED = "a flow could not be made mute here: the box stalls it, and packets are still acknowledged"
_GIVES_UP_SILENCE = (
    "descriptors have run out, {kept} of them kept for ends of expired flows: the oldest go from now on, and an end "
    "that speaks some minutes after that may get RST, whatever the profile says"
)


class BoxStats:
    """What a box counts, and whom it tells. Times are on the loop's clock."""

    def __init__(self, observer: Observer, numbers: Iterator[int] | None = None) -> None:
        """`numbers` are given to flows as they come; counted from 1 where there are none."""
        self._numbers = numbers or itertools.count(1)
        self.counts = FlowCounts()
        self._tell = observer
        self._told_of_stall = False

    def opened(self) -> int:
        """Note a new flow, and return its number."""
        self.counts.opened += 1
        return next(self._numbers)

    def received(self, side: int, count: int) -> None:
        """Note bytes that came from one side."""
        if side == Side.CLIENT:
            self.counts.bytes_from_client += count
        else:
            self.counts.bytes_from_server += count

    def refused(self, at_s: float, client: str, reason: str) -> None:
        """Note that a client or its request was turned away, or that the server failed it."""
        self.counts.refused += 1
        self._tell(FlowRefused(at_s, client, reason))

    def expired(self, event: FlowExpired) -> None:
        """Note that a timer ran out; the first time that a flow could not be silenced, say so."""
        if event.ways and Way.STALL in event.ways and not self._told_of_stall:
            self._told_of_stall = True
            self._tell(Remark(event.at_s, _STALLED))
        self.counts.expired[event.timer] += 1
        self._tell(event)

    def gives_up_silence(self, at_s: float, kept: int) -> None:
        """Note that descriptors have run out, and that flows which expired in silence go to make room."""
        self._tell(Remark(at_s, _GIVES_UP_SILENCE.format(kept=kept)))

    def revived(self, at_s: float, number: int, client: str) -> None:
        """Note that a packet brought a flow back."""
        self.counts.revived += 1
        self._tell(FlowRevived(at_s, number, client))
