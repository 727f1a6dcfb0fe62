"""The schema of a profile: what one product does to connections, with the source of each number.

A profile says *what* happens and *when*; how it is made to happen on a socket is the business of
`hbprobe.middlebox`. Unknown keys are refused, so that a slip of the pen cannot silently do nothing.
"""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    field_serializer,
    model_validator,
)

from hbprobe.duration import HOW_TO_WRITE, LONGEST_S, format_duration, parse_duration_s
from hbprobe.profiles.words import Category, Ends, Expiry, Grade, Inferable, Layer, Restart, TimerKind

__all__ = [
    "Category",
    "Ends",
    "Expiry",
    "Grade",
    "Inferable",
    "Layer",
    "MismatchError",
    "Profile",
    "Restart",
    "Source",
    "Sweep",
    "Timer",
    "TimerKind",
    "Timers",
]

_TELLING = (Expiry.RESET_ON_NEXT, Expiry.RESET, Expiry.CLOSE)
"""The ways to end a flow that an end can notice."""


class MismatchError(ValueError):
    """Keys that do not go together, pinned to the one that has to change."""

    def __init__(self, key: tuple[str, ...], what: str) -> None:
        super().__init__(what)
        self.key = key


def _seconds(value: object) -> object:
    """Let durations carry a unit; numbers are seconds. Booleans are numbers to Python, but not to us."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()!r} is not a duration: {HOW_TO_WRITE}")
    return parse_duration_s(value) if isinstance(value, str) else value


def _printable(text: str) -> str:
    """Keep escape sequences and marks that reverse the writing direction away from every terminal and report."""
    for character in text:
        if not character.isprintable():
            raise ValueError(f"has the character {character!a}, which does not print: take it out")
    return text


def _printable_lines(text: str) -> str:
    return "\n".join(_printable(line) for line in text.split("\n"))


def _listed(value: object) -> object:
    """Let one word stand where a list is meant."""
    return [value] if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=LONGEST_S, allow_inf_nan=False)]
Text = Annotated[str, AfterValidator(_printable_lines)]
Line = Annotated[str, AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_printable)]
SourceKeys = Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(min_length=1)]


class Strict(BaseModel):
    """A value from a file: frozen, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Source(Strict):
    """Where a number was read."""

    url: HttpUrl | None = None
    grade: Grade
    says: Text = ""
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
    """What the vendor lets one set."""
    expiry: Expiry
    tells: Ends = Ends.BOTH
    """Which ends see the RST or FIN; the other meets silence."""
    restarted_by: Restart
    inferred: Annotated[frozenset[Inferable], BeforeValidator(_listed)] = frozenset()
    """The statements above that no source makes."""
    source: SourceKeys
    """Keys of the profile's `sources`."""
    note: Text = ""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
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
        if self.tells is not Ends.BOTH and self.expiry not in _TELLING:
            raise MismatchError(("tells",), f"goes with expiry {', '.join(_TELLING)}, not with {self.expiry}")
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
    lifetime: Timer | None = None

    @model_validator(mode="after")
    def _totals_are_totals(self) -> Self:
        for kind in (TimerKind.HALF_OPEN, TimerKind.LIFETIME):
            timer = self.get(kind)
            if timer is not None and timer.restarted_by is not Restart.NOTHING:
                raise MismatchError(
                    (kind, "restarted_by"), f"{kind} is a total: must be nothing, not {timer.restarted_by}"
                )
        return self

    def get(self, kind: TimerKind) -> Timer | None:
        """Return the timer of that kind, or None where the box has none."""
        timer: Timer | None = getattr(self, kind)
        return timer


class Sweep(Strict):
    """A table that is only looked over every so often: a flow lives on until the next look."""

    every: Seconds
    source: SourceKeys
    note: Text = ""


class Profile(Strict):
    """What one product does to connections."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    name: Name
    vendor: Line = ""
    category: Category
    layer: Layer
    about: Text = ""
    timers: Timers
    sweep: Sweep | None = None
    sources: dict[Name, Source] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _cites_its_own_sources(self) -> Self:
        cited: list[tuple[tuple[str, ...], tuple[str, ...]]]
        cited = [(("timers", kind, "source"), timer.source) for kind, timer in self.each_timer()]
        cited += [(("sweep", "source"), self.sweep.source)] if self.sweep else []
        for key, names in cited:
            for name in names:
                if name not in self.sources:
                    known = ", ".join(self.sources) or "none"
                    raise MismatchError(key, f"{name!r} is not among the profile's sources ({known})")
        return self

    @model_validator(mode="after")
    def _expires_in_its_layer(self) -> Self:
        for kind, timer in self.each_timer():
            if timer.expiry is Expiry.RESPOND and self.layer is not Layer.HTTP:
                raise MismatchError(("timers", kind, "expiry"), f"respond needs layer http, not {self.layer}")
        return self

    def each_timer(self) -> list[tuple[TimerKind, Timer]]:
        """Return the timers that this box has, with their kinds."""
        return [(kind, timer) for kind in TimerKind if (timer := self.timers.get(kind)) is not None]

    def established(self) -> list[Timer]:
        """Return the timers that can end an established connection: idle and lifetime, where the box has them."""
        return [timer for timer in (self.timers.idle, self.timers.lifetime) if timer is not None]
