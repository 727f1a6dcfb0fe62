"""What the sessions of an http box need of the box."""

import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from hbprobe.middlebox.events import FlowExpired
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.graceful_close import GracefulClose
from hbprobe.middlebox.http.http1_proxying import Additions
from hbprobe.middlebox.http.http_flow import HttpRules
from hbprobe.middlebox.http.leg import End
from hbprobe.net.dial import Dial
from hbprobe.net.silence import Way

if TYPE_CHECKING:
    from hbprobe.middlebox.http.http_session import Session


class Setting(Protocol):
    """What is the same for all sessions of a box, and what they tell it."""

    rules: HttpRules
    additions: Additions
    tls: ssl.SSLContext | None
    upstream_tls: ssl.SSLContext | None
    upstream_name: str
    closing: set[GracefulClose]

    def now(self) -> float:
        """Return the time on the loop's clock."""
        ...

    def dial(self, connected: Callable[[socket.socket], None], failed: Callable[[str], None]) -> Dial:
        """Connect to the server."""
        ...

    def mute(self, sock: socket.socket) -> Way | None:
        """Let a socket answer nothing any more; return how."""
        ...

    def watch(self, session: "Session") -> None:
        """Look again at when a session is due."""

    def received(self, side: Side, count: int) -> None:
        """Count bytes."""

    def refused(self, client: str, reason: str) -> None:
        """Take note that a client's request was refused, or that the server failed it."""

    def expired(self, event: FlowExpired) -> None:
        """Take note that a timer ran out."""

    def over(self, session: "Session", end: End | None) -> None:
        """Forget a session that `end` of one of its ends has ended, or the box (None)."""
