"""Making a connected TCP socket go silent: no ACK, no RST, no FIN, whatever its peer sends.

Not answering is not enough, for the kernel goes on acknowledging. On Linux a socket can be told to discard every
segment that arrives with a time to live below a minimum (RFC 5082, meant against spoofing from afar): with the
minimum at 255 that is every segment, loopback included, and the discarded ones are not acknowledged. Any user may.

A mute socket must stay open: closing it would send a FIN. `KeptSockets` keeps such sockets.
"""

import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from enum import StrEnum

if sys.platform == "linux":
    import fcntl

# linux/in.h, linux/in6.h, linux/tcp.h; Python's socket module has no names for these.
_IP_MINTTL = 21
_IPV6_MINHOPCOUNT = 73
_TCP_MD5SIG = 14
_SIOCOUTQ = 0x5411
_NO_HOP_LEFT = 255
_LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_MIN_HOPS: dict[int, tuple[int, int]] = {
    socket.AF_INET: (socket.IPPROTO_IP, _IP_MINTTL),
    socket.AF_INET6: (socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT),
}


class Way(StrEnum):
    """How a socket was made to fall silent."""

    MIN_TTL = "min-ttl"
    """Truly mute: the kernel discards what arrives (IP_MINTTL, IPV6_MINHOPCOUNT)."""
    STALL = "stall"
    """Nothing is read or sent, but the kernel still acknowledges what arrives."""


def mute(sock: socket.socket, *, heals: bool = False) -> Way:
    """Make `sock` as silent as this system permits, and say how well that worked.

    A socket with bytes of its own still unacknowledged cannot be made mute: deaf to the acknowledgement, the
    kernel would send them again and again. Where the silence `heals`, that is as it must be: so they arrive at last.
    """
    if sys.platform != "linux" or (unacknowledged_bytes(sock) and not heals):
        return Way.STALL
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        deafen(sock)
    except OSError:
        return Way.STALL
    return Way.MIN_TTL


def deafen(sock: socket.socket) -> None:
    """Let the kernel discard what arrives for `sock`, or at it if it listens (Linux). Raises OSError."""
    if sys.platform == "linux":
        level, option = _MIN_HOPS[sock.family]
        sock.setsockopt(level, option, _NO_HOP_LEFT)


def unmute(sock: socket.socket) -> None:
    """Let a socket hear again; what its peer has been sending all the while, the peer sends again."""
    if sys.platform == "linux":
        level, option = _MIN_HOPS[sock.family]
        with contextlib.suppress(OSError):
            sock.setsockopt(level, option, 0)


def unacknowledged_bytes(sock: socket.socket) -> int:
    """Return how many bytes the peer has not acknowledged yet (Linux), sent or not."""
    answer = fcntl.ioctl(sock.fileno(), _SIOCOUTQ, b"\0\0\0\0")
    return int.from_bytes(answer, sys.byteorder)


def close_with_reset(sock: socket.socket) -> None:
    """Close `sock` so that its peer sees RST, not FIN (SO_LINGER with time 0)."""
    with contextlib.suppress(OSError):  # a connection that is gone already takes no options
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    sock.close()


class KeptSockets:
    """Sockets of flows that are over, kept open so that no FIN tells."""

    def __init__(self, unregister: Callable[[int], object]) -> None:
        self._unregister = unregister
        """Called with the descriptor of each socket that leaves: its loop must not look at it any more."""
        self._sockets: dict[socket.socket, None] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def take_in(self, sock: socket.socket) -> None:
        """Keep a socket."""
        self._sockets[sock] = None

    def give_up(self, sock: socket.socket) -> None:
        """Let the caller close a socket that was kept."""
        del self._sockets[sock]
        self._unregister(sock.fileno())

    def release_oldest(self) -> bool:
        """Give the oldest socket's descriptor back; return False when there is none."""
        if not self._sockets:
            return False
        oldest = next(iter(self._sockets))
        self.give_up(oldest)
        _vanish(oldest)
        return True

    def close(self) -> None:
        """Let all go at the end: peers may learn now that nobody is there."""
        for sock in tuple(self._sockets):
            self.give_up(sock)
            close_with_reset(sock)


def _vanish(sock: socket.socket) -> None:
    """Close a mute socket without a sound where the kernel can sign segments (TCP_MD5SIG, RFC 2385).

    What it sends from now on carries a signature that the peer does not expect and discards (RFC 2385, section
    2.0). Without that, the peer sees RST.
    """
    if sys.platform == "linux" and _sign_from_now_on(sock):
        sock.close()
    else:
        close_with_reset(sock)


def _sign_from_now_on(sock: socket.socket) -> bool:
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_MD5SIG, _md5_key_for(sock))
    except OSError:
        return False
    return True


def _md5_key_for(sock: socket.socket) -> bytes:
    """Build `struct tcp_md5sig` (linux/tcp.h) with a key for the peer of `sock`."""
    peer = sock.getpeername()
    if sock.family == socket.AF_INET6:
        address = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, peer[0]), 0)
    else:
        address = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(peer[0]))
    key = b"hbprobe"
    return struct.pack("=128sBBHi80s", address, 0, 0, len(key), 0, key)
