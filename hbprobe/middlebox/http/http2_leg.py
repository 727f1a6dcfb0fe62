"""What stands for a `Leg` where HTTP/2 is spoken: one stream of a client's, or a connection to the server for one."""

import socket
from collections.abc import Callable
from typing import Protocol

from h2.errors import ErrorCodes

from hbprobe.middlebox.http.leg import Leg, LegEnd, Owner
from hbprobe.net.http2_streams import Came, Drained, Http2Streams, Over, Reset
from hbprobe.net.silence import Way


class StreamHost(Protocol):
    """Whose stream it is."""

    streams: Http2Streams

    @property
    def is_blocked(self) -> bool:
        """Whether the client does not take what is sent to it, whatever the stream."""
        ...

    def flush(self) -> None:
        """Send the frames that there are to send."""


class StreamLeg:
    """One stream of a client's connection, to which HTTP/1.1 is said."""

    is_of_one_request = True
    is_shaking = False

    def __init__(self, host: StreamHost, number: int) -> None:
        self._host = host
        self._number = number

    @property
    def is_gone(self) -> bool:
        """Whether nothing can be said any more."""
        return self._number not in self._host.streams

    @property
    def blocked(self) -> bool:
        """Whether something waits until the client has room for it."""
        return self._host.is_blocked or self._host.streams.is_blocked(self._number)

    def send(self, data: bytes) -> None:
        """Say bytes of HTTP/1.1."""
        self._host.streams.send(self._number, data)
        self._host.flush()

    def pause(self) -> None:
        """Let the client send no more than it may already."""
        self._host.streams.pause(self._number)

    def resume(self) -> None:
        """Let the client send again."""
        self._host.streams.resume(self._number)
        self._host.flush()

    def leave(self, *, complete: bool = True, linger: bool = False) -> None:
        """End the stream: whole, or with RST_STREAM and INTERNAL_ERROR where the answer is not.

        A client that is sending still is told with NO_ERROR that nobody listens (RFC 9113, section 8.1).
        """
        streams = self._host.streams
        if not (complete and streams.finish(self._number)):
            streams.reset(self._number, ErrorCodes.INTERNAL_ERROR)
        elif linger and not self.blocked:
            streams.reset(self._number, ErrorCodes.NO_ERROR)
        self._host.flush()

    def reset(self) -> None:
        """End the stream with RST_STREAM and CANCEL."""
        self._host.streams.reset(self._number, ErrorCodes.CANCEL)
        self._host.flush()

    def hush(self, mute: Callable[[socket.socket], Way | None]) -> None:
        """Say nothing more on the stream; the connection goes on."""
        del mute
        self._host.streams.forget(self._number)


class Http2Leg:
    """A connection to the server for one stream of a client's: HTTP/2 where that is agreed on, else HTTP/1.1."""

    is_of_one_request = True

    def __init__(
        self, owner: Owner, connect: Callable[[Owner], Leg], now: Callable[[], float], *, known: bool
    ) -> None:
        """`connect` takes the connection over; what it raises passes. `known`: HTTP/2 is spoken without asking."""
        self._owner = owner
        self._now = now
        self._known = known
        self._early = b""
        """What is to be said once TLS stands."""
        self._streams: Http2Streams | None = None
        self._stream = 0
        self.tcp = connect(self)
        if not self.tcp.is_shaking:
            self._begin()

    @property
    def number(self) -> int:
        """That of the client's connection to which it belongs."""
        return self._owner.number

    @property
    def sock(self) -> socket.socket:
        """The socket."""
        return self.tcp.sock

    @property
    def is_shaking(self) -> bool:
        """Whether TLS does not stand yet."""
        return self.tcp.is_shaking

    @property
    def is_gone(self) -> bool:
        """Whether it has no socket any more."""
        return self.tcp.is_gone

    @property
    def blocked(self) -> bool:
        """Whether something waits until the server takes it."""
        return self.tcp.blocked or (self._streams is not None and self._streams.is_blocked(self._stream))

    def has_unread(self) -> bool:
        """Return False: it is never used twice."""
        return False

    def send(self, data: bytes) -> None:
        """Say bytes of HTTP/1.1."""
        if self.is_shaking:
            self._early += data
        elif self._streams is None:
            self.tcp.send(data)
        else:
            self._streams.send(self._stream, data)
            self.tcp.send(self._streams.data_to_send())

    def pause(self) -> None:
        """Let the server send no more than it may already."""
        if self._streams is None:
            self.tcp.pause()
        else:
            self._streams.pause(self._stream)

    def resume(self) -> None:
        """Let the server send again."""
        if self._streams is None:
            self.tcp.resume()
        else:
            self._streams.resume(self._stream)
            self.tcp.send(self._streams.data_to_send())

    def stand_still(self) -> None:
        """Neither read nor send until `go_on`."""
        self.tcp.stand_still()

    def go_on(self) -> None:
        """Go on with what was done before."""
        self.tcp.go_on()

    def leave(self) -> None:
        """Send what is unsent, GOAWAY, then FIN. The owner hears no more."""
        if self._streams is not None:
            self._streams.go_away()
            self.tcp.send(self._streams.data_to_send())
        self.tcp.leave()

    def reset(self) -> None:
        """Send RST. The owner hears no more."""
        self.tcp.reset()

    def hush(self, mute: Callable[[socket.socket], Way | None]) -> Way | None:
        """Let the server hear nothing any more, by `mute`; return how."""
        return self.tcp.hush(mute)

    # What the connection tells

    def stands(self, leg: Leg) -> None:
        """Take note that TLS stands, and what is spoken within."""
        self._known = leg.protocol == "h2"
        self._begin()
        early, self._early = self._early, b""
        self.send(early)
        self._owner.stands(self)

    def came(self, leg: Leg, data: bytes) -> None:
        """Take what the server sent."""
        del leg
        if self._streams is None:
            self._owner.came(self, data)
            return
        told = self._streams.take(data, self._now())
        self.tcp.send(self._streams.data_to_send())
        for event in told:
            if self.is_gone:
                return
            match event:
                case Came(data=said):
                    self._owner.came(self, said)
                case Drained():
                    self._owner.drained(self)
                case Reset(reason=reason) | Over(reason=reason):
                    self._owner.ended(self, LegEnd.RST, reason)

    def ended(self, leg: Leg, end: LegEnd, detail: str) -> None:
        """Take note that nothing more will come."""
        del leg
        self._owner.ended(self, end, detail)

    def drained(self, leg: Leg) -> None:
        """Take note that the system has taken all that was sent."""
        del leg
        if not self.blocked:
            self._owner.drained(self)

    def _begin(self) -> None:
        if self._known:
            self._streams = Http2Streams(is_client=True)
            self._stream = self._streams.open()
            self.tcp.send(self._streams.data_to_send())
