"""The schema of a profile: what one product does to connections, with the source of each number.

A profile says *what* happens and *when*; how it is made to happen on a socket is the business of
`hbprobe.middlebox`. Unknown keys are refused, so that a slip of the pen cannot silently do nothing.
"""

from typing import Annotated, Self

from pydantic import Field, HttpUrl, model_validator

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.fitting import require_fit
from hbprobe.profiles.timers import Configure, Probes, Share, Timer, Timers
from hbprobe.profiles.values import Digits, Flag, Line, MismatchError, Name, Seconds, SourceKeys, Strict, Text
from hbprobe.profiles.vocabulary import Category, Ends, Grade, Inferable, Restart, ServerSide, TimerKind

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
