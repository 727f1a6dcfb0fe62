import io
import json
import sys
from types import ModuleType

import pytest

from hbprobe.cli.main import main
from hbprobe.report.terminal.answer import Detail


def run_json(capsys, *arguments):
    return main(["verdict", *arguments, "--json"]), json.loads(capsys.readouterr().out)


def test_a_path_of_ten_minutes(capsys):
    status, document = run_json(capsys, "--limit", "600")
    assert status == 1
    assert list(document) == ["schema", "limit", "verdict", "events"]
    assert document["schema"] == "hbprobe.verdict/1"
    assert document["limit"] == {"survived": 599, "cut": 600, "how": "silent"}
    assert document["verdict"]["healthy"] is False
    assert document["verdict"]["recommended_s"] == 1740
    with_event = [device["id"] for device in document["verdict"]["devices"] if device["event_1040"]]
    assert with_event == ["outlook-540", "outlook-180"]


def test_older_devices_on_request(capsys):
    _, document = run_json(capsys, "--limit", "600", "--devices", "all")
    assert document["verdict"]["recommended_s"] == 1860
    assert document["verdict"]["devices"][0]["id"] == "textbook"


@pytest.mark.parametrize("word", ["open", "none", "OPEN"])
def test_an_open_path(capsys, word):
    status, document = run_json(capsys, "--limit", word)
    assert status == 0
    assert document["limit"] == {"survived": 3540, "cut": None, "how": None}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("10min", {"survived": 599, "cut": 600, "how": "reset"}),
        ("600.5", {"survived": 600, "cut": 600.5, "how": "reset"}),
        ("1h", {"survived": 3599, "cut": 3600, "how": "reset"}),
        ("0.5", {"survived": 0, "cut": 0.5, "how": "reset"}),
    ],
)
def test_a_limit_is_the_length_of_the_timer(capsys, text, limit):
    assert run_json(capsys, "--limit", text, "--how", "reset")[1]["limit"] == limit


def test_the_manner_matters(capsys):
    settled_s = {}
    for how in ("silent", "status"):
        _, document = run_json(capsys, "--limit", "600", "--how", how, "--devices", "all")
        (device,) = (device for device in document["verdict"]["devices"] if device["id"] == "android-4.0")
        settled_s[how] = device["settled_s"]
    assert settled_s == {"silent": 470, "status": 650}


def test_a_web_config_is_heeded(capsys, tmp_path):
    path = tmp_path / "web.config"
    path.write_text(
        '<configuration><appSettings><add key="MaxHeartbeatInterval" value="540"/></appSettings></configuration>'
    )
    status, document = run_json(capsys, "--limit", "open", "--webconfig", str(path))
    assert document["limit"]["survived"] == 540
    assert document["verdict"]["settings"]["max_heartbeat_s"] == 540
    assert status == 0
    status, document = run_json(capsys, "--limit", "600", "--webconfig", str(path))
    assert "limit-below-max" not in {finding["code"] for finding in document["verdict"]["findings"]}


def test_a_broken_web_config_is_one_line(tmp_path, capsys):
    path = tmp_path / "web.config"
    path.write_text("<configuration>\n  <appSettings>\n</configuration>")
    assert main(["verdict", "--limit", "600", "--webconfig", str(path)]) == 2
    assert capsys.readouterr().err == f"hbprobe: {path}:3:3: is not well-formed XML (mismatched tag): mend it there\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--limit", "soon"],
            "--limit: 'soon' is not a duration: write seconds (600) or a number and a unit (10min)",
        ),
        (["--limit", "0"], "--limit: 0 is no timer: give more than 0, or 'open' where nothing is cut"),
        ([], "--limit is missing: give the path's timer, 'open' where nothing is cut, or an --event"),
        (["--event"], "--event: a value is missing"),
        (["--event", "--json"], "--event: a value is missing"),
    ],
)
def test_wrong_usage_is_refused(arguments, message, capsys):
    assert main(["verdict", *arguments]) == 2
    assert capsys.readouterr().err == f"hbprobe: {message}; see hbprobe verdict --help\n"


def test_without_json_the_report_prints_the_verdict(monkeypatch):
    printed = []
    tables = ModuleType("hbprobe.report.terminal.tables")
    tables.print_verdict_record = lambda record, console, detail: printed.append(
        (record.verdict, type(console).__name__, detail)
    )
    monkeypatch.setitem(sys.modules, "hbprobe.report.terminal.tables", tables)
    assert main(["verdict", "--limit", "600"]) == 1
    ((shown, console, detail),) = printed
    assert (shown.recommended_s, console, detail) == (1740, "Console", Detail.FINDINGS)


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_the_answer_alone(option, capsys):
    assert main(["verdict", "--limit", "600", option]) == 1
    out = capsys.readouterr().out
    assert out.startswith("means ") and "\nticket  1740 s (29 min) or more" in out and "Requests lost" not in out


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_every_finding_by_itself(option, capsys):
    assert main(["verdict", "--limit", "600", option]) == 1
    assert capsys.readouterr().out.count("[push-lost]") == 2


def test_less_and_more_at_once(capsys):
    assert main(["verdict", "--limit", "600", "-q", "-v"]) == 2
    told = "hbprobe: --quiet does not go with --verbose: drop one; see hbprobe verdict --help\n"
    assert capsys.readouterr().err == told


# Events

SENTENCE = "The average of the most recent heartbeat intervals [{}] for request [{}] used by clients is at most [{}]."


def pasted(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_what_an_event_says_of_a_path(monkeypatch, capsys):
    pasted(monkeypatch, SENTENCE.format(207, "Ping", 540))
    status, document = run_json(capsys, "--event", "-")
    assert (status, document["limit"], document["verdict"]) == (1, None, None)
    (event,) = document["events"]
    (outlook,) = event.pop("devices")
    assert event == {"average_s": 207, "threshold_s": 540, "command": "Ping", "times": 1}
    assert (outlook["id"], outlook["on_any_path"]) == ("outlook-180", True)
    pasted(monkeypatch, SENTENCE.format(207, "Ping", 540))
    assert main(["verdict", "--event", "-"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "at least one client asked for 207 s or less: Outlook app (180 s) would on any path" in out
    assert "untold which device, which user and which path" in out


def test_an_event_that_only_losses_explain(monkeypatch, capsys):
    pasted(monkeypatch, SENTENCE.format(130, "Ping", 540))
    assert main(["verdict", "--event", "-", "--devices", "all"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "of the known devices only those that lose longer requests, so suspect the path" in out
    assert "who Textbook client: on a path that cuts 300 s" in out


def test_an_event_beside_a_limit(monkeypatch, capsys):
    pasted(monkeypatch, SENTENCE.format(480, "Sync", 540))
    assert main(["verdict", "--event", "-", "--limit", "open", "-q"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("event  clients asked for 480 s on average with Sync")
    assert "waits with Sync instead of Ping" in out and "\nticket  no change: " in out and "untold" not in out


def test_a_file_of_events(tmp_path, capsys):
    file = tmp_path / "pasted.txt"
    file.write_text(
        f"Event ID: 1040\nSource: MSExchange ActiveSync\nDescription:\n{SENTENCE.format(9, 'Ping', 60)}\n"
    )
    assert run_json(capsys, "--event", str(file))[1]["events"][0]["average_s"] == 9


def test_a_file_that_is_not_there(capsys):
    assert main(["verdict", "--event", "nowhere.txt"]) == 2
    assert capsys.readouterr().err == "hbprobe: nowhere.txt: cannot be read: No such file or directory\n"
