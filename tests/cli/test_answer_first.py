"""How many lines one reads until it is clear what was found and what to do; docs/command-line.md has the table."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from support.iis import head, ping, write
from support.packets import RST, Talk, written
from support.results import located

from hbprobe.cli.main import main
from hbprobe.locate.finding import ALL, NONE, Hop, Reached, Route
from hbprobe.manner import Aftermath, Manner
from hbprobe.preflight.preflight import Check, CheckState, Name
from hbprobe.records.preflight import PreflightRecord
from hbprobe.report.terminal.location import print_location
from hbprobe.report.terminal.preflight import preflight_answer
from hbprobe.trial.outcome import Kind, Outcome

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
SMALL_FLEET = ("--devices", "40", "--days", "0.1")
TIMERS = ("--from", "30min", "--to", "35min", "--step", "5min")
VERBS = [
    (("lab", "aws-nlb-tcp"), 6, r"^limit .*cut at 350", r"^do .*aws-nlb-tcp.*1740 s"),
    (("diagnose", "--lab", "nginx-http-proxy"), 6, r"^limit .*cut at 60 s.*504", r"proxy_read_timeout 1740s"),
    (("capture", "a.pcap"), 3, r"1 ended while idle", r"^causes .*or the server reset the connection"),
    (("verdict", "--limit", "350"), 4, r"^means ", r"^ticket .*1740 s"),
    (("fleet", *SMALL_FLEET), 4, r"^event 1040 ", r"^do .*hbprobe size"),
    (
        ("size", "--from", "30min", "--to", "35min", "--step", "5min", *SMALL_FLEET),
        8,
        r"^ticket ",
        r"timeout conn 0:3",
    ),
]


def lines_of(capsys, arguments):
    main(list(arguments))
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def rows():
    """The lines that the page promises, by verb."""
    found = re.findall(r"^\| (`\w[^|]*) \|[^|]*\| (\d+)", PAGE, re.MULTILINE)
    return {verb: int(number) for verbs, number in found for verb in re.findall(r"`([\w ]+)`", verbs)}


@pytest.mark.parametrize(("arguments", "most", "found", "to_do"), VERBS, ids=[one[0][0] for one in VERBS])
def test_the_answer_stands_in_the_first_lines(capsys, monkeypatch, tmp_path, arguments, most, found, to_do):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(written(tmp_path / "a.pcap", Talk().open().say("server", RST, at_s=300)).parent)
    first = lines_of(capsys, arguments)[:most]
    assert re.search(found, first[0]), first
    assert any(re.search(to_do, line) for line in first), first
    assert rows()[arguments[0]] == most


def test_logs_begin_with_one_line_for_each_finding(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "120")
    write(tmp_path / "u_ex300102.log", head() + ping() + ping(sc_status=449))
    finding, blank, *_ = lines_of(capsys, ("logs", str(tmp_path)))
    assert "not through provisioning (449" in finding and "--report provisioning" in finding and blank == ""


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_it_fits_the_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = lines_of(capsys, ("verdict", "--limit", "350", "-q"))
    assert max(map(len, lines)) <= columns and lines[0].startswith("means")


def test_locate_names_the_hop_and_whom_to_ask():
    lived, cut = Outcome(Kind.SURVIVED, 309.0), Outcome(Kind.CUT, 312.0, Manner.SILENT, aftermath=Aftermath.NOTHING)
    route = Route((Hop(1, "192.0.2.1"), Hop(2, "192.0.2.2")), 3)
    seen = tuple(Reached(ttl, lived if ttl > 1 else cut) for ttl in (NONE, 1, 2, 3, ALL))
    output = io.StringIO()
    print_location(located(route, seen), Console(file=output, width=120))
    first = output.getvalue().splitlines()[: rows()["locate"]]
    assert "192.0.2.2" in first[0] and any(line.startswith("do ") and "192.0.2.2" in line for line in first)


def test_preflight_ends_with_what_to_do_first():
    passed = Check(next(iter(Name)), CheckState.PASSED)
    failed = Check([*Name][1], CheckState.FAILED, mend="renew the certificate")
    assert preflight_answer(PreflightRecord("t", "u", (passed, failed))) == [
        f"not ready: {failed.name} failed",
        "to do first: renew the certificate",
    ]
    assert preflight_answer(PreflightRecord("t", "u", (passed,))) == [
        "ready: all 1 check passed, and a Ping can be held"
    ]
    stopped = PreflightRecord("t", "u", (passed, Check(failed.name, CheckState.NOT_TRIED)))
    assert preflight_answer(stopped) == ["not ready: the checks were stopped before their end"]
    assert preflight_answer(replace(stopped, label="provider A"))[1:] == ["label: provider A"]
