"""What becomes of the two sockets of a flow that has expired: RST, FIN, or silence that has to be kept up."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from hbprobe.middlebox.flow import Act
from hbprobe.net.listener import EXHAUSTED
from hbprobe.net.liveness import acknowledge_now, wait_for_ack
from hbprobe.net.silence import KeptSockets, Way, close_with_reset, mute, unmute
from hbprobe.warp import rate_of

DESCRIPTORS = 8192
"""A box may use so many where nobody says how many there are, for it is not alone in its process then."""
_DROPPED = bytearray(256 * 1024)
"""What nobody wants is read into this."""
_RESET = Act.RESET
AT_ONCE = {_RESET, Act.CLOSE}
"""What the end hears at once, unless it is in the dark."""
_MOST_DRAINS = 64
"""More reads than a socket's buffer has room for; a peer that sends without a pause must not hold the box up."""


class Stillable(Protocol):
    """A connection that is dealt with by itself, and may be held up in that."""

    sock: socket.socket

    @property
    def is_still(self) -> bool:
        """Whether it is held up."""

    def stand_still(self) -> None:
        """Do nothing with its socket until `go_on`."""

    def go_on(self) -> None:
        """Go on where it stood still."""


class ExpiredEnds:
    """Does to each end of an expired flow what the rules say, and keeps the sockets that must stay open for that."""

    def __init__(self, gives_up: Callable[[int], object]) -> None:
        """`gives_up` is told how many sockets are kept when descriptors have run out and the first of them goes."""
        self._loop = asyncio.get_running_loop()
        self._warps = rate_of(self._loop) == 0
        self._kept = KeptSockets(self._loop.remove_reader)
        self._gives_up = gives_up
        self._has_given_up = False
        self._listening: dict[socket.socket, Callable[[], bool]] = {}
        """Those of them that are not mute: they answer the next packet, or it brings their flow back. And for each
        whether it is in the dark."""

    def end(
        self,
        sock: socket.socket,
        act: Act,
        *,
        has_ended: bool,
        speaks: Callable[[], object] | None = None,
        is_dark: Callable[[], bool] = lambda: False,
    ) -> Way | None:
        """Do `act` to one end; return how it was silenced if it was.

        `has_ended`: it has sent FIN before. `speaks` is called where the act is to listen and a packet comes.
        `is_dark` says, now and at each `see_who_is_dark`, whether a black hole takes what the end sends and would
        hear: it meets silence then, and RST and FIN are lost.
        """
        if act in AT_ONCE and is_dark():
            act = Act.MUTE
        match act:
            case Act.RESET | Act.CLOSE:
                end_at_once(sock, act)
            case Act.RESET_ON_NEXT:
                self._listen(sock, is_dark)
                if not has_ended:  # otherwise it has nothing more to send, but would look readable for ever
                    _drain(sock)
                    self._loop.add_reader(sock.fileno(), self._answer_with_reset, sock)
            case Act.LISTEN if speaks is not None and not has_ended:
                self._listen(sock, is_dark)
                self._loop.add_reader(sock.fileno(), speaks)
            case Act.MUTE | Act.LISTEN:
                way = self.mute(sock)
                self._kept.take_in(sock)
                return way
        return None

    def mute(self, sock: socket.socket, *, heals: bool = False) -> Way:
        """Make a socket silent as `net.silence.mute` does, and say how well that worked."""
        if self._warps:
            wait_for_ack(sock)
        return mute(sock, heals=heals)

    def take_back(self, sock: socket.socket) -> bool:
        """Give back a socket of a flow that lives again; return False when it was let go to make room."""
        if sock.fileno() < 0:
            return False
        self._kept.give_up(sock)
        self._listening.pop(sock, None)
        unmute(sock)
        return True

    def see_who_is_dark(self) -> None:
        """Let ends that listen hear nothing while they are in the dark, and hear again when they are not."""
        # some were let go to make room
        self._listening = {sock: is_dark for sock, is_dark in self._listening.items() if sock.fileno() >= 0}
        for sock, is_dark in self._listening.items():
            if is_dark():
                self.mute(sock, heals=True)
            else:
                unmute(sock)

    def still(self, connection: Stillable, *, is_dark: bool) -> None:
        """Let a connection stand still in silence while it is in the dark, and go on when it is not."""
        if is_dark is connection.is_still:
            return
        if is_dark:
            connection.stand_still()
            self.mute(connection.sock, heals=True)
        else:
            unmute(connection.sock)
            acknowledge_now(connection.sock)  # an ACK that comes late looks like none on the warp clock
            connection.go_on()

    def make_room(self) -> bool:
        """Give a descriptor back; return False when none is kept."""
        if not self._has_given_up and len(self._kept):
            self._has_given_up = True
            self._gives_up(len(self._kept))
        return self._kept.release_oldest()

    def keep_at_most(self, count: int) -> None:
        """Let the oldest go, for what lives needs descriptors first."""
        while len(self._kept) > max(count, 0):
            self.make_room()

    def new_socket(self, family: socket.AddressFamily) -> socket.socket:
        """Make a TCP socket; where descriptors have run out, a kept one goes. Raises OSError when that is no help."""
        while True:
            try:
                return socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                if error.errno not in EXHAUSTED or not self.make_room():
                    raise

    def close(self) -> None:
        """Keep nothing any more."""
        self._kept.close()

    def _listen(self, sock: socket.socket, is_dark: Callable[[], bool]) -> None:
        self._kept.take_in(sock)
        self._listening[sock] = is_dark
        if is_dark():
            self.mute(sock, heals=True)

    def _answer_with_reset(self, sock: socket.socket) -> None:
        self._kept.give_up(sock)
        self._listening.pop(sock, None)
        close_with_reset(sock)


def end_at_once(sock: socket.socket, act: Act) -> None:
    """Close a socket, with RST or with FIN."""
    if act is _RESET:
        close_with_reset(sock)
    else:
        _drain(sock)
        sock.close()


def _drain(sock: socket.socket) -> None:
    """Drop what has arrived but was not relayed: closing over unread bytes would send RST."""
    try:
        for _ in range(_MOST_DRAINS):
            if not sock.recv_into(_DROPPED):
                return
    except OSError:  # nothing more, or nobody
        return
