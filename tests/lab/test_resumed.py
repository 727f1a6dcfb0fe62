"""A journal is gone on with only by what it is of: whatever its answers hang on must agree, in every verb."""

from dataclasses import fields, replace
from importlib import resources

import pytest

import hbprobe
from hbprobe.errors import RequestError
from hbprobe.measure.description import FIELDS, Bears, describe
from hbprobe.measure.journal import Journal
from hbprobe.measure.request import target_of
from hbprobe.profiles.catalogue import Catalogue

URL = "https://127.0.0.1:9/"


@pytest.fixture(autouse=True)
def quick_digests(monkeypatch):
    monkeypatch.setattr("hbprobe.measure.description._ROUNDS", 1)


def begun(path, request):
    """Begin a journal as a request does, without measuring."""
    target = target_of(request.url, request.traits.schemes)
    describes = request.described(target.url, request.search_settings(), request.talk(target))
    with Journal(path, describes, resume=False):
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
    assert f"measurement: {field} is {said[0]} there and {said[1]} here; say the same, or " in str(error.value)


SOCKET, LINE = "wss://127.0.0.1:9/?token=geheim", "tcp://127.0.0.1:9"
EXAMPLES = {
    "url": ({}, {"url": SOCKET.replace("geheim", "other")}),
    "method": ({"url": URL}, {"url": URL, "method": "idle"}),
    "min": ({}, {"min": 5}),
    "max": ({}, {"max": 900}),
    "precision": ({}, {"precision": 5}),
    "confirm": ({}, {"confirm": 2}),
    "grace": ({}, {"grace": 4}),
    "connections": ({}, {"connections": 3}),
    "noise": ({}, {"noise": 0.1}),
    "confidence": ({"noise": 0.1}, {"noise": 0.1, "confidence": 0.5}),
    "strategy": ({}, {"strategy": "split"}),
    "label": ({}, {"label": "provider A"}),
    "source": ({}, {"source": "127.0.0.2"}),
    "family": ({}, {"family": "4"}),
    "insecure": ({}, {"insecure": True}),
    "ca": ({}, {"ca": str(resources.files("hbprobe.net") / "loopback-ca.pem")}),
    "user": (
        {"url": "imaps://h", "user": "ada", "password": "x"},
        {"url": "imaps://h", "user": "bo", "password": "x"},
    ),
    "password": (
        {"url": "imaps://h", "user": "a", "password": "x"},
        {"url": "imaps://h", "user": "a", "password": "y"},
    ),
    "starttls": ({"url": "imap://127.0.0.1"}, {"url": "imap://127.0.0.1", "starttls": True}),
    "subprotocol": ({"subprotocol": ["a"]}, {"subprotocol": ["b"]}),
    "headers": ({"headers": {"Authorization": "geheim"}}, {"headers": {"Authorization": "other"}}),
    "send": ({"url": LINE, "send": "geheim"}, {"url": LINE, "send": "other"}),
    "expect": ({"url": LINE, "send": "a", "expect": "geheim"}, {"url": LINE, "send": "a", "expect": "other"}),
    "devices": ({}, {"devices": "all"}),
    "heartbeat": ({}, {"heartbeat": 60}),
    "exchange": ({}, {"exchange": True}),
    "no_exchange": ({}, {"no_exchange": True}),
    "webconfig": ({}, {"webconfig": "another.config"}),
}
"""For each field of a probe two requests that differ in it alone."""
ELSEWHERE = {"headers_file", "password_file", "token_file", "token_command", "journal", "resume"}
"""They name where a value, or a journal, is; what is in it is above."""


def test_there_is_an_example_for_each_field_of_a_probe():
    assert {each.name for each in fields(hbprobe.Probe)} == EXAMPLES.keys() | ELSEWHERE


@pytest.mark.parametrize("field", EXAMPLES)
def test_each_field_is_compared_or_changes_no_trial(tmp_path, field):
    path = tmp_path / "j.jsonl"
    there, here = (hbprobe.Probe(**({"url": SOCKET} | said)) for said in EXAMPLES[field])
    begun(path, there)
    assert "geheim" not in path.read_text()
    goes_on(path, there)
    if FIELDS[field] is Bears.NOTHING or field == "webconfig":  # which is a lab's
        goes_on(path, here)
        return
    with pytest.raises(RequestError) as error:
        goes_on(path, here)
    assert error.value.field == ("headers_file" if field == "headers" else field)
    assert "geheim" not in str(error.value)
    assert str(error.value).endswith("; say the same, or begin another with journal")


def goes_on(path, request):
    target = target_of(request.url, request.traits.schemes)
    describes = request.described(target.url, request.search_settings(), request.talk(target))
    with Journal(path, describes, resume=True) as journal:
        assert journal.remarks == ()


def test_headers_are_the_same_wherever_they_come_from(tmp_path, monkeypatch):
    path, file = tmp_path / "j.jsonl", tmp_path / "headers"
    file.write_text("Origin:  https://a/\n")
    file.chmod(0o600)
    begun(path, hbprobe.Probe(SOCKET, headers={"Origin": "https://a/"}))
    goes_on(path, hbprobe.Probe(SOCKET, headers_file=file))
    monkeypatch.setenv("HBPROBE_HEADERS", "Origin: https://a/")
    goes_on(path, hbprobe.Probe(SOCKET))


@pytest.mark.parametrize(("there", "here"), [("given", "not given"), ("not given", "given")])
def test_a_secret_that_is_given_on_one_side_only(tmp_path, there, here):
    path = tmp_path / "j.jsonl"
    said = {"given": {"headers": {"A": "b"}}, "not given": {}}
    begun(path, hbprobe.Probe(SOCKET, **said[there]))
    with pytest.raises(RequestError, match=f": headers_file is {there} there and {here} here; "):
        goes_on(path, hbprobe.Probe(SOCKET, **said[here]))


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


def test_a_box_that_is_set_to_the_same_in_other_words_is_the_same(tmp_path):
    path = tmp_path / "j.jsonl"
    whole = hbprobe.Lab(set={"idle": 300}, journal=path).run()
    assert hbprobe.Lab(set={"idle": "5min"}, resume=path).run().limit == whole.limit


def test_the_same_lab_goes_on_and_still_knows_who_cut(lab_journal, tmp_path):
    path, whole = copied(lab_journal, tmp_path), lab_journal[1]
    again = hbprobe.Lab(resume=path).run()
    assert (again.limit, again.cut_by) == (whole.limit, "ten-minute-provider")
    diagnosis = hbprobe.Diagnose(lab=["ten-minute-provider"], resume=path).run()
    assert diagnosis.result.limit == whole.limit


def test_a_lab_journal_that_says_nothing_of_its_boxes_is_refused(tmp_path):
    path, lab = tmp_path / "j.jsonl", hbprobe.Lab()
    with Journal(path, describe("lab", "hold", lab.search_settings()), resume=False):
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
