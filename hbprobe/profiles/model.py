"""The schema of a profile: what one product does to connections, with the source of each number.

A profile says *what* happens and *when*; how it is made to happen on a socket is the business of
`hbprobe.middlebox`. Unknown keys are refused, so that a slip of the pen cannot silently do nothing.
"""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, HttpUrl, model_validator

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.timers import Configure, Probes, Share, Timer, Timers
from hbprobe.profiles.values import Digits, Flag, Line, MismatchError, Name, Seconds, SourceKeys, Strict, Text
from hbprobe.profiles.vocabulary import Category, Ends, Grade, Inferable, Restart, ServerSide, TimerKind

_OF_A_FLOW = (
    TimerKind.HALF_OPEN,
    TimerKind.FIRST_DATA,
    TimerKind.IDLE,
    TimerKind.UNACKNOWLEDGED,
    TimerKind.HALF_CLOSED,
    TimerKind.LIFETIME,
)
_OF_HTTP = (
    TimerKind.CLIENT_HEADER,
    TimerKind.CLIENT_IDLE,
    TimerKind.SERVER_CONNECT,
    TimerKind.SERVER_RESPONSE,
    TimerKind.BETWEEN_BYTES,
    TimerKind.TUNNEL_IDLE,
    TimerKind.TOTAL,
    TimerKind.LIFETIME,
)
KINDS_OF = {Layer.PACKET: _OF_A_FLOW, Layer.TCP: _OF_A_FLOW, Layer.HTTP: _OF_HTTP}
"""The timers that a box of each layer can have."""

_RESTARTS = {
    TimerKind.IDLE: tuple(Restart),
    TimerKind.HALF_CLOSED: tuple(Restart),
    TimerKind.UNACKNOWLEDGED: (Restart.ANY_PACKET, Restart.DATA),
    TimerKind.CLIENT_IDLE: (Restart.CLIENT_DATA,),
    TimerKind.BETWEEN_BYTES: (Restart.SERVER_DATA,),
    TimerKind.TUNNEL_IDLE: (Restart.DATA, Restart.CLIENT_DATA, Restart.SERVER_DATA),
}
"""What can restart a timer; those that are left out are totals."""

_UNASKED = (TimerKind.BETWEEN_BYTES, TimerKind.TUNNEL_IDLE, TimerKind.LIFETIME)
"""The timers of an http box that run where no request waits for a status, or its answer has begun."""

_Mismatches = Iterator[tuple[tuple[str, ...], str]]
"""The key within the timer, and what is wrong with it."""


def require_fit(layer: Layer, timers: Timers) -> None:
    """Raise MismatchError, with a key that begins at the timer, where a box of that layer has no such timers."""
    for kind, timer in timers.each():
        if kind not in KINDS_OF[layer]:
            raise MismatchError((kind,), f"layer {layer} has no such timer (it has {', '.join(KINDS_OF[layer])})")
        of_layer = _beyond_http(kind, timer) if layer is Layer.HTTP else _beyond_flow(layer, timer)
        for key, what in (*_beyond_kind(kind, timer), *_beyond_layer(layer, timer.expiry), *of_layer):
            raise MismatchError((kind, *key), what)


def _beyond_kind(kind: TimerKind, timer: Timer) -> _Mismatches:
    """Find what a timer of that kind cannot say, whatever the layer."""
    allowed = _RESTARTS.get(kind)
    if allowed is None and timer.restarted_by is not Restart.NOTHING:
        yield ("restarted_by",), f"{kind} is a total: must be nothing, not {timer.restarted_by}"
    if allowed is not None and timer.restarted_by not in allowed:
        yield ("restarted_by",), f"must be {' or '.join(allowed)} for {kind}, not {timer.restarted_by}"
    if timer.retries and kind is not TimerKind.SERVER_RESPONSE:
        yield ("retries",), f"goes with timer server_response, not with {kind}"
    if timer.probes is not None and kind is not TimerKind.IDLE:
        yield ("probes",), f"goes with timer idle, not with {kind}"
    if timer.revived_by is not None and kind is TimerKind.HALF_OPEN:
        yield ("revived_by",), "goes with a connection that stands, not with half_open"
    if not timer.expiry.ends and kind is not TimerKind.IDLE:
        yield ("expiry",), f"{timer.expiry} goes with timer idle, not with {kind}"


def _beyond_layer(layer: Layer, expiry: Expiry) -> _Mismatches:
    if layer not in expiry.traits.layers:
        yield ("expiry",), f"{expiry} needs layer {' or '.join(expiry.traits.layers)}, not {layer}"


def _beyond_flow(layer: Layer, timer: Timer) -> _Mismatches:
    """Find what a timer of layer packet or tcp cannot say."""
    if layer is Layer.TCP and timer.revived_by is not None:
        yield ("revived_by",), "needs layer packet, not tcp"


def _beyond_http(kind: TimerKind, timer: Timer) -> _Mismatches:
    """Find what a timer of layer http cannot say."""
    if timer.expiry.traits.answers and kind in _UNASKED:
        yield ("expiry",), f"{kind} runs where no answer is due: must be close, reset or silent"
    if timer.expiry.traits.answers and timer.status is None:
        yield ("status",), "is missing: expiry respond needs one, from 400 to 599"
    if timer.tells is not Ends.BOTH:
        yield ("tells",), "needs layer packet or tcp; for layer http see http.server_side"
    if timer.revived_by is not None:
        yield ("revived_by",), "needs layer packet, not http"
    for key in ("step", "jitter"):
        if getattr(timer, key) is not None:
            yield (key,), "needs layer packet or tcp, not http"


