"""Files beside others: written whole or not at all, by one program at a time, seen by whom, and left by nobody."""

import contextlib
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.text import shown

_IN_USE = "in-use"
"""The file in a folder of ours that its process has locked."""
_OTHERS = stat.S_IRGRP | stat.S_IROTH
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}
_LOCKED_BYTE = 1 << 40
"""Windows locks bytes, and others may not read them: one that no file has."""


def gave_out(error: OSError) -> bool:
    """Say whether it is the place that gave out, and not the user who named a wrong one."""
    return error.errno in _NO_ROOM


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file; what was there before stays until the new one is complete.

    Raises UserError for a place where nothing can be written, CannotMeasureError for one that gave out.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():  # a device, a pipe; a folder, which is told
            path.write_bytes(data)
            return
        with _beside(path) as new:
            new.write_bytes(data)
            new.replace(path)
    except OSError as error:
        kind = CannotMeasureError if gave_out(error) else UserError
        raise kind(f"{shown(str(path))}: cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give a new file in the same folder, with the mode of the old one or of any new one; remove it at the end."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(number)
    new = Path(name)
    try:
        mask = os.umask(0)
        os.umask(mask)
        new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask)
        yield new
    finally:
        new.unlink(missing_ok=True)


def remark_on_readers(path: Path) -> str:
    """Return what there is to say of a file with a secret that others can read; empty where nobody can."""
    try:
        readable = os.name == "posix" and path.stat().st_mode & _OTHERS
    except OSError:
        return ""
    return f"{path}: others on this machine can read it: chmod 600 {path}" if readable else ""


def lock(descriptor: int, taken: Exception) -> bool:
    """Lock a file for as long as this process has it open; where the file system knows no locks, return False.

    Raises `taken` where another process has it.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise taken from None
    except OSError:  # flock(2), ENOLCK: a file system of another machine
        return False
    return True


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Give a folder for a while, which nobody else can look into; remove those of processes that were killed.

    Raises OSError.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        _remove_left(left)
    with tempfile.TemporaryDirectory(prefix=prefix) as name, (Path(name) / _IN_USE).open("wb") as held:
        lock(held.fileno(), FileExistsError(errno.EEXIST, "another process takes it for one that was left", name))
        yield Path(name)


def _remove_left(folder: Path) -> None:
    try:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or (os.name == "posix" and found.st_uid != os.getuid()):
            return
        with (folder / _IN_USE).open("rb+") as held:
            if not lock(held.fileno(), FileExistsError()):
                return
            if os.name == "posix":  # Windows removes nothing that is open
                shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # it is in use, or not all there yet, or gone
        return
