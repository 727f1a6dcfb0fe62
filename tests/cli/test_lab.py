import json
import subprocess
import sys
from pathlib import Path

import pytest

from hbprobe.cli.main import main
from hbprobe.records.result import load_result

LEFT = {"result.json", "journal.jsonl", "search.png", "search.svg", "curve.png", "curve.svg"}
"""What --out leaves."""


def lab(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    status = main(["lab", "--json", *arguments])
    return status, json.loads(capsys.readouterr().out)


def test_the_worked_example_has_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    status, result = lab(capsys)
    assert status == 0
    assert result["schema"] == "hbprobe.result/1"
    assert result["path"] == ["ten-minute-provider"] == [result["cut_by"]]
    assert {key: result["limit"][key] for key in ("survived", "cut", "how", "status")} == {
        "survived": 599.5,
        "cut": 600.5,
        "how": "silent",
        "status": None,
    }
    assert result["seconds"]["path"] > 1200 > result["seconds"]["wall"]
    fires = {device["id"] for device in result["verdict"]["devices"] if device["event_1040"]}
    assert fires == {"outlook-540", "outlook-180"}


def test_an_open_path_is_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    status, result = lab(capsys, "open-path")
    assert status == 0
    assert result["limit"]["cut"] is None
    assert result["verdict"]["healthy"] is True


def test_settings_from_a_web_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "web.config"
    config.write_text(
        "<configuration><appSettings><add key='HeartbeatAlertThreshold' value='400'/></appSettings></configuration>"
    )
    status, result = lab(capsys, "--webconfig", str(config))
    assert status == 0  # the path still does not carry MaxHeartbeatInterval
    assert result["verdict"]["settings"]["alert_threshold_s"] == 400
    assert not any(finding["code"] == "event-1040" for finding in result["verdict"]["findings"])


def test_a_timer_can_be_changed(capsys: pytest.CaptureFixture[str]) -> None:
    _, result = lab(capsys, "fortinet-fortigate", "--set", "idle=120", "--connections", "8")
    assert result["limit"]["cut"] == 120.5
    assert result["notes"][0] == "idle=120 is outside what fortinet-fortigate can be set to (5 min to 7 d)"


def test_leaves_result_journal_and_plots_in_the_place_of_older_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, older = tmp_path / "out", '{"of": "an older run", "event": "end"}\n'
    out.mkdir()
    for name in LEFT:
        (out / name).write_text(older)
    options = ("--max", "600", "--connections", "4", "--precision", "5")
    _, printed = lab(capsys, "aws-nat-gateway", *options, "--out", str(out))
    assert {path.name for path in out.iterdir()} == LEFT
    assert [path.name for path in out.iterdir() if older.encode() in path.read_bytes()] == []
    kept = load_result(tmp_path / "out" / "result.json")
    assert [trial.hold_s for trial in kept.trials] == [trial["hold"] for trial in printed["trials"]]
    ends = [line for line in (tmp_path / "out" / "journal.jsonl").read_text().splitlines() if '"end"' in line]
    assert len(ends) == len(kept.trials)


def test_text_names_path_limit_manner_and_timer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "f5-bigip-fastl4", "azure-load-balancer"]) == 0
    text = capsys.readouterr().out
    assert "client > f5-bigip-fastl4 > azure-load-balancer > server" in text
    assert "survives 239.5 s, cut at 240.5 s" in text
    assert "1740 s (29 min) or more: the least with which none" in text


def test_a_result_that_cannot_be_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "result.json").mkdir()
    assert main(["lab", "open-path", "--out", str(tmp_path)]) == 3
    printed = capsys.readouterr()
    assert "open-path" in printed.out, "it has been shown"
    assert printed.err == f"hbprobe: {tmp_path}/result.json: cannot be written: Is a directory\n"


