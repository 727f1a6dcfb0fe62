"""Network namespaces without names, and sockets and programs inside them, as root and as an ordinary user."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hbprobe.errors import CannotMeasureError, RequestError

_KEEPER = Path(__file__).with_name("keeper.py")
_ENTER = Path(__file__).with_name("enter.py")
_ALONE = (sys.executable, "-P")
"""Python that looks for no modules beside the script that it runs."""
_LONGEST_MESSAGE = 1 << 17
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian keeps `ip` and `nft`, which is not on an ordinary user's PATH."""
_PACKAGES = {"ip": "iproute2", "nft": "nftables"}
_NOT_PERMITTED = (
    "this system lets this user make no network namespaces: be root, or permit user namespaces (sysctl "
    "user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
)


class Namespaces:
    """The namespaces of one path, and the process that keeps them. Made by `open_namespaces`."""

    def __init__(self, line: socket.socket, pid: int) -> None:
        self.pid = pid
        """The keeper's."""
        self._line = line
        self._turn = threading.Lock()
        self._programs = {name: _find(name) for name in _PACKAGES}

    def make(self, address: str) -> "Namespace":
        """Make a namespace for a host that will have an address; raises CannotMeasureError where that may not be."""
        try:
            answer, _ = self.ask("namespace")
        except OSError as error:
            raise CannotMeasureError(f"{_NOT_PERMITTED} ({error.strerror})") from None
        return Namespace(self, answer["namespace"], answer["inode"], address)

    def program(self, name: str) -> str:
        """Return where `ip` or `nft` is."""
        return self._programs[name]

    def ask(self, verb: str, *arguments: object) -> tuple[dict[str, Any], int | None]:
        """Ask the keeper for something; return its answer, and a descriptor if one came. Raises OSError."""
        with self._turn:
            try:
                self._line.send(json.dumps([verb, *arguments]).encode())
                message, handed, _, _ = socket.recv_fds(self._line, _LONGEST_MESSAGE, 1, socket.MSG_CMSG_CLOEXEC)
            except ConnectionError:
                message = b""
        if not message:
            raise CannotMeasureError("the process that keeps the lab's namespaces has ended")
        answer: dict[str, Any] = json.loads(message)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"])
        return answer, handed[0] if handed else None


class Namespace:
    """One host of the path, with a network stack of its own."""

    def __init__(self, all_of_them: Namespaces, held: int, inode: int, address: str) -> None:
        self.inode = inode
        """The namespace's number, as in /proc/PID/ns/net."""
        self.address = address
        """Where others reach it; of a box, its side towards the client."""
        self._all = all_of_them
        self._held = held

    @property
    def file(self) -> str:
        """The namespace as a file, while the lab stands."""
        return f"/proc/{self._all.pid}/fd/{self._held}"

    def make_socket(
        self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0
    ) -> socket.socket:
        """Make a socket of this host's, of any kind that root may have; raises OSError."""
        _, handed = self._all.ask("make_socket", self._held, int(family), int(kind), protocol)
        return socket.socket(family, kind, protocol, fileno=handed)

    def adopt(self, sock: socket.socket) -> None:
        """Make a socket that was never used a socket of this host's: descriptor and timeout stay, options do not."""
        with self.make_socket(sock.family, sock.type, sock.proto) as ours:
            os.dup2(ours.fileno(), sock.fileno(), inheritable=False)
        sock.settimeout(sock.gettimeout())

    def listen(self, port: int = 0) -> socket.socket:
        """Return a socket that listens on this host's address; raises OSError."""
        sock = self.make_socket()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.address, port))
            sock.listen(128)
        except BaseException:
            sock.close()
            raise
        return sock

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line by which a program runs on this host; it dies with the thread that starts it."""
        return [*_ALONE, str(_ENTER), str(self._all.pid), str(self._held), *argv]

    def run(self, program: str, *arguments: str, text: str = "") -> str:
        """Run `ip` or `nft` here; return what it printed. Raises CannotMeasureError with its first complaint."""
        argv = [self._all.program(program), *arguments]
        answer, _ = self._all.ask("run", self._held, argv, text)
        if answer["status"]:
            complaint = next(iter(answer["err"].splitlines()), f"status {answer['status']}")
            raise CannotMeasureError(f"{' '.join((program, *arguments))}: {complaint}")
        out: str = answer["out"]
        return out

    def sysctl(self, name: str, value: str) -> None:
        """Set a kernel parameter of this namespace; raises CannotMeasureError where it cannot be set."""
        try:
            self._all.ask("write", self._held, f"/proc/sys/{name.replace('.', '/')}", value)
        except OSError as error:
            raise CannotMeasureError(f"sysctl {name}={value}: {error.strerror}") from None


@contextlib.contextmanager
def open_namespaces() -> Iterator[Namespaces]:
    """Start a keeper; when it ends, its namespaces end. Raises UserError where the system has no such thing."""
    if sys.platform != "linux":
        raise RequestError("{kernel} needs Linux: leave it out, and the same boxes run as programs", "kernel")
    ours, keepers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with keepers:
            argv = [*_ALONE, str(_KEEPER), str(keepers.fileno())]
            keeper = subprocess.Popen(argv, pass_fds=[keepers.fileno()], stdin=subprocess.DEVNULL)
        try:
            yield Namespaces(ours, keeper.pid)
        finally:
            ours.close()
            keeper.wait()


def _find(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{_SBIN}")
    if found is None:
        text = "{kernel} needs the program {name} (Debian: apt-get install {package})"
        raise RequestError(text, "kernel", name=name, package=_PACKAGES[name])
    return found
