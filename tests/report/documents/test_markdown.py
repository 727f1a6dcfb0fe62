import pytest

from hbprobe.report.documents.markdown import plain, to_markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5 s, plain.", "5 s, plain."),
        ("a|b", r"a\|b"),
        ("<b>*x* _y_ `z`", r"\<b\>\*x\* \_y\_ \`z\`"),
        ("[event-1040]", r"\[event-1040\]"),
        ("https://host/", r"https:\/\/host/"),
        ("a@b", r"a\@b"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("# a", r"\# a"),
        ("&lt;", r"\&lt;"),
        ("a\nb\x1b", r"a\\x0ab\\x1b"),
    ],
)
def test_text_is_shown_as_it_is(text, shown):
    assert plain(text) == shown


def test_the_worked_example(composed, ten_minutes):
    lines = to_markdown(composed(ten_minutes)).splitlines()
    assert lines[0] == "# How long requests survive on a-box"
    assert lines[2].startswith("**Problem.** Survives 599.5 s, cut at 600.5 s: silent, by a-box (13 trials")
    assert "- **limit**: survives 599.5 s, cut at 600.5 s" in lines
    dies = lines.index("- **dies**: silent: nothing comes, and the client waits on")
    assert lines[dies + 1] == "  - one more packet was not even acknowledged: a black hole"
    assert "| 1 | 3540 s | cut, silent | 3543 s | nothing came | 0 s | no answer | \\- |" in lines
    assert lines[-1].startswith("Written by hbprobe ") and lines[-1].endswith(" on 2026-11-22 at 01:02 UTC.")


def test_several_results(composed, ten_minutes):
    lines = to_markdown(composed(ten_minutes, ten_minutes)).splitlines()
    assert lines[0] == "# 2 measurements"
    assert lines.count("| a-box | survives 599.5 s, cut at 600.5 s: silent | a-box | problem |") == 2
    assert lines.count("## How long requests survive on a-box") == 2


def test_text_from_outside_breaks_no_table(composed, hostile):
    text = to_markdown(composed(hostile))
    assert "<script" not in text.replace(r"\<script", "")
    assert "\x1b" not in text and "\u202e" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("| 1 |")]
    assert row.replace(r"\|", "").count("|") == 9
