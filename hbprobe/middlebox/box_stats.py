"""What happens in a box, counted and told in one place."""

import itertools
from collections.abc import Iterator

from hbprobe.middlebox.events import FlowCounts, FlowExpired, FlowRefused, FlowRevived, Observer, Remark
from hbprobe.middlebox.flow import Side
from hbprobe.net.silence import Way

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
        if Way.STALL in event.ways and not self._told_of_stall:
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
