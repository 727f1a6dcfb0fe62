"""One TCP connection of an http box, plain or TLS, that tells exactly how its peer ended it.

Plain sockets with the loop's readers and writers, as in the relay and for the same reasons: RST and FIN stay apart,
and a socket can be made mute. TLS is ssl.SSLSocket, which has the same methods and says what it waits for.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from enum import Enum, StrEnum, auto
from typing import Any, Protocol

from hbprobe.middlebox.graceful_close import GracefulClose
from hbprobe.net.liveness import acknowledge_now
from hbprobe.net.replies import EndKind
from hbprobe.net.silence import Way, close_with_reset
from hbprobe.net.tls_end import ends_without_close_notify, pending_failure, what_ended

_READ_BYTES = 64 * 1024
"""More than a TLS record holds: one read takes a record whole, and leaves nothing where the loop does not look."""
_FEW_BYTES = 4096
"""What is no longer than this may be all for a long time, and is acknowledged at once."""
_TAKEN_UNHEARD_BYTES = 128 * 1024
"""A system takes about so much for a peer that acknowledges nothing."""
_TO_READ = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)
"""What says that there is nothing to read yet."""
_TO_WRITE = (BlockingIOError, InterruptedError, ssl.SSLWantWriteError, ssl.SSLWantReadError)


class LegEnd(StrEnum):
    """How a peer ended its connection, as a proxy must tell it apart.

    It is no `EndKind`, which is what TCP says: a message that ends with its connection is whole after FIN on plain
    TCP and after close_notify, and not after FIN alone under TLS (RFC 9112, sections 8 and 9.8); where TLS fails, no
    end of TCP has come.
    """

    FIN = "FIN"
    TRUNCATED = "FIN without close_notify"
    """TLS: bytes may be missing."""
    RST = "RST"
    GAVE_UP = "the system gave the connection up"
    TLS = "TLS failed"
    """What came is not TLS, or not such as we accept."""


class Owner(Protocol):
    """Whose leg it is."""

    @property
    def number(self) -> int:
        """That of the client's connection to which the leg belongs."""
        ...

    def stands(self, leg: Any, /) -> None:  # noqa: ANN401  a leg, or what speaks for one
        """Take note that TLS stands."""

    def came(self, leg: Any, data: bytes, /) -> None:  # noqa: ANN401
        """Take what the peer sent."""

    def ended(self, leg: Any, end: LegEnd, detail: str, /) -> None:  # noqa: ANN401
        """Take note that nothing more will come."""

    def drained(self, leg: Any, /) -> None:  # noqa: ANN401
        """Take note that the system has taken all that was sent."""


class _State(Enum):
    SHAKING = auto()
    """The TLS handshake is going on."""
    OPEN = auto()
    GONE = auto()
    """The socket is somebody else's, or closed."""


