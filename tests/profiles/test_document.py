"""YAML as plain data, with lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.profiles import document as module
from hbprobe.profiles.catalogue import built_in_folder, profile_files
from hbprobe.profiles.document import read_document

TEXT = """\
# a comment
id: box
timers:
  idle:
    source:
      - one
      - two
"""


def told(text: str) -> list[str]:
    return [mistake.in_file("f") for mistake in read_document(text).mistakes]


def test_data_and_lines():
    document = read_document(TEXT)
    assert document.data == {"id": "box", "timers": {"idle": {"source": ["one", "two"]}}}
    assert document.lines == {
        ("id",): 2,
        ("timers",): 3,
        ("timers", "idle"): 4,
        ("timers", "idle", "source"): 5,
        ("timers", "idle", "source", 0): 6,
        ("timers", "idle", "source", 1): 7,
    }
    assert document.mistakes == []


def test_a_key_that_is_not_there_has_the_line_of_the_block_around_it():
    document = read_document(TEXT)
    assert document.line_of(("timers", "idle", "expiry")) == 4
    assert document.line_of(("timers", "lifetime", "expiry")) == 3
    assert document.line_of(("name",)) == 1
    assert document.line_of(()) == 1


def test_every_value_stays_as_it_was_written():
    text = "{a: off, b: 1:30, c: 010, d: 1_000, e: 0x10, f: 2024-01-01, g: 1.10, h: 'null', i: yes, j: ''}"
    assert read_document(text).data == {
        "a": "off",
        "b": "1:30",
        "c": "010",
        "d": "1_000",
        "e": "0x10",
        "f": "2024-01-01",
        "g": "1.10",
        "h": "null",
        "i": "yes",
        "j": "",
    }


def test_what_yaml_can_do_and_a_profile_must_not():
    assert told("a: &x [b]\nc: *x\n") == ["f:1:4: an anchor (&): quote a text that begins so, or leave it out"]
    assert told("a: b\nc: *x\n") == ["f:2:4: an alias (*): quote a text that begins so, or write it out"]
    assert told("a: !!int 5\n") == ["f:1:4: a tag (!): leave it out"]
    assert told("a: !own {}\n") == ["f:1:4: a tag (!): leave it out"]
    assert told("--- {a: b}\n--- {c: d}\n") == ["f:2:1: broken YAML: a second document: one profile a file"]
    assert told("a: {b: c}\n<<: {d: e}\n") == ["f:2: <<: merge keys are not read: write the keys out"]


@pytest.mark.parametrize(
    "secret", ["*Geheim42", "&Geheim42 x", "!Geheim42", "!!Geheim42 x", "'Geheim42", '"Geheim42']
)
def test_no_mistake_repeats_what_may_be_a_password(secret):
    (line,) = told(f"ada: {secret}\n")
    assert "Geheim42" not in line


def test_a_billion_laughs_are_not_laughed():
    lines = ["a: &a [ha, ha]"] + [f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    assert told("\n".join(lines)) == ["f:1:4: an anchor (&): quote a text that begins so, or leave it out"]


@pytest.mark.parametrize("bracket", ["[", "{", "- ", "? "])
def test_depth_ends_early_however_long_the_text(bracket):
    assert told(bracket * 200_000) == [f"f:1:{20 * len(bracket) + 1}: nested more than 20 deep"]


def test_every_mistake_that_can_be_seen_is_told():
    assert told("a: b\na: c\nd:\ne: [f, ]\ng: [~, h]\n[i]: j\n") == [
        "f:2: a: stands twice, first in line 1",
        "f:3: d: is empty: write a value, or leave it out",
        "f:5: g[0]: is empty: write a value, or leave it out",
        "f:6: has a key that is not plain text",
    ]


@pytest.mark.parametrize("text", ["", " \n", "# only this\n", "~", "null", "---\n...\n"])
def test_nothing_is_not_a_profile(text):
    assert told(text) == ["f:1: is empty: see hbprobe profiles show ten-minute-provider"]


def test_a_character_that_is_not_text():
    assert told("a: b\nc: \x07\n") == ["f:2: not text: the character '\\x07'"]


@given(st.text(alphabet=st.sampled_from("ab:- \n\t[]{}&*!|>'\"%@`#?,~\\\0\ud800\u2028é"), max_size=60))
def test_no_text_raises_and_every_mistake_is_one_line(text):
    document = read_document(text)
    assert document.data is not None or document.mistakes
    for mistake in document.mistakes:
        assert mistake.in_file("f").isprintable()
        assert 1 <= mistake.line <= len(text) + 1


BOTH = pytest.mark.skipif(not module.yaml.__with_libyaml__, reason="PyYAML without libyaml has one parser")


def as_read_slowly(text: str, monkeypatch: pytest.MonkeyPatch) -> module.YamlDocument:
    with monkeypatch.context() as patch:
        patch.setattr(module.yaml, "__with_libyaml__", False)
        return read_document(text)


@BOTH
def test_both_parsers_read_the_catalogue_alike(monkeypatch):
    for path in profile_files(built_in_folder()):
        text = path.read_text(encoding="utf-8")
        assert read_document(text) == as_read_slowly(text, monkeypatch), path.stem


@BOTH
@given(st.text(alphabet="ab:-[]{}'\"#,&*!|>\n ?~0", max_size=40))
def test_what_both_parsers_take_they_read_alike(text):
    with pytest.MonkeyPatch.context() as patch:
        slow = as_read_slowly(text, patch)
    fast = read_document(text)
    if not fast.mistakes and not slow.mistakes:
        assert fast == slow
