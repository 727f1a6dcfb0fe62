"""`hbprobe schema`."""

import json

import pytest

from hbprobe.cli.main import main
from hbprobe.records.schemas import SCHEMAS, json_schema


def test_without_a_name_it_lists_them(capsys):
    assert main(["schema"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SCHEMAS)
    assert lines[0] == "result         A measurement of one path: docs/result-format.md."


@pytest.mark.parametrize("name", ["result", "fleet-sweep", "journal"])
def test_it_prints_one(name, capsys):
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resutl", "'resutl': no such document; did you mean result?"),
        ("fleets", "'fleets': no such document; did you mean fleet?"),
        ("xyz", "'xyz': no such document; hbprobe schema lists them"),
    ],
)
def test_a_wrong_name(name, message, capsys):
    assert main(["schema", name]) == 2
    assert capsys.readouterr() == ("", f"hbprobe: {message}\n")
