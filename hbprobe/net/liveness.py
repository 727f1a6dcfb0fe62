"""Whether the peer of a connection is there, as far as the kernel knows unasked; and telling it that we are."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from hbprobe.net.silence import unacknowledged_bytes

if sys.platform == "linux":
    import fcntl

# linux/sockios.h, linux/tcp.h, net/tcp_states.h; Python's socket module has no names for these.
_SIOCOUTQNSD = 0x894B
_ESTABLISHED, _FIN_WAIT1, _FIN_WAIT2, _CLOSE_WAIT = 1, 4, 5, 8
_STANDING = {_ESTABLISHED, _FIN_WAIT1, _FIN_WAIT2, _CLOSE_WAIT}
"""Our side may still be heard."""
_INFO_BYTES = 104
_LOOK_S = 0.001
_MOST_UNANSWERED = 127
"""The most that Linux takes (linux/tcp.h, MAX_TCP_KEEPCNT): unanswered ones must not end the connection first."""
_IDLE = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
"""macOS calls it otherwise (tcp(4))."""


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """One look at a connection; the fields are those of struct tcp_info (linux/tcp.h)."""

    stands: bool
    unacknowledged: int
    """Segments of ours that the other side has not acknowledged."""
    retransmits: int
    """So many times in a row has the oldest of them been sent again."""


def tcp_info(transport: asyncio.BaseTransport | None) -> TcpInfo | None:
    """Look at a connection; None where the system does not tell (only Linux does), or it is closed already."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sys.platform != "linux" or sock is None:
        return None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except OSError:
        return None
    return TcpInfo(
        stands=raw[0] in _STANDING,
        unacknowledged=int.from_bytes(raw[24:28], sys.byteorder),
        retransmits=raw[2],
    )


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


def _unsent_bytes(sock: socket.socket) -> int:
    """Return how many bytes of ours wait to be sent at all."""
    answer = fcntl.ioctl(sock.fileno(), _SIOCOUTQNSD, b"\0\0\0\0")
    return int.from_bytes(answer, sys.byteorder)


def acknowledge_now(sock: socket.socket) -> None:
    """Send the ACK that the kernel delays in the hope of something to carry it (TCP_QUICKACK, Linux).

    On a request that is held for minutes nothing will. Boxes would find bytes unacknowledged for 40 ms of real
    time, which the warp clock does not wait for.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the connection may be gone already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def acknowledge_on(transport: asyncio.BaseTransport | None) -> None:
    """Do so on the socket of a transport, where it has one still."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is not None:
        acknowledge_now(sock)


def give_up_after(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Let the system end the connection when what was sent is not acknowledged for so long (TCP_USER_TIMEOUT, Linux).

    Real seconds: the system has no other clock. With 0 it goes by its own rule again, which is a short one for what
    is closed (tcp_orphan_retries).
    """
    sock = transport.get_extra_info("socket")
    if sys.platform == "linux" and sock is not None:
        with contextlib.suppress(OSError):  # the connection may be gone already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


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
