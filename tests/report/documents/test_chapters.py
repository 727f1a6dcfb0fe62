"""A report on which hop forgets."""

import json

import pytest
from support.results import located

from hbprobe.errors import UserError
from hbprobe.locate.finding import ALL, NONE, Code, Hop, HopFinding, Reached, Route
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.location import Location, read_location
from hbprobe.report.documents.blocks import Picture, Table
from hbprobe.report.documents.chapters import location_chapter
from hbprobe.report.documents.compose import compose
from hbprobe.report.documents.data import to_csv
from hbprobe.report.documents.sources import Measured, load
from hbprobe.trial.outcome import Kind, Outcome

LIVED = Outcome(Kind.SURVIVED, 309.0)
CUT = Outcome(Kind.CUT, 312.0, Manner.SILENT, aftermath=Aftermath.NOTHING)
ROUTE = Route((Hop(1, "192.0.2.1", 0.00123), Hop(2, "192.0.2.2"), Hop(3, None, refuses=True)), 4)
SEEN = tuple(Reached(ttl, LIVED if ttl > 1 else CUT) for ttl in (NONE, 1, 2, 3, 4, ALL))


@pytest.fixture
def location():
    return located(ROUTE, SEEN, notes=("not verified",), label="branch")


@pytest.fixture
def file(location, tmp_path):
    path = tmp_path / "location.json"
    path.write_text(location.to_json())
    return path


def test_what_is_written_is_read_again(location):
    assert read_location(json.loads(location.to_json())).to_dict() == location.to_dict()
    stopped = Location("t", None, None, False, Route((), None), (), HopFinding(Code.NOT_KNOWN, "stopped"), 1.0)
    assert read_location(stopped.to_dict()) == stopped


def test_the_chapter(location):
    chapter = location_chapter(location)
    assert (chapter.title, chapter.state) == ("Which hop forgets on the path to branch", "problem")
    assert "Ask who runs 192.0.2.2 for a longer idle timeout than 300 s." in chapter.lead
    assert [one.title for one in chapter.sections] == [
        "What to change",
        "What was found",
        "Evidence",
        "Versions and settings",
    ]
    picture = chapter.sections[1].blocks[0]
    assert isinstance(picture, Picture) and "[192.0.2.2: cuts here]" in picture.caption
    (table,) = chapter.sections[2].blocks
    assert isinstance(table, Table) and len(table.rows) == 6


def test_it_stands_beside_a_measurement(file, location, ten_minutes, written):
    source = load(file)
    document = compose([Measured(ten_minutes), source], written)
    assert document.together[0].blocks[-1].rows[0][0] == "Which hop forgets on the path to branch"
    assert source.to_dict()["schema"] == "hbprobe.location/1"


def test_for_a_spreadsheet(file, ten_minutes):
    lines = to_csv([load(file)]).splitlines()
    assert lines[0].startswith("label,target,ttl,outcome,how,") and len(lines) == 7
    assert lines[1].startswith("branch,https://mail.example:443/,0,cut,silent,")
    with pytest.raises(UserError, match="have no columns in common"):
        to_csv([load(file), Measured(ten_minutes)])
