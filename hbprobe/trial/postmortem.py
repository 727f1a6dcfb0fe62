"""What a connection that has gone silent still tells: one more packet, and what it is answered with."""

import asyncio

from hbprobe.manner import Aftermath
from hbprobe.net.replies import End, EndKind
from hbprobe.net.wire import Wire
from hbprobe.trial.outcome import SocketSaw

_PATIENCE_S = 1.0
_ROUND_TRIPS = 4


_AFTERMATH = {
    EndKind.RST: Aftermath.RESET,
    EndKind.FIN: Aftermath.CLOSED,
    EndKind.TIMED_OUT: Aftermath.NOTHING,
    EndKind.UNREACHABLE: Aftermath.NOTHING,
}


async def examine(wire: Wire) -> SocketSaw:
    """Send a few bytes on a silent connection, and watch for RST, FIN, an ACK, or nothing.

    Takes a second and four round trips at most.
    """
    before = wire.info()
    wire.send(b"\r\n")
    until_s = asyncio.get_running_loop().time() + _PATIENCE_S + _ROUND_TRIPS * wire.round_trip_s
    woke = False
    while (event := await wire.receive(until_s)) is not None:
        if isinstance(event, End):
            return SocketSaw(_AFTERMATH[event.kind], woke=woke)
        woke = True
    after = wire.info()
    if before is None or after is None:
        return SocketSaw(None, woke=woke)
    aftermath = Aftermath.NOTHING if after.unacknowledged else Aftermath.ACKNOWLEDGED
    return SocketSaw(aftermath, after.retransmits, woke)
