"""The values of a request: what each type says, and what is read of what people write."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from os import PathLike
from pathlib import Path
from typing import Literal

import pytest

from hbprobe.errors import RequestError
from hbprobe.manner import Manner
from hbprobe.measure.field_values import (
    Count,
    Duration,
    Portion,
    Seconds,
    Share,
    Whole,
    one_of,
    read_fields,
    read_value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    hold: Duration = 1.0
    grace: Duration | None = None
    noise: Share = 0.0
    connections: Count = 1
    label: str = ""
    days: float = 1.0
    seed: int = 0
    raw: bool = False
    choice: Literal["a", "b", ""] = ""
    manner: Manner = Manner.SILENT
    file: str | PathLike[str] | None = None
    boxes: Sequence[str] = ()
    timers: Mapping[str, str | float | None] | None = None
    since: str | datetime | None = None
    own: int = field(default=0, init=False)

    def __post_init__(self):
        read_fields(self)


def test_what_is_given_is_brought_into_the_form_that_is_kept():
    kept = Example(hold="10min", grace=3, noise="10%", manner="reset", timers={"idle": None, "total": 3, "a": "1h"})
    assert (kept.hold, kept.grace, kept.noise, kept.manner) == (600.0, 3.0, 0.1, Manner.RESET)
    assert kept.timers == {"idle": None, "total": 3, "a": "1h"}
    assert Example(days=2, file=Path("a"), boxes=["x"], since=datetime(2026, 1, 1, tzinfo=UTC)).boxes == ["x"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("label", 3, "label: give text, not a whole number"),
        ("label", None, "label: give text, not None"),
        ("label", ip_address("127.0.0.1"), "label: give text, not IPv4Address"),
        ("label", b"x", "label: give text, not bytes"),
        ("days", "1d", "days: give a number, not text"),
        ("days", True, "days: give a number, not True or False"),
        ("seed", 1.0, "seed: give a whole number, not a number"),
        ("raw", 1, "raw: give True or False, not a whole number"),
        ("choice", "c", "choice: 'c' is not one of a, b, "),
        ("choice", ["a"], "choice: ['a'] is not one of a, b, "),
        ("manner", "gone", "manner: 'gone' is not one of silent, reset, closed, status"),
        ("file", 3, "file: give text or a path, not a whole number"),
        ("file", b"x", "file: give text or a path, not bytes"),
        ("boxes", "cisco-asa", "boxes: give a list, as in ['cisco-asa']"),
        ("boxes", (each for each in "ab"), "boxes: give a list, not generator"),
        ("boxes", [3], "boxes: give text, not a whole number"),
        ("boxes", None, "boxes: give a list, not None"),
        ("timers", "idle=5", "timers: give a mapping, not text"),
        ("timers", {3: 5}, "timers: give text, not a whole number"),
        ("timers", {"idle": [5]}, "timers: give text or a number, not list"),
        ("since", 3, "since: give text or a time, not a whole number"),
        (
            "grace",
            timedelta(seconds=3),
            "grace: datetime.timedelta(seconds=3) is not a duration: give seconds, or text",
        ),
    ],
)
def test_a_value_of_another_type_names_its_field(name, value, told):
    with pytest.raises(RequestError) as caught:
        Example(**{name: value})
    assert caught.value.field == name
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("value", "mark", "kept"),
    [
        ("10min", Seconds(), 600.0),
        (600, Seconds(), 600.0),
        ("Open", Seconds(may_be_open=True), math.inf),
        (math.inf, Seconds(may_be_open=True), math.inf),
        ("10min", Seconds(may_be_open=True), 600.0),
        ("10%", Portion(), 0.1),
        (1, Portion(), 1.0),
        (99_999, Whole(), 99_999),
    ],
)
def test_what_people_write_is_kept_as_a_number(value, mark, kept):
    assert read_value("field", value, mark) == kept


@pytest.mark.parametrize(
    ("value", "mark", "told"),
    [
        (True, Seconds(), "field: True is not a duration: give seconds, or text such as '10min'"),
        (-1, Seconds(), "field: -1 is below 0: write seconds (600) or a number and a unit (10min)"),
        (math.nan, Seconds(), "field: nan is more than a hundred years"),
        (math.inf, Seconds(), "field: inf is more than a hundred years"),
        ("open", Seconds(), "field: 'open' is not a duration: write seconds (600) or a number and a unit (10min)"),
        (1.5, Portion(), "field: 1.5 is no share: give a number from 0 to 1, or text such as '10%'"),
        (True, Portion(), "field: True is no share: give a number from 0 to 1, or text such as '10%'"),
        (0, Whole(), "field: 0 is no whole number from 1 to 99999"),
        (True, Whole(), "field: True is no whole number from 1 to 99999"),
        (9, Whole(1, 8, "there are eight of them"), "field 9: there are eight of them"),
    ],
)
def test_what_cannot_be_read_names_its_field(value, mark, told):
    with pytest.raises(RequestError) as error:
        read_value("field", value, mark)
    assert str(error.value) == told
    assert error.value.field == "field"


def test_a_choice_names_what_there_is():
    one_of("strategy", "split", ("guided", "split"))
    with pytest.raises(RequestError, match="strategy: 'splt' is not one of guided, split"):
        one_of("strategy", "splt", ("guided", "split"))
