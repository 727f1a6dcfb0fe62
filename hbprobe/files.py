"""Files in a place that others may reach: who can read a secret, and where a name really leads."""

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IRGRP | stat.S_IROTH


def remark_on_readers(path: Path) -> str:
    """Return what there is to say of a file with a secret that others can read; empty where nobody can."""
    try:
        readable = os.name == "posix" and path.stat().st_mode & _OTHERS
    except OSError:
        return ""
    return f"{path}: others on this machine can read it: chmod 600 {path}" if readable else ""


def without_link(path: Path) -> Path:
    """Return a path to be written in a folder, where no link stands any more that would lead the writing elsewhere.

    Raises OSError when the link cannot be removed.
    """
    if path.is_symlink():
        path.unlink()
    return path
