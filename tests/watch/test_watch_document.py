"""docs/watch.md says what the code does."""

import re
from pathlib import Path

import pytest
import trustme

from hbprobe.lab.pathfile import SearchOnPath
from hbprobe.trial.methods.table import names
from hbprobe.watch.metrics import Itself, TargetMetrics
from hbprobe.watch.store import State
from hbprobe.watch.watchfile import TargetInFile, WatchFile, load_watch


@pytest.fixture(scope="session")
def text():
    return (Path(__file__).parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")


def test_the_watch_file_is_one(text, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "watch.yaml").write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    plan = load_watch(tmp_path / "watch.yaml")
    assert [target.name for target in plan.targets] == ["branch office"]
    assert (plan.interval_s, str(plan.metrics)) == (3600, "127.0.0.1:9140")


def test_every_key_is_explained(text):
    explained = set(re.findall(r"^\| `([\w.\[\]]+)` \|", text, re.MULTILINE))
    assert {*WatchFile.model_fields, *(f"targets[].{key}" for key in TargetInFile.model_fields)} <= explained
    assert all(
        f"`{word}`" in text
        for word in (*names(lambda row: not row.needs_account), *State, *SearchOnPath.model_fields)
    )


def test_every_metric_is_explained(text, store, measured):
    measured("a", 0, 60, 61)
    explained = set(re.findall(r"^\| `(hbprobe_\w+)` \|", text, re.MULTILINE))
    itself = Itself(waiting=0, interval_s=1, reloaded=True)
    metrics = [one for collector in (TargetMetrics(store, ["a"], 0), itself) for one in collector.collect()]
    ends = {"counter": "_total", "info": "_info"}
    assert {one.name + ends.get(one.type, "") for one in metrics} == explained
