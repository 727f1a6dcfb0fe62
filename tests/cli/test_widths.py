"""Every verb on terminals of 40, 80 and 200 columns: no line is longer, and none loses a word."""

import contextlib
import io
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from golden import PlayedPath
from support.iis import head, ping, write
from support.packets import RST, Talk, written

from hbprobe.cli.main import main
from hbprobe.cli.output import measured
from hbprobe.errors import CannotMeasureError
from hbprobe.lab.requests import Lab
from hbprobe.measure.probe import Probe
from hbprobe.measure.request import Request

NARROW, WIDE = 40, 200
URL = "https://probe.example.net:8443/"
FLEET = ("--devices", "40", "--days", "0.1")
TIMERS = ("--from", "30min", "--to", "35min", "--step", "5min", "--profile", "cisco-asa")
VERBS: tuple[tuple[str, ...], ...] = (
    ("lab", "ten-minute-provider", "-v"),
    ("probe", URL, "-v"),
    ("diagnose", "--lab", "nginx-http-proxy"),
    ("locate", URL, "--limit", "10min"),
    ("fleet", *FLEET),
    ("size", *FLEET, *TIMERS),
    ("verdict", "--limit", "350", "-v"),
    ("verdict", "--limit", "350", "-q"),
    ("profiles", "list", "--layer", "tcp"),
    ("profiles", "show", "cisco-asa"),
    ("profiles", "show", "nginx-http-proxy"),
    ("profiles", "check", "broken.yaml"),
    ("capture", "a.pcap"),
    ("logs", "logs"),
    ("schema",),
    ("help",),
    ("help", "diagnose"),
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
RULES = set("─│┌┐└┘├┤┬┴┼━╭╮╰╯")


def letters(text: str) -> Counter[str]:
    """What is printed, but for blanks and the lines of tables."""
    return Counter(sign for sign in text if not sign.isspace() and sign not in RULES)


def too_long(text: str, columns: int) -> list[str]:
    """The lines that do not fit, but for those of one word, such as an address, with its name or a mark before it."""
    return [line for line in map(str.rstrip, text.splitlines()) if len(line) > columns and len(line.split()) > 2]


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[tuple[str, ...], int], str]:
    """What a verb prints on a terminal that is so wide, of one measurement for all widths."""
    monkeypatch.chdir(tmp_path)
    Path("broken.yaml").write_text("id: a-box\nname: A box\ncategory: firewal\nlayer: packet\ntimers: {}\n")
    written(tmp_path / "a.pcap", Talk().open().say("server", RST, at_s=300))
    write(tmp_path / "logs/u_ex300102.log", head() + ping() + "broken\n" + ping(sc_status=449))
    for name, value in {"LINES": "40", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    made: list[tuple[object, CannotMeasureError | None]] = []

    def measured_once(request: Request[object], _observer: object = None) -> tuple[object, CannotMeasureError | None]:
        if not made:
            with PlayedPath():
                made.append(measured(Lab(["cisco-asa"]) if isinstance(request, Probe) else request))
        return made[0]

    for module in ("lab", "probe", "diagnose", "locate", "fleet", "size", "verdict", "capture", "logs"):
        monkeypatch.setattr(f"hbprobe.cli.{module}.measured", measured_once, raising=False)

    def on(arguments: tuple[str, ...], columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with contextlib.redirect_stdout(Terminal()) as screen:
            main(list(arguments))
        return ANSI.sub("", screen.getvalue())

    return on


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_no_line_is_longer_and_no_word_is_lost(
    arguments: tuple[str, ...], printed: Callable[[tuple[str, ...], int], str]
) -> None:
    texts = {columns: printed(arguments, columns) for columns in (NARROW, 80, WIDE)}
    for columns, text in texts.items():
        assert too_long(text, columns) == []
        assert "…" not in text
        missing = letters(texts[WIDE]) - letters(text)
        assert not missing, f"{columns} columns lose {missing}"
