import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hbprobe import __version__
from hbprobe.cli.main import main
from hbprobe.cli.verbs import VERBS
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.watch.store import Store

SLOW = (
    "aiohttp",
    "asyncio",
    "cryptography",
    "cyclopts",
    "matplotlib",
    "numpy",
    "pydantic",
    "rich",
    "trustme",
    "yaml",
)


def fails_with(monkeypatch, error):
    """Let a verb end with an error."""

    def schema():
        raise error

    monkeypatch.setattr("hbprobe.profiles.schema.json_schema", schema)
    return main(["profiles", "schema"])


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_its_version(flag, capsys):
    assert main([flag]) == 0
    assert capsys.readouterr().out == f"hbprobe {__version__}\n"


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_its_help(verb, capsys):
    assert main([*verb.split(), "--help"]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"Usage: hbprobe {verb}".rstrip())
    assert main(["help", *verb.split()]) == 0
    assert capsys.readouterr().out == page


def test_alone_it_shows_the_overview(capsys):
    assert main([]) == 0
    overview = capsys.readouterr().out
    assert [verb for verb in VERBS if f"\n  {verb} " in overview] == list(VERBS)
    assert "Exit status: 0 measured and healthy" in overview


def test_profiles_alone_shows_its_actions(capsys):
    assert main(["profiles"]) == 0
    assert [name for name in ("list", "show", "check", "schema", "plot") if f"\n  {name} " in capsys.readouterr().out]


def test_help_does_not_wait_for_heavy_libraries():
    code = (
        "import sys\nfrom hbprobe.cli.main import main\n"
        "for verb in ([], ['lab'], ['probe'], ['diagnose'], ['serve'], ['fleet']):\n"
        "    assert main([*verb, '--help']) == 0\n"
        f"    print('loaded:', verb, [name for name in {SLOW!r} if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = [line for line in ran.stdout.splitlines() if line.startswith("loaded: ")]
    assert len(loaded) == 6 and all(line.endswith(" []") for line in loaded), loaded


def test_the_exit_status_is_what_the_verb_returns():
    assert main(["verdict", "--limit", "600"]) == 1
    assert main(["verdict", "--limit", "open"]) == 0


@pytest.mark.parametrize(("error", "status"), [(UserError, 2), (CannotMeasureError, 3)])
def test_the_two_errors_end_with_a_line_and_their_status(monkeypatch, capsys, error, status):
    assert fails_with(monkeypatch, error("the reason")) == status
    assert capsys.readouterr() == ("", "hbprobe: the reason\n")


def test_text_from_outside_cannot_move_the_cursor_or_begin_a_line(monkeypatch, capsys):
    text = "the server sends us to \x1b[2J\r\nhbprobe: all is well \u202e\udcff"
    fails_with(monkeypatch, CannotMeasureError(text))
    line = "hbprobe: the server sends us to \\x1b[2J\\x0d\\x0ahbprobe: all is well \\u202e\\udcff\n"
    assert capsys.readouterr().err == line


def test_a_file_name_is_text_from_outside_too(capsys):
    assert main(["verdict", "--limit", "600", "--webconfig", "no\nsuch"]) == 2
    assert capsys.readouterr().err.startswith("hbprobe: no\\x0asuch: No such file or directory: ")


def test_ctrl_c(monkeypatch, capsys):
    assert fails_with(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        fails_with(monkeypatch, ZeroDivisionError())


def test_a_reader_of_text_who_has_gone_has_seen_enough():
    assert _into_a_closed_pipe("verdict", "--limit", "600") == (1, "")


def test_a_document_that_nobody_reads_is_shown_on_the_terminal():
    status, said = _into_a_closed_pipe("verdict", "--limit", "600", "--json")
    first, *rest = said.splitlines()
    assert status == 3
    assert first == ("hbprobe: the result cannot be written to standard output: Broken pipe; this is what it says:")
    assert "event 1040" in "\n".join(rest)


@pytest.mark.parametrize(
    "arguments",
    [
        ["profiles", "list", "--json"],
        ["profiles", "show", "cisco-asa", "--json"],
        ["profiles", "schema"],
        ["schema", "result"],
        ["report", "result.json", "--format", "json"],
        ["history", "watch.sqlite", "--json"],
    ],
    ids=" ".join,
)
def test_a_document_that_can_be_asked_for_again_is_told_of_in_a_line(arguments, tmp_path, ten_minutes):
    (tmp_path / "result.json").write_text(ten_minutes.to_json())
    with Store(tmp_path / "watch.sqlite", create=True):
        pass
    line = "hbprobe: standard output: cannot be written: Broken pipe\n"
    assert _into_a_closed_pipe(*arguments, cwd=tmp_path) == (3, line)


def test_a_mistake_is_told_where_nobody_reads_the_output():
    status, said = _into_a_closed_pipe("verdict", "--limit", "x")
    assert (status, said.count("\n")) == (2, 1)


def _into_a_closed_pipe(*arguments, cwd=None):
    program = [sys.executable, "-W", "error", "-m", "hbprobe", *arguments]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said
    return process.returncode, said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["verdict", "--limit", "600", "--json"], "the result cannot be written to standard output: "),
        (["verdict", "--limit", "600"], "the result cannot be written to standard output: "),
        (["profiles", "list"], "standard output: cannot be written: "),
    ],
)
def test_a_full_disk_is_told_in_a_line_and_the_result_is_not_lost(arguments, line):
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-m", "hbprobe", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ran.returncode == 3
    said = ran.stderr.splitlines()
    assert said[0].startswith(f"hbprobe: {line}No space left on device")
    if line.startswith("the result"):
        assert any("1040" in row for row in said[1:])
    else:
        assert len(said) == 1


@pytest.mark.skipif(os.name != "posix", reason="a shell's >&-")
@pytest.mark.parametrize("arguments", ["nonsense", "--help", "profiles list", "verdict --limit 5min --json"])
def test_a_standard_output_that_is_closed_is_told_in_a_line(arguments):
    program = f"{shlex.quote(sys.executable)} -m hbprobe {arguments}"
    ran = subprocess.run(["sh", "-c", f"{program} >&-"], stderr=subprocess.PIPE, text=True)
    line = "hbprobe: standard output: is closed: leave it open, or send it to /dev/null\n"
    assert (ran.returncode, ran.stderr) == (3, line)
    assert subprocess.run(["sh", "-c", f"{program} >&- 2>&-"]).returncode == 3


@pytest.mark.skipif(os.name != "posix", reason="a shell's 2>&-")
def test_a_standard_error_that_is_closed_costs_its_lines_and_no_more():
    program = f"{shlex.quote(sys.executable)} -m hbprobe"
    ran = subprocess.run(["sh", "-c", f"{program} nonsense 2>&-"], stdout=subprocess.PIPE)
    assert (ran.returncode, ran.stdout) == (2, b"")


def test_ctrl_c_while_modules_are_imported_leaves_no_traceback():
    code = (
        "import sys\n"
        "sys.argv[1:] = ['verdict', '--limit', 'open']\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('cyclopts'):\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from hbprobe.cli.main import entry_point\n"
        "entry_point()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
