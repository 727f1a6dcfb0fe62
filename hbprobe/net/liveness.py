"""Whether the peer of a connection is there, as far as one can tell without sending; and telling it that we are."""

import contextlib
import socket
import sys
import time
from collections.abc import Callable

from hbprobe.net.silence import unacknowledged_bytes

if sys.platform == "linux":
    import fcntl

# linux/sockios.h, linux/tcp.h, net/tcp_states.h; Python's socket module has no names for these.
_SIOCOUTQNSD = 0x894B
_ESTABLISHED, _FIN_WAIT1, _FIN_WAIT2, _CLOSE_WAIT = 1, 4, 5, 8
_STANDING = {_ESTABLISHED, _FIN_WAIT1, _FIN_WAIT2, _CLOSE_WAIT}
_LOOK_S = 0.001


def holds(sock: socket.socket) -> bool:
    """Return whether the connection stands and the peer has acknowledged every byte that was sent to it.

    A peer whose window is full has acknowledged what it was sent. Elsewhere than on Linux only whether the connection
    stands: other systems do not tell what is unacknowledged.
    """
    try:
        if sys.platform != "linux":
            sock.getpeername()
            return True
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        on_its_way = unacknowledged_bytes(sock) - _unsent_bytes(sock) - (state == _FIN_WAIT1)  # FIN counts as one
        return state in _STANDING and on_its_way <= 0
    except OSError:
        return False


def wait_for_ack(sock: socket.socket) -> None:
    """Wait in real time, a fifth of a second at most, for an ACK that the peer delays (RFC 9293, 3.8.6.3; Linux).

    Where a clock jumps, the peer had no real time for it. It came or never will once the kernel sends again.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):  # nobody is there any more
        while unacknowledged_bytes(sock) > _unsent_bytes(sock) and not _has_sent_again(sock):
            time.sleep(_LOOK_S)  # noqa: TID251 - the kernel's timers run in real time


def _has_sent_again(sock: socket.socket) -> bool:
    state, _, retransmits = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 3)
    return state not in _STANDING or retransmits > 0


def acknowledge_now(sock: socket.socket) -> None:
    """Send the ACK that the kernel delays in the hope of something to carry it (TCP_QUICKACK, Linux)."""
    if sys.platform == "linux":
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except OSError:  # the peer may be gone
            return


def _unsent_bytes(sock: socket.socket) -> int:
    """Return how many bytes of ours wait to be sent at all."""
    answer = fcntl.ioctl(sock.fileno(), _SIOCOUTQNSD, b"\0\0\0\0")
    return int.from_bytes(answer, sys.byteorder)


_MOST_UNANSWERED = 127
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
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _MOST_UNANSWERED)

    return prepare
