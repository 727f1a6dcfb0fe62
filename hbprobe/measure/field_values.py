"""The values of a request: durations, shares and counts, what the type of each says, and how it is read."""

import math
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, TypeAlias, Union, get_args, get_origin, get_type_hints

from hbprobe.duration import LONGEST_S, parse_duration_s
from hbprobe.errors import RequestError
from hbprobe.share import parse_share


@dataclass(frozen=True, slots=True)
class Seconds:
    """Says of a type that it is a duration: seconds, or text that is read as such."""

    may_be_open: bool = False
    """`open`, or infinity, says that there is no end."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Says of a type that it is a number from 0 to 1, or a percentage."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Says of a type that it is a whole number."""

    least: int = 1
    most: int = 99_999
    why: str = ""
    """Why it may not be more, in words."""


Duration: TypeAlias = Annotated[float | str, Seconds()]
"""Seconds, or text with a unit: `600`, `"10min"`, `"0:10:00"`."""
Share: TypeAlias = Annotated[float | str, Portion()]
"""From 0 to 1, or a percentage: `0.1`, `"10%"`."""
Count: TypeAlias = Annotated[int, Whole()]
"""A whole number above 0."""


def marks_of(request: type[object]) -> dict[str, object]:
    """Return what the types of a request's fields say beyond the type, by field."""
    found = {}
    for name, hint in get_type_hints(request, include_extras=True).items():
        for part in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
            if get_origin(part) is Annotated:
                found[name] = part.__metadata__[0]
    return found


def read_value(name: str, value: object, mark: object) -> object:
    """Bring a value into the form that a request keeps; raises RequestError."""
    match mark:
        case Seconds():
            return math.inf if mark.may_be_open and _is_open(value) else _seconds(name, value)
        case Portion():
            return _share(name, value)
        case Whole():
            return _whole(name, value, mark)
    return value


def _whole(name: str, value: object, mark: Whole) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not mark.least <= value <= mark.most:
        if mark.why and isinstance(value, int) and value > mark.most:
            raise RequestError(f"{{{name}}} {{value}}: {{why}}", name, value=value, why=mark.why)
        text = f"{{{name}}}: {{value!r}} is no whole number from {{least}} to {{most}}"
        raise RequestError(text, name, value=value, least=mark.least, most=mark.most)
    return value


def _seconds(name: str, value: object) -> float:
    try:
        if isinstance(value, str):
            return parse_duration_s(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{value!r} is not a duration: give seconds, or text such as '10min'")
        if not value <= LONGEST_S:  # not a number, too
            raise ValueError(f"{value!r} is more than a hundred years")
        return float(value)
    except ValueError as error:
        raise RequestError(f"{{{name}}}: {{what}}", name, what=error) from None


def _is_open(value: object) -> bool:
    return value == math.inf or (isinstance(value, str) and value.lower() in ("open", "none"))


def _share(name: str, value: object) -> float:
    try:
        if isinstance(value, str):
            return parse_share(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError(f"{value!r} is no share: give a number from 0 to 1, or text such as '10%'")
        return float(value)
    except ValueError as error:
        raise RequestError(f"{{{name}}}: {{what}}", name, what=error) from None


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise RequestError where a value is none of those."""
    if value not in allowed:
        choices = ", ".join(allowed)
        raise RequestError(f"{{{name}}}: {{value!r}} is not one of {{choices}}", name, value=value, choices=choices)
