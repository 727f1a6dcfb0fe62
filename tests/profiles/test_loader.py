"""Text and files to profiles."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from hbprobe.errors import UserError
from hbprobe.profiles.loader import LARGEST_FILE, ProfileError, examine, load_profile, parse_profile, read_as
from hbprobe.profiles.values import Name, Strict

EXPIRIES = "silent, reset-on-next, reset, close, respond, rebalance"
GOOD = """\
id: some-box
name: Some box
category: firewall
layer: packet
timers:
  idle:
    default: 10min
    expiry: silent
    restarted_by: any-packet
    source: guide
sources:
  guide:
    url: https://example.com/guide
    grade: vendor
"""


def test_a_good_text_is_a_profile():
    profile = parse_profile(GOOD, "box.yaml")
    assert (profile.id, profile.timers.idle.default) == ("some-box", 600)


def test_the_first_mistake_is_told_and_the_others_counted():
    text = GOOD.replace("default: 10min", "defualt: 10min").replace("silent", "slient").replace("https:", "htps:")
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, "box.yaml")
    first = (
        "box.yaml:7: timers.idle.defualt: unknown key; did you mean default? "
        "(allowed: default, min, max, population, step, jitter, expiry, tells, status, body, retries, probes, "
        "restarted_by, revived_by, inferred, source, note, configure)"
    )
    assert str(caught.value) == f"{first} (and 2 more: hbprobe profiles check shows all)"
    assert caught.value.mistakes == (
        first,
        f"box.yaml:8: timers.idle.expiry: 'slient' is not allowed; did you mean silent? (allowed: {EXPIRIES})",
        "box.yaml:13: sources.guide.url: 'htps://example.com/guide' is not a web address: write https://...",
    )
    assert caught.value.exit_status == 2


def test_a_key_with_a_mistake_of_its_own_is_told_once():
    assert [mistake.what for mistake in examine(GOOD.replace("10min", "")).mistakes] == [
        "is empty: write a value, or leave it out"
    ]


def test_mistakes_come_in_the_order_of_the_lines():
    text = GOOD.replace("id: some-box", "id: Some Box").replace("grade: vendor", "grade: vendor\n    grade: paper")
    assert [mistake.line for mistake in examine(text).mistakes] == [1, 15]


def test_a_file(tmp_path):
    path = tmp_path / "box.yaml"
    path.write_text(GOOD)
    assert load_profile(path) == parse_profile(GOOD, "-")


def test_a_file_with_a_byte_order_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "box.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_profile(path) == parse_profile(GOOD, "-")


def test_what_cannot_be_read(tmp_path):
    def told(path):
        with pytest.raises(UserError) as caught:
            load_profile(path)
        return str(caught.value).removeprefix(str(path))

    assert told(tmp_path / "none.yaml") == ": no such file"
    assert told(tmp_path) == ": not a file"

    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (LARGEST_FILE + 1))
    assert told(large) == ": larger than 1 MB: not a profile"
    large.write_bytes(b"#" * LARGEST_FILE)
    assert told(large) == ":1: is empty: see hbprobe profiles show ten-minute-provider"

    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"id: box\nname: B\xfcchse\n")
    assert told(latin) == ":2: not UTF-8: the byte 0xfc; save it as UTF-8"


def test_a_file_that_the_system_does_not_give(tmp_path, monkeypatch):
    path = tmp_path / "box.yaml"
    path.write_text(GOOD)
    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(UserError, match=r"box\.yaml: cannot be read: Permission denied$"):
        load_profile(path)


def refuse(*_args):
    raise PermissionError(13, "Permission denied")


@given(st.text())
def test_any_text_is_a_profile_or_a_user_error(text):
    the_only_error_is_one_line(text)


@given(st.integers(0, len(GOOD)))
def test_a_truncated_profile_is_a_profile_or_a_user_error(length):
    the_only_error_is_one_line(GOOD[:length])


@given(st.randoms(use_true_random=False))
def test_a_profile_with_garbage_in_it_is_a_profile_or_a_user_error(chance: random.Random):
    at = chance.randrange(len(GOOD))
    garbage = "".join(chance.choices(":-[]{}&*!|>'\"%@`#\n\t\0 ~?\x1béx0", k=chance.randrange(1, 8)))
    the_only_error_is_one_line(GOOD[:at] + garbage + GOOD[at + chance.randrange(4) :])


LEAVES = st.text(max_size=8) | st.sampled_from(["5", "10min", "silent", "guide", "https://a.b", "idle", "vendor"])
KEYS = st.sampled_from(["id", "timers", "idle", "sources", "guide", "default", "source", "sweep", "url"]) | LEAVES
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@given(TREES)
def test_any_tree_is_a_profile_or_a_user_error(tree):
    the_only_error_is_one_line(json.dumps(tree))


def the_only_error_is_one_line(text):
    told = "f:"
    try:
        parse_profile(text, "f")
    except UserError as error:
        told = str(error)
    assert told.isprintable()
    assert told.startswith("f:")


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
        ("name: &a apple\nseeds: 5\n", "fruit.yaml:1:7: an anchor (&): quote a text that begins so, or leave it out"),
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
