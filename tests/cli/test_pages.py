"""The help pages: which of them a command line asks for, and how they look."""

import json
import sys

import pytest

from hbprobe.cli.main import main
from hbprobe.cli.pages import PAGES, page_asked_for
from hbprobe.cli.verbs import VERBS

KNOWN = json.loads(PAGES.read_bytes())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("", ""),
        ("--help", ""),
        ("-h", ""),
        ("help", ""),
        ("--json --help", ""),
        ("help help", "help"),
        ("help --help", "help"),
        ("help probe", "probe"),
        ("help probe --json", "probe"),
        ("probe -h", "probe"),
        ("probe https://probe.example.net/ --min 4 --help --max 9", "probe"),
        ("probe --help -- more", "probe"),
        ("profiles", "profiles"),
        ("profiles --help", "profiles"),
        ("profiles list --help", "profiles list"),
        ("profiles list cisco-asa --layer packet --help", "profiles list"),
        ("help profiles list", "profiles list"),
    ],
)
def test_a_page_is_asked_for(line: str, name: str) -> None:
    page = page_asked_for(line.split())
    assert page is not None
    assert page.splitlines()[0] == f"Usage: {KNOWN[name]['usage']}"


@pytest.mark.parametrize(
    "line",
    ["lab", "lab cisco-asa", "--version", "lab -- --help", "-- --help", "--", "profiles list", "nonsense --help"],
)
def test_no_page_is_asked_for(line: str) -> None:
    assert page_asked_for(line.split()) is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("help prob", "hbprobe: 'prob': no such verb (did you mean probe?); see hbprobe --help\n"),
        ("prob --help", "hbprobe: 'prob': no such verb (did you mean probe?); see hbprobe --help\n"),
        ("profiles lst -h", "hbprobe: 'lst': no such action (did you mean list?); see hbprobe profiles --help\n"),
        ("help profiles lst", "hbprobe: 'lst': no such action (did you mean list?); see hbprobe profiles --help\n"),
        ("help lab probe", "hbprobe: 'probe': nothing more was expected here; see hbprobe help --help\n"),
    ],
)
def test_a_page_that_there_is_not(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize(
    ("verb", "usage"),
    [
        ("lab", "[OPTIONS] [PROFILE...]"),
        ("probe", "[OPTIONS] URL"),
        ("proxy", "--upstream HOST:PORT [OPTIONS] PROFILE..."),
        ("plot", "--out FILE [OPTIONS] [RESULT.JSON...]"),
        ("serve", "[OPTIONS]"),
        ("profiles", "ACTION [OPTIONS]"),
        ("profiles check", "PATH..."),
        ("completion", "SHELL"),
    ],
)
def test_the_usage_says_what_is_needed_and_what_may_be(verb: str, usage: str) -> None:
    assert KNOWN[verb]["usage"] == f"hbprobe {verb} {usage}"


def test_each_page_fits_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (40, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        for verb in VERBS:
            page = page_asked_for([verb, "--help"]) or ""
            above = page.partition("\nExamples:")[0].splitlines()[1:]
            assert [line for line in above if len(line) > columns] == [], (verb, columns)
            assert above == [line.rstrip() for line in above]


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in (page_asked_for(["lab", "-h"]) or "")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    coloured = page_asked_for(["lab", "-h"]) or ""
    assert "\x1b[36m--webconfig FILE\x1b[0m" in coloured
    assert "\x1b[1mOptions\x1b[0m\n" in coloured
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b[" not in (page_asked_for(["lab", "-h"]) or "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert page_asked_for(["lab", "-h"]) == coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in (page_asked_for(["lab", "-h"]) or "")
