"""What the far end saw of each request that it held or streams to, kept for who asks for it: `GET /hold/NONCE`.

A connection of HTTP/2 counts as a request that came with its first words: it can be quiet without any. The answer is
JSON. All times are seconds since the request came, the last time that it came; only `up_s` is the service's age.

    hbprobe     the version of the program that answers
    seen        the request came here; false: no such request, or so long ago that it was forgotten, or a stream that
                the far end ended itself, say to make room for others: that tells nothing of the path
    times       how often it came: a proxy that asks again sends it twice
    up_s        how long the service has been up: a service that is younger than the request was restarted
    now_s       when this was answered
    held        true: it is answered when its hold is over; false: it is a stream or a WebSocket, which speaks now and
                then, and answers what it is asked
    answered_s  when the answer was sent, on a stream the last one; null where there was none yet
    ended_s     when the connection ended; null while it stands
    ending      how it ended: reset, closed or gave-up; null while it stands
    unacknowledged, retransmits
                what TCP_INFO says of the answer; null where the system does not tell, or the connection has ended
    stalled_s   how long this process stood still at the longest since just before the request came; null where it
                cannot tell
    full_s      how long ago it last turned a connection away for want of descriptors; null where it never did
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from hbprobe.farend.hold_request import nonce_settings
from hbprobe.net.http_server import Http2Watch
from hbprobe.net.liveness import tcp_info
from hbprobe.net.replies import EndKind
from hbprobe.warp import ClockLoop

_MOST_KEPT = 4096
_ENDINGS = {
    EndKind.FIN: "closed",
    EndKind.RST: "reset",
    EndKind.TIMED_OUT: "gave-up",
    EndKind.UNREACHABLE: "gave-up",
}
"""How the answer spells what ended a connection: probes of every version read it."""
_JUST_BEFORE_S = 1.0
"""A stall that ended so shortly before a request was read may have kept it waiting."""


class EndRecorder(asyncio.Protocol):
    """Stands between a transport and its protocol, passes everything on, and remembers how the client ended it.

    An HTTP server library does not tell.
    """

    def __init__(self, inner: asyncio.Protocol, transport: asyncio.BaseTransport) -> None:
        self._inner = inner
        self.transport: asyncio.BaseTransport | None = transport
        """None once the connection has ended: a recorder is kept for long, and a connection is large."""
        self.ended: EndKind | None = None
        """None while the connection stands."""
        self.ended_s = 0.0
        """When it ended, on the loop's clock."""
        self.ended_here = True
        """It was this end that ended it, if it has ended: neither FIN nor RST came."""

    @classmethod
    def on(cls, transport: asyncio.BaseTransport) -> "EndRecorder":
        """Return the recorder of a connection; the first call puts it there."""
        protocol = transport.get_protocol()
        if isinstance(protocol, cls):
            return protocol
        recorder = cls(cast("asyncio.Protocol", protocol), transport)
        transport.set_protocol(recorder)
        return recorder

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass FIN on."""
        self.ended_here = False
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember how it ended, and pass it on."""
        self.ended, self.ended_s = EndKind.of(exc), asyncio.get_running_loop().time()
        self.ended_here = self.ended_here and exc is None
        self._inner.connection_lost(exc)
        self._inner, self.transport = asyncio.Protocol(), None


@dataclass(slots=True)
class HeldRequest:
    """One request, from its arrival on."""

    arrived_s: float
    connection: EndRecorder
    times: int = 1
    held: bool = True
    """It is answered when its hold is over; otherwise it is a stream."""
    answered_s: float | None = None

    @property
    def was_let_go(self) -> bool:
        """Whether this end ended a stream, which is to last until the client, or the path, ends it."""
        return not self.held and self.connection.ended is not None and self.connection.ended_here

    def seen(self, now_s: float) -> dict[str, Any]:
        """Return what the witness says of it."""
        ended = self.connection.ended
        info = tcp_info(self.connection.transport)
        return {
            "seen": True,
            "times": self.times,
            "now_s": now_s - self.arrived_s,
            "held": self.held,
            "answered_s": None if self.answered_s is None else self.answered_s - self.arrived_s,
            "ended_s": None if ended is None else self.connection.ended_s - self.arrived_s,
            "ending": None if ended is None else _ENDINGS[ended],
            "unacknowledged": info.unacknowledged if info else None,
            "retransmits": info.retransmits if info else None,
        }


class Witness:
    """Remembers the requests of late."""

    def __init__(self, full_at_s: Callable[[], float | None] = lambda: None) -> None:
        """`full_at_s` says when, on the loop's clock, a connection was last turned away for want of descriptors."""
        self._loop = asyncio.get_running_loop()
        self._stalls = self._loop.watch_stalls() if isinstance(self._loop, ClockLoop) else None
        self._full_at_s = full_at_s
        self._since_s = self._loop.time()
        self._held: OrderedDict[str, HeldRequest] = OrderedDict()

    def came(self, nonce: str, transport: asyncio.BaseTransport, *, held: bool = True) -> HeldRequest:
        """Note that a request came; return the note, for its end."""
        before = self._held.pop(nonce, None)
        times = 1 if before is None else before.times + 1
        self._held[nonce] = note = HeldRequest(self._loop.time(), EndRecorder.on(transport), times, held)
        if len(self._held) > _MOST_KEPT:
            self._held.popitem(last=False)
        return note

    def says(self, nonce: str) -> dict[str, Any]:
        """Return what there is to say of a request."""
        now_s, held = self._loop.time(), self._held.get(nonce)
        if held is not None and held.was_let_go:
            held = None
        full_at_s = self._full_at_s()
        seen = {"seen": False} if held is None else held.seen(now_s) | {"stalled_s": self._stalled_s(held)}
        full_s = None if full_at_s is None else now_s - full_at_s
        return {"up_s": now_s - self._since_s, **seen, "full_s": full_s}

    def _stalled_s(self, held: HeldRequest) -> float | None:
        return None if self._stalls is None else self._stalls.longest_since(held.arrived_s - _JUST_BEFORE_S)


class WitnessedHttp2(Http2Watch):
    """Bears witness of a connection of HTTP/2, requests or not, by the nonce that its settings announce."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._nonce = secrets.token_hex(16)
        self._note: HeldRequest | None = None
        self.announced = nonce_settings(self._nonce)

    def stands(self, transport: asyncio.Transport) -> None:
        """Begin to watch how it ends."""
        self._note = self._witness.came(self._nonce, transport, held=False)

    def asked(self) -> None:
        """Note when a PING was answered."""
        if self._note is not None:
            self._note.answered_s = asyncio.get_running_loop().time()
