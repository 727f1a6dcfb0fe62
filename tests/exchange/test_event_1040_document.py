"""The tables of docs/event-1040.md are the program's own numbers."""

import io
from pathlib import Path

import pytest

from hbprobe.cli.main import main
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.predict import follow
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.manner import Manner

DOCUMENT = Path(__file__).parents[2] / "docs" / "event-1040.md"
LONGEST_S, TIMER_S = 599, 600


def asked(kind):
    course = follow(kind.new(), LONGEST_S, Manner.SILENT, Settings())
    once, always = (
        ", ".join(f"{request.heartbeat_s}{' (lost)' if request.is_lost else ''}" for request in requests)
        for requests in (course.start, course.round)
    )
    return f"{once}; then always {always}" if once else f"always {always}"


def event(device):
    return "on every path" if device.event_1040_on_open_path else "yes" if device.event_1040 else "no"


def devices_table():
    lines = [
        "| device | asks for, in seconds | average | event 1040 | push from | no event from |",
        "|---|---|---|---|---|---|",
    ]
    for kind, device in zip(DEVICES, judge(LONGEST_S, TIMER_S, "silent", Settings(), DEVICES).devices, strict=True):
        timers = (device.push_timer_s, device.event_timer_s)
        push, quiet = ("none" if timer_s is None else f"{timer_s} s" for timer_s in timers)
        cells = (device.name, asked(kind), f"{device.average_s} s", event(device), push, quiet)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def manners_table():
    verdicts = [judge(LONGEST_S, TIMER_S, how, Settings(), DEVICES).devices for how in Manner]
    lines = [f"| device | {' | '.join(Manner)} |", "|---|---|---|---|---|"]
    for row in zip(*verdicts, strict=True):
        cells = [f"{event(device)}, {device.lost_share:.0%} lost" for device in row]
        lines.append(f"| {row[0].name} | {' | '.join(cells)} |")
    return "\n".join(lines)


@pytest.mark.parametrize("table", [devices_table, manners_table])
def test_the_document_has_the_table_as_the_program_has_it(table):
    assert table() in DOCUMENT.read_text(encoding="utf-8"), f"put this in:\n{table()}"


def test_shows_what_an_event_says(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    text = "recent heartbeat intervals [207] for request [Ping], at or below [540]"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["verdict", "--event", "-"]) == 1
    printed = "\n".join(f"    {line}".rstrip() for line in capsys.readouterr().out.splitlines())
    assert printed in DOCUMENT.read_text(encoding="utf-8")
