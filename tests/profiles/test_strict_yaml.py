"""A YAML file with a schema of its own."""

import pytest
from pydantic import Field

from hbprobe.errors import UserError
from hbprobe.profiles.strict_yaml import read_as
from hbprobe.profiles.values import Name, Strict


class Fruit(Strict):
    name: Name
    seeds: int = Field(ge=0)


def test_a_right_file():
    assert read_as(Fruit, "name: apple\nseeds: 5\n", "fruit.yaml") == Fruit(name="apple", seeds=5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: 5\n", "fruit.yaml:1: name: is missing"),
        ("name: apple\nseeds: 5\ncolour: red\n", "fruit.yaml:3: colour: "),
        ("name: &a apple\nseeds: 5\n", "fruit.yaml:1:7: an anchor (&a): leave it out"),
        ("colour: red\n", "fruit.yaml:1: "),
    ],
)
def test_a_wrong_one_gives_one_line(text, message):
    with pytest.raises(UserError) as raised:
        read_as(Fruit, text, "fruit.yaml")
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_further_mistakes_are_counted():
    with pytest.raises(UserError, match=r"\(and 2 more\)$"):
        read_as(Fruit, "colour: red\n", "fruit.yaml")
