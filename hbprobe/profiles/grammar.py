"""What pydantic found wrong, told as what the user should mend and what is allowed there."""

from collections.abc import Callable
from enum import StrEnum
from types import UnionType
from typing import Annotated, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hbprobe.duration import HOW_TO_WRITE
from hbprobe.profiles.document import Document
from hbprobe.profiles.mistakes import Key, Mistake, meant, nearest, quoted
from hbprobe.profiles.model import Profile
from hbprobe.profiles.values import WHOLE_NUMBER, YES_OR_NO, MismatchError


def explain(error: ValidationError, document: Document) -> list[Mistake]:
    """Return the mistakes that pydantic found, without those that only follow from another one."""
    found = [(_key(detail), detail) for detail in error.errors(include_url=False)]
    misspelt = {(*key[:-1], near) for key, detail in found if (near := _near(detail, key))}
    wrong_lists = {key[:end] for key, _ in found for end in range(len(key)) if isinstance(key[end], int)}
    return [
        Mistake(document.line_of(key), _tell(detail, key), key)
        for key, detail in found
        if not (detail["type"] == "missing" and key in misspelt)
        and not (detail["type"] == "too_short" and key in wrong_lists)
    ]


def _key(detail: ErrorDetails) -> Key:
    key: Key = detail["loc"]
    if key and key[-1] == "[key]" and detail["type"] != "extra_forbidden":
        key = key[:-1]  # pydantic's mark for a mistake in the key itself
    wrong = detail.get("ctx", {}).get("error")
    return (*key, *wrong.key) if isinstance(wrong, MismatchError) else key


def _near(detail: ErrorDetails, key: Key) -> str | None:
    """Return the allowed key that an unknown one was probably meant to be."""
    return nearest(str(key[-1]), _keys(key[:-1])) if detail["type"] == "extra_forbidden" else None


def _tell(detail: ErrorDetails, key: Key) -> str:
    teller = _TELLERS.get(detail["type"])
    if teller is not None:
        return teller(detail, key)
    if detail["type"].startswith("url_"):
        return f"{quoted(str(detail['input']))} is not a web address: write https://..."
    return detail["msg"]


def _tell_own(detail: ErrorDetails, _key: Key) -> str:
    return str(detail["ctx"]["error"])


def _tell_unknown(_detail: ErrorDetails, key: Key) -> str:
    allowed = _keys(key[:-1])
    return f"unknown key{meant(str(key[-1]), allowed)} (allowed: {', '.join(allowed)})"


def _tell_missing(_detail: ErrorDetails, key: Key) -> str:
    return f"is missing: {_allowed(key)}"


def _tell_choice(detail: ErrorDetails, key: Key) -> str:
    word = str(detail["input"])
    allowed = _words(_type_at(key))
    return f"{quoted(word)} is not allowed{meant(word, allowed)} (allowed: {', '.join(allowed)})"


def _tell_kind(detail: ErrorDetails, key: Key) -> str:
    return f"is {_kind(detail['input'])}: {_allowed(key)}"


def _tell_not_above_zero(_detail: ErrorDetails, _key: Key) -> str:
    return "must be above 0; a timer that does not run is left out"


def _tell_pattern(detail: ErrorDetails, _key: Key) -> str:
    return f"{quoted(str(detail['input']))} is not an id: small letters and digits, joined by single hyphens"


_WORDS = "write a word or a list of words"
_HOW: dict[object, str] = {float: HOW_TO_WRITE, int: WHOLE_NUMBER, bool: YES_OR_NO}

_TELLERS: dict[str, Callable[[ErrorDetails, Key], str]] = {
    "value_error": _tell_own,
    "extra_forbidden": _tell_unknown,
    "missing": _tell_missing,
    "enum": _tell_choice,
    "model_type": _tell_kind,
    "dict_type": _tell_kind,
    "string_type": _tell_kind,
    "float_type": _tell_kind,
    "tuple_type": _tell_kind,
    "bool_type": _tell_kind,
    "int_type": _tell_kind,
    "frozen_set_type": _tell_kind,
    "url_type": _tell_kind,
    "greater_than": _tell_not_above_zero,
    "string_pattern_mismatch": _tell_pattern,
    "string_too_long": lambda detail, _key: f"is longer than {detail['ctx']['max_length']} characters",
    "string_too_short": lambda _detail, _key: "is empty: write a value",
    "too_short": lambda _detail, _key: "is an empty list: name at least one",
    "greater_than_equal": lambda detail, _key: f"must be {detail['ctx']['ge']} or more",
    "less_than_equal": lambda detail, _key: f"must be {detail['ctx']['le']} or less",
}


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a block of keys"
    return "a list" if isinstance(value, list) else "text"


def _allowed(key: Key) -> str:
    """Say what the schema wants at the key."""
    wanted = _type_at(key)
    if get_origin(wanted) is dict:
        return "must be a block: a name for each source, and under it url, grade, says"
    if get_origin(wanted) in (tuple, frozenset):
        item = _bare(get_args(wanted)[0])
        return f"must be a list of blocks ({', '.join(item.model_fields)})" if _is_model(item) else _WORDS
    if wanted in _HOW:
        return _HOW[wanted]
    if words := _words(wanted):
        return f"write one of {', '.join(words)}"
    if _is_model(wanted):
        return f"must be a block of keys ({', '.join(_keys(key))})"
    return "write text"


def _words(wanted: object) -> list[str]:
    return [str(word) for word in wanted] if isinstance(wanted, type) and issubclass(wanted, StrEnum) else []


def _keys(key: Key) -> list[str]:
    """Return the keys that the schema knows in the block at `key`."""
    wanted = _type_at(key)
    return list(wanted.model_fields) if _is_model(wanted) else []


def _is_model(wanted: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(wanted, type) and issubclass(wanted, BaseModel)


def _type_at(key: Key) -> object:
    """Return the type that the schema wants at the key."""
    wanted: object = Profile
    for part in key:
        if _is_model(wanted):
            wanted = _bare(wanted.model_fields[str(part)].annotation)
        else:
            wanted = _bare(get_args(wanted)[1 if get_origin(wanted) is dict else 0])
    return wanted


def _bare(wanted: object) -> object:
    """Take the constraints and the `| None` off a type."""
    if get_origin(wanted) is Annotated:
        return _bare(get_args(wanted)[0])
    if get_origin(wanted) in (Union, UnionType):
        return _bare(get_args(wanted)[0])
    return wanted
