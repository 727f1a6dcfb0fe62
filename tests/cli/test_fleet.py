import json

import pytest

from hbprobe.cli.main import main

MIX = """devices: {android-4.1: 1, ios: 1}
paths:
  - {name: wifi, share: 9, profile: open-path}
  - {name: train, share: 1, limit: 5min}
mail: {per_day: 4}
"""


def run_json(capsys, *arguments):
    return main(["fleet", *arguments, "--json", "--exit-code"]), json.loads(capsys.readouterr().out)


@pytest.fixture
def mix(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MIX, encoding="utf-8")
    return str(file)


def test_the_shipped_mix(capsys):
    status, document = run_json(capsys, "--devices", "200", "--days", "1")
    assert status == 0
    assert (document["schema"], document["mix"]) == ("hbprobe.fleet/1", "office")
    assert (document["devices"], document["days"], document["seed"]) == (200, 1, 0)
    assert [(kind["id"], kind["devices"]) for kind in document["devices_by_kind"]] == [
        ("windows-mobile", 20),
        ("android-4.1", 40),
        ("android-4.4", 40),
        ("ios", 100),
    ]
    assert document["events"] == [] and document["average"]["lowest_s"] > 540
    for kind in document["devices_by_kind"]:
        assert sum(one["share"] for one in kind["heartbeats"]) == pytest.approx(1)


def test_one_seed_gives_the_same_numbers(capsys, mix):
    arguments = ("--devices", "50", "--days", "0.2", "--mix", mix)
    first = run_json(capsys, *arguments, "--seed", "4")
    assert run_json(capsys, *arguments, "--seed", "4") == first
    assert run_json(capsys, *arguments, "--seed", "5") != first


def test_event_1040_gives_status_1(capsys):
    status, document = run_json(
        capsys, "--devices", "60", "--days", "1", "--path", "ten-minute-provider", "--device", "android-4.0"
    )
    assert status == 1
    assert {event["average_s"] for event in document["events"]} <= set(range(400, 541))
    assert document["devices_by_kind"][0]["heartbeats"][0]["heartbeat_s"] == 470


def test_as_text(capsys, mix):
    assert main(["fleet", "--devices", "50", "--days", "1", "--mix", mix]) == 0
    out = capsys.readouterr().out
    assert "50 devices for 1 d, mix mine" in out
    assert "does not fire" in out and "iOS" in out and "HeartbeatAlertThreshold 540 s" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_webconfig_counts(capsys, mix, tmp_path):
    config = tmp_path / "web.config"
    setting = '<add key="HeartbeatAlertThreshold" value="3000"/>'
    config.write_text(f"<configuration><appSettings>{setting}</appSettings></configuration>")
    status, document = run_json(capsys, "--devices", "60", "--days", "1", "--mix", mix, "--webconfig", str(config))
    assert status == 1 and document["settings"]["alert_threshold_s"] == 3000


def test_what_share_on_a_path_is_enough(capsys, mix):
    arguments = ("--devices", "60", "--days", "0.15", "--mix", mix, "--sweep-share")
    status, document = run_json(capsys, *arguments, "train")
    assert status == 1
    assert (document["schema"], document["path"]) == ("hbprobe.fleet-sweep/1", "train")
    enough = document["enough_share"]
    assert 0.2 < enough <= 1
    by_share = {one["share"]: one for one in document["tried"]}
    assert by_share[enough]["events"] and not by_share[0]["events"]
    _, added = run_json(capsys, *arguments, "5min")
    assert added["enough_share"] == pytest.approx(enough, abs=0.1)


def test_it_leaves_documents_and_pictures(capsys, mix, tmp_path):
    out = tmp_path / "left"
    run_json(capsys, "--devices", "50", "--days", "0.2", "--mix", mix, "--out", str(out))
    assert sorted(file.name for file in out.iterdir()) == ["average.png", "average.svg", "fleet.json"]
    assert json.loads((out / "fleet.json").read_text())["schema"] == "hbprobe.fleet/1"


def test_over_sockets(capsys):
    status, document = run_json(
        capsys,
        "--sockets",
        "--devices",
        "6",
        "--days",
        "0.2",
        "--path",
        "ten-minute-provider",
        "--device",
        "android-4.4",
    )
    assert status == 0
    assert document["schema"] == "hbprobe.fleet-sockets/1"
    assert document["agrees"] is True and document["requests"] == document["in_model"] > 100
    assert document["events"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--devices", "0"], "--devices: 0 is no whole number from 1 to 10000000"),
        (["--devices", "many"], "--devices: 'many' is no whole number"),
        (["--days", "nan"], "--days: nan is no number of days: give more than 0, at most 3650"),
        (["--days", "-1"], "--days: -1.0 is no number of days: give more than 0, at most 3650"),
        (["--device", "iso"], "--device iso: no such device; did you mean ios? (allowed: textbook, "),
        (["--mix", "nothing.yaml"], "nothing.yaml: no such file"),
        (["--path", "nowhere"], "no profile called 'nowhere'; hbprobe profiles list shows all"),
        (
            ["--sweep-share", "moon"],
            "--sweep-share moon: no path of the mix, and no timer such as 5min (it has wifi, mobile, five-minutes)",
        ),
        (["--sockets"], "--sockets needs --path PROFILE: the box between the devices and the stand-in"),
        (
            ["--sockets", "--path", "open-path"],
            "--sockets takes 1000 devices at most: add --devices 200",
        ),
        (
            ["--sockets", "--path", "open-path", "--sweep-share", "wifi"],
            "--sockets and --sweep-share do not go together: drop one",
        ),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    assert main(["fleet", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hbprobe: {message}") and error.count("\n") == 1


def test_where_nothing_can_be_written(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file")
    assert main(["fleet", "--devices", "5", "--days", "0.1", "--out", place]) == 2
    assert (
        capsys.readouterr().err
        == f"hbprobe: --out {place}: cannot be written: File exists; see hbprobe fleet --help\n"
    )
