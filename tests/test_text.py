import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.text import counted, cut_short, named, no_formula, seconds, shown, without_query_values


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_no_cell_is_a_formula(begin):
    assert no_formula(f"{begin}1+1") == f"'{begin}1+1"
    assert no_formula(f"1{begin}1") == f"1{begin}1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail.example.org", "mail.example.org"),
        ("Grüße, 邮件", "Grüße, 邮件"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\r\nb\tc\0", r"a\x0d\x0ab\x09c\x00"),
        ("abc\u202egnp.exe", r"abc\u202egnp.exe"),
        ("half \ud83d", r"half \ud83d"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_shown(text, expected):
    assert shown(text) == expected


@given(st.text())
def test_what_is_shown_prints(text):
    assert shown(text).isprintable()
    shown(text).encode()


@pytest.mark.parametrize(
    ("value", "expected"), [(600, "600"), (599.4, "599.4"), (0.12549, "0.125"), (0.0, "0"), (1e6, "1000000")]
)
def test_seconds(value, expected):
    assert seconds(value) == expected


def test_counted():
    assert [counted(number, "trial") for number in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
    assert [counted(2, noun) for noun in ("address", "box", "switch")] == ["2 addresses", "2 boxes", "2 switches"]


@pytest.mark.parametrize(("length", "kept"), [(0, 0), (200, 200), (201, 200), (8000, 200)])
def test_what_a_server_says_is_cut_short(length, kept):
    short = cut_short("x" * length)
    assert len(short) == kept and short.endswith("...") == (length > 200)


@pytest.mark.parametrize(
    ("url", "discreet"),
    [
        ("https://h/", "https://h/"),
        ("https://h/?token=a&b=c#d", "https://h/?token=***&b=***#***"),
        ("https://h/?plain", "https://h/?***"),
        ("https://h/?", "https://h/?"),
        ("https://h/?plain&b=c&&more", "https://h/?***&b=***&&***"),
        ("https://h/?cGxhaW4=&cGxhaQ==", "https://h/?***&***"),
        ("https://h/?plain?b=c", "https://h/?***"),
        ("https://h/?a=b=c", "https://h/?a=***"),
        ("https://h/#plain?b=c", "https://h/#***"),
        ("https://h/?***&a=***#***", "https://h/?***&a=***#***"),
    ],
)
def test_values_in_a_query_are_left_out(url, discreet):
    assert without_query_values(url) == discreet


@pytest.mark.parametrize(
    ("sentences", "pairs"), [([], []), (["a"], [("to do", "a")]), (["a", "b"], [("to do", "a"), ("", "b")])]
)
def test_only_the_first_sentence_gets_the_name(sentences, pairs):
    assert [*named("to do", sentences)] == pairs
