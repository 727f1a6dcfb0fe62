"""Which timers a box of each layer can have, and what each of them can say."""

from collections.abc import Iterator

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.timers import Timer, Timers
from hbprobe.profiles.values import MismatchError
from hbprobe.profiles.vocabulary import Ends, Restart, TimerKind

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
