"""Showing and leaving what was measured: the exit status, and that nothing is lost where it cannot be written."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hbprobe.cli import output
from hbprobe.cli.main import main
from hbprobe.cli.output import show_result
from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.files import write_whole
from hbprobe.report.terminal.answer import Detail
from hbprobe.trial.outcome import Limit

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs a disk that is full")


@pytest.fixture
def result(ten_minutes):
    return replace(ten_minutes, verdict=judge(3540, None, None, Settings()))


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 0),
        ({"verdict": judge(599, 600, "silent", Settings())}, 1),
        ({"complete": False}, 3),
        ({"verdict": None, "limit": Limit(3540, None)}, 0),
        ({"verdict": None, "limit": Limit(599, 600)}, 1),
        ({"verdict": None, "limit": Limit(None, None)}, 3),
    ],
)
def test_the_exit_status(result, change, status, as_json, capsys):
    assert show_result(replace(result, **change), Detail.FINDINGS, as_json=as_json, failure=None) == status
    assert capsys.readouterr().err == ""


def test_json_is_one_document(result, capsys):
    show_result(result, Detail.FINDINGS, as_json=True, failure=None)
    out = capsys.readouterr().out
    assert json.loads(out) == result.to_dict()
    assert out.endswith("}\n")


def test_what_stood_in_the_way_follows_what_was_found(result, capsys):
    partial, failure = replace(result, complete=False), CannotMeasureError("TCP: refused; go on with --resume a")
    assert show_result(partial, Detail.FINDINGS, as_json=False, failure=failure) == 3
    printed = capsys.readouterr()
    assert "survives 599.5 s" in printed.out
    assert printed.err == "hbprobe: TCP: refused; go on with --resume a\n"


@needs_full
def test_a_file_that_was_there_stays_where_there_is_no_room(tmp_path, monkeypatch):
    file = tmp_path / "report.md"
    file.write_text("old")

    def write(_, data):
        with FULL.open("wb", buffering=0) as full:
            return full.write(data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(CannotMeasureError, match=r"report\.md: cannot be written: No space left on device"):
        write_whole(file, "new")
    assert [one.name for one in tmp_path.iterdir()] == ["report.md"]
    assert file.read_text() == "old"


def test_a_new_file_has_the_mode_of_any_other(tmp_path):
    (tmp_path / "other").write_text("")
    write_whole(tmp_path / "mine", "text")
    assert (tmp_path / "mine").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert (tmp_path / "mine").read_text() == "text"


@needs_full
def test_a_lab_that_cannot_leave_its_result_has_shown_it(tmp_path, capsys):
    (tmp_path / "result.json").symlink_to(FULL)
    assert main(["lab", "--out", str(tmp_path)]) == 3
    printed = capsys.readouterr()
    assert "survives 599.5 s, cut at 600.5 s" in printed.out
    assert printed.err == f"hbprobe: {tmp_path}/result.json: cannot be written: No space left on device\n"


@needs_full
@pytest.mark.parametrize("verb", [["report"], ["plot"]])
def test_a_picture_or_report_on_a_full_disk_is_no_wrong_usage(verb, tmp_path, capsys):
    main(["lab", "--json"])
    (tmp_path / "result.json").write_text(capsys.readouterr().out)
    target = tmp_path / ("x.md" if verb == ["report"] else "x.svg")
    target.symlink_to(FULL)
    assert main([*verb, str(tmp_path / "result.json"), "--out", str(target)]) == 3
    assert capsys.readouterr().err == f"hbprobe: {target}: cannot be written: No space left on device\n"


def test_boxes_go_with_commas_or_without(capsys):
    told = []
    for words in (["open-path,ten-minute-provider"], ["open-path", "ten-minute-provider"]):
        assert main(["lab", *words, "--connections", "8", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out)["path"])
    assert told == [["open-path", "ten-minute-provider"]] * 2


def test_the_finding_of_a_simulation_is_in_the_status_where_that_is_asked_for(capsys):
    few = ("--connections", "8")
    assert main(["lab", *few]) == 0
    assert main(["lab", *few, "--exit-code"]) == 1
    assert main(["lab", *few, "open-path", "--exit-code"]) == 0
    assert main(["diagnose", *few, "--lab", "ten-minute-provider"]) == 0
    assert main(["diagnose", *few, "--lab", "ten-minute-provider", "--exit-code"]) == 1


def test_the_stream_is_what_standard_output_is_now(result, monkeypatch, tmp_path):
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        output.show(lambda: "{}", lambda console: console.print("text"), 0, as_json=True)
    assert (tmp_path / "out").read_text() == "{}"
