import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.text import counted, seconds, shown


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
