"""The values of a request: what each type says, and what is read of what people write."""

import math
from dataclasses import dataclass
from typing import Annotated

import pytest

from hbprobe.errors import RequestError
from hbprobe.measure.field_values import Count, Duration, Portion, Seconds, Share, Whole, marks_of, one_of, read_value


@dataclass
class Example:
    hold: Duration
    grace: Duration | None
    noise: Share
    connections: Count
    label: str


def test_the_types_say_how_their_fields_are_read():
    assert marks_of(Example) == {"hold": Seconds(), "grace": Seconds(), "noise": Portion(), "connections": Whole()}


def test_a_type_without_a_mark_leaves_a_value_as_it_is():
    assert marks_of(type("Other", (), {"__annotations__": {"name": Annotated[str, "a word"]}})) == {"name": "a word"}
    assert read_value("name", "anna", "a word") == "anna"


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
