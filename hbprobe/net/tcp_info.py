"""What the kernel knows of a TCP connection (TCP_INFO): whether it stands, and what was acknowledged."""

import asyncio
import contextlib
import socket
import sys
from dataclasses import dataclass

_BYTES = 104
_STANDING = {1, 4, 5, 8}
"""ESTABLISHED, FIN_WAIT1, FIN_WAIT2 and CLOSE_WAIT (net/tcp_states.h): our side may still be heard."""


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
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES)
    except OSError:
        return None
    return TcpInfo(
        stands=raw[0] in _STANDING,
        unacknowledged=int.from_bytes(raw[24:28], sys.byteorder),
        retransmits=raw[2],
    )


def acknowledge_now(transport: asyncio.BaseTransport | None) -> None:
    """Send the ACK that the kernel delays in the hope of something to carry it (TCP_QUICKACK, Linux).

    On a request that is held for minutes nothing will. Boxes would find bytes unacknowledged for 40 ms of real
    time, which the warp clock does not wait for.
    """
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sys.platform == "linux" and sock is not None:
        with contextlib.suppress(OSError):  # the connection may be gone already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def give_up_after(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Let the system end the connection when what was sent is not acknowledged for so long (TCP_USER_TIMEOUT, Linux).

    Real seconds: the system has no other clock. With 0 it goes by its own rule again, which is a short one for what
    is closed (tcp_orphan_retries).
    """
    sock = transport.get_extra_info("socket")
    if sys.platform == "linux" and sock is not None:
        with contextlib.suppress(OSError):  # the connection may be gone already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
