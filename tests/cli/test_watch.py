"""The watch as its users call it, in real time on very short holds, and its history."""

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from hbprobe.cli.main import main

TAKEN = "hbprobe: watch.sqlite: another hbprobe watch works on it: end that one first\n"
HBPROBE = [sys.executable, "-m", "hbprobe"]


@pytest.fixture
def start(tmp_path):
    """What starts a verb that runs until it is told to stop."""
    started = []

    def run(*arguments):
        process = subprocess.Popen(
            [*HBPROBE, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def lines_until(process, text):
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    raise AssertionError(f"{text!r} never came: {lines}")


@pytest.fixture
def watched(start, tmp_path):
    """A folder with a watch file that has a far end, and the watch."""
    serve = start("serve", "--tls", "off", "--listen", "127.0.0.1:0")
    port = re.search(r"127\.0\.0\.1:(\d+)", lines_until(serve, "serving on")[-1])[1]
    search = "{min: 0.05, max: 0.1, precision: 0.05}"
    (tmp_path / "watch.yaml").write_text(
        f"interval: 1h\nmetrics: 0\ntargets: [{{name: office, url: 'http://127.0.0.1:{port}/', search: {search}}}]\n"
    )
    return start("watch", "watch.yaml")


def ends_cleanly(watch, number):
    watch.send_signal(number)
    out, _ = watch.communicate(timeout=30)
    return (watch.returncode, out) == (0, "stopped; start it again to go on\n")


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")
def test_the_life_of_a_watch(watched, start, tmp_path):
    """One works on a database; what is done is not done again; signals let it read its file again, and end it."""
    lines = lines_until(watched, "next measurement at")
    assert lines[1].endswith("office: begins measurement 1")
    assert lines[2].endswith("office: trial 1: hold 0.1 s survived")
    assert lines[3].endswith("office: survives 0.1 s; nothing beyond 0.1 s was tried")
    url = re.search(r"metrics at (http://127\.0\.0\.1:\d+/metrics)", lines[0])[1]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert b'hbprobe_measurements_total{state="done",target="office"} 1.0' in answer.read()
    second = start("watch", "watch.yaml")
    assert (second.communicate(timeout=60), second.returncode) == ((TAKEN, None), 2)
    assert ends_cleanly(watched, signal.SIGTERM)
    again = start("watch", "watch.yaml")
    assert "next measurement at" in lines_until(again, "office")[-1]
    file = tmp_path / "watch.yaml"
    written = file.read_text()
    file.write_text("targets: 5\n")
    again.send_signal(signal.SIGHUP)
    assert lines_until(again, "goes on as before")[-1].startswith("watch.yaml:1: targets: ")
    file.write_text(written.replace("office", "branch"))
    again.send_signal(signal.SIGHUP)
    assert lines_until(again, "read again")[-1] == "watch.yaml: read again: 1 target"
    lines_until(again, "branch: next measurement at")
    assert ends_cleanly(again, signal.SIGINT)


# The history


@pytest.fixture
def folder(tmp_path, monkeypatch, result_of):
    """A folder with a watch file and its database: the office's limit falls on the third of four measurements."""
    from hbprobe.watch.store import State, Store

    monkeypatch.chdir(tmp_path)
    (tmp_path / "watch.yaml").write_text("targets: [{name: office, url: 'https://h/'}]\n")
    with Store(tmp_path / "watch.sqlite", create=True) as store:
        limits = [(3540.0, None), (3540.0, None), (299.5, 300.5), (299.5, 300.5)]
        for hour, limit in enumerate(limits):
            begun = store.begin("office", "{}", 1795528800.0 + 3600 * hour)
            store.finish(begun.id, result_of(*limit), begun.started_at + 600)
        store.end(store.begin("shop", "{}", 1795528800.0).id, State.FAILED, "TCP: \x1bno route")
    return tmp_path


@pytest.fixture
def result_of():
    """What makes a result of a limit."""
    from hbprobe.exchange.settings import Settings
    from hbprobe.exchange.verdict import judge
    from hbprobe.records.record import Verb
    from hbprobe.records.result import Result
    from hbprobe.search.search import SearchSettings
    from hbprobe.trial.outcome import Limit

    def make(survived_s, cut_s):
        verdict = judge(survived_s, cut_s, None, Settings())
        limit, search = Limit(survived_s, cut_s), SearchSettings()
        return Result(Verb.PROBE, "https://h:443/", "hold", "real", search, limit, (), 1.0, 1.0, verdict=verdict)

    return make


def history(capsys, *arguments):
    status = main(["history", *arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize("file", ["watch.yaml", "watch.sqlite"])
def test_the_list(folder, capsys, file, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    listed = (
        "office: survives 299.5 s, cut at 300.5 s (at 2026-11-24 17:00:00 UTC)\n"
        "  since Tuesday 2026-11-24 16:00 UTC the path cuts at 300.5 s instead of carrying 3540 s\n"
        "      1  2026-11-24 14:00:00  survives 3540 s; nothing beyond 59 min was tried\n"
        "      2  2026-11-24 15:00:00  survives 3540 s; nothing beyond 59 min was tried\n"
        "      3  2026-11-24 16:00:00  survives 299.5 s, cut at 300.5 s\n"
        "      4  2026-11-24 17:00:00  survives 299.5 s, cut at 300.5 s\n"
        "shop: could not measure: TCP: \\x1bno route (at 2026-11-24 14:00:00 UTC)\n"
        "      5  2026-11-24 14:00:00  could not measure: TCP: \\x1bno route\n"
    )
    assert history(capsys, file) == (0, listed, "")


def test_each_target_begins_with_its_last_limit_and_when_it_changed(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    first, second, *_ = history(capsys, "watch.yaml")[1].splitlines()
    assert "cut at 300.5 s" in first and "instead of carrying 3540 s" in second


@pytest.mark.parametrize("columns", [40, 80])
def test_the_list_on_a_narrow_terminal(folder, capsys, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = history(capsys, "watch.yaml")
    monkeypatch.setenv("COLUMNS", "200")
    assert max(map(len, out.splitlines())) <= columns
    assert out.split() == history(capsys, "watch.yaml")[1].split()


def test_one_target_and_json(folder, capsys):
    status, out, _ = history(capsys, "watch.yaml", "--target", "office", "--json")
    document = json.loads(out)
    assert (status, document["schema"]) == (0, "hbprobe.history/1")
    assert [one["target"] for one in document["targets"]] == ["office"]


@pytest.mark.parametrize("name", ["limits.png", "limits.svg"])
def test_the_picture(folder, capsys, name):
    assert history(capsys, "watch.yaml", "--out", name) == (0, f"wrote {name}\n", "")
    head = (folder / name).read_bytes()[:5]
    assert head == (b"\x89PNG\r" if name.endswith("png") else b"<?xml")


def test_a_result_can_be_taken_out_and_reported(folder, capsys):
    _, out, _ = history(capsys, "watch.yaml", "--result", "3")
    (folder / "result.json").write_text(out)
    assert main(["report", "result.json"]) == 0
    assert "Survives 299.5 s, cut at 300.5 s" in capsys.readouterr().out


def test_nothing_yet(tmp_path, capsys):
    from hbprobe.watch.store import Store

    Store(tmp_path / "w.sqlite", create=True).__exit__(None, None, None)
    assert history(capsys, str(tmp_path / "w.sqlite")) == (0, "nothing was measured yet\n", "")


WRONG = [
    (["none.sqlite"], "none.sqlite: no such database: hbprobe watch makes it"),
    (["none.yaml"], "none.yaml: no such file"),
    (["watch.yaml", "--target", "offce"], "--target offce: nothing was measured of that name"),
    (["watch.yaml", "--result", "5"], "--result 5: no measurement of that number has a result; "),
    (["watch.yaml", "--out", "a.txt"], "a.txt: has no suffix that says how to draw: call it .png or .svg"),
    (
        ["watch.yaml", "--target", "shop", "--out", "a.png"],
        "--out a.png: nothing to draw: no measurement has found a limit",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_a_mistake_gives_one_line(folder, capsys, arguments, message):
    status, out, err = history(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"hbprobe: {message}") and err.count("\n") == 1
