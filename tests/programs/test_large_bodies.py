"""A gigabyte through an http box, each way: the box keeps no more of it than its buffers."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc"),
]

GIBIBYTE = 1 << 30
BLOCK = bytes(1 << 20)
MOST_GROWTH_BYTES = 32 << 20


def read_head(sock: socket.socket) -> bytes:
    """Read up to the end of a head; return what came after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    return data.partition(b"\r\n\r\n")[2]


def swallow(sock: socket.socket, count: int) -> None:
    while count > 0:
        came = sock.recv(1 << 20)
        assert came
        count -= len(came)
    assert count == 0


def far_end(listener: socket.socket) -> None:
    """Take a gigabyte, and answer with one."""
    connection, _ = listener.accept()
    with connection:
        swallow(connection, GIBIBYTE - len(read_head(connection)))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIBIBYTE)
        for _ in range(GIBIBYTE // len(BLOCK)):
            connection.sendall(BLOCK)


@contextlib.contextmanager
def box(upstream: int) -> Iterator[tuple[int, int]]:
    """Run an http box; give its process and its port."""
    command = [sys.executable, "-m", "hbprobe", "proxy", "nginx-http-proxy", "--listen", "127.0.0.1:0"]
    with subprocess.Popen([*command, "--upstream", f"127.0.0.1:{upstream}"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = re.search(rb" on 127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        yield process.pid, int(found[1])
        process.kill()


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_gigabyte_each_way_in_constant_memory() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=far_end, args=(listener,))
        thread.start()
        with (
            box(listener.getsockname()[1]) as (pid, port),
            socket.create_connection(("127.0.0.1", port), timeout=60) as client,
        ):
            before = resident_bytes(pid)
            client.sendall(b"POST / HTTP/1.1\r\nHost: far.example\r\nContent-Length: %d\r\n\r\n" % GIBIBYTE)
            for _ in range(GIBIBYTE // len(BLOCK)):
                client.sendall(BLOCK)
            between = resident_bytes(pid)
            swallow(client, GIBIBYTE - len(read_head(client)))
            assert between - before < MOST_GROWTH_BYTES
            assert resident_bytes(pid) - before < MOST_GROWTH_BYTES
        thread.join()