class Leg:
    """One connection, from the moment when TCP stands."""

    is_of_one_request = False
    """It is over with the answer, as a stream of HTTP/2 is."""

    __slots__ = (
        "_broken",
        "_closing",
        "_is_still",
        "_loop",
        "_paused",
        "_state",
        "_tls",
        "_unsent",
        "owner",
        "sock",
    )

    def __init__(
        self,
        sock: socket.socket,
        owner: Owner,
        closing: set[GracefulClose],
        tls: ssl.SSLContext | None,
        server_name: str | None = None,
    ) -> None:
        """Take over a connected socket and watch it.

        `server_name`: we are the client of the TLS connection, and this is whom we mean to reach. Raises OSError when
        the connection is gone already, and leaves the socket open then.
        """
        self._loop = asyncio.get_running_loop()
        self.owner = owner
        self._closing = closing
        self._unsent = b""
        self._paused = False
        self._broken = False
        """What is sent does not arrive any more."""
        self._is_still = False
        """Nothing is read or sent until `go_on`."""
        with contextlib.suppress(OSError):  # some systems refuse it when the peer is gone already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tls = None if tls is None else _wrap(sock, tls, server_name)
        self.sock: socket.socket = self._tls or sock
        self._state = _State.OPEN if self._tls is None else _State.SHAKING
        self._loop.add_reader(self.sock.fileno(), self._readable)
        if self._tls is not None and server_name is not None:
            self._loop.add_writer(self.sock.fileno(), self._writable)  # to say hello

    # What the owner does

    @property
    def tcp(self) -> "Leg":
        """Itself."""
        return self

    @property
    def is_shaking(self) -> bool:
        """Whether TLS does not stand yet."""
        return self._state is _State.SHAKING

    @property
    def protocol(self) -> str | None:
        """What both ends agreed on within TLS (ALPN, RFC 7301), once it stands; None for nothing."""
        return None if self._tls is None else self._tls.selected_alpn_protocol()

    @property
    def is_gone(self) -> bool:
        """Whether it has no socket any more."""
        return self._state is _State.GONE

    @property
    def is_still(self) -> bool:
        """Whether nothing is read or sent until `go_on`."""
        return self._is_still and self._state is not _State.GONE

    @property
    def blocked(self) -> bool:
        """Whether some of what was sent waits for the peer to take it, or, while this stands still, much of it."""
        return len(self._unsent) > (_TAKEN_UNHEARD_BYTES if self._is_still else 0)

    def has_unread(self) -> bool:
        """Return whether the peer has said something, or its last, that nobody has read yet; TLS does not tell."""
        if self._tls is not None or self._state is not _State.OPEN:
            return False
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            pass
        return True

    def send(self, data: bytes) -> None:
        """Send bytes; what the system does not take now is sent later."""
        if self._broken or self._state is _State.GONE:
            return
        if self._unsent or self._is_still or self._state is _State.SHAKING:
            self._unsent += data
            return
        taken = self._offer(data)
        if taken < len(data):
            self._unsent = data[taken:]
            self._loop.add_writer(self.sock.fileno(), self._writable)

    def pause(self) -> None:
        """Read nothing more until `resume`."""
        if not self._paused:
            self._paused = True
            if self._state is _State.OPEN:
                self._loop.remove_reader(self.sock.fileno())

    def resume(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            if self._state is _State.OPEN and not self._is_still:
                self._loop.add_reader(self.sock.fileno(), self._readable)

    def stand_still(self) -> None:
        """Neither read nor send until `go_on`; the socket may be made silent meanwhile."""
        self._is_still = True
        self._loop.remove_reader(self.sock.fileno())
        self._loop.remove_writer(self.sock.fileno())

    def go_on(self) -> None:
        """Go on with what was done before."""
        self._is_still = False
        if not self._paused or self._state is _State.SHAKING:
            self._loop.add_reader(self.sock.fileno(), self._readable)
        if self._unsent or self._state is _State.SHAKING:
            self._loop.add_writer(self.sock.fileno(), self._writable)

    def leave(self, *, complete: bool = True, linger: bool = False) -> None:
        """Send what is unsent, then FIN. The owner hears no more.

        `complete`: TLS may say that nothing is missing. `linger`: the peer may be sending still.
        """
        if self._state is _State.GONE:
            return
        stood = self._state is _State.OPEN
        unsent = self._unsent if stood and not self._broken else b""
        waits = self._is_still
        GracefulClose(
            self.give_up(),
            unsent,
            self._closing,
            notify=complete and stood,
            linger=linger,
            waits=waits,
            number=self.owner.number,
        )

    def reset(self) -> None:
        """Send RST. The owner hears no more."""
        if self._state is not _State.GONE:
            close_with_reset(self.give_up())

    def hush(self, mute: Callable[[socket.socket], Way | None]) -> Way | None:
        """Let the peer hear nothing any more, by `mute`; return how. The owner hears no more."""
        return mute(self.give_up())

    def give_up(self) -> socket.socket:
        """Hand the socket back, open. The owner hears no more."""
        self._state = _State.GONE
        self._loop.remove_reader(self.sock.fileno())
        self._loop.remove_writer(self.sock.fileno())
        return self.sock

    # Reading

    def _readable(self) -> None:
        if self._state is _State.SHAKING:
            self._shake()
        if self._state is not _State.OPEN or self._paused:
            return
        failure = None if self._tls is None else pending_failure(self.sock)
        try:
            data = self.sock.recv(_READ_BYTES)
        except _TO_READ:
            acknowledge_now(self.sock)  # what has come is TLS's own
        except ssl.SSLWantWriteError:
            self._loop.add_writer(self.sock.fileno(), self._writable)
        except OSError as error:
            self._end(*_end_of(what_ended(self.sock, error, failure)))
        else:
            if not data:
                self._end(LegEnd.RST if self._broken else LegEnd.FIN)
                return
            if len(data) <= _FEW_BYTES:
                acknowledge_now(self.sock)
            self._came(data)

    def _came(self, data: bytes) -> None:
        self.owner.came(self, data)

    def _drained(self) -> None:
        self.owner.drained(self)

    def _shake(self) -> None:
        assert self._tls is not None
        failure = pending_failure(self._tls)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.remove_writer(self.sock.fileno())
            acknowledge_now(self.sock)
        except ssl.SSLWantWriteError:
            self._loop.add_writer(self.sock.fileno(), self._writable)
        except OSError as error:
            self._end(*_end_of(what_ended(self._tls, error, failure)))
        else:
            self._state = _State.OPEN
            if self._paused:
                self._loop.remove_reader(self.sock.fileno())
            self._flush()
            self.owner.stands(self)

    def _end(self, end: LegEnd, detail: str = "") -> None:
        self._loop.remove_reader(self.sock.fileno())
        self._loop.remove_writer(self.sock.fileno())
        self.owner.ended(self, end, detail)

    # Writing

    def _writable(self) -> None:
        if self._state is _State.SHAKING:
            self._shake()
            return
        if self._unsent:
            self._flush()
            if not self._unsent:
                self._drained()
        else:  # TLS had to write something before it could read on
            self._loop.remove_writer(self.sock.fileno())
            self._readable()

    def _flush(self) -> None:
        self._unsent = self._unsent[self._offer(self._unsent) :]
        if self._unsent:
            self._loop.add_writer(self.sock.fileno(), self._writable)
        else:
            self._loop.remove_writer(self.sock.fileno())

    def _offer(self, data: bytes) -> int:
        """Return how much of it the system took. A connection that is broken takes everything, to no avail."""
        taken, view = 0, memoryview(data)
        try:
            while taken < len(data):
                taken += self.sock.send(view[taken:])
        except _TO_WRITE:
            pass
        except OSError:  # the peer's last words, an answer perhaps, can still be read
            self._broken = True
            return len(data)
        return taken


def _wrap(sock: socket.socket, tls: ssl.SSLContext, server_name: str | None) -> ssl.SSLSocket:
    return tls.wrap_socket(
        sock,
        server_side=server_name is None,
        server_hostname=server_name,
        do_handshake_on_connect=False,
        suppress_ragged_eofs=False,
    )


def _end_of(error: OSError) -> tuple[LegEnd, str]:
    """Say how a connection ended that answered a read with `error`."""
    match error:
        case _ if ends_without_close_notify(error):
            return LegEnd.TRUNCATED, ""
        case ssl.SSLCertVerificationError():
            return LegEnd.TLS, f"the certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return LegEnd.TLS, (error.reason or str(error)).replace("_", " ").lower()
        case _:
            return LegEnd.RST if EndKind.of(error) is EndKind.RST else LegEnd.GAVE_UP, error.strerror or ""
