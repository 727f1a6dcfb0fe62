"""What the values of a profile are made of: durations, text, words, and the errors that pydantic does not know."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from hbprobe.duration import HOW_TO_WRITE, LONGEST_S, parse_duration_s
from hbprobe.share import parse_share

YES_OR_NO = "write true or false"
WHOLE_NUMBER = "write digits, as in 504"

_DIGITS = re.compile(r"[0-9]{1,9}")


class MismatchError(ValueError):
    """Keys that do not go together, pinned to the one that has to change."""

    def __init__(self, key: tuple[str, ...], what: str) -> None:
        super().__init__(what)
        self.key = key


class Strict(BaseModel):
    """A value from a file: frozen, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


def seconds(value: object) -> object:
    """Let durations carry a unit; numbers are seconds. Booleans are numbers to Python, but not to us."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()!r} is not a duration: {HOW_TO_WRITE}")
    return parse_duration_s(value) if isinstance(value, str) else value


def _true_or_false(value: object) -> object:
    """Read the two words of YAML 1.2, and none of the other twenty of YAML 1.1."""
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError(f"{value[:20]!r} is neither true nor false: {YES_OR_NO}")
        return value == "true"
    return value


def _whole(value: object) -> object:
    """Read whole numbers as people write them: no signs, exponents, fractions, underscores."""
    if isinstance(value, bool) or (isinstance(value, str) and not _DIGITS.fullmatch(value)):
        raise ValueError(f"{str(value)[:20]!r} is not a whole number: {WHOLE_NUMBER}")
    return value


def _printable(text: str) -> str:
    """Keep escape sequences and marks that reverse the writing direction away from every terminal and report."""
    if not text.isprintable():
        character = next(one for one in text if not one.isprintable())
        raise ValueError(f"has the character {character!a}, which does not print: take it out")
    return text


def _printable_lines(text: str) -> str:
    return "\n".join(_printable(line) for line in text.split("\n"))


def listed(value: object) -> object:
    """Let one word stand where a list is meant."""
    return [value] if isinstance(value, str) else value


Seconds = Annotated[float, Field(gt=0, le=LONGEST_S, allow_inf_nan=False), BeforeValidator(seconds)]
Share = Annotated[float, BeforeValidator(lambda value: parse_share(value) if isinstance(value, str) else value)]
"""From 0 up to 1."""
Digits = BeforeValidator(_whole)
"""Beside an int: reads it from a file."""
Flag = Annotated[bool, Field(strict=True), BeforeValidator(_true_or_false)]
Text = Annotated[str, AfterValidator(_printable_lines)]
Line = Annotated[str, AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_printable)]
SourceKeys = Annotated[
    tuple[Name, ...],
    Field(min_length=1),
    BeforeValidator(listed),
]
Listed = BeforeValidator(listed)
"""Beside a list: one word may stand for it."""
