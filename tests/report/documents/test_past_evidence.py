"""Reports of captures and of logs: what `--json` of either verb wrote is read back, and told in every format."""

import csv
import io
import json

import pytest
from support import packets
from support.packets import RST, START_S, Talk, pcap

from hbprobe.cli.main import main
from hbprobe.errors import UserError
from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture import Capture
from hbprobe.report.documents.blocks import Facts, Findings, Picture, Table
from hbprobe.report.documents.chapters import logs_chapter
from hbprobe.report.documents.compose import compose
from hbprobe.report.documents.data import to_csv, to_json
from hbprobe.report.documents.html import to_html
from hbprobe.report.documents.markdown import to_markdown
from hbprobe.report.documents.sources import Measured, load

QUERY = "User=a&DeviceId=d1&DeviceType=x&Cmd=Ping&Log=V141_Hb900_S1_"
PING = f"POST /Microsoft-Server-ActiveSync/default.eas {QUERY} a 198.51.100.9 200"
IIS = (
    "#Software: Microsoft Internet Information Services 10.0\n"
    "#Fields: date time cs-method cs-uri-stem cs-uri-query cs-username c-ip sc-status time-taken\n"
    + "".join(f"2031-03-04 08:{minute}:00 {PING} 900000\n" for minute in (15, 30, 45))
)


def resets(count=4):
    talks = [Talk(client=("198.51.100.7", 50000 + n), at_s=START_S + 10 * n).open() for n in range(count)]
    return [talk.say("server", RST, at_s=talk.at_s - START_S + 300, ttl=61) for talk in talks]


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """What both verbs print, by verb: a capture of four resets and an open connection, and a log of one Ping."""
    root = tmp_path_factory.mktemp("evidence")
    record = Capture([packets.written(root / "a.pcap", *resets(), Talk(client=("198.51.100.8", 1025)).open())]).run()
    (root / "capture.json").write_text(record.to_json())
    (root / "u_ex.log").write_text(IIS)
    from hbprobe.evidence.logs.request import Logs

    with Logs(paths=(str(root / "u_ex.log"),)).opened(lambda _: None) as opened:
        (root / "logs.json").write_text(opened.evidence().to_json())
    return {"capture": root / "capture.json", "logs": root / "logs.json"}


def blocks(document, kind):
    told = [block for chapter in document.chapters for section in chapter.sections for block in section.blocks]
    return [block for block in told if isinstance(block, kind)]


def test_the_curve_of_several_limits(files, written):
    """Where no bracket can be told, the curve is what there is to tell."""
    data = json.loads(files["logs"].read_text())
    curve = [[0.0, 1.0], [290.0, 0.98], [300.0, 0.6], [310.0, 0.58], [600.0, 0.57]]
    data["limits"] = [data["limits"][0] | {"judgement": "several", "survived": 290.0, "cut": 300.0, "curve": curve}]
    file = files["logs"].with_name("several.json")
    file.write_text(json.dumps(data))
    document = compose([load(file)], written)
    key = data["limits"][0]["key"]
    (told,) = [table for table in blocks(document, Table) if "alive" in table.columns]
    assert told.rows == ((key, "0 s", "100 %"), (key, "300 s", "60 %"), (key, "600 s", "57 %"))
    assert "300 s" in to_markdown(document) and "60 %" in to_html(document)


def test_a_capture(files, written):
    source = load(files["capture"])
    document = compose([source], written)
    (chapter,) = document.chapters
    assert (chapter.state, chapter.lead) == ("problem", answer(source.record)[0])
    assert [one.title for one in chapter.sections] == [
        "What was found",
        "Evidence",
        "Connections",
        "Reasons",
        "Versions and settings",
    ]
    ended, reasons = blocks(document, Table)
    assert [row[3] for row in ended.rows] == ["300.0 s"] * 4
    assert "strong" in {row[3] for row in reasons.rows}
    assert any(name == "timer" for name, _ in blocks(document, Facts)[0].pairs)


def test_logs(files, written):
    document = compose([load(files["logs"])], written)
    (chapter,) = document.chapters
    assert (chapter.title, chapter.state) == ("What logs of 2031-03-04 tell, by network", "healthy")
    assert blocks(document, Findings)[0].items == (("healthy", "Nothing was found that needs a mend."),)
    said = dict(pair for facts in blocks(document, Facts) for pair in facts.pairs)
    assert said["waiting"].startswith("3 waited for mail: ")


def test_a_capture_of_nothing_is_a_note(tmp_path, written):
    (tmp_path / "a.pcap").write_bytes(pcap([]))
    (tmp_path / "a.json").write_text(Capture([tmp_path / "a.pcap"]).run().to_json())
    (chapter,) = compose([load(tmp_path / "a.json")], written).chapters
    assert (chapter.state, chapter.lead) == (
        "note",
        "The capture holds no TCP connection, so there is nothing to report.",
    )


