"""Programs from outside, each on loopback and gone when its test ends, and hbprobe beside them."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ports

import hbprobe
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import private_ca
from hbprobe.testing.on_loop import OnLoop

_START_S = 20.0

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a program that is to be killed when the test ends."""
    with contextlib.ExitStack() as stack:

        def run(*command: str, **options: Any) -> "subprocess.Popen[str]":
            process = stack.enter_context(subprocess.Popen(command, text=True, **options))
            stack.callback(process.kill)
            return process

        yield run


@pytest.fixture
def find_program() -> Callable[[str], str]:
    """Return what finds an installed program: where it is not, its test is skipped, and fails on CI."""
    return _find


@pytest.fixture
def start_proxy(start: Start) -> Callable[..., None]:
    """Return what starts a proxy, and waits until it listens on a port."""

    def run(name: str, *arguments: str, port: int) -> None:
        process = start(_find(name), *arguments)
        deadline_s = time.perf_counter() + _START_S
        while not _listens(port):
            assert process.poll() is None, f"{name} ended with status {process.returncode}"
            assert time.perf_counter() < deadline_s, f"{name} does not listen on port {port}"

    return run


class _FarEnd(OnLoop):
    """What `hbprobe serve` serves, in a thread."""

    kind = "a far end"
    port: int

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._far_end: FarEnd | None = None

    async def _open(self) -> None:
        self._far_end = FarEnd(Settings(), self._tls)
        _, self.port = await self._far_end.listen("127.0.0.1", 0)

    async def _close(self) -> None:
        if self._far_end is not None:
            await self._far_end.close()


@pytest.fixture
def far_end(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Return what serves as `hbprobe serve` does with `--tls off` or `--tls auto`, and gives its port."""
    with contextlib.ExitStack() as stack:

        def run(tls: str) -> int:
            context = private_ca(tmp_path)[1] if tls == "auto" else None
            return stack.enter_context(_FarEnd(context)).port

        yield run


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on now."""
    return ports.free_port()


@pytest.fixture
def probe() -> Callable[..., dict[str, Any]]:
    """Return what searches a path between 1 and 8 s, and gives its result as JSON has it."""

    def run(url: str, **more: Any) -> dict[str, Any]:
        measured = hbprobe.Probe(url, min=1, max=8, precision=0.5, connections=8, **more).run()
        result: dict[str, Any] = json.loads(measured.to_json())
        return result

    return run


def _find(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")
    if found is None:
        missing = f"{name} is not installed (Debian: apt-get install {name})"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        time.sleep(0.02)  # noqa: TID251  no loop here
        return False
    return True
