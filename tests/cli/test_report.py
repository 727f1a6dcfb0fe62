import contextlib
import csv
import io
import json

import pytest

from hbprobe.cli.main import main


@pytest.fixture(scope="session")
def result(tmp_path_factory):
    """The file of the worked example."""
    file = tmp_path_factory.mktemp("lab") / "result.json"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["lab", "--json"]) == 0
    file.write_text(printed.getvalue())
    return file


def report(capsys, *arguments):
    status = main(["report", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_html_by_its_suffix(capsys, result, tmp_path):
    file = tmp_path / "report.html"
    assert report(capsys, result, "--out", file) == (0, f"wrote {file}\n", "")
    text = file.read_bytes().decode()
    assert text.startswith("<!DOCTYPE html>\n<html lang=") and text.endswith("</html>\n")
    assert "Survives 599.5 s, cut at 600.5 s: silent, by " in text


def test_markdown_on_standard_output(capsys, result):
    status, out, _ = report(capsys, result)
    assert status == 0
    assert out.startswith("# How long requests survive on ten-minute-provider\n")


def test_json_and_csv(capsys, result, tmp_path):
    _, out, _ = report(capsys, result, result, "--format", "json")
    assert [one["path"] for one in json.loads(out)["documents"]] == [["ten-minute-provider"]] * 2
    assert report(capsys, result, "--out", tmp_path / "trials.CSV")[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "trials.CSV").read_text())))
    assert len(rows) == len(json.loads(out)["documents"][0]["trials"])


@pytest.mark.parametrize("name", ["html", "md", "json", "csv"])
def test_a_secret_is_in_no_format(capsys, result, tmp_path, name):
    data = json.loads(result.read_text())
    data["target"] = "https://eva:hunter2@host/x?key=hunter2"
    data["notes"] = ["password: hunter2"]
    data["trials"][0]["reason"] = "Authorization: Basic hunter2"
    (tmp_path / "r.json").write_text(json.dumps(data))
    _, out, _ = report(capsys, tmp_path / "r.json", "--format", name)
    assert "https:" in out.replace("\\", "") and "hunter2" not in out and "eva" not in out.replace("evaluat", "")


WRONG = [
    (["none.json"], "none.json: cannot be read: No such file or directory"),
    (["RESULT", "--out", "report.txt"], "--out report.txt: has no suffix that says how to write: use .html, .md, "),
    (["RESULT", "--out", "no/where.md"], "no/where.md: cannot be written: No such file or directory"),
    ([], "RESULT.json is missing; see hbprobe report --help"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_a_mistake_gives_one_line(capsys, result, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = report(capsys, *(str(result) if one == "RESULT" else one for one in arguments))
    assert (status, out) == (2, "")
    assert err.startswith(f"hbprobe: {message}") and err.count("\n") == 1


def test_side_by_side(capsys, result):
    status, out, _ = report(capsys, result, result, "--compare")
    assert status == 0 and "## Side by side" in out and "as far as they were measured" in out
    status, _, err = report(capsys, result, result, "--compare", "--format", "csv")
    assert (status, err) == (
        2,
        "hbprobe: --compare: is for people: write html or md; csv has all measurements anyway\n",
    )
    assert report(capsys, result, "--compare")[2] == "hbprobe: --compare: name from 2 to 7 results, not 1\n"


def test_standard_input(capsys, result, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(result.read_bytes())))
    assert report(capsys, "--format", "md", "--", "-")[1].startswith("# How long requests survive on ten-minute-pro")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{")))
    assert "hbprobe: standard input: line 1, column 2: is not JSON" in report(capsys, "--", "-")[2]