def test_a_page_has_its_picture(files, written):
    page = to_html(compose([load(files["capture"])], written))
    assert page.count("<svg") == 1
    assert "4 of 5 connections died of idleness" in page


def test_together_with_a_measurement(files, written, ten_minutes):
    sources = [Measured(ten_minutes), load(files["capture"]), load(files["logs"])]
    document = compose(sources, written)
    one, other = [block for block in document.together[0].blocks if isinstance(block, Table)]
    assert one.rows[0][1] == "survives 599.5 s, cut at 600.5 s: silent"
    assert [row[2] for row in other.rows] == ["problem", "healthy"]
    assert len([block for block in document.together[0].blocks if isinstance(block, Picture)]) == 1
    assert to_markdown(document).count("\n## ") == 4
    with pytest.raises(UserError, match="captures and logs have no columns in common: write one of each"):
        to_csv(sources)


def test_the_json_form_holds_what_went_in(files, written):
    held = json.loads(to_json([load(path) for path in files.values()], written))["documents"]
    assert held == [json.loads(path.read_text()) for path in files.values()]


def test_every_connection_is_a_row(files):
    rows = list(csv.DictReader(io.StringIO(to_csv([load(files["capture"])]))))
    deaths = [row for row in rows if row["ending"] == "idle-death"]
    assert [row["maker"] for row in deaths] == ["box"] * 4
    assert {row["causes"] for row in deaths} == {"reset-by-box"}
    assert deaths[0]["exact"] == "true"


def test_every_limit_is_a_row(files):
    (row,) = csv.DictReader(io.StringIO(to_csv([load(files["logs"])])))
    assert (row["by"], row["judgement"], row["longest_asked"]) == ("network", "too-little", "900.0")


@pytest.mark.parametrize("form", ["md", "html", "csv", "json"])
@pytest.mark.parametrize("verb", ["capture", "logs"])
def test_the_verb(files, tmp_path, verb, form):
    assert main(["report", str(files[verb]), "--out", str(tmp_path / f"r.{form}")]) == 0
    assert (tmp_path / f"r.{form}").stat().st_size > 100


@pytest.mark.parametrize(
    ("verb", "change", "told"),
    [
        ("capture", {"verb": "guess"}, 'verb: must be "capture" or "logs": give a file that --json wrote'),
        ("capture", {"flows": 5}, "flows: must be a list, not 5"),
        ("logs", {"coverage": None}, "coverage: must be an object, not null"),
    ],
)
def test_a_mistake_names_its_key(files, tmp_path, verb, change, told):
    (tmp_path / "e.json").write_text(json.dumps(json.loads(files[verb].read_text()) | change))
    with pytest.raises(UserError) as refused:
        load(tmp_path / "e.json")
    assert str(refused.value) == f"{tmp_path / 'e.json'}: {told}"


@pytest.mark.parametrize("wrong", ["1e999", "1e15"])
def test_a_time_that_no_calendar_has(files, tmp_path, wrong):
    text = json.dumps(json.loads(files["capture"].read_text()) | {"flows": []})
    first = json.loads(files["capture"].read_text())["sources"][0]["first"]
    (tmp_path / "e.json").write_text(text.replace(str(first), wrong, 1))
    with pytest.raises(UserError, match=r"e\.json: sources\[0\]\.first: "):
        load(tmp_path / "e.json")


def test_a_word_of_a_newer_hbprobe_stands_for_itself(files, tmp_path, written):
    document = json.loads(files["capture"].read_text()) | {"endings": {"evaporated": 5}}
    document["flows"] = [flow | {"ending": "evaporated"} for flow in document["flows"]]
    (tmp_path / "e.json").write_text(json.dumps(document))
    assert "5 evaporated" in to_markdown(compose([load(tmp_path / "e.json")], written))


def test_text_of_a_capture_that_wants_to_be_more(files, tmp_path, written):
    document = json.loads(files["capture"].read_text())
    nasty = "<script>alert(1)</script>\x1b[2J|"
    document["notes"] = [nasty]
    document["flows"][0]["client"] = nasty
    (tmp_path / "e.json").write_text(json.dumps(document))
    source = load(tmp_path / "e.json")
    assert "<script>alert" not in to_html(compose([source], written))
    assert "\x1b" not in to_markdown(compose([source], written)) + to_csv([source])


@pytest.mark.parametrize(
    ("last", "title"),
    [
        ("2031-03-04T09:00:00Z", "What logs of 2031-03-04 tell"),
        ("2031-03-06T00:00:00Z", "of 2031-03-04 to 2031-03-06"),
    ],
)
def test_two_reports_of_logs_have_their_days_in_the_title(files, last, title):
    evidence = load(files["logs"]).record
    span = evidence.span.model_copy(update={"first": "2031-03-04T08:00:00Z", "last": last})
    assert title in logs_chapter(evidence.model_copy(update={"span": span})).title
    assert logs_chapter(evidence.model_copy(update={"span": None})).title == "What logs tell, by network"
