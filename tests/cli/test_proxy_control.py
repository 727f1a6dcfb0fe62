"""`hbprobe proxy --control`: the API beside a box that runs as a program of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hbprobe.cli.main import main

pytestmark = pytest.mark.realtime

PROXY = ["proxy", "cisco-asa", "--upstream", "127.0.0.1:1", "--listen", "127.0.0.1:0"]


@pytest.fixture
def proxy() -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "hbprobe", *PROXY, "--control", "127.0.0.1:0"]
    environment = os.environ | {"HBPROBE_CONTROL_TOKEN": "open sesame"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "control API on" in line)
        found = re.search(r"http://\S+/", line)
        assert found is not None
        yield process, found[0]
        process.kill()


def call(url: str, method: str, token: str = "open sesame", data: bytes | None = None) -> dict:
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_a_program_can_be_steered_and_stopped(proxy: tuple[subprocess.Popen[str], str]) -> None:
    process, url = proxy
    assert call(url, "GET")["boxes"][0]["timers_s"]["idle"] == 3600
    changed = call(url + "boxes/0/timers", "PATCH", data=b'{"idle": "20min"}')
    assert changed["timers_s"]["idle"] == 1200
    with pytest.raises(urllib.error.HTTPError, match="401"):
        call(url, "GET", token="guess")
    assert call(url + "drain", "POST") == {"draining": True, "flows": 0}
    assert process.wait(timeout=30) == 0
    assert process.stdout is not None
    assert "cisco-asa: 0 flows" in process.stdout.read()


def test_signals_end_it_too(proxy: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = proxy
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


WRONG = [
    (
        ["--control", "0.0.0.0:1"],
        (
            "--control 0.0.0.0:1: beyond loopback a token is needed: use --control-token-file or the variable "
            "HBPROBE_CONTROL_TOKEN"
        ),
    ),
    (
        ["--control", "127.0.0.1:0", "--control-token-file", "none"],
        "--control-token-file none: cannot be read as text",
    ),
    (
        ["--control", "127.0.0.1:0", "--control-token-file", "empty"],
        "--control-token-file empty: is empty: write a token into it",
    ),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=["no token", "no file", "empty file"])
def test_wrong_options(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HBPROBE_CONTROL_TOKEN", raising=False)
    (tmp_path / "empty").write_text("\n")
    assert main([*PROXY, *options]) == 2
    assert capsys.readouterr().err == f"hbprobe: {message}\n"