__all__ = [
    "Category",
    "Configure",
    "Ends",
    "Expiry",
    "Grade",
    "HalfClose",
    "Http",
    "Http2",
    "Inferable",
    "Known",
    "Layer",
    "MismatchError",
    "Probes",
    "Profile",
    "Restart",
    "ServerSide",
    "Share",
    "Source",
    "Sweep",
    "Timer",
    "TimerKind",
    "Timers",
]


class Source(Strict):
    """Where a number was read."""

    url: HttpUrl | None = None
    """Its address on the web."""
    grade: Grade
    """How good it is."""
    says: Text = ""
    """What it says, in our own words, or why there is no URL."""

    @model_validator(mode="after")
    def _stands_for_something(self) -> Self:
        if self.url is None and not self.says:
            raise ValueError("needs a url, or says: where the number comes from")
        return self


class Sweep(Strict):
    """A table that is only looked over every so often: a flow lives on until the next look."""

    every: Seconds
    """The time between two looks."""
    passes: Annotated[int, Field(ge=1, le=100), Digits] = 1
    """A flow goes when so many looks in a row have found it overdue."""
    source: SourceKeys
    """One of the profile's `sources`, or several."""
    note: Text = ""
    """What a reader should know besides."""


class HalfClose(Strict):
    """What becomes of a connection when one end has sent FIN and the other has not."""

    allowed: Flag
    """true: the other direction goes on. false: the FIN of one end ends both."""
    source: SourceKeys
    """One of the profile's `sources`, or several."""
    note: Text = ""
    """What a reader should know besides."""


class Http2(Strict):
    """What is known of HTTP/2 between an http box and its clients."""

    spoken: Flag = True
    """Whether it is spoken at all, where it must be switched on, too; a box that speaks none offers only HTTP/1.1."""
    pings_count: Flag | None = None
    """Whether a PING restarts the timer of a connection on which no request waits. Without it no source tells; then
    the box restarts none."""
    source: SourceKeys
    """One of the profile's `sources`, or several."""
    note: Text = ""
    """What a reader should know besides."""


class Known(Strict):
    """What is known of one kind of connection through an http box, beside its timers."""

    source: SourceKeys
    """One of the profile's `sources`, or several."""
    note: Text
    """What a reader should know."""


class Http(Strict):
    """What an http box does to requests beside timing them."""

    keeps_client: Flag = False
    """After a status of the box's own the client's connection is kept."""
    server_side: ServerSide = ServerSide.CLOSE
    """What the server sees when a timer of the box ends a request."""
    via: Flag = False
    """The box adds a Via header."""
    forwarded_for: Flag = False
    """The box adds X-Forwarded-For."""
    http2: Http2 | None = None
    """HTTP/2 with its clients; where no source tells, it is let through, and its PINGs set no timer back."""
    event_streams: Known | None = None
    """What is known of event streams (text/event-stream); no source tells without."""
    upgrades: Known | None = None
    """What is known of upgraded connections, as WebSockets: that they are refused, say."""
    no_tunnel_timer: SourceKeys | None = None
    """Nothing ends an upgraded connection, as a WebSocket, that is quiet: where that stands, of the profile's
    `sources`."""


class Profile(Strict):
    """What one product does to connections."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    """What a user types."""
    name: Name
    """What people call it."""
    vendor: Line = ""
    """Who makes it."""
    built_on: Line = ""
    """The program that it is made of, such as HAProxy: what is said of that holds for it, too."""
    category: Category
    """What kind of box it is."""
    layer: Layer
    """How deep into the connection it reaches."""
    about: Text = ""
    """What its user should know."""
    timers: Timers
    """Its timers; {} for a box without."""
    sweep: Sweep | None = None
    """It looks over its table only every so often."""
    half_close: HalfClose | None = None
    """Whether one direction may end before the other; without the block it may."""
    http: Http | None = None
    """What it does to requests beside timing them: layer http only."""
    sources: dict[Name, Source] = Field(default_factory=dict)
    """Where its numbers were read, each under a name."""

    @model_validator(mode="after")
    def _fits_its_layer(self) -> Self:
        try:
            require_fit(self.layer, self.timers)
        except MismatchError as error:
            raise MismatchError(("timers", *error.key), str(error)) from None
        if self.http is not None and self.layer is not Layer.HTTP:
            raise MismatchError(("http",), f"needs layer http, not {self.layer}")
        if self.half_close is not None and self.layer is Layer.HTTP:
            raise MismatchError(("half_close",), "needs layer packet or tcp, not http")
        return self

    @model_validator(mode="after")
    def _cites_its_own_sources(self) -> Self:
        for key, names in self.citations():
            for name in names:
                if name not in self.sources:
                    known = ", ".join(self.sources) or "none"
                    raise MismatchError((*key, "source"), f"{name!r} is not among the profile's sources ({known})")
        return self

    def citations(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Return each block that cites sources, as the way to it and the names that it cites."""
        cited: list[tuple[tuple[str, ...], tuple[str, ...]]]
        cited = [(("timers", kind), timer.source) for kind, timer in self.each_timer()]
        for kind, timer in self.each_timer():
            if timer.configure is not None:
                cited.append((("timers", kind, "configure"), timer.configure.source))
        if self.http is not None and self.http.no_tunnel_timer is not None:
            cited.append((("http", "no_tunnel_timer"), self.http.no_tunnel_timer))
        if self.http is not None:
            http = self.http
            known = (("http2", http.http2), ("event_streams", http.event_streams), ("upgrades", http.upgrades))
            cited += [(("http", name), told.source) for name, told in known if told is not None]
        for key, block in (("sweep", self.sweep), ("half_close", self.half_close)):
            if block is not None:
                cited.append(((key,), block.source))
        return cited

    def each_timer(self) -> list[tuple[TimerKind, Timer]]:
        """Return the timers that this box has, with their kinds."""
        return self.timers.each()
