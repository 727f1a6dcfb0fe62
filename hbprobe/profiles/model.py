"""The schema of a profile: what one product does to connections, with the source of each number.

A profile says *what* happens and *when*; how it is made to happen on a socket is the business of
`hbprobe.middlebox`. Unknown keys are refused, so that a slip of the pen cannot silently do nothing.
"""

from typing import Self

from pydantic import Field, HttpUrl, model_validator

from hbprobe.profiles.timers import Timer, Timers
from hbprobe.profiles.values import Flag, Line, MismatchError, Name, Seconds, SourceKeys, Strict, Text
from hbprobe.profiles.words import (
    Category,
    Ends,
    Expiry,
    Grade,
    Inferable,
    Layer,
    Restart,
    ServerSide,
    TimerKind,
)

__all__ = [
    "Category",
    "Ends",
    "Expiry",
    "Grade",
    "Http",
    "Inferable",
    "Layer",
    "MismatchError",
    "Profile",
    "Restart",
    "ServerSide",
    "Source",
    "Sweep",
    "Timer",
    "TimerKind",
    "Timers",
]


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


class Sweep(Strict):
    """A table that is only looked over every so often: a flow lives on until the next look."""

    every: Seconds
    source: SourceKeys
    note: Text = ""


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
    http: Http | None = None
    sources: dict[Name, Source] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_its_layer(self) -> Self:
        try:
            self.timers.require(self.layer)
        except MismatchError as error:
            raise MismatchError(("timers", *error.key), str(error)) from None
        if self.http is not None and self.layer is not Layer.HTTP:
            raise MismatchError(("http",), f"goes with layer http, not {self.layer}")
        if self.sweep is not None and self.layer is Layer.HTTP:
            raise MismatchError(("sweep",), "goes with layers packet and tcp, not http")
        return self

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

    def each_timer(self) -> list[tuple[TimerKind, Timer]]:
        """Return the timers that this box has, with their kinds."""
        return self.timers.each()

    def established(self) -> list[Timer]:
        """Return the timers that can end an established connection: idle and lifetime, where the box has them."""
        return [timer for timer in (self.timers.idle, self.timers.lifetime) if timer is not None]
