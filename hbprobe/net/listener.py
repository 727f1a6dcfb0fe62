"""Accepting TCP connections for as long as there are descriptors, and turning the rest away.

Without descriptors `accept` fails while the connection stays in the queue, so a naive loop spins at full load. The
listener keeps one spare descriptor: it gives that up, accepts, resets the connection, and takes the spare back. Where
even that fails, it looks away for a while.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable

from hbprobe.net.address import PeerAddress, name_of
from hbprobe.net.silence import close_with_reset, deafen, unmute

_BACKLOG = 4096
_ACCEPTS_A_TURN = 128
"""So many connections are accepted before other sockets get their turn."""
_LONE = 8
"""Where one alone waited, so many more are taken one at a time: to see that nobody else waits costs a twentieth of
all that a box does for a connection."""
_PAUSE_S = 1.0
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""What the system says when it is short of descriptors or of memory."""


class ListeningSocket(socket.socket):
    """A socket that knows its family and type: `accept` asks for both, and each is looked up in an enumeration."""

    __slots__ = ("family", "type")
    family: socket.AddressFamily
    type: socket.SocketKind

    def __init__(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int) -> None:
        super().__init__(family, kind, protocol)
        self.family = family
        self.type = kind


class Listener:
    """Listening sockets that hand each accepted connection on, non-blocking and without Nagle's delay."""

    def __init__(
        self,
        accepted: Callable[[socket.socket, PeerAddress], None],
        refused: Callable[[str, str], None],
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self._accepted = accepted
        """Given each connection, and its client's address."""
        self._refused = refused
        """Told of each client that was turned away, and why."""
        self._make_room = make_room
        """Asked to give a descriptor back when there are none left; says whether it could."""
        self._sockets: list[socket.socket] = []
        self._spare = -1
        self._lone = 0
        self._looking = True
        self._is_dark = False
        self._loop = asyncio.get_running_loop()

    async def listen(self, host: str, port: int, *, share_port: bool = False) -> tuple[str, int]:
        """Listen on every address of `host`; port 0 lets the system choose. Return the first address taken.

        An empty `host` is every address of this machine. `share_port`: other processes of this user may listen
        there, too. Raises OSError when an address cannot be taken; then it listens on none.
        """
        try:
            await self._take(host, port, share_port=share_port)
        except BaseException:
            self.close()
            raise
        name = self._sockets[0].getsockname()
        return name[0], name[1]

    async def _take(self, host: str, port: int, *, share_port: bool) -> None:
        found = await self._loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG
        )
        for family, kind, protocol, _, address in found:
            taken = self._sockets[0].getsockname()[1] if self._sockets else port
            sock = ListeningSocket(family, kind, protocol)
            self._sockets.append(sock)
            sock.setblocking(False)
            if os.name == "posix":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if share_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            _send_at_once(sock)
            sock.bind((address[0], taken, *address[2:]))
            sock.listen(_BACKLOG)
        if self._is_dark:
            self.go_dark()
        else:
            self.look_again()
        self._take_spare()

    def listen_on(self, sock: socket.socket) -> None:
        """Take over a socket that listens already."""
        sock.setblocking(False)
        _send_at_once(sock)
        self._sockets.append(sock)
        self.look_again()
        self._take_spare()

    def look_away(self) -> None:
        """Leave who connects in the system's queue until `look_again`."""
        self._looking = False
        for sock in self._sockets:
            self._loop.remove_reader(sock.fileno())

    def look_again(self) -> None:
        """Accept."""
        self._looking = True
        for sock in self._sockets:
            self._loop.add_reader(sock.fileno(), self._accept, sock)

    def go_dark(self) -> None:
        """Let who connects hear nothing until `come_back`; where the system cannot, they wait in its queue."""
        self._is_dark = True
        self.look_away()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                deafen(sock)

    def come_back(self) -> None:
        """Answer who connects, and accept."""
        self._is_dark = False
        for sock in self._sockets:
            unmute(sock)
        self.look_again()

    def close(self) -> None:
        """Accept nothing more."""
        for sock in self._sockets:
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()
        self._drop_spare()

    def _accept(self, sock: socket.socket) -> None:
        self._lone -= self._lone > 0
        for taken in range(1 if self._lone else _ACCEPTS_A_TURN):
            try:
                connection, address = sock.accept()
            except (BlockingIOError, InterruptedError):
                self._lone = _LONE if taken == 1 else 0
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno in EXHAUSTED and not self._make_room():
                    self._turn_away(sock, os.strerror(error.errno))
                return
            connection.setblocking(False)
            self._accepted(connection, address)
            if not self._looking:
                return

    def _turn_away(self, sock: socket.socket, reason: str) -> None:
        """Reset one waiting connection with the help of the spare descriptor."""
        self._drop_spare()
        try:
            connection, address = sock.accept()
        except (BlockingIOError, ConnectionAbortedError):  # nobody waits: short of descriptors, accept does not look
            pass
        except OSError:
            self._loop.remove_reader(sock.fileno())
            self._loop.call_later(_PAUSE_S, self._look_after_a_pause, sock)
        else:
            close_with_reset(connection)
            self._refused(name_of(address), reason)
        self._take_spare()

    def _look_after_a_pause(self, sock: socket.socket) -> None:
        if sock in self._sockets and self._looking:
            self._loop.add_reader(sock.fileno(), self._accept, sock)

    def _take_spare(self) -> None:
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY)

    def _drop_spare(self) -> None:
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1


def _send_at_once(sock: socket.socket) -> None:
    """Let what a listening socket accepts send small messages at once: a connection has this from its listener."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


_OPEN_MAX = 10_240
"""What macOS grants where it names no limit (sys/syslimits.h)."""
_WINDOWS_SELECT = 512
"""Windows has no such limit, but select() there takes so many sockets."""


def raise_limit() -> int:
    """Allow this process as many open files as this user may have, and return how many those are."""
    try:
        import resource
    except ImportError:
        return _WINDOWS_SELECT
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_MAX if hard == resource.RLIM_INFINITY else hard
    with contextlib.suppress(ValueError, OSError):  # then it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
