"""Where dots and names stand in the picture of the catalogue: dots in heaps, names in the room between. In inches."""

from collections.abc import Sequence
from dataclasses import dataclass

from hbprobe.profiles.model import Profile

DOT_IN = 0.118
"""A dot and the room around it."""
_ROW_GAP_IN = 0.22
"""Between the heaps of two rows."""
_NAME_IN = 0.1
"""Height of a name."""
_GAP_IN = 0.025
"""Between a dot and its name."""
_CLEAR_IN = 0.09
"""At least so much lies between a name and what it does not name."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A product, and where it stands."""

    profile: Profile
    x_in: float
    y_in: float
    ends: bool
    """Whether it ends a silent request; those that do not stand in axes of their own."""


@dataclass(frozen=True, slots=True)
class Row:
    """The products of one category."""

    name: str
    low_in: float
    high_in: float
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of the page."""

    left: float
    right: float
    low: float
    high: float

    def meets(self, other: "Rectangle") -> bool:
        """Return whether the two overlap."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.high <= other.low or other.high <= self.low)

    def wider(self, by: float) -> "Rectangle":
        """Return the same with more room at the left and the right."""
        return Rectangle(self.left - by, self.right + by, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Heaps:
    """The products of one category before it is known how high its row stands."""

    name: str
    ending: Sequence[tuple[Profile, float]]
    """With the place of each on the axis."""
    endless: Sequence[Profile]


def stack(heaps: Sequence[Heaps], endless_in: float) -> list[Row]:
    """Lay the heaps out as rows, the first at the top; `endless_in`: the width for those that end nothing."""
    rows: list[Row] = []
    low = 0.0
    for one in reversed(heaps):
        first = low + (_ROW_GAP_IN + DOT_IN) / 2
        dots = [*_ending(one, first), *_endless(one, first, max(1, int(endless_in / DOT_IN)))]
        high = max(dot.y_in for dot in dots) + (_ROW_GAP_IN + DOT_IN) / 2
        rows.insert(0, Row(one.name, low, high, tuple(dots)))
        low = high
    return rows


def _ending(heaps: Heaps, first_in: float) -> list[Dot]:
    heights = levels([place for _, place in heaps.ending])
    placed = zip(heaps.ending, heights, strict=True)
    return [Dot(profile, place, first_in + height * DOT_IN, ends=True) for (profile, place), height in placed]


def _endless(heaps: Heaps, first_in: float, across: int) -> list[Dot]:
    """Lay them side by side, and the next ones above."""
    return [
        Dot(profile, (number % across + 0.5) * DOT_IN, first_in + number // across * DOT_IN, ends=False)
        for number, profile in enumerate(heaps.endless)
    ]


def levels(places_in: Sequence[float]) -> list[int]:
    """Return the level on which each dot lies, from 0: as low as it can without touching one before it."""
    found: list[int] = []
    for number, place in enumerate(places_in):
        near = {found[other] for other in range(number) if abs(places_in[other] - place) < DOT_IN - 1e-6}
        found.append(next(level for level in range(number + 1) if level not in near))
    return found


def name_boxes(
    dots: Sequence[Dot], wanted: Sequence[tuple[Dot, float]], low_in: float, high_in: float
) -> list[Rectangle | None]:
    """Return the room for the name of each wanted dot, given how long it is; None where there is none.

    A name stands to the right of its dot, to the left, or above, and touches neither dots nor other names.
    """
    taken = [(dot, _around(dot)) for dot in dots]
    found: list[Rectangle | None] = []
    for dot, width_in in wanted:
        others = [box for owner, box in taken if owner is not dot]
        free = [box for box in _beside(dot, width_in) if low_in <= box.left and box.right <= high_in]
        box = next((box for box in free if not any(box.wider(_CLEAR_IN).meets(other) for other in others)), None)
        found.append(box)
        if box is not None:
            taken.append((dot, box))
    return found


def _around(dot: Dot) -> Rectangle:
    half = DOT_IN / 2
    return Rectangle(dot.x_in - half, dot.x_in + half, dot.y_in - half, dot.y_in + half)


def _beside(dot: Dot, width_in: float) -> list[Rectangle]:
    near = DOT_IN / 2 + _GAP_IN
    low, high = dot.y_in - _NAME_IN / 2, dot.y_in + _NAME_IN / 2
    above = dot.y_in + DOT_IN / 2
    return [
        Rectangle(dot.x_in + near, dot.x_in + near + width_in, low, high),
        Rectangle(dot.x_in - near - width_in, dot.x_in - near, low, high),
        Rectangle(dot.x_in - width_in / 2, dot.x_in + width_in / 2, above, above + _NAME_IN),
    ]
