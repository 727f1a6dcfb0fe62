"""The commands of docs/logs.md, run as they stand there, on a smaller company than the document's."""

import json
import re

import pytest
from support import scripts

from hbprobe.cli.main import main
from hbprobe.fleet.mix import load_mix
from hbprobe.profiles.catalogue import Catalogue

DOCUMENT = scripts.DOCS / "logs.md"
if not DOCUMENT.with_name("logs_examples.py").is_file():
    pytest.skip("installed without its documents", allow_module_level=True)
RIG = scripts.script("logs_examples")
EXAMPLES = {match[1]: match[2] for match in RIG.EXAMPLE.finditer(DOCUMENT.read_text(encoding="utf-8"))}


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    RIG.make(folder, devices=20, days=0.1)
    return folder


@pytest.mark.parametrize("command", EXAMPLES)
def test_an_example_prints_what_it_shows(small, command, monkeypatch):
    monkeypatch.chdir(small)
    monkeypatch.setenv("COLUMNS", "110")
    found = RIG.shortened(command, RIG.printed(command))
    assert shape(found) == shape(EXAMPLES[command])


def shape(output):
    """Return what does not hang on the size of the company: the first words of lines, and names of columns."""
    if output.startswith(("problem", "note")):
        found = re.findall(
            r"^(problem|note|network|span|requests|waiting|event 1040|assumed|read)\b", output, re.MULTILINE
        )
        return set(found)
    if output.startswith("wrote") or "\n\n" not in output:
        return output
    title, body = output.split("\n\n", 1)
    return title, re.findall("[a-z_]+", body.splitlines()[0])


def test_the_mix_of_the_company_is_one_and_sizes_it(small, monkeypatch, capsys):
    """Some of its devices ask for 1800 s, so a firewall at 31 minutes lets all of them wait; one at 5 does not."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "    hbprobe logs logs --mix company.yaml\n    hbprobe size --mix company.yaml" in text
    monkeypatch.chdir(small)
    assert main(["logs", "logs", "--mix", "company.yaml"]) in (0, 1)
    assert len(load_mix(small / "company.yaml", Catalogue()).paths) == 3
    capsys.readouterr()
    asked = ["--devices", "60", "--from", "5min", "--to", "31min", "--step", "26min"]
    assert main(["size", "--mix", "company.yaml", *asked, "--json"]) == 0
    sized = json.loads(capsys.readouterr().out)
    assert sized["devices"] == 60
    short, enough = (row["without_push_min"] for row in sized["tried"])
    assert short > enough
