"""The README: what it shows is what the program prints, what it links is there, what it says to type works."""

import re
from pathlib import Path

import pytest

from hbprobe.cli.main import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def without_wall_time(text: str) -> str:
    return re.sub(r"in [\d.]+ s of wall time", "in - s of wall time", text)


def shown(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n\n(.*)\n\n<!-- /{mark} -->", README, re.DOTALL)
    assert found is not None
    return "\n".join(line.removeprefix("    ") for line in without_wall_time(found[1]).splitlines())


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return "\n".join(line.rstrip() for line in without_wall_time(capsys.readouterr().out).rstrip().splitlines())


def test_shows_what_lab_prints(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["lab"]) == 0
    assert shown("lab") == printed(capsys)


def test_shows_how_a_story_begins(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["lab", "blamed-firewall"]) == 0
    assert printed(capsys).startswith(shown("story") + "\n\n")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).is_file()


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"(?:`|&& |    )hbprobe ([a-z]+)", README))))
def test_knows_the_verbs_that_it_names(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: hbprobe {verb}")
