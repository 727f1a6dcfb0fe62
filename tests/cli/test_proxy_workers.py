"""`hbprobe proxy --workers`: several processes behind one port, one control API and one log."""

import contextlib
import itertools
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hbprobe.cli.main import main
from hbprobe.middlebox.faults.toxic_reading import read_toxic
from hbprobe.middlebox.faults.toxics import Toxics
from hbprobe.profiles.catalogue import Catalogue

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
    for _ in range(1000):
        if call(url)["boxes"][0]["flows"] == flows:
            return True
        time.sleep(0.03)  # noqa: TID251  they live by a clock of their own
    return False


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


def test_toxics_and_events_are_those_of_one_box(
    proxy: tuple["subprocess.Popen[str]", int, str], upstream: socket.socket
) -> None:
    _, port, url = proxy
    clients = opened(port, url)
    toxics = url + "boxes/0/toxics"
    one = call(url + "boxes/0/flows")["flows"][5]
    call(toxics, "POST", json.dumps({"type": "reset_peer", "connection": one["number"]}).encode())
    assert wait_for(url, FLOWS - 1), "for one connection alone, whichever worker has it"
    half = call(toxics, "POST", b'{"type": "noop", "toxicity": 0.5}')
    assert any(call(toxics) == [half] for _ in range(10_000)), "what was for one connection has gone with it"
    flows = call(url + "boxes/0/flows")["flows"]
    hit = {flow["number"] for flow in flows if flow["toxics"]}
    drawn = Toxics("0/0", random.Random, Catalogue().find)
    drawn.put(read_toxic({"type": "noop", "toxicity": 0.5}, 0.0))
    assert hit == {flow["number"] for flow in flows if drawn.hit(flow["number"])}, "as in one process"
    dark = json.dumps({"type": "blackhole"}).encode()
    name = call(toxics, "POST", dark)["name"]
    for client in clients:
        with contextlib.suppress(ConnectionResetError):
            client.sendall(b"x")
    urllib.request.urlopen(urllib.request.Request(f"{toxics}/{name}", method="DELETE"), timeout=30).close()
    arrived = 0
    for _ in range(FLOWS):
        server, _ = upstream.accept()
        server.settimeout(30)
        with contextlib.suppress(ConnectionResetError), server:
            arrived += len(server.recv(1))
    assert arrived == FLOWS - 1, "it has healed, and nothing is lost"
    told = events(url, lambda event: event["event"] == "toxic-removed" and event["toxic"] == name)
    counted = Counter(event["event"] for event in told)
    assert (counted["opened"], counted["toxic-added"], counted["toxic-removed"]) == (FLOWS, 3, 2)
    assert {event["connection"] for event in told if event["event"] == "opened"} >= hit
    (ended,) = [event for event in told if event["event"] == "ended"]
    assert (ended["connection"], ended["client"], ended["how"]) == (one["number"], one["client"], "reset")
    for client in clients:
        client.close()


def events(url: str, is_last: Callable[[dict], bool]) -> list[dict]:
    """Return what the feed has told, up to that event."""
    found = []
    with urllib.request.urlopen(url + "events", timeout=30) as answer:
        for line in answer:
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
                if is_last(found[-1]):
                    break
    return found


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


def test_they_end_where_the_first_process_is_killed(proxy: tuple["subprocess.Popen[str]", int, str]) -> None:
    process, _, _ = proxy
    workers = [os.pidfd_open(worker) for worker in workers_of(process)]
    process.kill()
    for worker in workers:
        assert select.select([worker], [], [], 30)[0] == [worker]
        os.close(worker)
    assert len(workers) == 3


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


def test_boxes_of_layer_http_take_toxics_in_all_workers() -> None:
    command = [sys.executable, "-m", "hbprobe", "proxy", "haproxy-sample-edge", "--workers", "2"]
    command += ["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--control", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        listening, control = process.stdout.readline(), process.stdout.readline()
        port, url = int(re.findall(r"on 127\.0\.0\.1:(\d+),", listening)[0]), re.findall(r"http://\S+/", control)[0]
        asked = {"type": "latency", "attributes": {"latency": 200}}
        call(url + "boxes/0/toxics", "POST", json.dumps(asked).encode())
        for _ in range(4):
            with socket.create_connection(("127.0.0.1", port), 30) as client:
                client.sendall(b"nonsense\r\n\r\n")
                assert client.recv(12) == b"HTTP/1.1 400"
        ended = itertools.count(1)
        told = events(url, lambda event: event["event"] == "ended" and next(ended) == 4)
        assert {event["toxic"] for event in told if event["event"] == "acted"} == {"latency_downstream"}
        call(url + "stop", "POST")
        assert process.wait(timeout=30) == 0
