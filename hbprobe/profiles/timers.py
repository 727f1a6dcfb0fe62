"""The schema of timers: how long, what sets them back, and what happens when they run out."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_serializer, model_validator

from hbprobe.duration import format_duration
from hbprobe.profiles.values import MismatchError, Seconds, SourceKeys, Strict, Text, listed
from hbprobe.profiles.words import Ends, Expiry, Inferable, Layer, Restart, TimerKind

_TELLING = (Expiry.RESET_ON_NEXT, Expiry.RESET, Expiry.CLOSE)
"""The ways to end a flow that an end can notice."""

_HTTP_RESTARTS = {
    TimerKind.CLIENT_IDLE: (Restart.CLIENT_DATA,),
    TimerKind.BETWEEN_BYTES: (Restart.SERVER_DATA,),
    TimerKind.TUNNEL_IDLE: (Restart.DATA, Restart.CLIENT_DATA, Restart.SERVER_DATA),
}
"""What can restart those timers of an http box that are no totals."""

_UNASKED = (TimerKind.BETWEEN_BYTES, TimerKind.TUNNEL_IDLE, TimerKind.LIFETIME)
"""The timers of an http box that run where no request waits for a status, or its answer has begun."""

_OF_A_FLOW = (TimerKind.HALF_OPEN, TimerKind.IDLE, TimerKind.HALF_CLOSED, TimerKind.LIFETIME)
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


class Timer(Strict):
    """One number of seconds, what sets it back, and what happens when it runs out."""

    default: Seconds
    min: Seconds | None = None
    max: Seconds | None = None
    """What the vendor lets one set."""
    expiry: Expiry
    tells: Ends = Ends.BOTH
    """Which ends see the RST or FIN; the other meets silence."""
    status: int | None = Field(default=None, ge=400, le=599)
    """The HTTP status that the client is answered with."""
    body: Text = ""
    """The body of that answer."""
    retries: int = Field(default=0, ge=0, le=10)
    """So many more servers are tried before the client is answered: the limit is (1 + retries) times the timer."""
    restarted_by: Restart
    inferred: Annotated[frozenset[Inferable], BeforeValidator(listed)] = frozenset()
    """The statements above that no source makes."""
    source: SourceKeys
    """Keys of the profile's `sources`."""
    note: Text = ""

    @model_validator(mode="after")
    def _lies_in_its_range(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise MismatchError(("min",), f"{format_duration(self.min)} is above max, {format_duration(self.max)}")
        if self.min is not None and self.default < self.min:
            raise MismatchError(
                ("default",), f"{format_duration(self.default)} is below min, {format_duration(self.min)}"
            )
        if self.max is not None and self.default > self.max:
            raise MismatchError(
                ("default",), f"{format_duration(self.default)} is above max, {format_duration(self.max)}"
            )
        return self

    @model_validator(mode="after")
    def _ends_in_one_way(self) -> Self:
        if self.tells is not Ends.BOTH and self.expiry not in _TELLING:
            raise MismatchError(("tells",), f"goes with expiry {', '.join(_TELLING)}, not with {self.expiry}")
        if self.expiry is Expiry.RESPOND and self.status is None:
            raise MismatchError(("status",), "is missing: expiry respond needs one from 400 to 599")
        if self.expiry is not Expiry.RESPOND:
            for key in ("status", "body"):
                if getattr(self, key):
                    raise MismatchError((key,), f"goes with expiry respond, not with {self.expiry}")
        return self

    @field_serializer("inferred")
    def _in_order(self, inferred: frozenset[Inferable]) -> list[Inferable]:
        """Write the set in one order, so that the same profile is always the same text."""
        return sorted(inferred)


class Timers(Strict):
    """The timers of a box; one that is left out does not run."""

    half_open: Timer | None = None
    idle: Timer | None = None
    half_closed: Timer | None = None
    client_header: Timer | None = None
    client_idle: Timer | None = None
    server_connect: Timer | None = None
    server_response: Timer | None = None
    between_bytes: Timer | None = None
    tunnel_idle: Timer | None = None
    total: Timer | None = None
    lifetime: Timer | None = None

    @model_validator(mode="after")
    def _restart_as_their_kind_does(self) -> Self:
        for kind, timer in self.each():
            allowed = _restarts(kind)
            if allowed and timer.restarted_by not in allowed:
                what = "is a total" if allowed == (Restart.NOTHING,) else "is restarted by data"
                words = " or ".join(allowed)
                raise MismatchError((kind, "restarted_by"), f"{kind} {what}: must be {words}, not {timer.restarted_by}")
        return self

    @model_validator(mode="after")
    def _retries_are_of_a_server(self) -> Self:
        for kind, timer in self.each():
            if timer.retries and kind is not TimerKind.SERVER_RESPONSE:
                raise MismatchError((kind, "retries"), f"goes with timer server_response, not with {kind}")
        return self

    def get(self, kind: TimerKind) -> Timer | None:
        """Return the timer of that kind, or None where the box has none."""
        timer: Timer | None = getattr(self, kind)
        return timer

    def each(self) -> list[tuple[TimerKind, Timer]]:
        """Return the timers that there are, with their kinds."""
        return [(kind, timer) for kind in TimerKind if (timer := self.get(kind)) is not None]

    def require(self, layer: Layer) -> None:
        """Raise MismatchError where a box of that layer cannot have such timers."""
        for kind, timer in self.each():
            if kind not in KINDS_OF[layer]:
                raise MismatchError((kind,), f"layer {layer} has no such timer (it has {', '.join(KINDS_OF[layer])})")
            (_require_http if layer is Layer.HTTP else _require_flow)(layer, kind, timer)


def _restarts(kind: TimerKind) -> tuple[Restart, ...]:
    """Return what may restart a timer of that kind; nothing where anything may."""
    if kind in (TimerKind.IDLE, TimerKind.HALF_CLOSED):
        return ()
    return _HTTP_RESTARTS.get(kind, (Restart.NOTHING,))


def _require_flow(layer: Layer, kind: TimerKind, timer: Timer) -> None:
    if timer.expiry is Expiry.RESPOND:
        raise MismatchError((kind, "expiry"), f"respond needs layer http, not {layer}")


def _require_http(_layer: Layer, kind: TimerKind, timer: Timer) -> None:
    if timer.expiry is Expiry.RESET_ON_NEXT:
        raise MismatchError((kind, "expiry"), "reset-on-next needs layer packet or tcp, not http")
    if timer.expiry is Expiry.RESPOND and kind in _UNASKED:
        raise MismatchError((kind, "expiry"), f"{kind} runs where no answer is due: must be close, reset or silent")
    if timer.tells is not Ends.BOTH:
        raise MismatchError((kind, "tells"), "needs layer packet or tcp; at layer http see http.server_side")
