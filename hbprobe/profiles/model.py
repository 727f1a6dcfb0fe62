"""The schema of a profile: what one product does to connections, with the source of each number.

A profile says *what* happens and *when*; how it is made to happen on a socket is the business of
`hbprobe.middlebox`. Unknown keys are refused, so that a slip of the pen cannot silently do nothing.
"""

import math
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, model_validator

from hbprobe.duration import parse_duration_s


class Layer(StrEnum):
    """How deep into the connection a box reaches."""

    PACKET = "packet"
    """A firewall or NAT: tracks state and ends no connection."""
    TCP = "tcp"
    """Ends TCP on both sides and relays bytes."""
    HTTP = "http"
    """Ends TLS and relays requests."""


class Expiry(StrEnum):
    """What a box does when a timer runs out."""

    SILENT = "silent"
    """Nothing, then and later: packets that come after vanish without an ACK."""
    RESET_ON_NEXT = "reset-on-next"
    """Nothing at expiry; the next packet from either end is answered with RST to its sender."""
    RESET = "reset"
    """RST at once."""
    CLOSE = "close"
    """FIN at once."""
    RESPOND = "respond"
    """An HTTP status to the client; the server's side is closed."""


class Restart(StrEnum):
    """What sets a timer back to its full length."""

    ANY_PACKET = "any-packet"
    """Every packet, a TCP keep-alive too."""
    DATA = "data"
    """Payload in either direction."""
    CLIENT_DATA = "client-data"
    SERVER_DATA = "server-data"
    NOTHING = "nothing"
    """Nothing at all: the timer is a total."""


class Ends(StrEnum):
    """Which ends of a flow are told that it is over; the others meet silence."""

    BOTH = "both"
    CLIENT = "client"
    SERVER = "server"


class Grade(StrEnum):
    """How good a source is."""

    VENDOR = "vendor"
    PAPER = "paper"
    THIRD_PARTY = "third-party"
    MEASURED = "measured"
    """Measured by this project on the real program."""
    EXAMPLE = "example"
    """Not a product: made up to show something, and said to be so."""


class Category(StrEnum):
    """What kind of box it is; also the folder that its file lies in."""

    FIREWALL = "firewall"
    NAT = "nat"
    CLOUD_LOAD_BALANCER = "cloud-load-balancer"
    LOAD_BALANCER = "load-balancer"
    REVERSE_PROXY = "reverse-proxy"
    CDN = "cdn"
    SECURE_GATEWAY = "secure-gateway"
    CARRIER = "carrier"
    HOME_GATEWAY = "home-gateway"
    OPERATING_SYSTEM = "operating-system"
    EXAMPLE = "example"


class TimerKind(StrEnum):
    """The timers that a flow can have."""

    HALF_OPEN = "half_open"
    """From the client's first packet until the connection stands on both sides."""
    IDLE = "idle"
    """While the connection is established."""
    HALF_CLOSED = "half_closed"
    """After one end has sent FIN."""
    LIFETIME = "lifetime"
    """From the first packet on, whatever moves."""


class Inferable(StrEnum):
    """The statements of a timer that may follow from how such boxes work instead of from a source."""

    EXPIRY = "expiry"
    RESTARTED_BY = "restarted_by"


def _seconds(value: Any) -> Any:
    """Let durations carry a unit; numbers are seconds. Booleans are numbers to Python, but not to us."""
    if isinstance(value, bool):
        raise ValueError("is not a duration: write seconds (600) or a number and a unit (10min)")
    return parse_duration_s(value) if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]


class Strict(BaseModel):
    """A value from a file: frozen, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Strict):
    """Where a number was read."""

    url: HttpUrl | None = None
    grade: Grade
    says: str = ""
    """What it says, in our own words, or why there is no URL."""

    @model_validator(mode="after")
    def _stands_for_something(self) -> Self:
        if self.url is None and not self.says:
            raise ValueError("needs a url, or says: where the number comes from")
        return self


class Timer(Strict):
    """One number of seconds, what sets it back, and what happens when it runs out."""

    default: Seconds
    min: Seconds | None = None
    max: Seconds | None = None
    expiry: Expiry
    tells: Ends = Ends.BOTH
    """Which ends see the RST or FIN of `reset` and `close`."""
    restarted_by: Restart
    inferred: frozenset[Inferable] = frozenset()
    """The statements above that no source makes."""
    source: tuple[str, ...] = Field(min_length=1)
    """Keys of the profile's `sources`."""
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_source_may_stand_alone(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("source"), str):
            return {**data, "source": (data["source"],)}
        return data

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        low, high = self.min or 0.0, self.max or math.inf
        if low > high:
            raise ValueError(f"min {low:g} s is above max {high:g} s")
        if not low <= self.default <= high:
            raise ValueError(f"default {self.default:g} s is outside min..max ({low:g}..{high:g} s)")
        if self.tells is not Ends.BOTH and self.expiry not in (Expiry.RESET, Expiry.CLOSE):
            raise ValueError(f"tells: {self.tells} goes with expiry reset or close, not with {self.expiry}")
        return self


class Timers(Strict):
    """The timers of a box; one that is left out does not run."""

    half_open: Timer | None = None
    idle: Timer | None = None
    half_closed: Timer | None = None
    lifetime: Timer | None = None

    @model_validator(mode="after")
    def _totals_are_totals(self) -> Self:
        for kind in (TimerKind.HALF_OPEN, TimerKind.LIFETIME):
            timer = getattr(self, kind)
            if timer is not None and timer.restarted_by is not Restart.NOTHING:
                raise ValueError(f"{kind} is a total: restarted_by must be nothing, not {timer.restarted_by}")
        return self

    def get(self, kind: TimerKind) -> Timer | None:
        """Return the timer of that kind, or None where the box has none."""
        timer: Timer | None = getattr(self, kind)
        return timer


class Sweep(Strict):
    """A table that is only looked over every so often: a flow lives on until the next look."""

    every: Seconds
    source: tuple[str, ...] = Field(min_length=1)
    note: str = ""


class Profile(Strict):
    """What one product does to connections."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str
    vendor: str = ""
    category: Category
    layer: Layer
    about: str = ""
    timers: Timers
    sweep: Sweep | None = None
    sources: dict[str, Source]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        cited = {key for _, timer in self.each_timer() for key in timer.source}
        cited |= set(self.sweep.source) if self.sweep else set()
        if missing := cited - self.sources.keys():
            raise ValueError(f"cites {', '.join(sorted(missing))}, which is not among its sources")
        for kind, timer in self.each_timer():
            if timer.expiry is Expiry.RESPOND and self.layer is not Layer.HTTP:
                raise ValueError(f"timers.{kind}: expiry respond needs layer http, not {self.layer}")
        return self

    def each_timer(self) -> list[tuple[TimerKind, Timer]]:
        """Return the timers that this box has, with their kinds."""
        return [(kind, timer) for kind in TimerKind if (timer := self.timers.get(kind)) is not None]
