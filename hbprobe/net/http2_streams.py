"""One end of an HTTP/2 connection (RFC 9113) each of whose streams looks like a connection of HTTP/1.1. No I/O.

What is written for HTTP/1.1, a server's services or a proxy's exchange, so takes part in HTTP/2. The frames are the
library h2's, the heads of HTTP/1.1 those of h11; what is here is the way from the one to the other, flow control, and
bounds against peers that send frames which ask for work and bring nothing.
"""

import contextlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import h11
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    PingReceived,
    PriorityUpdated,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    UnknownFrameReceived,
    WindowUpdated,
)
from h2.events import Event as FrameEvent
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""With which a client begins (RFC 9113, section 3.4); no request of HTTP/1 does."""
_HEAD_BYTES = 128 * 1024
"""The most bytes of a head of HTTP/1.1 that comes from our own side."""
_WINDOW_BYTES = 1 << 24
"""What all streams together may have on the way to us; each has 64 kB of its own, the protocol's default."""
_MOST_IDLE_FRAMES = 2000
_IDLE_FRAMES_A_SECOND = 200
"""So many frames that bring nothing may come at once, and so many a second in the long run: nobody who means well
needs a tenth of that."""
_RESET_COSTS = 10
"""A stream that is opened only to be reset makes work for two ends (CVE-2023-44487), so it counts for so many."""
_OF_ONE_CONNECTION = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
"""Fields that HTTP/2 does not carry (RFC 9113, section 8.2.2)."""
_IDLE_FRAMES = (PingReceived, RemoteSettingsChanged, PriorityUpdated, UnknownFrameReceived)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Came:
    """Bytes of HTTP/1.1 came on a stream; the first of a number begin a request."""

    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Drained:
    """The peer has taken all that waited for it on a stream."""

    stream: int


@dataclass(frozen=True, slots=True)
class Reset:
    """A stream ended before it was whole: by RST_STREAM, or because it cannot be HTTP/1.1."""

    stream: int
    reason: str


@dataclass(frozen=True, slots=True)
class Over:
    """The connection is at its end: the peer said GOAWAY, or broke the protocol and was told so."""

    reason: str
    by_peer: bool


Event = Came | Drained | Reset | Over


@dataclass(slots=True)
class _Stream:
    http1: h11.Connection
    is_chunked: bool = False
    """What the peer sends has no length beforehand."""
    trailers: Headers = field(default_factory=list)
    """What the peer sent behind its body."""
    heard_all: bool = False
    unsent: bytearray = field(default_factory=bytearray)
    """Of a body, for which the peer has no room yet."""
    last_headers: Headers | None = None
    """What ends what we say, once that is known: trailers, or none."""
    said_all: bool = False
    is_paused: bool = False
    unacknowledged: int = 0
    """Bytes that came while it was paused, so that the peer may not send as many again."""


