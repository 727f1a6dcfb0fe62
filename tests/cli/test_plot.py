import json
import re

import pytest

from hbprobe.cli.main import main
from hbprobe.manner import Manner
from hbprobe.records.record import Verb
from hbprobe.records.result import Result
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Kind, Limit, Outcome, Trial

PROFILE = """\
id: my-box
name: My own box
category: nat
layer: packet
timers:
  idle: { default: 300, expiry: silent, restarted_by: any-packet, source: mine }
sources:
  mine: { grade: example, says: made up }
"""


def run(*words):
    return main(["plot", *map(str, words)])


@pytest.fixture
def result(tmp_path):
    trials = (
        Trial(1, 700.0, 0.0, Outcome(Kind.CUT, 703.0, Manner.SILENT)),
        Trial(2, 599.5, 703.0, Outcome(Kind.SURVIVED, 599.5)),
    )
    limit = Limit(599.5, 700.0, Manner.SILENT)
    made = Result(Verb.PROBE, "https://h.example/", "hold", "real", SearchSettings(), limit, trials, 1302.5, 1302.5)
    file = tmp_path / "result.json"
    file.write_text(made.to_json())
    return file


@pytest.fixture
def profile(tmp_path):
    file = tmp_path / "my-box.yaml"
    file.write_text(PROFILE)
    return file


def test_one_result_shows_its_search(result, tmp_path, capsys):
    out = tmp_path / "plot.svg"
    assert run(result, "--out", out) == 0
    assert "bracket: the limit lies in here" in out.read_text()
    assert capsys.readouterr().out == f"wrote {out}\n"


def test_several_results_show_their_curves(result, tmp_path):
    out = tmp_path / "plot.svg"
    assert run(result, result, "--out", out) == 0
    assert "share of holds that survive" in out.read_text()


def test_one_result_with_a_profile_shows_curves(result, profile, tmp_path):
    out = tmp_path / "plot.svg"
    run(result, "--profile", profile, "--out", out)
    assert "My own box: timer 300 s" in out.read_text()


def test_profiles_alone(profile, tmp_path):
    out = tmp_path / "plot.png"
    assert run("--profile", profile, profile, "--profile", profile, "--out", out) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_the_kind_can_be_chosen(result, tmp_path):
    out = tmp_path / "plot.svg"
    run(result, "--kind", "curve", "--out", out)
    assert "share of holds that survive" in out.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "plot: nothing to draw: name a RESULT.json, or a profile with --profile"),
        (
            ["RESULT", "RESULT", "--kind", "search"],
            "plot: --kind search draws one result and no profile: use --kind curve for more",
        ),
        (
            ["RESULT", "--profile", "PROFILE", "--kind", "search"],
            "plot: --kind search draws one result and no profile: use --kind curve for more",
        ),
        (["none.json"], "none.json: cannot be read: No such file or directory"),
    ],
)
def test_wrong_usage(words, message, result, profile, tmp_path, capsys):
    stands_for = {"RESULT": result, "PROFILE": profile}
    assert run(*(stands_for.get(word, word) for word in words), "--out", tmp_path / "plot.png") == 2
    assert capsys.readouterr().err == f"hbprobe: {message}\n"


def test_a_suffix_that_says_nothing(result, tmp_path, capsys):
    assert run(result, "--out", tmp_path / "plot.pdf") == 2
    error = capsys.readouterr().err
    assert error == f"hbprobe: {tmp_path}/plot.pdf: has no suffix that says how to draw: call it .png or .svg\n"
    assert not (tmp_path / "plot.pdf").exists()


def test_an_unknown_profile(result, tmp_path, capsys):
    assert run(result, "--profile", "no-such-box", "--out", tmp_path / "plot.png") == 2
    assert capsys.readouterr().err.startswith("hbprobe: no profile called 'no-such-box'")


def test_out_is_needed(result, capsys):
    assert run(result) == 2
    assert capsys.readouterr().err == "hbprobe: --out is missing; see hbprobe plot --help\n"


def test_what_devices_ask_for_on_the_path_of_a_result(result, tmp_path):
    out = tmp_path / "plot.svg"
    assert run(result, "--kind", "staircase", "--out", out) == 0
    drawn = out.read_text()
    assert "What devices ask for on" in drawn
    assert "the path's limit, 700 s" in drawn
    assert "Windows Mobile 5/6" in drawn


def test_what_devices_ask_for_behind_a_profile(profile, tmp_path):
    out = tmp_path / "plot.png"
    assert run("--profile", profile, "--kind", "staircase", "--out", out) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_staircase_is_of_one_path(result, profile, tmp_path, capsys):
    assert run(result, "--profile", profile, "--kind", "staircase", "--out", tmp_path / "plot.svg") == 2
    assert "--kind staircase draws one path" in capsys.readouterr().err


def test_a_diagnosis_is_drawn_by_its_search(result, tmp_path):
    diagnosis = tmp_path / "diagnosis.json"
    diagnosis.write_text(json.dumps({"schema": "hbprobe.diagnosis/1", "result": json.loads(result.read_text())}))
    assert run(diagnosis, "--out", tmp_path / "x.svg") == 0
    assert run(result, "--out", tmp_path / "y.svg") == 0
    assert sorted(drawn(tmp_path / "x.svg")) == sorted(drawn(tmp_path / "y.svg"))


def drawn(file):
    """The words of a picture."""
    return re.findall(r"<!-- (.*?) -->", file.read_text())
