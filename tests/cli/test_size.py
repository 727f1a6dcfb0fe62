import json

import pytest

from hbprobe.cli.main import main

FEW = ("--devices", "60", "--days", "0.5", "--from", "5min", "--to", "35min", "--step", "10min")


def run_json(capsys, *arguments):
    return main(["size", *arguments, "--json", "--exit-code"]), json.loads(capsys.readouterr().out)


def test_the_firewall_in_front_of_the_office_and_another(capsys, tmp_path):
    status, document = run_json(capsys, *FEW, "--out", str(tmp_path))
    assert status == 0
    assert document["schema"] == "hbprobe.size/1"
    assert (document["firewall"], document["mix"], document["mails_per_day"]) == ("cisco-asa", "office", 40)
    assert [one["timer_s"] for one in document["tried"]] == [300, 900, 1500, 2100]
    assert document["tried"][0]["events_per_day"] > 0 and document["tried"][-1]["well_share"] == 1
    assert document["enough"][0] == {"share": 1.0, "timer_s": 2100}
    assert document["configure"] == "timeout conn 0:35:00"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["size.json", "size.png", "size.svg"]

    short, long = document["tried"][0], document["tried"][-1]
    assert long["table_entries"] > short["table_entries"]
    assert long["wakeups"] < short["wakeups"] and long["without_push_min"] < short["without_push_min"]

    _, telling = run_json(capsys, *FEW, "--to", "5min", "--profile", "cisco-asa-idle-reset", "--mail", "0")
    assert telling["mails_per_day"] == 0 and telling["firewall"] == "cisco-asa-idle-reset"
    assert telling["tried"][0]["without_push_min"] < short["without_push_min"]


def test_no_timer_ends_what_the_devices_bring_about(capsys):
    arguments = ("--devices", "60", "--days", "0.5", "--device", "outlook-180", "--from", "30min", "--to", "1h")
    assert main(["size", *arguments, "--step", "30min", "--profile", "sonicwall-classic", "--exit-code"]) == 1
    out = capsys.readouterr().out
    assert "for all devices: no timer that was tried" in out
    assert "event 1040 comes with every timer" in out
    assert "timeout" not in out


def test_as_text(capsys):
    assert main(["size", *FEW, "--from", "25min", "--profile", "fortinet-fortigate"]) == 0
    out = capsys.readouterr().out
    assert "60 devices behind fortinet-fortigate, 0.5 d, mix office, 40 mails a day" in out
    assert "for all devices: 2100 s (35 min) or more" in out
    do = ["do      on fortinet-fortigate:", "config system session-ttl", "    set default 2100", "end"]
    assert "\n        ".join(do) + "\n\n" in "\n".join(map(str.rstrip, out.splitlines()))
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "0"], "--from 0 s --to 3600 s: the first must be above 0, the last not below it"),
        (["--from", "2h"], "--from 7200 s --to 3600 s: the first must be above 0, the last not below it"),
        (["--step", "0"], "--step 0 s: give at least a second, and at most 1000 timers to try"),
        (["--step", "1"], "--step 1 s: give at least a second, and at most 1000 timers to try"),
        (["--mail", "-1"], "--mail: -1.0 is no number of mails: give 0 to 100000"),
        (["--profile", "nowhere"], "no profile called 'nowhere'; hbprobe profiles list shows all"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    assert main(["size", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hbprobe: {message}") and error.count("\n") == 1
