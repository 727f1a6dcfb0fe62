"""The three programs of a real path, as processes in real time, with short timers."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

pytestmark = pytest.mark.realtime

HBPROBE = [sys.executable, "-m", "hbprobe"]
SHORT = ["--min", "0.3", "--max", "3", "--precision", "0.3", "--connections", "8", "--grace", "2"]


class Program:
    """A verb that runs until it is told to stop."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*HBPROBE, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line_with(self, text: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return line
        raise AssertionError(f"{text!r} never came; on standard error: {_rest(self.process.stderr)}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        assert err == ""
        return self.process.returncode, out


def _rest(stream: IO[str] | None) -> str:
    return stream.read() if stream is not None else ""


def port_in(line: str) -> str:
    found = re.search(r"127\.0\.0\.1:(\d+)", line)
    assert found is not None
    return found[1]


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        program.process.kill()
        program.process.communicate()


@pytest.fixture
def far_end(tmp_path: Path, programs: list[Program]) -> tuple[Program, str]:
    serve = Program(tmp_path, "serve", "--state", ".", "--listen", "127.0.0.1:0")
    programs.append(serve)
    return serve, port_in(serve.line_with("serving on"))


def test_serve_proxy_and_probe(tmp_path: Path, programs: list[Program], far_end: tuple[Program, str]) -> None:
    serve, port = far_end
    proxy = Program(
        tmp_path, "proxy", "fortinet-fortigate", "--set", "idle=1",
        "--upstream", f"127.0.0.1:{port}", "--listen", "127.0.0.1:0",
    )  # fmt: skip
    programs.append(proxy)
    url = f"https://127.0.0.1:{port_in(proxy.line_with('fortinet-fortigate on'))}/"
    probe = subprocess.run(
        [*HBPROBE, "probe", url, "--ca", "ca.pem", "--json", *SHORT], cwd=tmp_path, capture_output=True, text=True
    )
    assert probe.returncode == 1, probe.stderr
    assert probe.stderr.startswith(f"probing {url}: about ")
    limit = json.loads(probe.stdout)["limit"]
    assert limit["how"] == "silent"
    assert limit["survived"] < 1.3 and limit["cut"] > 0.7  # a slow machine may be late
    status, said = proxy.stop(signal.SIGINT)
    assert status == 0
    assert "idle ran out after 1.0" in said and "fortinet-fortigate: " in said.splitlines()[-1]
    status, said = serve.stop()
    assert status == 0
    assert "answered" in said


def test_ctrl_c_leaves_a_partial_result(
    tmp_path: Path, programs: list[Program], far_end: tuple[Program, str]
) -> None:
    url = f"https://127.0.0.1:{far_end[1]}/"
    search = ["--min", "0.2", "--max", "30", "--precision", "0.2", "--connections", "30", "--ca", "ca.pem", "--json"]
    probe = Program(tmp_path, "probe", url, *search, "--journal", "search.jsonl")
    diagnosis = Program(tmp_path, "diagnose", url, *search)
    programs += [probe, diagnosis]
    (result, said), (diagnosed, _) = interrupted(probe), interrupted(diagnosis)
    assert "stopped before the end; go on with --resume search.jsonl" in said
    for one in (result, diagnosed["result"]):
        assert one["complete"] is False
        assert one["limit"]["survived"] > 0
    assert diagnosed["asked"] == []


def interrupted(program: Program) -> tuple[dict, str]:
    """Press Ctrl-C after its first trial; return its document, and what it said then."""
    process = program.process
    assert process.stderr is not None
    while "trial 1:" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 3
    return json.loads(out), err
