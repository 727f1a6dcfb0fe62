"""Whether the peer of a TCP connection is still there, as far as a program in user space can tell without sending."""

import socket
import sys

if sys.platform == "linux":
    import fcntl

# linux/sockios.h, linux/tcp.h, net/tcp_states.h; Python's socket module has no names for these.
_SIOCOUTQ = 0x5411
_SIOCOUTQNSD = 0x894B
_STANDING = {1, 4, 5, 8}
"""ESTABLISHED, and the states in which one end has sent FIN: FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT."""


def holds(sock: socket.socket) -> bool:
    """Return whether the connection stands and the peer has acknowledged all that was sent to it.

    Elsewhere than on Linux only whether it stands: other systems do not tell what is unacknowledged.
    """
    try:
        if sys.platform != "linux":
            sock.getpeername()
            return True
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state in _STANDING and _queued(sock, _SIOCOUTQ) == _queued(sock, _SIOCOUTQNSD)
    except OSError:
        return False


def _queued(sock: socket.socket, what: int) -> int:
    """Return how many bytes of ours wait to be acknowledged (SIOCOUTQ), or to be sent at all (SIOCOUTQNSD)."""
    answer = fcntl.ioctl(sock.fileno(), what, b"\0\0\0\0")
    return int.from_bytes(answer, sys.byteorder)
