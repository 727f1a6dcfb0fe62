"""The values of a request's fields: what the type of each says, and how it is read. No other place checks types."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from hbprobe.duration import HOW_TO_WRITE, LONGEST_S, parse_duration_s
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


_WORDS = {
    "str": "text",
    "bool": "True or False",
    "int": "a whole number",
    "float": "a number",
    "Path": "a path",
    "PathLike": "a path",
    "Sequence": "a list",
    "Mapping": "a mapping",
    "datetime": "a time",
    "NoneType": "None",
}
"""What messages call a type."""


def read_fields(values: object) -> None:
    """Bring each field of a frozen dataclass into the form that its type says; raises RequestError for the first."""
    kind: Any = type(values)
    for name, (hint, default) in _fields_of(kind).items():
        if (value := getattr(values, name)) is not default:
            object.__setattr__(values, name, read_value(name, value, hint))


@cache
def _fields_of(kind: type[Any]) -> dict[str, tuple[object, object]]:
    """Return the type of each field that may be said, and what it is where nothing is said."""
    hints = get_type_hints(kind, include_extras=True)
    known: Iterable[Field[Any]] = fields(kind)
    return {each.name: (hints[each.name], each.default) for each in known if each.init}


def read_value(name: str, value: object, hint: object) -> object:
    """Bring a value into the form that a field of this type keeps; raises RequestError where it is of another."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [part for part in parts if part is not NoneType]
    if value is None and len(kinds) < len(parts):
        return None
    if len(kinds) == 1:
        return _read_one(name, value, kinds[0])
    if not any(_is_a(value, kind) for kind in kinds):
        raise _wrong(name, value, *kinds)
    return value


def read_seconds(name: str, value: object) -> float:
    """Read a duration; raises RequestError where it is none."""
    try:
        if isinstance(value, str):
            return parse_duration_s(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{value!r} is not a duration: give seconds, or text such as '10min'")
        if value < 0:
            raise ValueError(f"{value!r} is below 0: {HOW_TO_WRITE}")
        if not value <= LONGEST_S:  # not a number, too
            raise ValueError(f"{value!r} is more than a hundred years")
        return float(value)
    except ValueError as error:
        raise RequestError(f"{{{name}}}: {{what}}", name, what=error) from None


def _read_one(name: str, value: object, kind: Any) -> object:  # noqa: ANN401  whatever a field may be annotated with
    match get_args(kind)[1] if get_origin(kind) is Annotated else kind:
        case Seconds() as mark:
            return math.inf if mark.may_be_open and _is_open(value) else read_seconds(name, value)
        case Portion():
            return _share(name, value)
        case Whole() as mark:
            return _whole(name, value, mark)
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        one_of(name, value, arguments)
        return value
    if issubclass(origin, Enum):
        one_of(name, value, tuple(each.value for each in origin))
        return origin(value)
    if not _is_a(value, kind):
        raise _wrong(name, value, kind)
    if isinstance(value, Mapping):
        _read_each(name, value.keys(), arguments[0])
        _read_each(name, value.values(), arguments[1])
    elif isinstance(value, Sequence) and arguments:
        _read_each(name, value, arguments[0])
    return value


def _read_each(name: str, values: Iterable[object], hint: object) -> None:
    for value in values:
        read_value(name, value, hint)


def _is_a(value: object, kind: object) -> bool:
    origin: Any = get_origin(kind) or kind
    if origin in (int, float):
        return isinstance(value, int | origin) and not isinstance(value, bool)
    if origin is Sequence:
        return isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return isinstance(value, origin)


def _word(kind: Any) -> str:  # noqa: ANN401  a class of any kind
    name: str = kind.__name__
    return _WORDS.get(name, name)


def _wrong(name: str, value: object, *kinds: object) -> RequestError:
    """Say what is to be given; what was given may be a secret, and only its type is told."""
    if isinstance(value, str) and get_origin(kinds[0]) is Sequence:
        return RequestError(f"{{{name}}}: give a list, as in [{{value!r}}]", name, value=value)
    wanted = dict.fromkeys(_word(get_origin(kind) or kind) for kind in kinds)
    text = f"{{{name}}}: give {{wanted}}, not {{given}}"
    return RequestError(text, name, wanted=" or ".join(wanted), given=_word(type(value)))


def _whole(name: str, value: object, mark: Whole) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not mark.least <= value <= mark.most:
        if mark.why and isinstance(value, int) and value > mark.most:
            raise RequestError(f"{{{name}}} {{value}}: {{why}}", name, value=value, why=mark.why)
        text = f"{{{name}}}: {{value!r}} is no whole number from {{least}} to {{most}}"
        raise RequestError(text, name, value=value, least=mark.least, most=mark.most)
    return value


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


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise RequestError where a value is none of those."""
    if value not in allowed:
        choices = ", ".join(allowed)
        raise RequestError(f"{{{name}}}: {{value!r}} is not one of {{choices}}", name, value=value, choices=choices)
