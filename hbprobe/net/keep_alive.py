"""TCP keep-alives on a socket of the client's, where the system lets one choose how often."""

import socket
from collections.abc import Callable

_COUNT = 127
"""The most that Linux takes (linux/tcp.h, MAX_TCP_KEEPCNT): unanswered ones must not end the connection first."""
_IDLE = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
"""macOS calls it otherwise (tcp(4))."""


def can_keep_alive() -> bool:
    """Return whether this system lets one choose how often keep-alives are sent."""
    return _IDLE is not None and hasattr(socket, "TCP_KEEPINTVL")


def keep_alive(every_s: float) -> Callable[[socket.socket], None]:
    """Return what lets a socket send a keep-alive after so many whole quiet seconds, and again and again."""

    def prepare(sock: socket.socket) -> None:
        assert _IDLE is not None
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, _IDLE, int(every_s))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, int(every_s))
        if hasattr(socket, "TCP_KEEPCNT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _COUNT)

    return prepare
