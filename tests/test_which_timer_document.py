"""docs/which-timer.md: the numbers that it works with are those that the verbs print."""

import json
import re
from pathlib import Path

import pytest

from hbprobe.cli.main import main
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge

PAGE = (Path(__file__).parent.parent / "docs" / "which-timer.md").read_text(encoding="utf-8")


def test_shows_what_verdict_prints(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    main(["verdict", "--limit", "10min"])
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    found = re.search(r"<!-- verdict -->\n\n(.*)\n\n<!-- /verdict -->", PAGE, re.DOTALL)
    assert found is not None
    assert "\n".join(line.removeprefix("    ") for line in found[1].splitlines()) in printed


@pytest.mark.parametrize("how", ["silent", "reset", "closed", "status"])
def test_the_number_does_not_hang_on_the_manner_nor_on_the_limit(how: str) -> None:
    for cut_s in (60, 600, 1700):
        assert judge(cut_s - 1, cut_s, how, Settings()).recommended_s == 1740
        assert judge(cut_s - 1, cut_s, how, Settings(), DEVICES).recommended_s == 1860


def test_android_decides() -> None:
    (android,) = (one for one in judge(3540, None, None, Settings()).devices if one.id == "android-4.4")
    assert (android.highest_s, android.push_timer_s) == (1680, 1740)
    assert "1860 s (31 min)" in PAGE


def test_shows_what_size_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """For 200 phones; for 20,000 the same command takes minutes."""
    assert "hbprobe size --devices 200 --days 1 --step 5min" in PAGE
    options = ["--devices", "200", "--days", "1", "--from", "10min", "--to", "35min", "--step", "5min"]
    assert main(["size", *options, "--json"]) == 0
    sized = json.loads(capsys.readouterr().out)
    rows = re.findall(r"^\| (\d+) min \| (.*?) \| .*? \| (.*?) \| .*? \|$", PAGE, re.MULTILINE)
    assert rows == [
        (str(one["timer_s"] // 60), "no" if not one["events_per_day"] else "yes", f"{one['well_share']:.1%}")
        for one in sized["tried"]
    ]
    assert [one["timer_s"] for one in sized["enough"]] == [1800, 1800, 1800]
    assert "| `ticket` | 1800 s (30 min) |" in PAGE
    at_30, at_35 = (round(one["table_entries"]) for one in sized["tried"][-2:])
    assert f"from {at_30} to {at_35} entries for 200" in " ".join(PAGE.split())
