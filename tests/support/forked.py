"""hbprobe's command line, loaded once and forked for each start: a hundred starts take seconds.

    with Forked(folder) as forked:
        run = forked.start("probe", url)
        run.kill()
        status = run.wait()

One run at a time; what it prints is in `run.out` and `run.err`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_PROGRAM = """
import gc, json, os, pkgutil, sys
import hbprobe
from hbprobe.cli.main import main
from hbprobe.profiles.catalogue import Catalogue

loaded = sys.argv[1].split(",")
for found in pkgutil.walk_packages(hbprobe.__path__, "hbprobe."):
    if found.name.split(".")[1] in loaded and found.name != "hbprobe.fleet.compiled":
        __import__(found.name)
Catalogue().all()
gc.collect()
gc.freeze()  # or each child's first search for garbage copies all of it
print("ready", flush=True)
for line in sys.stdin:
    argv, *names = json.loads(line)
    files = [os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for name in names]  # before who started it looks
    child = os.fork()
    if child == 0:
        for number, file in enumerate(files, 1):
            os.dup2(file, number)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
        status = main(argv)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    for file in files:
        os.close(file)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
_FORKING = "ignore:This process:DeprecationWarning"
"""NumPy's threads are no obstacle: they sleep."""


@dataclass
class Started:
    """One run of the command line."""

    pid: int
    out: Path
    err: Path
    _told: IO[str]
    returncode: int | None = None

    def kill(self) -> None:
        """End it with SIGKILL; nothing happens where it has ended: its status waits to be read."""
        if self.returncode is None and Path(f"/proc/{self.pid}").exists():
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end; return its status, negative for a signal."""
        if self.returncode is None:
            self.returncode = int(self._told.readline())
        return self.returncode


class Forked:
    """The process that has rooms loaded."""

    def __init__(
        self, folder: Path, rooms: Sequence[str] = ("cli", "measure", "trial", "diagnosis", "locate")
    ) -> None:
        self._folder = folder
        argv = [sys.executable, "-W", "error", "-W", _FORKING, "-c", _PROGRAM, ",".join(rooms)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            self._process.kill()

    def start(self, *argv: str) -> Started:
        """Run the command line once."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        out, err = self._folder / "out.txt", self._folder / "err.txt"
        stdin.write(json.dumps([argv, str(out), str(err)]) + "\n")
        return Started(int(stdout.readline()), out, err, stdout)
