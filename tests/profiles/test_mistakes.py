"""How a mistake is worded."""

import pytest

from hbprobe.profiles.mistakes import Mistake, dotted, meant, nearest, printable, quoted


def test_a_mistake_is_one_line_with_its_place():
    assert Mistake(7, "is wrong", ("timers", "idle")).in_file("box.yaml") == "box.yaml:7: timers.idle: is wrong"
    assert Mistake(7, "is wrong").in_file("box.yaml") == "box.yaml:7: is wrong"
    assert Mistake(7, "is broken", column=3).in_file("box.yaml") == "box.yaml:7:3: is broken"
    assert Mistake(1, "is wrong").in_file("a\nb") == "'a\\nb':1: is wrong"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ((), ""),
        (("timers", "idle", "source", 0), "timers.idle.source[0]"),
        (("a b",), "'a b'"),
        (("sources", "\x1b[31m", "url"), "sources.'\\x1b[31m'.url"),
        (("", "x"), "''.x"),
    ],
)
def test_the_way_to_a_value(key, text):
    assert dotted(key) == text


def test_quoted_text_is_bounded():
    assert quoted("ok") == "'ok'"
    assert quoted("x" * 60) == f"'{'x' * 60}'"
    assert quoted("x" * 61) == f"'{'x' * 57}...'"


def test_a_name_stands_bare_where_it_can():
    assert printable("my box.yaml") == "my box.yaml"
    assert printable("my\x1bbox.yaml") == "'my\\x1bbox.yaml'"


def test_what_was_meant():
    assert nearest("idel", ["half_open", "idle"]) == "idle"
    assert nearest("colour", ["half_open", "idle"]) is None
    assert meant("idel", ["half_open", "idle"]) == "; did you mean idle?"
    assert meant("colour", ["half_open", "idle"]) == ""
