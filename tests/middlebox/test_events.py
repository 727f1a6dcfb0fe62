"""What a box counts, and tells."""

from dataclasses import replace

from hbprobe.manner import Expiry
from hbprobe.middlebox.events import BoxStats, FlowExpired, FlowRefused, FlowRevived, Remark
from hbprobe.middlebox.flow import Side
from hbprobe.net.silence import Way
from hbprobe.profiles.model import TimerKind

EXPIRED = FlowExpired(600.0, 1, "192.0.2.1:5000", TimerKind.IDLE, Expiry.SILENT, 600.0, 600.0, frozenset())


def test_counts_and_tells_each_thing():
    told = []
    book = BoxStats(told.append)
    assert [book.opened(), book.opened()] == [1, 2]
    book.received(Side.CLIENT, 10)
    book.received(Side.SERVER, 30)
    book.received(Side.CLIENT, 1)
    book.refused(5.0, "192.0.2.2:5000", "all 2 flows are in use")
    book.expired(EXPIRED)
    book.revived(700.0, 1, "192.0.2.1:5000")
    counts = book.counts
    assert (counts.opened, counts.refused, counts.revived) == (2, 1, 1)
    assert (counts.bytes_from_client, counts.bytes_from_server) == (11, 30)
    assert counts.expired == {TimerKind.IDLE: 1}
    assert told == [
        FlowRefused(5.0, "192.0.2.2:5000", "all 2 flows are in use"),
        EXPIRED,
        FlowRevived(700.0, 1, "192.0.2.1:5000"),
    ]


def test_a_stalled_flow_is_remarked_upon_once():
    told = []
    book = BoxStats(told.append)
    stalled = replace(EXPIRED, ways=frozenset({Way.STALL}))
    book.expired(stalled)
    book.expired(stalled)
    text = "a flow could not be made mute here: the box stalls it, and packets are still acknowledged"
    assert told == [Remark(600.0, text), stalled, stalled]
    assert book.counts.expired == {TimerKind.IDLE: 2}
