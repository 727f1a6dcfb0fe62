import copy
import json
from dataclasses import replace

import pytest

from hbprobe.cli.main import main
from hbprobe.errors import UserError
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.record import Verb
from hbprobe.report.documents.blocks import Facts, Findings, Listing, Picture, Prose, Table
from hbprobe.report.documents.sections import chapter
from hbprobe.report.documents.sources import Measured, load
from hbprobe.report.looks import outcome_words
from hbprobe.report.terminal.answer import HEALTHY, findings
from hbprobe.report.terminal.tables import advice, facts
from hbprobe.trial.outcome import Kind, Limit, Outcome


def sections(result):
    return {section.title: section.blocks for section in chapter(Measured(result)).sections}


def only(blocks, kind):
    (found,) = [block for block in blocks if isinstance(block, kind)]
    return found


def test_the_worked_example(ten_minutes):
    whole = chapter(Measured(ten_minutes))
    assert whole.title == "How long requests survive on a-box"
    assert whole.state == "problem"
    assert whole.lead == (
        "Survives 599.5 s, cut at 600.5 s: silent, by a-box (13 trials, no contradiction). "
        "A session that is idle for longer dies: nothing comes, and the client waits on. "
        "Direct Push: 3 of 5 kinds of devices lose requests; event 1040: none by this path, 2 on any. "
        "On a-box: an idle timeout of 1740 s (29 min) or more. "
        "In the application: a ping or a keep-alive more often than every 599.5 s, if this is an idle timeout "
        "(hbprobe diagnose tells)."
    )
    assert [section.title for section in whole.sections] == [
        "What to change",
        "What was found",
        "Evidence",
        "Verdict",
        "What was asked",
        "Every trial",
        "Versions and settings",
    ]


def test_what_the_terminal_says_is_said_here(ten_minutes):
    told = sections(ten_minutes)
    said = [pair for blocks in told.values() for block in blocks if isinstance(block, Facts) for pair in block.pairs]
    assert set(facts(ten_minutes)) <= set(said)
    prose = {block.text for blocks in told.values() for block in blocks if isinstance(block, Prose)}
    assert {text for _, text in advice(ten_minutes.verdict)} <= {text for _, text in said} | prose
    assert only(told["Verdict"], Findings).items == tuple(findings(ten_minutes.verdict))


def test_every_trial_has_its_row(ten_minutes):
    table = only(sections(ten_minutes)["Every trial"], Table)
    assert table.columns == (
        "trial",
        "hold",
        "outcome",
        "ended after",
        "one more packet",
        "started",
        "seen",
        "connection",
    )
    assert len(table.rows) == len(ten_minutes.trials)
    assert table.rows[0] == ("1", "3540 s", "cut, silent", "3543 s", "nothing came", "0 s", "no answer", "-")
    assert table.rows[1][:4] == ("2", "1800.5 s", "cut, silent", "1803.5 s")


def test_pictures_say_what_they_show(ten_minutes):
    captions = [block.caption for block in sections(ten_minutes)["Evidence"] if isinstance(block, Picture)]
    assert captions[1].startswith("a-box: survives 599.5 s, cut at 600.5 s: silent; 13 trials, ")
    assert captions[0] == "How long a quiet request survives on a-box: survives 599.5 s, cut at 600.5 s"


@pytest.mark.parametrize(
    ("change", "state"),
    [({}, "problem"), ({"complete": False}, "note"), ({"verdict": None}, "note")],
)
def test_the_state(ten_minutes, change, state):
    assert chapter(Measured(replace(ten_minutes, **change))).state == state


def test_a_healthy_path(measure):
    result = measure(lambda hold_s: Outcome(Kind.SURVIVED, hold_s))
    verdict = replace(result.verdict, findings=())
    whole = chapter(Measured(replace(result, verdict=verdict)))
    assert whole.state == "healthy"
    assert whole.lead.startswith("Survives 3540 s; nothing beyond 59 min was tried (1 trial, no contradiction). ")
    told = {section.title: section.blocks for section in whole.sections}
    assert only(told["Verdict"], Findings).items[0] == HEALTHY
    assert told["What to change"] == (Prose("Nothing: no timer on this path cuts what was tried."),)