class Http2Streams:
    """One end of a connection. What is to be sent after each call stands in `data_to_send`."""

    def __init__(self, *, is_client: bool, announced: Mapping[int, int] = MappingProxyType({})) -> None:
        """`announced` are settings under identifiers that are reserved for experiments (RFC 7540, section 11.3)."""
        self.is_client = is_client
        self.is_over = False
        """Nothing can be said any more."""
        self.stands = False
        """The peer has sent its settings."""
        self.pings = 0
        """How often the peer has asked whether we are there."""
        self._h2 = H2Connection(H2Configuration(client_side=is_client, header_encoding=None))
        self._streams: dict[int, _Stream] = {}
        self._told: list[Event] = []
        self._idle_frames, self._counted_at = 0.0, 0.0
        self._h2.initiate_connection()
        if is_client:
            self._h2.update_settings({SettingCodes.ENABLE_PUSH: 0})
        self._h2.increment_flow_control_window(_WINDOW_BYTES)
        self._announcement = _settings_frame(announced)

    def __len__(self) -> int:
        """Return the number of streams that are not over."""
        return len(self._streams)

    def __contains__(self, number: int) -> bool:
        """Say whether a stream is not over."""
        return number in self._streams

    def data_to_send(self) -> bytes:
        """Return the bytes for the peer."""
        data, self._announcement = self._h2.data_to_send() + self._announcement, b""
        return data

    def take(self, data: bytes, now: float) -> list[Event]:
        """Take bytes of the peer's; return what they say. PINGs and settings are answered."""
        if self.is_over:
            return []
        try:
            for event in self._h2.receive_data(data):
                self._idle_frames += _cost(event)
                self._on(event)
            self._bound_idle_frames(now)
        except (ProtocolError, ValueError) as error:  # h2 says GOAWAY
            self._end(str(error) or type(error).__name__, by_peer=False)
        told, self._told = self._told, []
        return told

    def open(self) -> int:
        """Return the number of a new stream, as a client; the first bytes that are sent on it must begin a request.

        Raises ProtocolError where there are too many.
        """
        number = self._h2.get_next_available_stream_id()
        self._streams[number] = _new_stream(h11.SERVER)
        return number

    def send(self, number: int, data: bytes) -> None:
        """Say bytes of HTTP/1.1 on a stream; one that is over takes them to no avail."""
        stream = self._streams.get(number)
        if stream is not None and stream.last_headers is None and data:
            stream.http1.receive_data(data)
            self._pass_on(number, stream)

    def finish(self, number: int) -> bool:
        """Say that nothing more follows on a stream, as FIN does; False where what was said is not whole, then."""
        stream = self._streams.get(number)
        if stream is not None and stream.last_headers is None:
            stream.http1.receive_data(b"")
            self._pass_on(number, stream)
            return stream.last_headers is not None
        return True

    def reset(self, number: int, code: ErrorCodes) -> None:
        """End a stream with RST_STREAM."""
        if self._streams.pop(number, None) is not None:
            with contextlib.suppress(ProtocolError):  # the connection is over
                self._h2.reset_stream(number, code)

    def forget(self, number: int) -> None:
        """Say nothing more on a stream, nor that it is over."""
        self._streams.pop(number, None)

    def is_blocked(self, number: int) -> bool:
        """Say whether something waits until the peer has room for it."""
        stream = self._streams.get(number)
        return stream is not None and bool(stream.unsent)

    def pause(self, number: int) -> None:
        """Let the peer send no more on a stream than it may already."""
        if (stream := self._streams.get(number)) is not None:
            stream.is_paused = True

    def resume(self, number: int) -> None:
        """Let the peer send again."""
        stream = self._streams.get(number)
        if stream is None or not stream.is_paused:
            return
        stream.is_paused = False
        count, stream.unacknowledged = stream.unacknowledged, 0
        self._acknowledge(number, count)

    def go_away(self, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Say GOAWAY; nothing can be said after it."""
        if not self.is_over:
            self.is_over = True
            with contextlib.suppress(ProtocolError):
                self._h2.close_connection(code)

    # What the peer says

    def _on(self, event: FrameEvent) -> None:
        match event:
            case RequestReceived(stream_id=int() as number, headers=headers) if not self.is_over:
                self._request(number, list(headers or ()), is_whole=event.stream_ended is not None)
            case InformationalResponseReceived(stream_id=int() as number, headers=headers):
                status, fields = _answer_of(list(headers or ()))
                self._hear(number, h11.InformationalResponse(status_code=status, headers=fields))
            case ResponseReceived(stream_id=int() as number, headers=headers):
                self._answer(number, list(headers or ()), is_whole=event.stream_ended is not None)
            case DataReceived(stream_id=int() as number, data=data, flow_controlled_length=length):
                self._data(number, data or b"", length or 0)
            case TrailersReceived(stream_id=int() as number, headers=headers) if number in self._streams:
                self._streams[number].trailers = list(headers or ())
            case StreamEnded(stream_id=int() as number) if number in self._streams:
                self._whole(number, self._streams[number])
            case StreamReset(stream_id=int() as number):
                if self._streams.pop(number, None) is not None:
                    self._told.append(Reset(number, f"RST_STREAM {_name(event.error_code)}"))
            case WindowUpdated():
                self._flush_all()
            case RemoteSettingsChanged():
                self.stands = True
                self._flush_all()
            case PingReceived():
                self.pings += 1
            case ConnectionTerminated(error_code=code):
                self._end(f"GOAWAY {_name(code)}", by_peer=True)

    def _request(self, number: int, headers: Headers, *, is_whole: bool) -> None:
        pseudo = {name: value for name, value in headers if name.startswith(b":")}
        method = pseudo.get(b":method", b"")
        if method == b"CONNECT":
            with contextlib.suppress(ProtocolError):
                self._h2.send_headers(number, [(b":status", b"405")], end_stream=True)
            return
        fields = [(name, value) for name, value in headers if name[:1] != b":" and name not in (b"host", b"cookie")]
        host = pseudo.get(b":authority") or next((value for name, value in headers if name == b"host"), None)
        if host is not None:
            fields.insert(0, (b"host", host))
        if cookies := [value for name, value in headers if name == b"cookie"]:  # RFC 9113, section 8.2.3
            fields.append((b"cookie", b"; ".join(cookies)))
        stream = self._streams[number] = _new_stream(h11.CLIENT)
        if not is_whole and not any(name == b"content-length" for name, _ in fields):
            fields.append((b"transfer-encoding", b"chunked"))
            stream.is_chunked = True
        try:
            request = h11.Request(method=method, target=pseudo.get(b":path", b""), headers=fields)
        except h11.LocalProtocolError as error:
            self._spoil(number, str(error))
            return
        self._hear(number, request)

    def _answer(self, number: int, headers: Headers, *, is_whole: bool) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        status, fields = _answer_of(headers)
        has_length = any(name == b"content-length" for name, _ in fields)
        stream.is_chunked = not has_length and not is_whole
        if is_whole and not has_length and status not in (204, 304):
            fields.append((b"content-length", b"0"))
        self._hear(number, h11.Response(status_code=status, headers=fields))

    def _data(self, number: int, data: bytes, length: int) -> None:
        stream = self._streams.get(number)
        if stream is not None and data:
            self._hear(number, h11.Data(data=data))
        if stream is not None and stream.is_paused:
            stream.unacknowledged += length
        else:
            self._acknowledge(number, length)

    def _whole(self, number: int, stream: _Stream) -> None:
        stream.heard_all = True
        trailers = stream.trailers if stream.is_chunked else []  # a body of a known length has none in HTTP/1.1
        self._hear(number, h11.EndOfMessage(headers=trailers))
        self._is_done(number, stream)

    def _hear(self, number: int, event: h11.Event) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        try:
            data = stream.http1.send(event)
        except h11.LocalProtocolError as error:
            self._spoil(number, str(error))
            return
        if data:
            self._told.append(Came(number, data))

    def _spoil(self, number: int, reason: str) -> None:
        self.reset(number, ErrorCodes.PROTOCOL_ERROR)
        self._told.append(Reset(number, reason))

    def _acknowledge(self, number: int, count: int) -> None:
        if count:
            with contextlib.suppress(ProtocolError):
                self._h2.acknowledge_received_data(count, number)

    def _bound_idle_frames(self, now: float) -> None:
        drained = (now - self._counted_at) * _IDLE_FRAMES_A_SECOND
        self._idle_frames, self._counted_at = max(0.0, self._idle_frames - drained), now
        if self._idle_frames > _MOST_IDLE_FRAMES and not self.is_over:
            self.go_away(ErrorCodes.ENHANCE_YOUR_CALM)
            self._end("too many frames that bring nothing", by_peer=False)

    def _end(self, reason: str, *, by_peer: bool) -> None:
        self.is_over = True
        self._streams.clear()
        self._told.append(Over(reason, by_peer))

    # What we say

    def _pass_on(self, number: int, stream: _Stream) -> None:
        """Pass on what can be read of what our side has said in HTTP/1.1."""
        head: h11.Response | None = None
        try:
            while True:
                event = stream.http1.next_event()
                is_end = isinstance(event, h11.EndOfMessage)
                if head is not None:
                    stream.said_all = isinstance(event, h11.EndOfMessage) and not event.headers
                    self._send_head(number, _status_and_fields(head), is_all=stream.said_all)
                    head = None
                match event:
                    case h11.Request():
                        self._send_head(number, _request_fields(event))
                    case h11.InformationalResponse():
                        self._send_head(number, _status_and_fields(event))
                    case h11.Response():
                        head = event  # whether it is all is to be said in the same frame: gRPC looks at that
                    case h11.Data(data=data):
                        stream.unsent += data
                    case h11.EndOfMessage(headers=trailers):
                        stream.last_headers = [(bytes(name), bytes(value)) for name, value in trailers]
                if is_end or event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                    break
            self._flush(number, stream)
        except (h11.RemoteProtocolError, ProtocolError):
            self.reset(number, ErrorCodes.INTERNAL_ERROR)

    def _send_head(self, number: int, headers: Headers, *, is_all: bool = False) -> None:
        self._h2.send_headers(number, headers, end_stream=is_all)

    def _flush_all(self) -> None:
        """Send a frame of each stream in turn, as long as there is room."""
        moving = [(number, stream) for number, stream in self._streams.items() if stream.unsent]
        while moving:
            moving = [(number, stream) for number, stream in moving if self._flushed_a_frame(number, stream)]

    def _flushed_a_frame(self, number: int, stream: _Stream) -> bool:
        """Return whether there may be room for more."""
        left = len(stream.unsent)
        try:
            self._flush(number, stream, frames=1)
        except ProtocolError:
            self.reset(number, ErrorCodes.INTERNAL_ERROR)
            return False
        if not stream.unsent:
            self._told.append(Drained(number))
        return 0 < len(stream.unsent) < left

    def _flush(self, number: int, stream: _Stream, frames: int | None = None) -> None:
        while stream.unsent and frames != 0:
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                return
            piece = bytes(stream.unsent[:room])
            del stream.unsent[:room]
            self._h2.send_data(number, piece)
            frames = None if frames is None else frames - 1
        if stream.unsent or stream.last_headers is None:
            return
        if not stream.said_all:
            stream.said_all = True
            if stream.last_headers:
                self._h2.send_headers(number, stream.last_headers, end_stream=True)
            else:
                self._h2.end_stream(number)
        self._is_done(number, stream)

    def _is_done(self, number: int, stream: _Stream) -> None:
        if stream.said_all and stream.heard_all:
            self._streams.pop(number, None)


def _settings_frame(settings: Mapping[int, int]) -> bytes:
    """Return a frame of settings (RFC 9113, section 6.5); h2's cut identifiers down to one byte."""
    if not settings:
        return b""
    body = b"".join(struct.pack(">HL", *setting) for setting in settings.items())
    return len(body).to_bytes(3) + b"\x04\x00\x00\x00\x00\x00" + body


def _new_stream(role: type[h11.CLIENT] | type[h11.SERVER]) -> _Stream:
    """Return a stream on which h11 plays a client of our service, or the server that our client asks."""
    return _Stream(h11.Connection(role, max_incomplete_event_size=_HEAD_BYTES))


def _answer_of(headers: Headers) -> tuple[int, Headers]:
    status = next((int(value) for name, value in headers if name == b":status"), 0)
    return status, [(name, value) for name, value in headers if name[:1] != b":"]


def _request_fields(request: h11.Request) -> Headers:
    host = next((bytes(value) for name, value in request.headers if name == b"host"), b"")
    pseudo = [(b":method", bytes(request.method)), (b":scheme", b"https"), (b":authority", host)]
    # A proxy takes TE out of a request; that trailers arrive here is true, and gRPC asks for it.
    trailers = [(b"te", b"trailers")]
    fields = [(name, value) for name, value in _carried(request.headers) if name not in (b"host", b"te")]
    return [*pseudo, (b":path", bytes(request.target)), *fields, *trailers]


def _status_and_fields(answer: h11.Response | h11.InformationalResponse) -> Headers:
    return [(b":status", str(answer.status_code).encode()), *_carried(answer.headers)]


def _carried(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(bytes(name), bytes(value)) for name, value in headers if bytes(name) not in _OF_ONE_CONNECTION]


def _cost(event: FrameEvent) -> int:
    """Return for how many frames that bring nothing an event counts."""
    if isinstance(event, StreamReset):
        return _RESET_COSTS
    return int(isinstance(event, _IDLE_FRAMES) or (isinstance(event, DataReceived) and not event.data))


def _name(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else str(code)
