"""The keeper: a process that makes network namespaces, and sockets inside them, for another process.

It runs as a program of its own and imports nothing of the project. Where it may not make namespaces, it enters a
user namespace first, in which it may (user_namespaces(7)); that needs a process with one thread. It answers requests
that come over a socket, and ends when the other end of that socket is gone, even by kill -9. Each request is a JSON
list of a verb and its arguments; each answer is a JSON object, with a descriptor beside it where one was asked for.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

# linux/sched.h; Python's os module has names for these from 3.12 on.
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
_LONGEST_MESSAGE = 1 << 17
_LIBC = ctypes.CDLL(None, use_errno=True)


def setns(descriptor: int, kind: int) -> None:
    """Move this thread into a namespace (setns(2)); raises OSError."""
    if _LIBC.setns(descriptor, kind):
        raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


def unshare(kind: int) -> None:
    """Move this thread into a fresh namespace (unshare(2)); raises OSError."""
    if _LIBC.unshare(kind):
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")


class Keeper:
    """The namespaces that were made, by the descriptors that hold them."""

    def namespace(self) -> tuple[dict[str, Any], int | None]:
        """Make a network namespace."""
        unshare_net()
        held = os.open("/proc/self/ns/net", os.O_RDONLY)
        return {"namespace": held, "inode": os.fstat(held).st_ino}, None

    def run(self, namespace: int, argv: list[str], text: str) -> tuple[dict[str, Any], int | None]:
        """Run a program in a namespace to its end; `text` is what it reads."""
        setns(namespace, CLONE_NEWNET)
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
        return {"status": done.returncode, "out": done.stdout, "err": done.stderr}, None

    def write(self, namespace: int, file: str, text: str) -> tuple[dict[str, Any], int | None]:
        """Write a file of /proc/sys/net, which belongs to the writer's namespace."""
        setns(namespace, CLONE_NEWNET)
        Path(file).write_text(text, encoding="ascii")
        return {}, None

    def make_socket(self, namespace: int, family: int, kind: int, protocol: int) -> tuple[dict[str, Any], int | None]:
        """Make a socket in a namespace, and hand it over."""
        setns(namespace, CLONE_NEWNET)
        return {}, socket.socket(family, kind, protocol).detach()


def unshare_net() -> None:
    """Enter a fresh network namespace, and a user namespace first where that is what it takes."""
    try:
        unshare(CLONE_NEWNET)
    except PermissionError:
        user, group = os.geteuid(), os.getegid()
        unshare(CLONE_NEWUSER)
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny", encoding="ascii")
        (own / "uid_map").write_text(f"0 {user} 1", encoding="ascii")
        (own / "gid_map").write_text(f"0 {group} 1", encoding="ascii")
        unshare(CLONE_NEWNET)


def serve(line: socket.socket) -> None:
    """Answer requests until nobody is there to ask."""
    keeper = Keeper()
    while request := line.recv(_LONGEST_MESSAGE):
        verb, *arguments = json.loads(request)
        try:
            answer, handed = getattr(keeper, verb)(*arguments)
        except OSError as error:
            answer, handed = {"errno": error.errno, "error": error.strerror}, None
        socket.send_fds(line, [json.dumps(answer).encode()], [] if handed is None else [handed])
        if handed is not None:
            os.close(handed)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asked
    serve(socket.socket(fileno=int(sys.argv[1])))
