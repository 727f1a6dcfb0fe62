"""docs/monitoring.md as it is written, with Debian's Prometheus; and what is shipped for it, with its own tools."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from support.ports import free_port

pytestmark = pytest.mark.program

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "operations"
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
TRIED = PAGE.partition("## Try it on one machine")[2].partition("\n## ")[0]
PORTS = ("8440", "8441", "9140", "9090")
PATIENCE_S = 60.0
RUNS_ON = ("hbprobe serve", "hbprobe proxy", "hbprobe watch", "prometheus ")
VARIABLES = {"$job": ".*", "$target": ".*"}
EMPTY = ("HbprobeLimitFell", "MannerChanged", "Stale", "NotMeasured", "CannotStore", "ReloadFailed", "WatchDown")


def tool(name):
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: the packages that the tests need are listed in .ci/run"
    return found


def checked(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_do_as_their_tests_say(tmp_path):
    checked(tool("promtool"), "test", "rules", "hbprobe.rules.test.yaml", cwd=SHIPPED / "prometheus")
    told = checked(tool("promtool"), "check", "config", "prometheus.example.yaml", cwd=SHIPPED / "prometheus")
    assert "SUCCESS: 1 rule files found" in told and "hbprobe.rules.yaml\n  SUCCESS: " in told


def test_alertmanager_takes_its_example():
    checked(tool("amtool"), "check-config", str(SHIPPED / "prometheus" / "alertmanager.example.yaml"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("unit", sorted((SHIPPED / "systemd").iterdir()), ids=lambda path: path.name)
def test_a_unit_is_one(unit):
    checked(tool("systemd-analyze"), "verify", "--man=no", str(unit))


@pytest.fixture
def page(tmp_path):
    """The page's files, in a folder, and its commands; with ports that are free."""
    text = TRIED
    ports = dict(zip(PORTS, (str(free_port()) for _ in PORTS), strict=True))
    for written, free in ports.items():
        text = text.replace(written, free)
    for name, block in re.findall(r"`([\w/.]+)`[^`]*?(?:`[^`]*`[^`]*?)?:\n\n```yaml\n(.*?)```", text, re.DOTALL):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(block)
    shutil.copy(SHIPPED / "prometheus" / "hbprobe.rules.yaml", tmp_path)
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {"watch.yaml", "targets", "prometheus.yml", "hbprobe.rules.yaml"}
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    commands = re.findall(r"^    (\S.*)$", plain, re.MULTILINE)
    return tmp_path, commands, ports["9090"]


def succeeds(command, folder):
    """Run a command until it succeeds: what it asks may not be up yet, or not measured."""
    deadline_s = time.perf_counter() + PATIENCE_S
    while True:
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        assert time.perf_counter() < deadline_s, f"{command}\n{done.stdout}{done.stderr}"
        time.sleep(0.5)  # noqa: TID251  programs outside have no clock of ours


def expressions():
    """Every expression that is shipped, by what it is for, and whether it has to find something."""
    for group in yaml.safe_load((SHIPPED / "prometheus" / "hbprobe.rules.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"], not rule["alert"].endswith(EMPTY)
    dashboard = json.loads((SHIPPED / "grafana" / "hbprobe.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], "failed" not in target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"], False


def evaluated(expression, port):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=PATIENCE_S) as answer:
        return json.load(answer)["data"]["result"]


@pytest.mark.realtime
def test_the_page_runs_as_written_and_prometheus_evaluates_all_that_is_shipped(page, start):
    folder, commands, port = page
    for name in ("curl", "promtool", "prometheus"):
        tool(name)
    asked = 0
    for command in commands:
        if command.startswith(RUNS_ON):
            words = shlex.split(command)
            program = [sys.executable, "-m", "hbprobe"] if words[0] == "hbprobe" else [tool(words[0])]
            start(*program, *words[1:], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        else:
            succeeds(command, folder)
            asked += 1
    assert asked == 8
    waiting = {(what, expression) for what, expression, finds in expressions() if finds}
    waiting.add(("a target out of a file", 'probe_success{job="hbprobe-targets"} == 1'))
    deadline_s = time.perf_counter() + PATIENCE_S
    while waiting := {one for one in waiting if not evaluated(one[1], port)}:
        assert time.perf_counter() < deadline_s, f"found nothing: {waiting}"
        time.sleep(0.5)  # noqa: TID251  programs outside have no clock of ours
    for _, expression, finds in expressions():
        assert finds or isinstance(evaluated(expression, port), list)
