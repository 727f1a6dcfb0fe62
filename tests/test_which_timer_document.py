"""docs/which-timer.md: the numbers that it works with are those that the verbs print."""

import json
import re
from pathlib import Path

import pytest
from support.scripts import script

from hbprobe.cli.main import main
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.fleet.requests import Fleet

rig = script("which_timer")
PAGE = (Path(__file__).parent.parent / "docs" / "which-timer.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.findall(r"^\| (?:\d+ min|`ticket`) \|.*\|$", PAGE, re.MULTILINE)
]


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
    """For 200 phones, with every timer."""
    assert "hbprobe size --devices 200 --days 1 --step 5min" in PAGE
    options = ["--devices", "200", "--days", "1", "--from", "10min", "--to", "35min", "--step", "5min"]
    assert main(["size", *options, "--json"]) == 0
    sized = json.loads(capsys.readouterr().out)
    assert [[row[0], row[1], row[3], row[5]] for row in ROWS[:-1]] == [
        [
            f"{one['timer_s'] // 60} min",
            "no" if not one["events_per_day"] else "yes",
            f"{one['well_share']:.1%}",
            f"{one['table_entries']:,.0f}",
        ]
        for one in sized["tried"]
    ]
    assert [one["timer_s"] for one in sized["enough"]] == [1800, 1800, 1800]
    assert ROWS[-1][:2] == ["`ticket`", "1800 s (30 min)"]


ENOUGH_S = int(ROWS[-1][2].split()[0])
"""What goes into the ticket for 20,000 phones."""


@pytest.mark.once
@pytest.mark.parametrize("timer_s", [ENOUGH_S - rig.STEP_S, ENOUGH_S])
def test_shows_what_size_prints_for_a_hundred_times_as_many(timer_s: int) -> None:
    """The two rows between which it becomes enough; a simulation that comes to others changes these, too."""
    (few,), (many,) = (rig.sized(devices, timer_s, timer_s).tried for devices in (rig.FEW, rig.MANY))
    assert rig.row(few, many) in PAGE
    for one, ticket in zip((few, many), ROWS[-1][1:3], strict=True):
        assert one.heals(1.0) is (timer_s >= int(ticket.split()[0]))


def test_a_fleet_prints_what_size_prints_for_the_timer_of_its_firewall() -> None:
    (sized,) = rig.sized(rig.FEW, 3600, 3600).tried
    fleet = Fleet(devices=rig.FEW, days=1).run()
    load, each = fleet.load, fleet.per_device_day
    assert (sized.table_entries, sized.requests_per_s) == (load.table_entries, load.requests_per_s)
    assert (sized.wakeups, sized.without_push_min) == (each.wakeups, each.without_push_min)
    assert (sized.events_per_day, fleet.events) == (0, ())


@pytest.mark.parametrize(
    ("devices", "told"),
    [
        (rig.FEW, "no event, 337 entries in the firewall's table and 0.308 requests a second"),
        (2000, "`--devices 2000` no event, 3,282 and 3.07."),
    ],
)
def test_shows_what_a_fleet_prints(devices: int, told: str) -> None:
    fleet = Fleet(devices=devices, days=1).run()
    assert fleet.events == ()
    assert f"{fleet.load.table_entries:,.0f}" in told and f"{fleet.load.requests_per_s:.3g}" in told
    assert told in " ".join(PAGE.split())


def test_says_the_same_in_its_sentences() -> None:
    few, many = ROWS[-1][1:3]
    assert f"`size`, in steps of 5 min | {few[:6]} for 200, {many[:6]} for 20,000 |" in PAGE
    at_30, at_35 = (int(row[6].replace(",", "")) for row in ROWS[-3:-1])
    assert round(100 * (at_35 / at_30 - 1)) == 4 and "grows by four in a hundred" in PAGE
    assert PAGE.startswith("# Which number goes into the change ticket\n\nShort answer: **1800 s (30 min) or more")
