"""What pydantic found wrong in a file, told as what the user should mend and what is allowed there."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Annotated, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hbprobe.duration import HOW_TO_WRITE
from hbprobe.profiles.document import YamlDocument
from hbprobe.profiles.mistakes import Key, Mistake, meant, nearest, quoted
from hbprobe.profiles.model import Profile
from hbprobe.profiles.values import WHOLE_NUMBER, YES_OR_NO, MismatchError

_WORDS = "write a word or a list of words"
_HOW: dict[object, str] = {float: HOW_TO_WRITE, int: WHOLE_NUMBER, bool: YES_OR_NO}


def explain(error: ValidationError, document: YamlDocument, root: type[BaseModel] = Profile) -> list[Mistake]:
    """Return the mistakes that pydantic found, without those that only follow from another one.

    `root` is the schema of the file.
    """
    found = [(_Place(root, _key(detail)), detail) for detail in error.errors(include_url=False)]
    misspelt = {(*place.key[:-1], near) for place, detail in found if (near := _near(detail, place))}
    wrong_lists = {
        place.key[:end] for place, _ in found for end in range(len(place.key)) if isinstance(place.key[end], int)
    }
    return [
        Mistake(document.line_of(place.key), _tell(detail, place), place.key)
        for place, detail in found
        if not (detail["type"] == "missing" and place.key in misspelt)
        and not (detail["type"] == "too_short" and place.key in wrong_lists)
    ]


def _key(detail: ErrorDetails) -> Key:
    key: Key = detail["loc"]
    if key and key[-1] == "[key]" and detail["type"] != "extra_forbidden":
        key = key[:-1]  # pydantic's mark for a mistake in the key itself
    wrong = detail.get("ctx", {}).get("error")
    return (*key, *wrong.key) if isinstance(wrong, MismatchError) else key


@dataclass(frozen=True, slots=True)
class _Place:
    """A key in a file, and what the schema wants there."""

    root: type[BaseModel]
    key: Key

    def above(self) -> "_Place":
        """Return the block that the key stands in."""
        return _Place(self.root, self.key[:-1])

    def wanted(self) -> object:
        """Return the type that the schema wants."""
        wanted: object = self.root
        for part in self.key:
            if _is_model(wanted):
                wanted = _bare(wanted.model_fields[str(part)].annotation)
            else:
                wanted = _bare(get_args(wanted)[1 if get_origin(wanted) is dict else 0])
        return wanted

    def keys(self) -> list[str]:
        """Return the keys that the schema knows in this block."""
        wanted = self.wanted()
        return list(wanted.model_fields) if _is_model(wanted) else []

    def words(self) -> list[str]:
        """Return the words that are allowed as this value, or as this key where keys are words."""
        above = self.above().wanted() if self.key else None
        return _words(self.wanted()) or (_words(get_args(above)[0]) if get_origin(above) is dict else [])

    def allowed(self) -> str:
        """Say what the schema wants."""
        wanted = self.wanted()
        if get_origin(wanted) is dict:
            inner = _bare(get_args(wanted)[1])
            return f"must be a block{_named(inner)}" if _is_model(inner) else "must be a block of keys"
        if get_origin(wanted) in (tuple, frozenset):
            item = _bare(get_args(wanted)[0])
            return f"must be a list of blocks ({', '.join(item.model_fields)})" if _is_model(item) else _WORDS
        if wanted in _HOW:
            return _HOW[wanted]
        if words := _words(wanted):
            return f"write one of {', '.join(words)}"
        return f"must be a block of keys ({', '.join(self.keys())})" if _is_model(wanted) else "write text"


def _near(detail: ErrorDetails, place: _Place) -> str | None:
    """Return the allowed key that an unknown one was probably meant to be."""
    return nearest(str(place.key[-1]), place.above().keys()) if detail["type"] == "extra_forbidden" else None


def _tell(detail: ErrorDetails, place: _Place) -> str:
    teller = _TELLERS.get(detail["type"])
    if teller is not None:
        return teller(detail, place)
    if detail["type"].startswith("url_"):
        return f"{quoted(str(detail['input']))} is not a web address: write https://..."
    return detail["msg"]


def _tell_own(detail: ErrorDetails, _place: _Place) -> str:
    return str(detail["ctx"]["error"])


def _tell_unknown(_detail: ErrorDetails, place: _Place) -> str:
    allowed = place.above().keys()
    return f"unknown key{meant(str(place.key[-1]), allowed)} (allowed: {', '.join(allowed)})"


def _tell_missing(_detail: ErrorDetails, place: _Place) -> str:
    return f"is missing: {place.allowed()}"


def _tell_choice(detail: ErrorDetails, place: _Place) -> str:
    word, allowed = str(detail["input"]), place.words()
    return f"{quoted(word)} is not allowed{meant(word, allowed)} (allowed: {', '.join(allowed)})"


def _tell_kind(detail: ErrorDetails, place: _Place) -> str:
    return f"is {_kind(detail['input'])}: {place.allowed()}"


def _tell_not_above_zero(_detail: ErrorDetails, _place: _Place) -> str:
    return "must be above 0; a timer that does not run is left out"


def _tell_pattern(detail: ErrorDetails, _place: _Place) -> str:
    return f"{quoted(str(detail['input']))} is not an id: small letters and digits, joined by single hyphens"


_TELLERS: dict[str, Callable[[ErrorDetails, _Place], str]] = {
    "value_error": _tell_own,
    "extra_forbidden": _tell_unknown,
    "missing": _tell_missing,
    "enum": _tell_choice,
    "literal_error": _tell_choice,
    "model_type": _tell_kind,
    "dict_type": _tell_kind,
    "string_type": _tell_kind,
    "float_type": _tell_kind,
    "tuple_type": _tell_kind,
    "frozen_set_type": _tell_kind,
    "url_type": _tell_kind,
    "bool_type": _tell_kind,
    "int_type": _tell_kind,
    "int_parsing": _tell_kind,
    "greater_than": _tell_not_above_zero,
    "greater_than_equal": lambda detail, _: f"must be {detail['ctx']['ge']} or more",
    "less_than_equal": lambda detail, _: f"must be {detail['ctx']['le']} or less",
    "string_pattern_mismatch": _tell_pattern,
    "string_too_long": lambda detail, _: f"is longer than {detail['ctx']['max_length']} characters",
    "string_too_short": lambda _detail, _: "is empty: write a value",
    "too_short": lambda _detail, _: "is an empty list: name at least one",
}


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a block of keys"
    return "a list" if isinstance(value, list) else "text"


def _words(wanted: object) -> list[str]:
    if get_origin(wanted) is Literal:
        return [str(word) for word in get_args(wanted)]
    return [str(word) for word in wanted] if isinstance(wanted, type) and issubclass(wanted, StrEnum) else []


def _named(inner: type[BaseModel]) -> str:
    return f": a name for each {inner.__name__.lower()}, and under it {', '.join(inner.model_fields)}"


def _is_model(wanted: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(wanted, type) and issubclass(wanted, BaseModel)


def _bare(wanted: object) -> object:
    """Take the constraints and the `| None` off a type."""
    if get_origin(wanted) is Annotated:
        return _bare(get_args(wanted)[0])
    if get_origin(wanted) in (Union, UnionType):
        return _bare(get_args(wanted)[0])
    return wanted