@pytest.mark.parametrize("strategy", ["guided", "split"])
@pytest.mark.parametrize("method", ["hold", "idle"])
def test_every_way_to_search_finds_the_same(strategy: str, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, result = lab(capsys, "--strategy", strategy, "--method", method, "--connections", "4", "--confirm", "2")
    assert (result["limit"]["survived"], result["limit"]["cut"], result["confirmed"]) == (599.5, 600.5, True)


def test_plain_splitting_takes_hours_of_path_time(capsys: pytest.CaptureFixture[str]) -> None:
    _, result = lab(capsys, "--strategy", "split", "--connections", "1")
    assert (result["limit"]["survived"], result["limit"]["cut"]) == (599.5, 600.5)
    assert result["seconds"]["path"] > 3 * 3600


def test_a_path_file_tells_its_story_and_names_the_box(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "carrier-firewall-balancer"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Phones on a carrier's NAT reach Exchange through the corporate firewall")
    assert ", by azure-load-balancer (" in text


def test_options_go_before_what_a_path_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "path.yaml"
    file.write_text("name: N\nboxes: [azure-load-balancer]\nsearch: {max: 20min, connections: 4}\n")
    _, result = lab(capsys, str(file), "--max", "10min")
    assert (result["search"]["max_s"], result["search"]["connections"]) == (600, 4)
    assert result["target"] == "N"


def test_a_path_file_takes_no_changes_from_outside(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "healthy", "--set", "idle=5"]) == 2
    assert "a path file says timers and web.config itself" in capsys.readouterr().err


def test_a_path_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "cisco-asa", "healthy"]) == 2
    told = (
        "hbprobe: healthy is a whole path, which stands alone: name it only, or boxes only; see hbprobe lab --help\n"
    )
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("box", "told", "is_cut"),
    [
        ("aws-clb", "no source says how long a connection may be idle that was upgraded", True),
        ("aws-api-gateway-rest", "a simulated box never ends it", True),  # but its timer of a whole request does
        ("nginx-http-proxy", "", True),
        ("traefik", "", False),
    ],
)
def test_a_websocket_through_a_box_of_which_that_is_not_known(
    box: str, told: str, is_cut: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result = lab(capsys, "--method", "websocket", box)
    about_upgrades = [note for note in result["notes"] if "upgraded" in note]
    assert [told in note for note in about_upgrades] == ([True] if told else [])
    assert (result["limit"]["cut"] is not None) is is_cut


def test_the_change_in_the_words_of_the_product(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("cisco-asa", "--set", "idle=600", "--connections", "4")
    assert main(["lab", *asked]) == 0
    assert "set by: timeout conn 0:29:00" in " ".join(capsys.readouterr().out.split())
    _, result = lab(capsys, *asked)
    (tmp_path / "result.json").write_text(json.dumps(result), encoding="utf-8")
    assert [(one["side"], one["configure"]) for one in result["advice"]] == [
        ("box", "timeout conn 0:29:00"),
        ("application", None),
    ]
    assert main(["report", str(tmp_path / "result.json")]) == 0
    assert "set by: timeout conn 0:29:00" in capsys.readouterr().out


def test_a_lab_loads_no_more_than_its_path_needs() -> None:
    heavy = ("h2", "rich", "numpy", "matplotlib", "cryptography", "trustme", "hbprobe.eas.client", "hbprobe.standin")
    heavy += ("hbprobe.middlebox.http", "hbprobe.measure.diagnosing", "hbprobe.diagnosis.ranking")
    code = (
        "import gc, ssl, sys\n"
        "from hbprobe.cli.main import entry_point\n"
        "ssl.SSLContext.set_default_verify_paths = lambda self: print('read the CA store', file=sys.stderr)\n"
        "gc.callbacks.append(lambda *_: print('looked for cycles', file=sys.stderr))\n"
        "sys.argv[1:] = ['lab', '--json']\n"
        "try:\n"
        "    entry_point()\n"
        "finally:\n"
        f"    print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.splitlines()[0] == "[]"  # what follows is the end of the interpreter
