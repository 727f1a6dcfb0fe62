"""The schema of timers: how long, what sets them back, what happens when they run out, and how they are set."""

import math
import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_serializer, model_validator

from hbprobe.duration import format_duration
from hbprobe.manner import Act, Expiry
from hbprobe.profiles.values import Digits, Listed, MismatchError, Seconds, SourceKeys, Strict, Text
from hbprobe.profiles.vocabulary import Ends, Inferable, Restart, TimerKind


class Share(Strict):
    """Some of the boxes that were looked at, and what their timer was found to be."""

    exactly: Seconds | None = None
    """Their timer."""
    above: Seconds | None = None
    """Their timer is longer than this; without `up_to`, it is not known how much longer."""
    up_to: Seconds | None = None
    """Their timer is not longer than this."""
    weight: Annotated[int, Field(ge=1), Digits]
    """How many they are."""

    @model_validator(mode="after")
    def _is_one_value_or_a_span(self) -> Self:
        if self.exactly is None and self.above is None:
            raise MismatchError((), "needs exactly, or above")
        if self.exactly is not None and self.above is not None:
            raise MismatchError(("above",), "goes without exactly")
        if self.up_to is not None and self.above is None:
            raise MismatchError(("up_to",), "goes with above, not with exactly")
        if self.up_to is not None and self.above is not None and self.up_to <= self.above:
            low, high = format_duration(self.above), format_duration(self.up_to)
            raise MismatchError(("up_to",), f"{high} is not above {low}")
        return self

    def at(self, part: float) -> float:
        """Return a timer in seconds out of this share, `part` (0 to 1) of the way through it; infinite for no end."""
        if self.exactly is not None:
            return self.exactly
        if self.above is None or self.up_to is None:
            return math.inf
        return self.above + part * (self.up_to - self.above)

    def __str__(self) -> str:
        if self.exactly is not None:
            return format_duration(self.exactly)
        above = format_duration(self.above or 0)
        return f"above {above}" if self.up_to is None else f"{above} to {format_duration(self.up_to)}"


_PLACES = ("{seconds}", "{minutes}", "{h:mm:ss}")
_BRACES = re.compile(r"\{[^}]*\}?|\}")


def _has_a_place(command: str) -> str:
    found = _BRACES.findall(command)
    if not found or any(place not in _PLACES for place in found):
        raise ValueError(
            f"must say where the time goes: {', '.join(_PLACES[:-1])} or {_PLACES[-1]}, and no other braces"
        )
    return command


class Configure(Strict):
    """The command, or the lines of configuration, that set the timer."""

    command: Annotated[Text, Field(min_length=1), AfterValidator(_has_a_place)]
    """With {seconds}, {minutes} or {h:mm:ss} where the time goes."""
    source: SourceKeys
    """One of the profile's `sources`, or several."""

    def text(self, timer_s: float) -> str:
        """Return what sets the timer to so much, or to the next whole second or minute above."""
        seconds, minutes = math.ceil(timer_s), math.ceil(timer_s / 60)
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        filled = dict(zip(_PLACES, (str(seconds), str(minutes), clock), strict=True))
        return _BRACES.sub(lambda place: filled[place[0]], self.command)


TELLING = tuple(expiry for expiry in Expiry if expiry.tells)
"""The ways to end a flow that an end can notice."""


class Probes(Strict):
    """A box that asks before it forgets: when the timer runs out it sends keep-alives of its own.

    While the ends answer, the timer starts again, and the flow lives for ever.
    """

    every: Seconds
    """How long the box waits for each answer."""
    count: Annotated[int, Field(ge=1, le=100), Digits] = 1
    """So many go unanswered before the flow expires."""
    asks: Ends = Ends.BOTH
    """Which ends must answer."""


class Timer(Strict):
    """One number of seconds, what sets it back, and what happens when it runs out."""

    default: Seconds
    """What the product ships with."""
    min: Seconds | None = None
    """The least that one can set."""
    max: Seconds | None = None
    """The most that one can set."""
    population: Annotated[tuple[Share, ...], Field(min_length=1)] | None = None
    """What many boxes of the kind were found to have; a box in a lab draws its own from it."""
    step: Seconds | None = None
    """The timer counts in steps of so much, and runs out with the next one."""
    jitter: Seconds | None = None
    """Each flow's timer is longer by a random share of so much."""
    expiry: Expiry
    """What happens when it runs out."""
    tells: Ends = Ends.BOTH
    """Which ends see the RST or FIN; the other meets silence."""
    status: Annotated[int, Field(ge=400, le=599), Digits] | None = None
    """The HTTP status that the client is answered with."""
    body: Text = ""
    """The body of that answer."""
    retries: Annotated[int, Field(ge=0, le=10), Digits] = 0
    """So many more servers are tried before the client is answered: the limit is (1 + retries) times the timer."""
    probes: Probes | None = None
    """The box sends keep-alives of its own before it forgets."""
    restarted_by: Restart
    """What sets it back to its full length."""
    revived_by: Ends | None = None
    """The end whose packet brings an expired flow back; what the other sends vanishes."""
    inferred: Annotated[frozenset[Inferable], Listed] = frozenset()
    """Which of the statements above no source makes."""
    source: SourceKeys
    """One of the profile's `sources`, or several."""
    note: Text = ""
    """What a reader should know besides."""
    configure: Configure | None = None
    """How it is set, in the product's own words."""

    def set_to(self, timer_s: float) -> str | None:
        """Return what sets it to so much, in the product's own words; None where no source says."""
        return None if self.configure is None else self.configure.text(timer_s)

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
        if self.tells is not Ends.BOTH and self.expiry not in TELLING:
            raise MismatchError(("tells",), f"goes with expiry {', '.join(TELLING)}, not with {self.expiry}")
        for key in ("status", "body"):
            if getattr(self, key) and not self.expiry.traits.answers:
                raise MismatchError((key,), f"goes with expiry respond, not with {self.expiry}")
        if self.revived_by is not None and self.expiry.traits.act is not Act.MUTE:
            raise MismatchError(("revived_by",), f"goes with expiry silent, not with {self.expiry}")
        if self.probes is not None and not self.expiry.ends:
            raise MismatchError(("probes",), "goes with any expiry but rebalance")
        return self

    @field_serializer("inferred")
    def _in_order(self, inferred: frozenset[Inferable]) -> list[Inferable]:
        """Write the set in one order, so that the same profile is always the same text."""
        return sorted(inferred)


class Timers(Strict):
    """The timers of a box; one that is left out does not run."""

    half_open: Timer | None = None
    first_data: Timer | None = None
    idle: Timer | None = None
    unacknowledged: Timer | None = None
    half_closed: Timer | None = None
    client_header: Timer | None = None
    client_idle: Timer | None = None
    server_connect: Timer | None = None
    server_response: Timer | None = None
    between_bytes: Timer | None = None
    tunnel_idle: Timer | None = None
    total: Timer | None = None
    lifetime: Timer | None = None

    def get(self, kind: TimerKind) -> Timer | None:
        """Return the timer of that kind, or None where the box has none."""
        timer: Timer | None = getattr(self, kind)
        return timer

    def each(self) -> list[tuple[TimerKind, Timer]]:
        """Return the timers that there are, with their kinds."""
        return [(kind, timer) for kind in TimerKind if (timer := self.get(kind)) is not None]
