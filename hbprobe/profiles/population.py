"""A timer that is known only as a distribution: what many boxes of a kind were found to have."""

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from hbprobe.duration import format_duration
from hbprobe.profiles.values import Digits, MismatchError, Seconds, Strict


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
