"""Completion as shells do it: each reads the script that `hbprobe completion` prints, and is asked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hbprobe.cli.main import main

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
_hbprobe
printf '%s\\n' "${COMPREPLY[@]}"
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
CASES = [
    (("pro",), {"probe", "proxy", "profiles"}),
    (("lab", "--me"), {"--method"}),
    (("lab", "--method", ""), {"hold", "idle", "ping"}),
    (("verdict", "--how", "re"), {"reset"}),
    (("profiles", "s"), {"show", "schema"}),
    (("lab", "cisco-asa-d"), {"cisco-asa-dcd"}),
]


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", shell]) == 0
    file = folder / shell
    file.write_text(capsys.readouterr().out)
    return file


def asked(*command: str) -> str:
    ours = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm"}
    return subprocess.run(command, capture_output=True, text=True, env=ours, check=True, timeout=60).stdout


@pytest.mark.program
def test_the_loaders_that_are_installed_load_it() -> None:
    bash, fish = LOADERS / "hbprobe.bash", LOADERS / "hbprobe.fish"
    assert set(asked("bash", "-c", BASH, "bash", str(bash), "hbprobe", "pro").split()) >= {
        "probe",
        "proxy",
        "profiles",
    }
    assert "proxy" in asked("fish", "-N", "-c", f"source {fish}; complete -C 'hbprobe prox'")


@pytest.mark.program
@pytest.mark.parametrize(("words", "expected"), CASES)
def test_bash(words: tuple[str, ...], expected: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = script("bash", tmp_path, capsys)
    assert set(asked("bash", "-c", BASH, "bash", str(file), "hbprobe", *words).split()) == expected


@pytest.mark.program
@pytest.mark.skipif(shutil.which("fish") is None and not os.environ.get("CI"), reason="needs fish")
@pytest.mark.parametrize(("words", "expected"), CASES)
def test_fish(words: tuple[str, ...], expected: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = script("fish", tmp_path, capsys)
    line = " ".join(("hbprobe", *words))
    told = asked("fish", "-N", "-c", f"cd {tmp_path}; source {file}; complete -C '{line}'")
    offered = {row.split("\t")[0] for row in told.splitlines()}
    assert expected <= offered
    assert {word for word in offered - expected if word != "fish"} == set()


@pytest.mark.program
@pytest.mark.skipif(shutil.which("zsh") is None and not os.environ.get("CI"), reason="needs zsh")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("verdict --how re", "--how reset"), ("profiles sche", "profiles schema"), ("lab cisco-asa-d", "cisco-asa-dcd")],
)
def test_zsh(typed: str, completed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = script("zsh", tmp_path, capsys)
    assert completed in asked("zsh", "-f", "-c", ZSH, "zsh", str(file), typed, completed)
