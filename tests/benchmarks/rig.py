"""What the benchmarks share: the programs under test, each on a port of its own, and the table at the end."""

import contextlib
import json
import math
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BUFFER_BYTES = 256 * 1024
_START_S = 20.0
_QUIET = 0.05

_HAPROXY = """
global
    nbthread 1
    maxconn 9900
defaults
    mode tcp
    timeout connect 5s
    timeout client {idle_s:g}s
    timeout server {idle_s:g}s
listen relay
    bind 127.0.0.1:{port}
    server far-end 127.0.0.1:{upstream}
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that listens on a port of this machine."""

    pid: int
    port: int

    def cpu_s(self) -> float:
        """Return how long the process's threads have run (schedstat, proc_pid_schedstat)."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def resident_bytes(self) -> int:
        """Return how much of the process is in RAM."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()


@contextlib.contextmanager
def far_end(mode: str) -> Iterator[Program]:
    """Run a server that does `echo`, `swallow` or `keep`."""
    port = free_port()
    with running([sys.executable, str(HERE / "far_end.py"), mode, str(port)], port) as program:
        yield program


@contextlib.contextmanager
def haproxy(upstream: int, idle_s: float) -> Iterator[Program]:
    """Run HAProxy with one thread before a server."""
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")
    if found is None:
        raise SystemExit("haproxy is not installed (Debian: apt-get install haproxy)")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "haproxy.cfg"
        config.write_text(_HAPROXY.format(idle_s=idle_s, port=port, upstream=upstream))
        with running([found, "-db", "-q", "-f", str(config)], port) as program:
            yield program


@contextlib.contextmanager
def hbprobe(upstream: int, idle_s: float | None, box: str = "nginx-stream-proxy", *options: str) -> Iterator[Program]:
    """Run `hbprobe proxy` before a server; unless told otherwise as a box that closes like HAProxy does."""
    port = free_port()
    command = [sys.executable, "-m", "hbprobe", "proxy", box, *options]
    command += [] if idle_s is None else ["--set", f"idle={idle_s:g}"]
    command += ["--listen", f"127.0.0.1:{port}", "--upstream", f"127.0.0.1:{upstream}"]
    with running(command, port) as program:
        yield program


@contextlib.contextmanager
def toxiproxy(upstream: int) -> Iterator[Program]:
    """Run `hbprobe toxiproxy` with one proxy before a server, and no toxic."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "proxies.json"
        config.write_text(
            json.dumps([{"name": "one", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream}"}])
        )
        command = [sys.executable, "-m", "hbprobe", "toxiproxy", "--port", "0", "--config", str(config)]
        with running(command, port) as program:
            yield program


@contextlib.contextmanager
def running(command: Sequence[str], port: int) -> Iterator[Program]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            _wait_until_it_listens(process, port)
            yield Program(process.pid, port)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has forked


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline_s = time.perf_counter() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if process.poll() is not None or time.perf_counter() > deadline_s:
                raise SystemExit(f"{process.args!r} does not listen on port {port}") from None
            time.sleep(0.01)  # noqa: TID251  no loop here


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def raise_descriptor_limit() -> None:
    """Allow as many open files as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def describe_machine() -> None:
    """Say how busy the machine was before the measuring: on a busy one only ratios within the run mean anything."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    busy = " It is BUSY: compare only what stands in one row, and repeat it." if load > cores / 4 else ""
    sys.stdout.write(f"{cores} cores, load average {load:.2f} before the run.{busy}\n\n")
    sys.stdout.flush()


def wait_until_quiet() -> None:
    """Wait until the machine has had next to nothing to do for a second."""
    while _busy_share() > _QUIET:
        note("waiting for a quiet machine")


def _busy_share() -> float:
    """Return which share of the processors' time is spent in the next second (proc_stat(5))."""
    began = _ticks()
    time.sleep(1)  # noqa: TID251  no loop here
    idle, total = (after - before for before, after in zip(began, _ticks(), strict=True))
    return 1 - idle / total


def _ticks() -> tuple[int, int]:
    """Return how long the processors have been idle, and how long there has been time."""
    times = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return times[3] + times[4], sum(times)


def show(value: float) -> str:
    """Return a number with the digits that matter."""
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def aim(value: float, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """Say what was aimed at, and whether the value reaches it."""
    low, high = at_least or 0.0, at_most or math.inf
    bound = f">= {show(low)}" if at_least else f"<= {show(high)}"
    return f"{bound}: {'met' if low <= value <= high else 'missed'}"


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as Markdown, ready for docs/performance.md."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, ["-" * width for width in widths], *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Tell how far the measuring is."""
    sys.stderr.write(f"{text}\n")
