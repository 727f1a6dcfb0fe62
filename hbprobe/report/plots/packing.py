"""Where labels on poles go, so that none is in another's way. Lengths are in one unit, whichever."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

_MOST_TURNED = 10
"""With more flags than this, which side each flies to is not searched for: that doubles with every flag."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flag flies: in which row above the axes, and to which side of its pole."""

    row: int
    rightwards: bool


def pack(poles: Sequence[float], widths: Sequence[float], low: float, high: float) -> list[Place] | None:
    """Choose a row and a side for each flag, so that no flag meets another flag or another's pole.

    `poles` says where they stand, `widths` how long they are, `low` and `high` where the page ends, all in one unit.
    Few rows are best; then low ones; then flags that fly to the right. Long flags can stand so close that each would
    cross another's pole, or not fit the page: then there is no such choice, and None is returned.
    """
    best: list[Place] | None = None
    for sides in _choices_of_sides(poles, widths, high):
        spans = [_span(*flag) for flag in zip(poles, widths, sides, strict=True)]
        if any(start < low or end > high for start, end in spans):
            continue
        places = [Place(*place) for place in zip(_rows(poles, spans), sides, strict=False)]
        if len(places) == len(poles) and (best is None or _cost(places) < _cost(best)):
            best = places
    return best


def pack_crossing(poles: Sequence[float], widths: Sequence[float], high: float) -> list[Place]:
    """Choose a row and a side for each flag, so that none meets another, whatever poles run behind them."""
    sides = _sides_that_fit(poles, widths, high)
    spans = [_span(*flag) for flag in zip(poles, widths, sides, strict=True)]
    return [Place(*place) for place in zip(_rows((), spans), sides, strict=True)]


def _choices_of_sides(poles: Sequence[float], widths: Sequence[float], high: float) -> Sequence[tuple[bool, ...]]:
    if len(poles) <= _MOST_TURNED:
        return list(product((True, False), repeat=len(poles)))
    return [_sides_that_fit(poles, widths, high)]


def _sides_that_fit(poles: Sequence[float], widths: Sequence[float], high: float) -> tuple[bool, ...]:
    return tuple(pole + width <= high for pole, width in zip(poles, widths, strict=True))


def _span(pole: float, width: float, rightwards: bool) -> tuple[float, float]:
    return (pole, pole + width) if rightwards else (pole - width, pole)


def _rows(poles: Sequence[float], spans: Sequence[tuple[float, float]]) -> list[int]:
    """Return the lowest row for each flag, or nothing where they stand in each other's way in a circle.

    A flag flies above each flag whose pole stands beneath it: that pole then ends below it.
    """
    beneath = [{other for other, pole in enumerate(poles) if start < pole < end} for start, end in spans]
    rows: dict[int, int] = {}
    while len(rows) < len(spans):
        ready = [flag for flag in range(len(spans)) if flag not in rows and beneath[flag] <= rows.keys()]
        if not ready:
            return []
        flag = ready[0]
        row = 1 + max((rows[other] for other in beneath[flag]), default=-1)
        while any(rows[other] == row and _meet(spans[flag], spans[other]) for other in rows):
            row += 1
        rows[flag] = row
    return [rows[flag] for flag in range(len(spans))]


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _cost(places: Sequence[Place]) -> tuple[int, int, int]:
    rows = [place.row for place in places]
    return max(rows, default=0), sum(rows), sum(not place.rightwards for place in places)
