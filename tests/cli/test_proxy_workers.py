"""`hbprobe proxy --workers`: several processes behind one port, one control API and one log."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hbprobe.cli.main import main

pytestmark = [pytest.mark.realtime, pytest.mark.skipif(sys.platform != "linux", reason="SO_REUSEPORT as on Linux")]

FLOWS = 24


@pytest.fixture
def upstream() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener


@pytest.fixture
def proxy(upstream: socket.socket) -> Iterator[tuple["subprocess.Popen[str]", int, str]]:
    """Start it; give the process, its port and the URL of its control API."""
    command = [sys.executable, "-m", "hbprobe", "proxy", "cisco-asa-idle-reset", "--workers", "3"]
    command += ["--listen", "127.0.0.1:0", "--upstream", f"127.0.0.1:{upstream.getsockname()[1]}"]
    command += ["--control", "127.0.0.1:0", "--max-flows", "90"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        listening, control = process.stdout.readline(), process.stdout.readline()
        assert "3 workers, at most 90 flows" in listening
        port = re.search(r"on 127\.0\.0\.1:(\d+),", listening)
        url = re.search(r"http://\S+/", control)
        assert port is not None
        assert url is not None
        yield process, int(port[1]), url[0]
        process.kill()


def call(url: str, method: str = "GET", data: bytes | None = None) -> dict:
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=30) as response:
        return json.load(response)


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    return [int(word) for word in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def opened(port: int, url: str) -> list[socket.socket]:
    """Connect, and wait until all workers together have seen it."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(FLOWS)]
    assert wait_for(url, FLOWS)
    return clients


def wait_for(url: str, flows: int) -> bool:
    """Return whether the workers come to have so many flows."""
    return any(call(url)["boxes"][0]["flows"] == flows for _ in range(10_000))


def test_they_are_steered_as_one(proxy: tuple["subprocess.Popen[str]", int, str]) -> None:
    process, port, url = proxy
    clients = opened(port, url)
    flows = call(url + "boxes/0/flows")["flows"]
    numbers = [flow["number"] for flow in flows]
    assert len(set(numbers)) == FLOWS
    assert len({number % 3 for number in numbers}) > 1, "more than one worker has flows"
    assert call(url + f"boxes/0/flows/{numbers[0]}", "DELETE") == {"expired": numbers[0]}
    assert call(url)["boxes"][0]["counts"]["expired"] == {"idle": 1}
    ended = next(client for client in clients if "{}:{}".format(*client.getsockname()) == flows[0]["client"])
    with pytest.raises(ConnectionResetError):
        ended.recv(1)
    assert call(url + "boxes/0/timers", "PATCH", b'{"idle": "1s"}')["timers_s"]["idle"] == 1
    assert wait_for(url, 0)
    assert call(url + "drain", "POST") == {"draining": True, "flows": 0}
    assert process.wait(timeout=30) == 0
    assert process.stdout is not None
    log = process.stdout.read().splitlines()
    assert sum(": idle ran out after " in line for line in log) == FLOWS
    assert f"cisco-asa-idle-reset: {FLOWS} flows; expired: {FLOWS} by idle" in log[-1]
    for client in clients:
        client.close()


def test_a_signal_ends_them_all(proxy: tuple["subprocess.Popen[str]", int, str]) -> None:
    process, port, url = proxy
    clients, workers = opened(port, url), workers_of(process)
    assert len(workers) == 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    for client in clients:
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        client.close()
    assert not any(is_alive(worker) for worker in workers)


def test_one_that_dies_ends_them_all(proxy: tuple["subprocess.Popen[str]", int, str]) -> None:
    process, _, _ = proxy
    workers = workers_of(process)
    subprocess.run(["kill", "-9", str(workers[1])], check=True)
    assert process.wait(timeout=30) == 3
    assert not any(is_alive(worker) for worker in workers)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_port_that_is_taken(upstream: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    taken = f"127.0.0.1:{upstream.getsockname()[1]}"
    assert main(["proxy", "cisco-asa", "--workers", "2", "--listen", taken, "--upstream", "127.0.0.1:1"]) == 2
    assert f"cannot listen on {taken}: Address already in use" in capsys.readouterr().err


def test_a_server_that_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    upstream = "nobody.invalid:1"
    assert main(["proxy", "cisco-asa", "--workers", "2", "--listen", "127.0.0.1:0", "--upstream", upstream]) == 2
    assert f"--upstream {upstream}: no such host" in capsys.readouterr().err
