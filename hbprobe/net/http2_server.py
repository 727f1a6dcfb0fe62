"""HTTP/2 for a server that is written for HTTP/1.1: each stream is given to it as a connection of its own."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from h2.errors import ErrorCodes

from hbprobe.net.http2_streams import PREFACE, Came, Drained, Http2Streams, Over, Reset

if TYPE_CHECKING:
    from hbprobe.net.http_server import Http2Watch


class Undecided(asyncio.Protocol):
    """A connection without TLS, of which the first bytes tell what is spoken on it."""

    def __init__(self, http1: Callable[[], asyncio.Protocol], http2: Callable[[], asyncio.Protocol]) -> None:
        self._http1, self._http2 = http1, http2
        self._begun = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Decide, as soon as there is enough."""
        self._begun += data
        begun = self._begun[: len(PREFACE)]
        if begun == PREFACE:
            self._hand_over(self._http2)
        elif not PREFACE.startswith(begun):
            self._hand_over(self._http1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the transport."""
        del exc
        self._transport = None

    def _hand_over(self, make: Callable[[], asyncio.Protocol]) -> None:
        assert self._transport is not None
        protocol, transport = make(), self._transport
        self._transport = None
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(self._begun)


class Http2Protocol(asyncio.Protocol):
    """One connection of HTTP/2."""

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        watch: "Http2Watch",
        stands: Callable[[asyncio.Transport], None] = lambda _: None,
    ) -> None:
        """`make` makes what serves a connection of HTTP/1.1; `watch` hears of the one of HTTP/2 that carries them.

        `stands` hears of a client that speaks HTTP/2 indeed.
        """
        self.streams = Http2Streams(is_client=False, announced=watch.announced)
        self._make = make
        self._watch = watch
        self._stands: Callable[[asyncio.Transport], None] | None = stands
        self._pings, self._by_client = 0, False
        self._loop = asyncio.get_running_loop()
        self._open: dict[int, StreamTransport] = {}
        self.transport: asyncio.Transport | None = None
        self.is_paused = False
        """The client does not take what is sent to it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send our settings."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Take frames."""
        if self.transport is None:
            return
        told = self.streams.take(data, self._loop.time())
        self.flush()
        if self.streams.stands and self._stands is not None:
            self._stands(self.transport)
            self._watch.stands(self.transport)
            self._stands = None
        if self.streams.pings > self._pings:
            self._pings = self.streams.pings
            self._watch.asked()
        for event in told:
            match event:
                case Came(stream=number, data=said):
                    (self._open.get(number) or self._begin(number)).protocol.data_received(said)
                case Drained(stream=number) if number in self._open:
                    self._open[number].hold_back()
                case Reset(stream=number) if number in self._open:
                    self._open[number].lose(ConnectionResetError())
                case Over(by_peer=by_peer):
                    self._by_client = by_peer
                    self._lose_all(None)
                    self.transport.close()
                    return
        for stream in tuple(self._open.values()):
            stream.look_for_end()

    def eof_received(self) -> None:
        """Note that it is the client who ends it, or somebody in its name."""
        self._by_client = True

    def pause_writing(self) -> None:
        """Hold all streams back."""
        self._hold_back(paused=True)

    def resume_writing(self) -> None:
        """Let them go on."""
        self._hold_back(paused=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell it to all streams."""
        self._lose_all(exc)
        self.transport = None

    def flush(self) -> None:
        """Send the frames that there are to send."""
        if (data := self.streams.data_to_send()) and self.transport is not None:
            self.transport.write(data)

    def forget(self, number: int) -> None:
        """Take note that a stream is over."""
        self._open.pop(number, None)

    def _begin(self, number: int) -> "StreamTransport":
        assert self.transport is not None
        stream = self._open[number] = StreamTransport(self, number, self.transport, self._make())
        stream.protocol.connection_made(stream)
        return stream

    def _lose_all(self, error: Exception | None) -> None:
        for stream in tuple(self._open.values()):
            if self._by_client:
                stream.protocol.eof_received()
            stream.lose(error)

    def _hold_back(self, *, paused: bool) -> None:
        self.is_paused = paused
        for stream in tuple(self._open.values()):
            stream.hold_back()


class StreamTransport(asyncio.Transport):
    """One stream, as a server of HTTP/1.1 sees it: a connection that ends after one request."""

    def __init__(
        self, connection: Http2Protocol, number: int, under: asyncio.Transport, protocol: asyncio.Protocol
    ) -> None:
        super().__init__()
        self.under = under
        """The connection that carries it."""
        self.protocol = protocol
        self._connection = connection
        self._number = number
        self._closing, self._pausing, self._reading = False, False, True

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Say bytes of HTTP/1.1."""
        if self._closing:
            return
        self._connection.streams.send(self._number, bytes(data))
        self._connection.flush()
        self.hold_back()
        self.look_for_end()

    def hold_back(self) -> None:
        """Let the protocol pause while the client takes nothing, and go on when it does."""
        waits = self._connection.is_paused or self._connection.streams.is_blocked(self._number)
        if waits is not self._pausing and not self._closing:
            self._pausing = waits
            (self.protocol.pause_writing if waits else self.protocol.resume_writing)()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait for the connection."""
        return self.under.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: the stream pauses as soon as something waits."""

    def can_write_eof(self) -> bool:
        """Return that half a stream is never closed by hand: the end of an answer does that."""
        return False

    # Reading

    def is_reading(self) -> bool:
        """Return whether the client may send more."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Let the client send no more than it may already."""
        self._reading = False
        self._connection.streams.pause(self._number)

    def resume_reading(self) -> None:
        """Let the client send again."""
        self._reading = True
        self._connection.streams.resume(self._number)
        self._connection.flush()

    # The end

    def look_for_end(self) -> None:
        """Tell the protocol where request and answer are over."""
        if self._number not in self._connection.streams:
            self.lose(None)

    def is_closing(self) -> bool:
        """Return whether it is closed, or will be."""
        return self._closing

    def close(self) -> None:
        """End the stream; an answer that is not whole ends with RST_STREAM and INTERNAL_ERROR."""
        streams = self._connection.streams
        is_whole = streams.finish(self._number)
        if not streams.is_blocked(self._number) or not is_whole:
            streams.reset(self._number, ErrorCodes.NO_ERROR if is_whole else ErrorCodes.INTERNAL_ERROR)
        self._connection.flush()
        self.lose(None)

    def abort(self) -> None:
        """End the stream at once, with RST_STREAM."""
        self._connection.streams.reset(self._number, ErrorCodes.CANCEL)
        self._connection.flush()
        self.lose(None)

    def lose(self, error: Exception | None) -> None:
        """Tell the protocol that the stream is over."""
        if self._closing:
            return
        self._closing = True
        self._connection.forget(self._number)
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, error)

    # What it is asked

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who hears of what comes."""
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another hear of what comes."""
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  as asyncio has it
        """Return what is known of the connection that carries it."""
        return self.under.get_extra_info(name, default)
