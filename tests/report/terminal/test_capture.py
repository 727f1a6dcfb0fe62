"""Captures on the terminal: the answer first, and the live table."""

import io

import pytest
from rich.console import Console
from support.captures import record_of_resets
from support.packets import RST, SERVER, START_S, Talk, written

from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.capture_file import CaptureFile, pieces
from hbprobe.evidence.captures.retention import Retention
from hbprobe.report.terminal.capture import QuietNow, print_capture


@pytest.mark.parametrize("everything", [False, True])
def test_the_terminal_says_the_answer_first(tmp_path, everything):
    record = record_of_resets(tmp_path)
    console = Console(file=io.StringIO(), width=80)
    print_capture(record, console, everything=everything)
    text = console.file.getvalue()
    assert text.startswith("4 of 5 connections died of idleness: a box on the path resets them 300.0 s after")
    assert ("its TTL is 61" in text) is everything


@pytest.mark.parametrize(("end", "mute"), [("client", "server"), ("server", "client")])
def test_who_is_not_heard_from_may_be_down(tmp_path, end, mute):
    console = Console(file=io.StringIO(), width=200)
    print_capture(Capture([written(tmp_path / "a.pcap", Talk().open().void(end, 630))]).run(), console)
    assert f"or the {mute}, or the whole path to it, is down" in console.file.getvalue()


def test_the_live_table(tmp_path):
    quiet, gone = Talk().open(), Talk(client=("198.51.100.8", 1025)).open().say("server", RST, at_s=3)
    file, kept, table = CaptureFile(written(tmp_path / "a.pcap", quiet, gone)), Retention(), QuietNow()
    for piece in pieces(file):
        table.took(file, kept.add(piece.data, piece.segments, piece.first_packet, 0))
    assert table.quiet(START_S + 60) == [(pytest.approx(59.95), f"198.51.100.7:50001 > {SERVER[0]}:443")]
    console = Console(file=io.StringIO(), width=100)
    console.print(table.render())
    assert "ended by FIN 0, by RST 1" in console.file.getvalue()