def test_without_evidence_there_is_no_verdict(ten_minutes):
    result = replace(ten_minutes, verdict=None, trials=(), limit=Limit(None, None), complete=False, cut_by=None)
    assert [section.title for section in chapter(Measured(result)).sections] == [
        "What was found",
        "What was asked",
        "Versions and settings",
    ]


def test_contradictions_and_notes_are_listed(ten_minutes):
    result = replace(ten_minutes, contradictions=("a hold of 700 s survived",), notes=("not verified",))
    blocks = sections(result)["What was found"]
    assert [(block.heading, block.items) for block in blocks if isinstance(block, Listing)] == [
        ("Trials that contradict the limit", ("a hold of 700 s survived",)),
        ("Notes", ("not verified",)),
    ]


def test_the_box_that_cuts_is_marked_on_its_path(ten_minutes):
    found = sections(replace(ten_minutes, path=("a-box", "other")))["What was found"]
    assert only(found, Picture).caption == "client > [a-box: cuts here] > other > server"


def test_a_real_path_has_no_box_to_name(ten_minutes):
    result = replace(ten_minutes, verb=Verb.PROBE, path=(), cut_by=None, target="https://h:1/", clock="60")
    told = sections(result)
    assert told["What to change"][0].text == "On the box that cuts: an idle timeout of 1740 s (29 min) or more."
    assert only(told["What was found"], Picture).caption == "client > [a box on the path: cuts here] > server"
    assert ("clock", "60 seconds of the path in one real second") in told["Versions and settings"][0].pairs


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(Kind.SURVIVED, 1), "survived"),
        (Outcome(Kind.CUT, 1, Manner.STATUS, status=504), "cut, HTTP status 504"),
        (Outcome(Kind.CUT, 1, Manner.SILENT, aftermath=Aftermath.RESET), "cut, silent"),
        (Outcome(Kind.FAILED, 0), "failed, no evidence"),
    ],
)
def test_outcomes(outcome, words):
    assert outcome_words(outcome) == words


def test_a_report_says_when_it_was_measured(ten_minutes):
    moment = replace(ten_minutes, started_at="2026-11-22T02:17:00Z")
    asked = dict(only(sections(moment)["What was asked"], Facts).pairs)
    assert asked["when"] == "from 2026-11-22 02:17:00 UTC"
    assert "when" not in dict(only(sections(ten_minutes)["What was asked"], Facts).pairs)


def test_many_trials_are_listed_in_part(ten_minutes):
    one = ten_minutes.trials[0]
    trials = tuple(replace(one, number=number) for number in range(1, 50_001))
    contradictions = tuple(f"trial {number}" for number in range(1, 301))
    found = sections(replace(ten_minutes, trials=trials, contradictions=contradictions))
    table = only(found["Trials"], Table)
    assert len(table.rows) == 1000 and (table.rows[0][0], table.rows[-1][0]) == ("1", "50000")
    left_out = "49000 trials between the first 500 and the last 500 are left out here"
    assert only(found["Trials"], Prose).text == f"{left_out}: hbprobe report --format csv lists them all."
    (listed,) = [block for block in found["What was found"] if getattr(block, "heading", "").startswith("Trials")]
    assert len(listed.items) == 101 and listed.items[-1] == "and 200 more"


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


@pytest.mark.parametrize(
    ("method", "title", "what"),
    [
        ("hold", "How long requests survive on a-box", "How long does a silent HTTPS request survive on this path"),
        ("redis", "How long quiet connections survive on a-box", "How long does a quiet connection survive on this"),
        ("idle", "How long quiet connections survive on a-box", "How long does a quiet connection survive on this"),
    ],
)
def test_what_was_asked_is_what_the_method_asks(ten_minutes, method, title, what):
    result = replace(ten_minutes, method=method)
    assert chapter(Measured(result)).title == title
    assert only(sections(result)["What was asked"], Prose).text.startswith(what)
