"""`hbprobe schema`."""

import json

import pytest

from hbprobe.cli.main import main
from hbprobe.records.schemas import SCHEMAS, json_schema
from hbprobe.records.verdict import VerdictRecord


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


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"weather": "fine"}, "Additional properties are not allowed"),
        ({"events": None}, r"\$\.events does not fit the schema: None is not of type 'array'"),
    ],
)
def test_what_json_prints_is_held_against_the_schema_in_every_test(change, complaint, monkeypatch):
    to_dict = VerdictRecord.to_dict
    monkeypatch.setattr(VerdictRecord, "to_dict", lambda record: to_dict(record) | change)
    with pytest.raises(AssertionError, match=complaint):
        main(["verdict", "--limit", "600", "--json"])
