import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.iis import head, line, ping, write

from hbprobe.cli.main import main


@pytest.fixture
def folder(tmp_path):
    write(
        tmp_path / "logs/u_ex300102.log",
        head() + ping() + "broken\n" + ping(blob="V141_S1_As:BlockedP_", sc_status=449),
    )
    return tmp_path / "logs"


def test_the_answer_comes_first(capsys, folder):
    write(folder / "ra.ibl", b"\1")
    assert main(["logs", str(folder)]) == 0
    out = capsys.readouterr().out
    folded = "".join(out.split())
    assert out.startswith("note")
    assert "1 device blocked or in quarantine" in out.splitlines()[0]
    assert "not read" in out and "ra.ibl" in folded
    assert "line6,byte" in folded and "toofewfields" in folded


def test_json(capsys, folder):
    assert main(["logs", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["verb"]) == ("hbprobe.evidence/1", "logs")
    assert document["coverage"]["requests"] == 2
    assert document["sources"][0]["bad_lines"][0]["line"] == 6


def test_an_event_in_the_log_is_the_first_finding_and_is_held_against_what_is_there(folder, capsys):
    event = write(
        folder / "e.json",
        '[{"TimeCreated": "2030-01-02T08:00:00Z", "Id": 1040, "ProviderName": "MSExchange ActiveSync", '
        '"Message": "[320] [Ping] [540]"}]',
    )
    logged = "1 time logged, and no log has the intervals that led to it, with an average of 320 s"
    both = "0 times by the requests in the log, 1 logged, 0 of them the same, 1 later than is judged, with an aver"
    waits = write(folder / "W3SVC2/u_ex.log", head() + ping())
    for paths, told in (([event], logged), ([event, waits], both)):
        assert main(["logs", *map(str, paths)]) == 1
        assert " ".join(capsys.readouterr().out.split()).startswith(f"problem event 1040: {told}")


def test_reports_csv_and_pictures(capsys, folder, tmp_path):
    arguments = ["--report", "user-agents", "--csv", str(tmp_path / "a.csv"), "--plot", str(tmp_path / "a.svg")]
    assert main(["logs", str(folder), *arguments]) == 0
    assert "Devices and requests by user agent" in capsys.readouterr().out
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfuser_agent,devices,hits\r\n")
    assert "Apple-iPhone" in (tmp_path / "a.svg").read_text()
    assert main(["logs", str(folder), "--plot", str(tmp_path / "limits.svg")]) == 0


UNWRITTEN = {
    "--csv": (["--report", "status"], "nowhere/a.csv", "No such file or directory: name another file", 2),
    "--mix": ([], "nowhere/a.yaml", "No such file or directory: name another file", 2),
    "--plot": ([], "nowhere/a.svg", "No such file or directory: name another file", 2),
    "--export": ([], "a.log/out", "Not a directory: name another folder", 2),
}


@pytest.mark.parametrize("is_json", [False, True])
@pytest.mark.parametrize("option", UNWRITTEN)
def test_a_file_that_cannot_be_written_costs_no_answer(capsys, tmp_path, monkeypatch, option, is_json):
    more, place, why, ended = UNWRITTEN[option]
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.log", head() + "".join(ping(time=f"08:{minute}:00") for minute in range(10, 30)))
    asked = ["logs", "a.log", *more, *(["--json"] if is_json else [])]
    assert main(asked) == 0
    answer = capsys.readouterr().out
    assert main([*asked, option, place]) == ended
    shown = capsys.readouterr()
    assert answer and shown.out == answer
    assert shown.err == f"hbprobe: {option} {place}: cannot be written: {why}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("options", [["--mix"], ["--report", "status", "--csv"]])
def test_a_full_disk_costs_no_answer_and_no_other_file(capsys, folder, tmp_path, options):
    write(folder / "b.log", head() + "".join(ping(time=f"08:{minute}:00") for minute in range(10, 30)))
    more = ["--report", "status", "--plot", str(tmp_path / "a.svg")] if "--csv" in options else []
    assert main(["logs", str(folder), *options, "/dev/full", *more]) == 3
    shown = capsys.readouterr()
    told = f"hbprobe: {options[-1]} /dev/full: cannot be written: No space left on device: name another file\n"
    assert shown.out and shown.err.endswith(told)
    assert "assumed in" not in shown.out
    assert not more or f"wrote {tmp_path / 'a.svg'}\n" in shown.out


@pytest.mark.parametrize("asked", [["--report", "status"], ["--sql", "q.sql"]])
def test_what_was_left_out_is_told_beside_a_table(capsys, folder, monkeypatch, asked):
    monkeypatch.chdir(folder)
    write(folder / "q.sql", "SELECT count(*) AS n FROM requests")
    log = folder / "u_ex300102.log"
    whole = write(folder / "whole.log", head() + ping())
    for path, lines in (
        (whole, []),
        (folder / "u_ex300102.log", [f"not understood: 1 line, the first in {log}, line 6: too few fields"]),
    ):
        assert main(["logs", str(path), *asked, "--json"]) == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)["rows"] and shown.err == "".join(f"hbprobe: {line}\n" for line in lines)
    whole.unlink()
    for name in ("ra.ibl", "rb.ibl"):
        write(folder / name, b"\1")
    assert main(["logs", str(folder / "*.[li]*"), *asked, "--who", "nobody"]) == 0
    first, second, third = capsys.readouterr().err.splitlines()
    assert third == "hbprobe: no request is of whom or what --who and --containing name"
    assert first.startswith("hbprobe: not read: ") and "ra.ibl: is IIS's binary log" in first
    assert first.endswith(", and 1 other file; without --report and --sql all are named")
    assert second.startswith("hbprobe: not understood: 1 line, the first in ")


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ("throttled", ""),
        ("httperr", "no log of HTTP.sys was read: give the files of %SystemRoot%\\System32\\LogFiles\\HTTPERR, too"),
    ],
)
def test_an_answer_without_rows_says_so(capsys, tmp_path, report, told):
    write(tmp_path / "a.log", head() + ping())
    assert main(["logs", str(tmp_path), "--report", report]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith("\n\nnone\n")
    assert shown.err == (f"hbprobe: {told}\n" if told else "")


def test_files_that_were_not_read_for_one_reason_are_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a long path would be folded
    write(tmp_path / "a.log", head() + ping())
    for number in range(30):
        write(tmp_path / f"picture{number:02}.png", b"\x89PNG\r\n")
        write(tmp_path / f"twin{number:02}.log", f"#Version: {number}\n")
    main(["logs", "."])
    said = " ".join(capsys.readouterr().out.split())
    assert "picture00.png, picture01.png, picture02.png (and 27 more): is no log of IIS" in said
    assert "twin00.log, twin01.log, twin02.log (and 27 more): begins without a #Fields line" in said


def test_the_list_of_reports(capsys):
    assert main(["logs", "--report", "list"]) == 0
    assert "blocked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "no log is named"),
        (["--report", "list2"], "--report list2: no such report"),
        (["--report", "blocked", "--sql", "x.sql"], "--report and --sql do not go together: drop one"),
        (["--csv", "x.csv"], "--csv needs --report NAME or --sql FILE, whose answer it writes"),
        (["--report", "requests", "--plot", "x.png"], "--plot: the report requests has no chart"),
        (["--net4", "7"], "'7' is no number of bits: give 8 to 32"),
        (
            ["--net4", "25", "--pseudonyms", "key"],
            "--net4 25 is longer than the /24 that --pseudonyms leaves of an address: give 24 at most, or drop --ps",
        ),
        (["--since", "yesterday"], "'yesterday' is no time: write 2030-01-02 or 2030-01-02T08:00"),
        (["--spark-remote", "sc://x", "--report", "hours"], "--spark-remote needs --engine spark"),
        (
            ["--engine", "spark", "--report", "hours"],
            "--engine spark needs PySpark, and a Java runtime: pip install pyspark",
        ),
        (["--mix", "mix.yaml"], "--mix: nothing in the logs tells for which intervals devices ask"),
        (["--mix", "mix.yaml", "--by", "kind"], "--mix is of all devices, by network: drop --by, --who and --con"),
        (["--mix", "mix.yaml", "--who", "ada"], "--mix is of all devices, by network: drop --by, --who and --con"),
        (["--who", "ada"], "--who and --containing narrow --report, --sql and --export, and none of these is asked"),
        (["--containing", "x", "--by", "kind"], "and none of these is asked for: add one, such as --report requests"),
        (["--networks", "none.csv"], "none.csv: cannot be read: No such file or directory: name a CSV of prefix and"),
        (["--networks", "ansi.csv"], "ansi.csv: is not UTF-8: save it as UTF-8, as a CSV of prefix and name"),
        (
            ["--since", "2030-01-03", "--until", "2030-01-02"],
            "--until is not after --since: nothing lies between them",
        ),
    ],
)
def test_mistakes(capsys, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "pyspark", None)  # as where it is not installed
    write(tmp_path / "a.log", head() + line())
    write(tmp_path / "ansi.csv", "192.0.2.0/24,Z\xfcrich\n".encode("cp1252"))
    paths = [] if told == "no log is named" else ["a.log"]
    assert main(["logs", *paths, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("hbprobe: ") and told in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--report", "statu"], "--report statu: no such report; did you mean status?"),
        (["--report", "requests", "--plot", "x.png"], "--plot: the report requests has no chart"),
        (["--sql", "none.sql"], "none.sql: cannot be read: No such file or directory: name a file with one SELECT"),
        (["--sql", "one.sql", "--plot", "x.png"], "--plot draws the limits or a --report, not the answer of --sql"),
        (["--plot", "x.gif"], "x.gif: has no suffix that says how to draw: call it .png or .svg"),
    ],
)
def test_a_mistake_is_told_before_anything_is_read(capsys, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "one.sql", "SELECT 1 AS one")
    assert main(["logs", "there-is-no-such.log", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"hbprobe: {told}")


def test_a_folder_to_keep_into_that_may_not_be_looked_at(capsys, tmp_path, monkeypatch):
    write(tmp_path / "a.log", head() + line())

    def stat(path, **options):
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return plain_stat(path, **options)

    plain_stat = os.stat
    monkeypatch.setattr(os, "stat", stat)
    (tmp_path / "secret").touch()
    assert main(["logs", str(tmp_path / "a.log"), "--into", str(tmp_path / "secret/kept")]) == 2
    assert capsys.readouterr().err.endswith(": name a folder that can\n")


def test_a_balancer_half_way_changes_the_fields_and_not_the_networks(capsys, tmp_path):
    plain = ["fleet", "--devices", "20", "--days", "0.2", "--seed", "3", "--iis-log"]
    for name, more in (("a", []), ("b", ["--balancer"])):
        assert main([*plain, str(tmp_path / name), *more]) in (0, 1)
    capsys.readouterr()
    found = []
    for name in "ab":
        assert main(["logs", str(tmp_path / name), "--json"]) in (0, 1)
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["coverage"]["told"]
    for part in ("limits", "coverage", "httperr"):
        assert found[0][part] == found[1][part]
    text = (tmp_path / "b/W3SVC1/u_ex300102.log").read_text()
    assert text.count("#Fields:") == 2 and text.count("time-taken X-Forwarded-For\n") == 1
    assert main(["fleet", "--balancer"]) == 2
    assert "--balancer needs --iis-log DIR, without --sockets" in capsys.readouterr().err


def test_the_logs_of_a_simulated_company(capsys, tmp_path):
    arguments = ["--devices", "20", "--days", "0.1", "--iis-log", str(tmp_path / "logs")]
    assert main(["fleet", *arguments]) in (0, 1)
    truth = json.loads((tmp_path / "logs/truth.json").read_text())
    assert truth["devices"] == 20 and truth["networks"][0]["network"] == "198.18.0.0/24"
    capsys.readouterr()
    assert main(["logs", str(tmp_path / "logs"), "--json"]) in (0, 1)
    evidence = json.loads(capsys.readouterr().out)
    assert evidence["coverage"]["devices"] == 20 and evidence["not_read"] == []
    assert main(["fleet", "--devices", "5000", "--iis-log", str(tmp_path / "more")]) == 2
    assert main(["fleet", "--sweep-share", "5min", "--iis-log", str(tmp_path / "more")]) == 2
    assert "--iis-log is of one fleet, and --sweep-share of many: drop one" in capsys.readouterr().err


def test_what_a_mix_takes_for_given_is_told_and_repeated(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    paths = "[{name: a, share: 50, limit: 300s}, {name: b, share: 50, limit: 900s, how: reset}]"
    write(tmp_path / "two.yaml", f"devices: {{ios: 1, android-4.1: 1}}\npaths: {paths}\nmail: {{per_day: 20}}\n")
    write(tmp_path / "names.csv", "198.18.0.0/16,carrier\n")
    assert main(["fleet", "--mix", "two.yaml", "--devices", "40", "--days", "0.2", "--iis-log", "logs"]) == 0
    capsys.readouterr()
    assert main(["logs", "logs", "--networks", "names.csv", "--mix", "mix.yaml"]) == 1
    said = "several limits, or one that varies: in the mix they are fixed"
    told = capsys.readouterr().out.partition("wrote mix.yaml\n")[2].splitlines()
    assert any(one.startswith(f"assumed in mix.yaml: {said}") for one in told)
    for command in ("fleet", "fleet --sweep-share 5min", "size --step 55min"):
        asked = ["--mix", "mix.yaml", "--devices", "20", "--days", "0.05"]
        assert main([*command.split(), *asked]) == 0
        assert re.search(rf"^(assumed)? +{said}", capsys.readouterr().out, re.MULTILINE)
        assert main([*command.split(), *asked, "--json"]) == 0
        assert [f"assumed in mix.yaml: {one}" for one in json.loads(capsys.readouterr().out)["assumed"]] == told
    assert (
        main(["fleet", "--mix", "mix.yaml", "--path", "open-path", "--devices", "20", "--days", "0.05", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["assumed"] == [], "that was of the paths of the mix"


def test_what_fleet_answers_its_logs_answer_too(capsys, tmp_path):
    """Of the last hour of a log event 1040 is not judged: there the truth beside it says more."""
    folder = tmp_path / "logs"
    said = ["--devices", "120", "--days", "0.15", "--path", "cisco-staros-acs", "--device", "textbook"]
    assert main(["fleet", *said, "--iis-log", str(folder), "--json"]) == 0
    events = json.loads(capsys.readouterr().out)["events"]
    assert json.loads((folder / "truth.json").read_text())["events"] == events
    assert main(["logs", str(folder), "--json"]) == 1
    evidence = json.loads(capsys.readouterr().out)
    begin = datetime(2030, 1, 2, tzinfo=UTC)
    until_s = (datetime.fromisoformat(evidence["windows"]["judged_until"]) - begin).total_seconds()
    judged = [event for event in events if event["at_s"] < until_s]
    found = [(datetime.fromisoformat(event["at"]) - begin).total_seconds() for event in evidence["events"]]
    assert found == [int(event["at_s"]) for event in judged]
    assert [event["average_s"] for event in evidence["events"]] == [event["average_s"] for event in judged]
    assert len(found) > 3


@pytest.mark.parametrize("sql", ["", "-- nothing\n"])
def test_a_question_that_asks_for_nothing(capsys, tmp_path, sql):
    log, own = write(tmp_path / "a.log", head() + line()), write(tmp_path / "own.sql", sql)
    assert main(["logs", str(log), "--sql", str(own)]) == 2
    assert capsys.readouterr().err == f"hbprobe: {own}: asks for nothing: write one SELECT\n"


def test_what_a_device_says_of_itself_does_not_fill_the_screen(capsys, tmp_path):
    agent = "x" * 5000
    log = write(tmp_path / "a.log", head() + line().replace("Apple-iPhone0C0/0000.1", agent))
    for name in ("user-agents", "requests"):  # rows on a line, and rows as lists
        assert main(["logs", str(log), "--report", name]) == 0
        told = capsys.readouterr().out
        assert 197 <= told.count("x") < 250 and "..." in told
    assert main(["logs", str(log), "--report", "user-agents", "--json"]) == 0
    assert agent in capsys.readouterr().out


def test_times_of_a_question_of_ones_own_as_json(capsys, tmp_path):
    log = write(tmp_path / "a.log", head() + line())
    own = write(tmp_path / "own.sql", "SELECT epoch_ms(ended_ms) AS at, INTERVAL 1 DAY AS apart FROM requests")
    assert main(["logs", str(log), "--sql", str(own), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row == {"at": "2030-01-02T08:10:00Z", "apart": "1 day, 0:00:00"}


@pytest.mark.parametrize("asked", [[], ["--json"], ["--into", "kept"]])
def test_nothing_could_be_read(capsys, tmp_path, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "logs/a.etl", b"\1")
    assert main(["logs", "logs", *asked]) == 3
    out = capsys.readouterr().out
    if asked == ["--json"]:
        assert json.loads(out)["findings"][0]["code"] == "nothing-read"
    else:
        assert out.startswith("problem  nothing could be read: logs/a.etl: is a trace")


@pytest.mark.parametrize(
    "asked",
    [["--report", "hours"], ["--report", "hours", "--json"], ["--sql", "q.sql"], ["--export", "out"],
     ["--mix", "out"], ["--plot", "out.svg"], ["--report", "hours", "--csv", "out"]],
)  # fmt: skip
def test_of_nothing_that_could_be_read_no_table_and_no_file_is_made(capsys, tmp_path, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "logs/a.etl", b"\1")
    write(tmp_path / "q.sql", "SELECT 1")
    assert main(["logs", "logs", *asked]) == 3
    out, err = capsys.readouterr()
    assert err.startswith("hbprobe: nothing could be read: logs/a.etl: is a trace") and err.count("\n") == 1
    assert (out, list(tmp_path.glob("out*"))) == ("", [])
