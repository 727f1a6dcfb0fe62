"""What the values of a profile are made of: each reads what people write, and refuses the rest."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from hbprobe.duration import LONGEST_S
from hbprobe.profiles.values import Digits, Flag, Line, MismatchError, Name, Seconds, SourceKeys, Strict, Text

KINDS = {
    "seconds": Seconds,
    "digits": Annotated[int, Digits],
    "flag": Flag,
    "line": Line,
    "text": Text,
    "name": Name,
    "keys": SourceKeys,
}


def read(kind, value):
    return TypeAdapter(KINDS[kind]).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value", "is_read"),
    [
        ("seconds", "10min", 600),
        ("seconds", 2.5, 2.5),
        ("seconds", LONGEST_S, LONGEST_S),
        ("digits", "504", 504),
        ("digits", 504, 504),
        ("flag", "true", True),
        ("flag", "false", False),
        ("flag", False, False),
        ("text", "two\nlines", "two\nlines"),
        ("line", "ä line", "ä line"),
        ("keys", "one", ("one",)),
        ("keys", ["one", "two"], ("one", "two")),
    ],
)
def test_what_people_write(kind, value, is_read):
    assert read(kind, value) == is_read


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("seconds", True, "'true' is not a duration"),
        ("seconds", 0, "greater than 0"),
        ("seconds", LONGEST_S * 2, "less than or equal"),
        ("digits", "-1", "'-1' is not a whole number: write digits, as in 504"),
        ("digits", "1_000", "is not a whole number"),
        ("digits", "1e3", "is not a whole number"),
        ("digits", True, "'True' is not a whole number"),
        ("flag", "yes", "'yes' is neither true nor false: write true or false"),
        ("flag", 1, "valid boolean"),
        ("line", "two\nlines", r"has the character '\\n', which does not print: take it out"),
        ("text", "red\x1b[31m", r"has the character '\\x1b'"),
        ("name", "turned\u202e", r"has the character '\\u202e'"),
        ("name", "", "at least 1 character"),
        ("keys", [], "at least 1 item"),
    ],
)
def test_what_is_refused(kind, value, told):
    with pytest.raises(ValidationError, match=told):
        read(kind, value)


def test_a_mistake_between_keys_is_pinned_to_one():
    error = MismatchError(("timers", "idle"), "does not go with tells")
    assert (error.key, str(error)) == (("timers", "idle"), "does not go with tells")


def test_nothing_unknown_is_in_a_value_from_a_file():
    class Door(Strict):
        name: Name

    assert Door(name="  front ").name == "front"
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Door.model_validate({"name": "front", "nmae": "back"})
