"""Requests per second and added latency of an http box beside nginx and HAProxy, and of the tcp box: one table.

`python tests/benchmarks/http_box.py` puts each proxy before the same server (nginx, which answers two bytes), plain
HTTP on both sides, one thread or worker each, connections kept alive.
"""

import argparse
import contextlib
import multiprocessing
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rig import Program, free_port, note, print_table, running, show

REQUEST = b"GET / HTTP/1.1\r\nHost: far.example\r\n\r\n"
_WARM_UP = 200

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    {http}
}}
"""
_SERVER = "server {{ listen 127.0.0.1:{port}; location / {{ return 200 ok; }} }}"
_PROXY = """
    upstream far {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
    server {{ listen 127.0.0.1:{port};
        location / {{ proxy_pass http://far; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
"""
_HAPROXY = """
global
    nbthread 1
defaults
    mode {mode}
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen relay
    bind 127.0.0.1:{port}
    server far-end 127.0.0.1:{upstream}
"""


def _found(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        raise SystemExit(f"{name} is not installed (Debian: apt-get install {name})")
    return path


@contextlib.contextmanager
def nginx(http: str, port: int) -> Iterator[Program]:
    """Run nginx in one process."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, http=http))
        with running([_found("nginx"), "-c", str(config), "-p", folder, "-e", "/dev/null"], port) as program:
            yield program


@contextlib.contextmanager
def haproxy(mode: str, upstream: int) -> Iterator[Program]:
    """Run HAProxy with one thread."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "haproxy.cfg"
        config.write_text(_HAPROXY.format(mode=mode, port=port, upstream=upstream))
        with running([_found("haproxy"), "-db", "-q", "-f", str(config)], port) as program:
            yield program


@contextlib.contextmanager
def hbprobe(profile: str, upstream: int) -> Iterator[Program]:
    """Run a box of the catalogue."""
    port = free_port()
    ends = ["--listen", f"127.0.0.1:{port}", "--upstream", f"127.0.0.1:{upstream}"]
    with running([sys.executable, "-m", "hbprobe", "proxy", profile, *ends], port) as program:
        yield program


class Client:
    """One connection on which requests follow each other."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> None:
        """Send a request, and read its answer: a head, and two bytes."""
        self._sock.sendall(REQUEST)
        answer = b""
        while not answer.endswith(b"\r\n\r\nok"):
            came = self._sock.recv(65536)
            if not came:
                raise SystemExit("the connection ended in the middle of the benchmark")
            answer += came


def latency_us(port: int, requests: int) -> list[float]:
    """Return how long requests take on one connection, in microseconds."""
    client = Client(port)
    times = []
    for _ in range(_WARM_UP + requests):
        began = time.perf_counter()
        client.ask()
        times.append((time.perf_counter() - began) * 1e6)
    return times[_WARM_UP:]


def requests_per_s(port: int, connections: int, seconds: float) -> float:
    """Return how many requests a second go through, each connection driven by a process of its own."""
    with multiprocessing.get_context("fork").Pool(connections) as pool:
        return sum(pool.starmap(_count, [(port, seconds)] * connections)) / seconds


def _count(port: int, seconds: float) -> int:
    client, asked = Client(port), 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        client.ask()
        asked += 1
    return asked


def main() -> None:
    """Measure them in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="the table has the medians")
    parser.add_argument("--requests", type=int, default=2000, help="for the latency")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each rate")
    args = parser.parse_args()
    far, proxied = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(nginx(_SERVER.format(port=far), far))
        programs = {
            "direct": server,
            "nginx http": stack.enter_context(nginx(_PROXY.format(port=proxied, upstream=far), proxied)),
            "HAProxy http": stack.enter_context(haproxy("http", far)),
            "hbprobe http": stack.enter_context(hbprobe("nginx-http-proxy", far)),
            "HAProxy tcp": stack.enter_context(haproxy("tcp", far)),
            "hbprobe tcp": stack.enter_context(hbprobe("nginx-stream-proxy", far)),
        }
        _pin(server, programs)
        figures: dict[str, list[list[float]]] = {name: [] for name in programs}
        for number in range(args.rounds):
            for name, program in programs.items():
                note(f"{number + 1}/{args.rounds} {name}")
                times = latency_us(program.port, args.requests)
                rates = [requests_per_s(program.port, connections, args.seconds) for connections in (1, 8)]
                figures[name].append([*rates, statistics.median(times), statistics.quantiles(times, n=100)[98]])
    _print(figures)


def _pin(server: Program, programs: dict[str, Program]) -> None:
    """Give the proxies one core, and load and server the other: where the system puts them decides the latency."""
    cores = sorted(os.sched_getaffinity(0))
    for program in programs.values():
        os.sched_setaffinity(program.pid, {cores[-1]})
    os.sched_setaffinity(server.pid, {cores[0]})
    os.sched_setaffinity(0, {cores[0]})


def _print(figures: dict[str, list[list[float]]]) -> None:
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in figures.items()
    }
    direct_us = medians["direct"][2]
    heads = ["", "requests/s, 1 connection", "8 connections", "latency p50, µs", "added", "p99, µs"]
    rows = [
        [name, show(one), show(eight), show(p50_us), show(p50_us - direct_us), show(p99_us)]
        for name, (one, eight, p50_us, p99_us) in medians.items()
    ]
    print_table(heads, rows)


if __name__ == "__main__":
    main()
