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
zpty -w shell "autoload -U compinit; compinit -u -D; source $1; print loa''ded"; shift
answer loaded >/dev/null
for typed completed in "$@"; do
  zpty -w -n shell "hbprobe $typed"$'\\t'
  answer $completed
  zpty -w -n shell $'\\x15'
done
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
TYPED = {"verdict --how re": "--how reset", "profiles sche": "profiles schema", "lab cisco-asa-d": "cisco-asa-dcd"}
"""What a line becomes, with the tab key: zsh shows the line itself."""


def asked(*command: str) -> str:
    ours = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm"}
    return subprocess.run(command, capture_output=True, text=True, env=ours, check=True, timeout=60).stdout


def offered(told: str) -> list[set[str]]:
    """What was offered for each line."""
    return [set(row.split()) for row in told.splitlines() if row.strip()]


@pytest.mark.program
def test_bash() -> None:
    """As bash-completion loads it."""
    loader = str(LOADERS / "hbprobe.bash")
    assert offered(asked("bash", "-c", BASH, "bash", loader, *CASES)) == list(CASES.values())


@pytest.mark.program
@pytest.mark.skipif(shutil.which("fish") is None and not os.environ.get("CI"), reason="needs fish")
def test_fish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As fish loads it."""
    monkeypatch.chdir(tmp_path)  # fish offers files, too
    loader = str(LOADERS / "hbprobe.fish")
    assert offered(asked("fish", "-N", "-c", FISH, loader, *CASES)) == list(CASES.values())


@pytest.mark.program
@pytest.mark.skipif(shutil.which("zsh") is None and not os.environ.get("CI"), reason="needs zsh")
def test_zsh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    script = tmp_path / "zsh"
    script.write_text(capsys.readouterr().out)
    told = asked("zsh", "-f", "-c", ZSH, "zsh", str(script), *(word for case in TYPED.items() for word in case))
    assert [completed for completed in TYPED.values() if completed not in told] == []
