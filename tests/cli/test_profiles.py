"""The verb `profiles`, as a user calls it."""

import contextlib
import io
import json
import re

import pytest

from hbprobe.cli.main import main
from hbprobe.profiles.catalogue import Catalogue

ALL = len(Catalogue().ids)
TOP = "id, name, vendor, built_on, category, layer, about, timers, sweep, half_close, http, sources"
BOX = """\
id: own-box
name: My box
vendor: Me
category: nat
layer: tcp
about: Seen in the cellar.
timers:
  idle:
    default: 350
    max: 1h
    expiry: close
    restarted_by: data
    inferred: [restarted_by]
    source: cellar
    note: Once it was 349.
sources:
  cellar:
    grade: measured
    says: Ten times.
"""


def call(*words: str) -> int:
    return main(["profiles", *words])


@pytest.fixture
def box(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(BOX)
    return "own.yaml"


def test_list_is_plain_in_a_pipe(box, capsys):
    assert call("list", box) == 0
    assert capsys.readouterr().out.splitlines() == [
        "category  profile  layer  seconds  limit       at expiry  restarted by",
        "nat       own-box  tcp    350      5 min 50 s  close      data*",
        "1 of 1 profiles",
        "* inferred: follows from how such boxes work; no source says it",
    ]


def test_list_of_the_shipped_ones(capsys):
    assert call("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == f"{ALL} of {ALL} profiles"
    assert len(lines) == 1 + ALL + 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--category", "cdn", "--below", "30"], ["akamai-property-read-timeout", "fastly-vcl"]),
        (
            ["--layer", "tcp", "--expiry", "reset"],
            ["azure-sql-gateway", "citrix-netscaler-tcp", "f5-bigip-tcp-profile", "stunnel"],
        ),
        (["--layer", "packet", "--below", "1min"], ["juniper-junos-services-interface"]),
        (["--expiry", "rebalance"], ["aws-gwlb", "gcp-passthrough-nlb-external", "gcp-passthrough-nlb-internal"]),
        (["--below", "5", "--expiry", "close"], []),
    ],
)
def test_list_what_fits(words, expected, capsys):
    assert call("list", "--json", *words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "hbprobe.profiles/1"
    assert [profile["id"] for profile in told["profiles"]] == expected


def test_nothing_fits(capsys):
    assert call("list", "--below", "5") == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"0 of {ALL} profiles"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "--below", "soon"], "--below: 'soon' is not a duration"),
        (["list", "--category", "walls"], "--category walls: choose from "),
        (["show"], "PROFILE is missing; see hbprobe profiles show --help"),
        (["check"], "PATH is missing; see hbprobe profiles check --help"),
        (["plot"], "--out is missing; see hbprobe profiles plot --help"),
    ],
)
def test_wrong_usage(words, message, capsys):
    assert call(*words) == 2
    assert message in capsys.readouterr().err


def test_show(box, capsys):
    assert call("show", box) == 0
    assert (
        capsys.readouterr().out
        == """\
own-box: My box, by Me
nat, layer tcp

Seen in the cellar.

timer  default     range      at expiry  restarted by  source
idle   5 min 50 s  up to 1 h  close      data*         cellar
* inferred: follows from how such boxes work; no source says it

idle: Once it was 349.

cellar (measured)
Ten times.

file: own.yaml
"""
    )


def test_show_a_profile_without_timers(capsys):
    assert call("show", "open-path") == 0
    out = capsys.readouterr().out
    assert "no timers: a quiet connection lives for ever" in out
    assert "inferred" not in out


def test_show_as_json(box, capsys):
    assert call("show", "--json", box) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["file"]) == ("hbprobe.profile/1", "own.yaml")
    assert told["profile"]["timers"]["idle"]["default"] == 350
    assert told["profile"]["timers"]["idle"]["inferred"] == ["restarted_by"]


def test_show_what_is_not_there(capsys):
    assert call("show", "cisco-as") == 2
    assert capsys.readouterr().err.startswith("hbprobe: no profile called 'cisco-as'; near: cisco-asa, ")


def test_the_schema(capsys):
    assert call("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Profile"


def test_plot(box, tmp_path, capsys):
    assert call("plot", "--out", "all.svg") == 0
    assert capsys.readouterr().out == "wrote all.svg\n"
    drawn = (tmp_path / "all.svg").read_text()
    assert "cisco-asa" in drawn
    assert "own-box" not in drawn
    assert call("plot", box, "--out", "own.svg") == 0
    assert "own-box" in (tmp_path / "own.svg").read_text()


def test_plot_to_a_file_that_says_nothing_of_its_kind(box, capsys):
    assert call("plot", "--out", "picture") == 2
    assert capsys.readouterr().err == "hbprobe: picture: has no suffix that says how to draw: call it .png or .svg\n"


def test_check_clean_files(box, capsys):
    assert call("check", box) == 0
    assert capsys.readouterr().out == "1 profile, no mistakes\n"
    assert call("check", ".", "open-path") == 0
    assert capsys.readouterr().out == "2 profiles, no mistakes\n"


def test_check_tells_each_mistake_on_a_line(box, tmp_path, capsys):
    (tmp_path / "wrong.yaml").write_text(BOX.replace("name", "nmae").replace("350", "350 moons"))
    assert call("check", ".") == 2
    assert capsys.readouterr().out.splitlines() == [
        f"wrong.yaml:2: nmae: unknown key; did you mean name? (allowed: {TOP})",
        "wrong.yaml:9: timers.idle.default: '350 moons' has an unknown unit 'moons': use ms, s, sec, m, min, h, d",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def on_a_terminal(monkeypatch, *words: str) -> list[str]:
    """Return what the verb shows on a terminal of 100 columns."""
    for name, value in {"COLUMNS": "100", "LINES": "40", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    with contextlib.redirect_stdout(Terminal()) as screen:
        assert call(*words) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()


def test_a_list_is_readable_on_100_columns(monkeypatch):
    lines = on_a_terminal(monkeypatch, "list")
    assert max(map(len, lines)) <= 100
    longest = next(line for line in lines if "aws-ec2-security-group-conntrack-nitro-v6" in line)
    assert " ".join(longest.split()[1:]) == "packet 350 5 min 50 s silent* any-packet*"
    assert len(lines) < ALL + 2 * 11 + 8


def test_a_profile_is_drawn_on_a_terminal(monkeypatch, box):
    lines = on_a_terminal(monkeypatch, "show", box)
    assert any("───" in line for line in lines)
    assert max(map(len, lines)) <= 100
