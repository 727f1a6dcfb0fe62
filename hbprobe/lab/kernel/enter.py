"""Run a program in a namespace of a keeper: `enter.py PID DESCRIPTOR PROGRAM ARGUMENT ...`.

It runs as a program of its own and imports nothing of the project. It is nsenter(1) with one addition: when the
thread that started it ends, however that comes, the program is killed (PR_SET_PDEATHSIG, prctl(2)).
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

# linux/sched.h and linux/prctl.h.
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _join(file: str, kind: int) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    if _LIBC.setns(descriptor, kind):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), file)
    os.close(descriptor)


def main(pid: str, descriptor: str, *command: str) -> None:
    """Join, and become the program."""
    user = f"/proc/{pid}/ns/user"
    if not Path(user).samefile("/proc/self/ns/user"):
        _join(user, _CLONE_NEWUSER)
    _join(f"/proc/{pid}/fd/{descriptor}", _CLONE_NEWNET)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
