"""What is shipped for monitoring, and its page: they speak of metrics, alerts and files that there are."""

import json
import re
from pathlib import Path

import pytest
import yaml

from hbprobe.watch.metrics import Itself, Probed, TargetMetrics

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "operations"
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
RULES = [
    rule
    for group in yaml.safe_load((SHIPPED / "prometheus" / "hbprobe.rules.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((SHIPPED / "grafana" / "hbprobe.json").read_text(encoding="utf-8"))
ENDS = {"counter": "_total", "info": "_info"}


@pytest.fixture
def known(store, measured):
    measured("a", 0, 60, 61)
    collectors = (TargetMetrics(store, ["a"], 0), Itself(waiting=0, interval_s=1, reloaded=True), Probed(None))
    found = [metric for one in collectors for metric in one.collect()]
    return {metric.name + ENDS.get(metric.type, "") for metric in found} | {"hbprobe_watch"}  # the last: an id


def test_only_metrics_that_there_are(known):
    text = json.dumps([RULES, DASHBOARD]) + PAGE
    assert set(re.findall(r"\b(?:hbprobe|probe)_\w+\b", text)) - {"probe_success", "probe_duration_seconds"} <= known


def test_every_alert_has_its_words_on_the_page_and_a_test(known):
    names = [rule["alert"] for rule in RULES]
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == names
    assert [rule["annotations"]["runbook"] for rule in RULES] == [
        f"docs/monitoring.md#{name.lower()}" for name in names
    ]
    tested = yaml.safe_load((SHIPPED / "prometheus" / "hbprobe.rules.test.yaml").read_text(encoding="utf-8"))["tests"]
    raised, silent = set(), set()
    for one in (case for test in tested for case in test["alert_rule_test"]):
        (raised if one.get("exp_alerts") else silent).add(one["alertname"])
    assert raised == silent == set(names)


def test_every_file_that_is_named_is_shipped():
    for name in re.findall(r"operations/[\w/.@-]+\w", PAGE):
        assert (ROOT / name).exists(), name


def test_no_two_panels_are_one_and_none_lies_over_another():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("unit", sorted((SHIPPED / "systemd").iterdir()), ids=lambda path: path.name)
def test_a_unit_has_no_privileges_and_names_verbs_that_there_are(unit):
    from hbprobe.cli.verbs import VERBS

    lines = unit.read_text(encoding="utf-8").splitlines()
    assert {"CapabilityBoundingSet=", "NoNewPrivileges=yes", "DynamicUser=yes", "ProtectSystem=strict"} <= set(lines)
    (command,) = [line for line in lines if line.startswith("ExecStart=")]
    assert command.partition("hbprobe ")[2].split()[0] in VERBS
