"""One client's connection to an http box, with the connection to the server behind it: requests one way, answers back.

Heads are read and changed as a proxy must; bodies pass in the bytes in which they came, watched only for their end.
There is one connection to the server for each of a client's, opened with the first request and again whenever the
server has closed it in between. Requests are served one at a time: what comes behind the first one waits.
"""

import math
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from hbprobe.middlebox.dial import Dial
from hbprobe.middlebox.flow import Act, Side
from hbprobe.middlebox.http1 import (
    HEAD_LIMIT,
    FramingKind,
    MessageError,
    RequestHead,
    ResponseHead,
    read_request,
    read_response,
)
from hbprobe.middlebox.http1_body import Body, body_of
from hbprobe.middlebox.http1_proxying import (
    Additions,
    is_idempotent,
    keeps_connection,
    own_answer,
    request_onward,
    response_onward,
    wants_upgrade,
)
from hbprobe.middlebox.http_flow import HttpFlow, HttpPhase, HttpRule, HttpRules
from hbprobe.middlebox.leg import End, Leg
from hbprobe.middlebox.silence import Way

_WAITING_BYTES = HEAD_LIMIT
"""So much may wait for a connection to the server, or for the answer to the request before; then we read no more."""
_REPLAY_BYTES = 64 * 1024
"""A longer request cannot be sent again."""
_INTERIM = b"1"


class Box(Protocol):
    """What a session needs from the box that it belongs to."""

    rules: HttpRules
    additions: Additions
    keeps_client: bool
    server_act: Act
    """What the server's end sees when the box gives a request up."""

    def now(self) -> float:
        """Return the time."""
        ...

    def client_leg(self, session: "Session", sock: socket.socket) -> Leg:
        """Take over a client's connection; raises OSError when it is gone."""
        ...

    def server_leg(self, session: "Session", sock: socket.socket) -> Leg:
        """Take over a connection to the server; raises OSError when it is gone."""
        ...

    def dial(self, connected: Callable[[socket.socket], None], failed: Callable[[str], None]) -> Dial:
        """Connect to the server."""
        ...

    def lay_out(self, sock: socket.socket, act: Act) -> Way | None:
        """Let a socket end as `act` says."""
        ...

    def watch(self, session: "Session") -> None:
        """Look again at when a session is due."""

    def received(self, side: Side, count: int) -> None:
        """Count bytes."""

    def refused(self, session: "Session", reason: str) -> None:
        """Take note that a request was refused, or found no server."""

    def expired(self, session: "Session", rule: HttpRule, quiet_s: float, ways: frozenset[Way]) -> None:
        """Take note that a timer has run out."""

    def over(self, session: "Session", end: End | None) -> None:
        """Forget a session; `end` says how one of its ends wished it, None that the box did."""


@dataclass(slots=True)
class _Exchange:
    """One request on its way, and its answer."""

    head: RequestHead
    body: Body
    reused: bool
    """It went out on a connection that had served before."""
    outbox: bytes = b""
    """What waits for a connection to the server."""
    replay: bytes | None = b""
    """What has been sent, to be sent again; None when that is too much."""
    tries: int = 0
    """How often it was sent again because a timer ran out."""
    answer: ResponseHead | None = None
    """Sent on to the client."""
    answer_body: Body | None = None
    keep: bool = False
    """The client's connection stays after the answer."""
    over: bool = False
    """The answer is whole, but the client has still to take the rest of it."""
