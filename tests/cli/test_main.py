import subprocess
import sys

import pytest

from hbprobe import __version__
from hbprobe.cli import lab, verdict
from hbprobe.cli.main import main
from hbprobe.errors import CannotMeasureError, UserError

SLOW = ("aiohttp", "matplotlib", "numpy", "pydantic", "rich", "trustme", "yaml")


def fails_with(monkeypatch, error):
    """Let the verb `verdict` end with an error."""

    def run(_):
        raise error

    monkeypatch.setattr(verdict, "run", run)
    return main(["verdict", "--limit", "600"])


def test_its_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"hbprobe {__version__}\n"


@pytest.mark.parametrize("verb", ["", "lab", "probe", "serve", "proxy", "verdict", "profiles", "plot"])
def test_its_help(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: hbprobe {verb}".rstrip())


def test_help_does_not_wait_for_heavy_libraries():
    code = (
        "import sys\nfrom hbprobe.cli.main import main\ntry:\n    main(['lab', '--help'])\nexcept SystemExit:\n"
        f"    print('loaded:', [name for name in {SLOW!r} if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "loaded: []"


def test_the_exit_status_is_what_the_verb_returns(monkeypatch):
    monkeypatch.setattr(verdict, "run", lambda _: 1)
    assert main(["verdict", "--limit", "600"]) == 1


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


def test_each_run_reads_its_own_arguments(monkeypatch):
    seen = []
    monkeypatch.setattr(lab, "run", lambda args: seen.append(args.set) or 0)
    main(["lab", "--set", "idle=1"])
    main(["lab", "--set", "idle=2"])
    assert seen == [["idle=1"], ["idle=2"]]


@pytest.mark.parametrize("arguments", [["verdict", "--limit", "600", "--json"], ["verdict", "--limit", "x"]])
def test_a_reader_who_has_gone(arguments):
    program = [sys.executable, "-W", "error", "-m", "hbprobe", *arguments]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said
    assert process.returncode == (2 if "x" in arguments else 0)
