"""A journal is gone on with only by what it is of: whatever its answers hang on must agree, in every verb."""

from dataclasses import replace

import pytest

import hbprobe
from hbprobe.errors import RequestError
from hbprobe.measure.journal import Journal, header
from hbprobe.profiles.catalogue import Catalogue

URL = "https://127.0.0.1:9/"


def begun(path, request, **more):
    """Begin a journal as a request does, without measuring."""
    said = request.from_where | request.said_of_talk | more
    with Journal(path, header(URL, request.method, request.search_settings(), **said), resume=False):
        pass


@pytest.mark.parametrize("verb", [hbprobe.Probe, hbprobe.Diagnose, hbprobe.Locate])
@pytest.mark.parametrize(
    ("there", "here"),
    [
        ({"label": "provider A"}, {"label": "provider B"}),
        ({"label": "provider A"}, {}),
        ({}, {"source": "127.0.0.2"}),
        ({"source": "127.0.0.2"}, {}),
        ({"family": "6"}, {"family": "4"}),
        ({}, {"family": "4"}),
    ],
)
def test_another_path_is_refused_by_the_name_of_the_field(tmp_path, verb, there, here):
    path = tmp_path / "j.jsonl"
    begun(path, verb(URL, **there))
    with pytest.raises(RequestError) as error:
        verb(URL, resume=path, **here).run()
    (field,) = there.keys() | here.keys()
    assert error.value.field == field
    said = [given.get(field, "not given") for given in (there, here)]
    assert str(error.value).endswith(f"measurement: {field} is {said[0]} there and {said[1]} here")


@pytest.fixture(scope="module")
def lab_journal(tmp_path_factory):
    """The journal of the worked example, with its result."""
    path = tmp_path_factory.mktemp("lab") / "j.jsonl"
    return path, hbprobe.Lab(journal=path).run()


def copied(lab_journal, tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(lab_journal[0].read_bytes())
    return path


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("profiles", hbprobe.Lab(["nginx-http-proxy"])),
        ("profiles", hbprobe.Lab(["ten-minute-provider", "nginx-http-proxy"])),
        ("set", hbprobe.Lab(set={"idle": 300})),
        ("seed", hbprobe.Lab(seed=7)),
        ("clock", hbprobe.Lab(clock="100")),
        ("clock", hbprobe.Lab(kernel=True)),
        ("lab", hbprobe.Diagnose(lab=["nginx-http-proxy"])),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_lab_is_refused_by_the_name_of_the_field(lab_journal, tmp_path, field, other):
    path = copied(lab_journal, tmp_path)
    with pytest.raises(RequestError) as error:
        replace(other, resume=path).run()
    assert error.value.field == field


def test_a_file_that_describes_the_box_anew_is_another_lab(tmp_path):
    box, path = tmp_path / "box.yaml", tmp_path / "j.jsonl"
    text = Catalogue().find_file("ten-minute-provider").read_text().replace("id: ten-minute-provider", "id: ours")
    box.write_text(text)
    hbprobe.Lab([str(box)], journal=path).run()
    box.write_text(text.replace("default: 10min", "default: 5min"))
    with pytest.raises(RequestError, match=r"profiles is ours \(.*\) there and ours \(.*\) here"):
        hbprobe.Lab([str(box)], resume=path).run()


def test_the_same_lab_goes_on_and_still_knows_who_cut(lab_journal, tmp_path):
    path, whole = copied(lab_journal, tmp_path), lab_journal[1]
    again = hbprobe.Lab(resume=path).run()
    assert (again.limit, again.cut_by) == (whole.limit, "ten-minute-provider")
    diagnosis = hbprobe.Diagnose(lab=["ten-minute-provider"], resume=path).run()
    assert diagnosis.result.limit == whole.limit


def test_a_lab_journal_that_says_nothing_of_its_boxes_is_refused(tmp_path):
    path, lab = tmp_path / "j.jsonl", hbprobe.Lab()
    with Journal(path, header("lab", "hold", lab.search_settings()), resume=False):
        pass
    with pytest.raises(RequestError, match=r"profiles is not given there and ten-minute-provider .* here"):
        hbprobe.Lab(resume=path).run()


def test_a_diagnosis_says_what_its_path_is_called():
    assert hbprobe.Diagnose(lab=["ten-minute-provider"], label="provider A").run().result.origin.label == "provider A"


@pytest.mark.parametrize("said", [{"source": "127.0.0.2"}, {"family": "4"}])
def test_a_lab_is_measured_from_nowhere_else(said):
    with pytest.raises(RequestError) as error:
        hbprobe.Diagnose(lab=["ten-minute-provider"], **said)
    assert error.value.field == "lab"
