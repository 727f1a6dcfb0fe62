import copy
import json

import pytest

from hbprobe.cli.main import main
from hbprobe.errors import UserError
from hbprobe.report.documents.blocks import Facts, Prose, Table
from hbprobe.report.documents.sections import chapter
from hbprobe.report.documents.sources import load


@pytest.fixture(scope="session")
def diagnosis():
    """The JSON form of a real diagnosis."""
    import contextlib
    import io

    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        main(["diagnose", "--lab", "aws-nlb-tcp", "--trials", "10", "--json"])
    return json.loads(output.getvalue())


@pytest.fixture
def told(tmp_path):
    """What makes the sections of a diagnosis, by title."""

    def read(document):
        file = tmp_path / "diagnosis.json"
        file.write_text(json.dumps(document))
        return {section.title: section.blocks for section in chapter(load(file)).sections}

    return read


def test_the_cause_the_timer_and_the_boxes_that_fit(diagnosis, told):
    facts = told(diagnosis)["Diagnosis"][0]
    assert isinstance(facts, Facts)
    groups = dict(facts.grouped())
    assert groups["cause"] == ["a box forgot the connection, and answers the next packet with RST"]
    assert groups["seen"] == diagnosis["post_mortem"]["evidence"]
    assert groups["timer"] == [
        "an idle timer: what moves sets it back",
        "bytes from either end save the request",
    ]
    assert groups["whose"] == ["a box on the path"]
    assert groups["kind"] == ["a packet-level box: a firewall, a NAT, a carrier"]
    assert groups["fits"][0] == "AWS NAT gateway; AWS Network Load Balancer, TCP listener"
    assert groups["fits"][1].startswith("because: its timer is 5 min 50 s, silent, RST to the next packet")
    assert groups["deaths"] == ["follow a fixed timer"]


def test_every_answer_has_its_row(diagnosis, told):
    table = told(diagnosis)["Diagnosis"][1]
    assert isinstance(table, Table)
    assert len(table.rows) == len(diagnosis["answers"])
    assert table.rows[0] == (
        "What does a request die of that is quiet for longer than the limit?",
        "439.125 s",
        "cut, silent",
        "442.125 s",
    )
    assert table.rows[1][0] == "Does a byte now and then from the server save it? (every 35 s)"


def test_the_spread_is_a_table(diagnosis, told):
    table = told(diagnosis)["Diagnosis"][2]
    assert table.caption == "Requests that are alive after a time, of 22 trials (95 % of confidence)"
    assert len(table.rows) == len(diagnosis["spread"]["curve"])


def test_the_mend_is_the_diagnosis_own(diagnosis, told):
    assert told(diagnosis)["What to change"] == tuple(Prose(text) for text in diagnosis["mend"])


def test_what_is_not_known_is_left_out(diagnosis, told):
    document = copy.deepcopy(diagnosis) | {"answers": [], "kinds": [], "boxes": [], "spread": None}
    document["post_mortem"] = {"causes": [], "evidence": []}
    document["timer"] = dict.fromkeys(("runs", "counts", "direction", "whose"))
    assert told(document)["Diagnosis"] == (Facts(()),)


def test_another_address_is_named_and_new_words_stand_for_themselves(diagnosis, told):
    document = copy.deepcopy(diagnosis) | {"elsewhere": "https://other:443/", "kinds": ["quantum"]}
    document["timer"] |= {"whose": "server"}
    groups = dict(told(document)["Diagnosis"][0].grouped())
    assert groups["whose"] == [
        "the server itself, or a box that stands before it alone (compared with https://other:443/)"
    ]
    assert groups["kind"] == ["quantum"]


def test_the_json_form_stays_whole_and_holds_no_secret(diagnosis, tmp_path):
    document = copy.deepcopy(diagnosis) | {"new": "Authorization: Basic hunter2"}
    (tmp_path / "d.json").write_text(json.dumps(document))
    assert load(tmp_path / "d.json").to_dict() == diagnosis | {"new": "Authorization: ***"}


def test_a_mistake_names_its_key(diagnosis, tmp_path):
    for key, value, message in (
        ("timer", 5, "timer: must be an object, not 5"),
        ("mend", "x", 'mend: must be a list, not "x"'),
        ("result", {}, "schema: is missing, so this is no result: give a file that --json or --out wrote"),
    ):
        (tmp_path / "d.json").write_text(json.dumps(diagnosis | {key: value}))
        with pytest.raises(UserError) as raised:
            load(tmp_path / "d.json")
        assert str(raised.value) == f"{tmp_path / 'd.json'}: {message}"
