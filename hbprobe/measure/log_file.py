"""A file of lines that a thread of its own writes, in order, each through to the disk.

A slow disk must not hold up the loop whose clock dates the end of connections, and a full one must not end a
measurement. So whoever adds a line goes on at once. What could not be written is tried again with the next line, from
the very byte on at which it stopped; what happened is told as a remark.
"""

import os
import stat
import threading
from pathlib import Path

from hbprobe.errors import UserError
from hbprobe.files import lock

_PATIENCE_S = 5.0
"""So long does the end of a program wait for a disk that does not answer."""


class LogFile:
    """The file, open and locked: no other process writes it."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open it, or create it for its owner only; raises UserError where it cannot be used, or another uses it."""
        self.path = path
        self.remarks: list[str] = []
        """What became of the disk. Written by the thread; a list may be read meanwhile."""
        try:
            flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(path, flags | (os.O_CREAT if create else 0), 0o600)
        except OSError as error:
            done = "written" if create else "read"
            raise UserError(f"{path}: cannot be {done}: {error.strerror}") from None
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise UserError(f"{path}: is no ordinary file; name another")
            taken = f"{path}: another hbprobe writes it; wait for its end, or name another file"
            lock(self._descriptor, UserError(taken))
        except BaseException:
            os.close(self._descriptor)
            raise
        self._added = threading.Condition()
        self._waiting: list[bytes] = []
        """Lines that the thread has not taken yet."""
        self._taken = self._settled = 0
        """So many lines were added, and so many written or given up for now."""
        self._is_over = False
        self._rest = b""
        """What the disk has not taken."""
        self._is_behind = False
        self._thread = threading.Thread(target=self._write_all, name=f"journal {path.name}", daemon=True)
        self._thread.start()

    def read(self) -> bytes:
        """Return what is in the file; for the time before the first line is added."""
        with open(self.path, "rb") as file:  # noqa: PTH123  beside the descriptor, whose place stays at the end
            return file.read()

    def cut(self, length: int) -> None:
        """Drop what lies behind so many bytes; for the time before the first line is added."""
        try:
            os.ftruncate(self._descriptor, length)
        except OSError as error:
            self.remarks.append(f"{self.path}: cannot be written: {error.strerror}")

    def add(self, line: bytes) -> None:
        """Let a line be written, after those before it."""
        with self._added:
            self._waiting.append(line)
            self._taken += 1
            self._added.notify_all()

    def settle(self) -> None:
        """Wait until all lines are on the disk, or the disk has refused them, or shows no sign of life."""
        with self._added:
            if not self._added.wait_for(lambda: self._settled == self._taken, _PATIENCE_S):
                self.remarks.append(f"{self.path}: the disk does not answer; the last lines may not be there")

    def close(self) -> None:
        """Settle, and let the file go."""
        self.settle()
        with self._added:
            self._is_over = True
            self._added.notify_all()
        self._thread.join(_PATIENCE_S)
        if not self._thread.is_alive():
            os.close(self._descriptor)

    def _write_all(self) -> None:
        while True:
            with self._added:
                self._added.wait_for(lambda: self._waiting or self._is_over)
                lines, self._waiting = self._waiting, []
            if not lines:
                return
            self._rest += b"".join(lines)
            self._write()
            with self._added:
                self._settled += len(lines)
                self._added.notify_all()

    def _write(self) -> None:
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            if not self._is_behind:
                why = error.strerror
                self.remarks.append(f"{self.path}: cannot be written: {why}; the measurement goes on without it")
            self._is_behind = True
        else:
            if self._is_behind:
                self.remarks.append(f"{self.path}: can be written again, and nothing is missing")
            self._is_behind = False
