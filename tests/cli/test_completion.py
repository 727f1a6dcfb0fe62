"""Completion as shells do it: each reads the script that `hbprobe completion` prints, and is asked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hbprobe.cli.main import main
from hbprobe.trial.methods.table import METHODS

BASH = """
source "$1"; shift
for line in "$@"; do
  mapfile -t COMP_WORDS <<< "${line// /$'\\n'}"; COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); COMPREPLY=()
  _hbprobe
  printf '%s ' "${COMPREPLY[@]}"; echo
done
"""
FISH = """
source $argv[1]
for line in $argv[2..]
  complete -C $line | string replace -r '\\t.*' '' | string join ' '
  echo
end
"""
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
answer() {
  local line all=
  repeat 400; do
    if zpty -r -t shell line; then all+=$line; else sleep 0.05; fi
    [[ $all == *$1* ]] && break
  done
  print -r -- $all
}
zpty -w shell "unsetopt zle_bracketed_paste; PS1='ready> '; LISTMAX=0"
zpty -w shell "autoload -U compinit; compinit -u -D; source $1; print loa''ded"
answer loaded >/dev/null
zpty -w -n shell "hbprobe $2"$'\\t'
answer $3
zpty -d shell
"""

LOADERS = Path(__file__).parents[2] / "operations" / "completion"
CASES = {
    "hbprobe pro": {"probe", "proxy", "profiles"},
    "hbprobe lab --me": {"--method"},
    "hbprobe lab --method ": set(METHODS),
    "hbprobe verdict --how re": {"reset"},
    "hbprobe profiles s": {"show", "schema"},
    "hbprobe lab cisco-asa-d": {"cisco-asa-dcd"},
}


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", shell]) == 0
    file = folder / shell
    file.write_text(capsys.readouterr().out)
    return file


def asked(*command: str) -> str:
    ours = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm"}
    return subprocess.run(command, capture_output=True, text=True, env=ours, check=True, timeout=60).stdout


def offered(told: str) -> list[set[str]]:
    """What was offered for each line."""
    return [set(row.split()) for row in told.splitlines() if row.strip()]


@pytest.mark.program
def test_the_loaders_that_are_installed_load_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bash, fish = str(LOADERS / "hbprobe.bash"), str(LOADERS / "hbprobe.fish")
    assert offered(asked("bash", "-c", BASH, "bash", bash, "hbprobe pro")) == [{"probe", "proxy", "profiles"}]
    assert offered(asked("fish", "-N", "-c", FISH, fish, "hbprobe prox")) == [{"proxy"}]


@pytest.mark.program
def test_bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(script("bash", tmp_path, capsys))
    assert offered(asked("bash", "-c", BASH, "bash", file, *CASES)) == list(CASES.values())


@pytest.mark.program
@pytest.mark.skipif(shutil.which("fish") is None and not os.environ.get("CI"), reason="needs fish")
def test_fish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(script("fish", tmp_path, capsys))
    (tmp_path / "empty").mkdir()  # fish offers files, too
    monkeypatch.chdir(tmp_path / "empty")
    assert offered(asked("fish", "-N", "-c", FISH, file, *CASES)) == list(CASES.values())


@pytest.mark.program
@pytest.mark.skipif(shutil.which("zsh") is None and not os.environ.get("CI"), reason="needs zsh")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("verdict --how re", "--how reset"), ("profiles sche", "profiles schema"), ("lab cisco-asa-d", "cisco-asa-dcd")],
)
def test_zsh(typed: str, completed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = script("zsh", tmp_path, capsys)
    assert completed in asked("zsh", "-f", "-c", ZSH, "zsh", str(file), typed, completed)
