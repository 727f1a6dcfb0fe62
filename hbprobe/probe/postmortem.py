"""What a connection that has gone silent still tells: one more packet, and what it is answered with."""

import asyncio

from hbprobe.probe.outcome import Aftermath
from hbprobe.probe.replies import End, EndKind
from hbprobe.probe.wire import Wire

_PATIENCE_S = 1.0
_ROUND_TRIPS = 4


async def examine(wire: Wire) -> Aftermath | None:
    """Send a few bytes on a silent connection, and watch for RST, FIN, an ACK, or nothing.

    Takes a second and four round trips at most. None where the system does not tell what was acknowledged.
    """
    before = wire.unacknowledged_segments()
    wire.send(b"\r\n")
    until_s = asyncio.get_running_loop().time() + _PATIENCE_S + _ROUND_TRIPS * wire.round_trip_s
    while (event := await wire.receive(until_s)) is not None:
        if isinstance(event, End):
            return Aftermath.RESET if event.kind is EndKind.RST else Aftermath.CLOSED
    unacknowledged = wire.unacknowledged_segments()
    if before is None or unacknowledged is None:
        return None
    return Aftermath.NOTHING if unacknowledged else Aftermath.ACKNOWLEDGED
