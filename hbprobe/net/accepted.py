"""An accepted connection, plain or TLS, as an asyncio transport that keeps no buffer while nothing moves.

asyncio's own TLS sets 256 KiB aside for what each connection may receive (`max_size` of its SSLProtocol) for as long
as it lasts: thousands of held requests took gigabytes. Here TLS is ssl.SSLSocket, as in an http box's `Leg`, and the
protocol comes into being when TLS stands, so that whoever never gets so far costs next to nothing.
"""

import asyncio
import contextlib
import socket
import ssl
from typing import Any, Protocol

from hbprobe.net.liveness import give_up_after
from hbprobe.net.tls_end import heed_truncation, pending_failure, what_ended

_READ_BYTES = 64 * 1024
"""More than a TLS record holds: one read takes a record whole, and leaves nothing where the loop does not look."""
_READS_A_TURN = 16
"""So many reads before other sockets get their turn; TLS gives a record of 16 kB at a time."""
_WRITE_BYTES = 256 * 1024
_HIGH_BYTES = 64 * 1024
"""So much may wait to be sent before the protocol is told to pause."""
_FLUSH_S = 60.0
"""So long a peer may take over the last bytes that are sent to it."""
_NOTHING = bytearray()
_TO_READ = (BlockingIOError, InterruptedError, ssl.SSLWantReadError)
_TO_WRITE = (BlockingIOError, InterruptedError, ssl.SSLWantWriteError, ssl.SSLWantReadError)


class Host(Protocol):
    """Whose connections they are."""

    def may_shake(self) -> bool:
        """Return whether there is time for a step of a handshake now; the system reports again what is left."""
        ...

    def stands(self, transport: "AcceptedTransport") -> asyncio.Protocol:
        """Take note that TCP, and TLS with it, stands; return who is to hear of what comes."""
        ...

    def gone(self, transport: "AcceptedTransport") -> None:
        """Take note that the socket is closed."""


class AcceptedTransport(asyncio.Transport):
    """One accepted connection. It watches its socket from the start; the protocol hears of it when it stands."""

    __slots__ = (
        "_closing",
        "_eof",
        "_flush_timer",
        "_high_bytes",
        "_host",
        "_loop",
        "_lost",
        "_pausing",
        "_peer",
        "_protocol",
        "_reading",
        "_sock",
        "_tls",
        "_unsent",
    )

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None, host: Host) -> None:
        """Take over a non-blocking socket; raises OSError, and leaves it open, when the peer is gone already."""
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._protocol: asyncio.Protocol | None = None
        self._unsent = _NOTHING
        self._high_bytes = _HIGH_BYTES
        self._reading, self._pausing, self._closing, self._eof, self._lost = True, False, False, False, False
        self._flush_timer: asyncio.TimerHandle | None = None
        self._peer = sock.getpeername()
        with contextlib.suppress(OSError):  # some systems refuse it when the peer is gone already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tls = tls
        self._sock = sock if tls is None else _wrapped(sock, tls)
        # Descriptors, not sockets: the loop's selector formats a socket for an error message that nobody sees.
        if tls is None:
            self._loop.call_soon(self._stand)
        else:
            self._loop.add_reader(self._sock.fileno(), self._shake)

    # The handshake

    def _shake(self) -> None:
        assert isinstance(self._sock, ssl.SSLSocket)
        if not self._host.may_shake():
            return
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.remove_writer(self._sock.fileno())
        except ssl.SSLWantWriteError:
            self._loop.add_writer(self._sock.fileno(), self._shake)
        except (OSError, ValueError):  # no TLS, or none that we accept; ValueError: a name that is none
            self.abort()
        else:
            self._loop.remove_writer(self._sock.fileno())
            self._stand()

    def _stand(self) -> None:
        if self._closing:
            return
        self._protocol = self._host.stands(self)
        self._protocol.connection_made(self)
        self._watch()

    # Reading

    def is_reading(self) -> bool:
        """Return whether bytes are taken from the socket."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Take no more bytes until `resume_reading`."""
        self._reading = False
        self._watch()

    def resume_reading(self) -> None:
        """Take bytes again."""
        self._reading = True
        self._watch()

    def _watch(self) -> None:
        if self._lost:
            return
        if self._reading and not self._closing and not self._eof:
            self._loop.add_reader(self._sock.fileno(), self._readable)
        else:
            self._loop.remove_reader(self._sock.fileno())

    def _readable(self) -> None:
        failure = pending_failure(self._sock) if self._tls is not None else None
        for _ in range(_READS_A_TURN):
            if not self.is_reading() or self._protocol is None or self._eof:
                return
            try:
                data = self._sock.recv(_READ_BYTES)
            except _TO_READ:
                return
            except ssl.SSLWantWriteError:  # a renewal of keys: the answer goes out with what is sent next
                return
            except OSError as error:
                ended_by = what_ended(self._sock, error, failure)
                if not isinstance(ended_by, ssl.SSLError):
                    self._lose(ended_by)
                    return
                data = b""  # FIN without close_notify, or no TLS any more
            if not data:
                self._end()
                return
            self._protocol.data_received(data)
            if self._tls is None:
                return  # one read takes what there is

    def _end(self) -> None:
        assert self._protocol is not None
        self._eof = True
        self._watch()
        if not self._protocol.eof_received():
            self.close()

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; what the system does not take now is sent later."""
        if self._closing or not data:
            return
        if self._unsent:
            self._unsent += data
        elif (rest := self._offer(memoryview(data))) is not None and len(rest):
            self._unsent = bytearray(rest)
            self._loop.add_writer(self._sock.fileno(), self._writable)
        self._hold_back()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be sent."""
        return len(self._unsent)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return at how many waiting bytes the protocol goes on, and pauses."""
        return self._high_bytes // 4, self._high_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set at how many waiting bytes the protocol pauses; it goes on at a quarter."""
        if high is None:
            high = _HIGH_BYTES if low is None else 4 * low
        self._high_bytes = high

    def can_write_eof(self) -> bool:
        """Return that half a connection is never closed: nothing here needs it, and TLS cannot."""
        return False

    def _offer(self, view: memoryview) -> memoryview | None:
        """Send what the system takes; return what is left, or None when the connection has ended."""
        try:
            while len(view):
                view = view[self._sock.send(view[:_WRITE_BYTES]) :]
        except _TO_WRITE:
            pass
        except OSError as error:
            self._lose(BrokenPipeError() if isinstance(error, ssl.SSLError) else error)
            return None
        return view

    def _writable(self) -> None:
        with memoryview(self._unsent) as view:
            rest = self._offer(view)
            left = 0 if rest is None else len(rest)
            if rest is not None:
                rest.release()
        if self._lost:
            return
        if left:
            del self._unsent[: len(self._unsent) - left]
        else:
            self._unsent = _NOTHING
            self._loop.remove_writer(self._sock.fileno())
            if self._closing:
                self._part()
        self._hold_back()

    def _hold_back(self) -> None:
        if self._protocol is None or self._lost:
            return
        if not self._pausing and len(self._unsent) > self._high_bytes:
            self._pausing = True
            self._protocol.pause_writing()
        elif self._pausing and len(self._unsent) <= self._high_bytes // 4:
            self._pausing = False
            self._protocol.resume_writing()

    # The end

    def is_closing(self) -> bool:
        """Return whether it is closed, or will be."""
        return self._closing

    def close(self) -> None:
        """Send what is unsent, TLS's close_notify and FIN; a peer that takes too long over it is cut off."""
        if self._closing:
            return
        self._closing = True
        self._watch()
        if self._unsent:
            self._flush_timer = self._loop.call_later(_FLUSH_S, self._lose, None)
        else:
            self._part()

    def has_unread(self) -> bool:
        """Return whether the peer has sent something that was not looked at yet."""
        try:
            return bool(socket.socket.recv(self._sock, 1, socket.MSG_PEEK))
        except OSError:
            return False

    def abort(self) -> None:
        """Close at once."""
        self._lose(None)

    def _part(self) -> None:
        if isinstance(self._sock, ssl.SSLSocket) and not self._lost:
            with contextlib.suppress(OSError, ValueError):  # it wants the peer's close_notify, which nobody waits for
                self._sock.unwrap()
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = self._closing = True
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        self._unsent = _NOTHING
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        if self._protocol is None:
            self._gone(error)
        else:
            self._loop.call_soon(self._gone, error)

    def _gone(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, None
        give_up_after(self, 0)  # nobody waits for the acknowledgement of what is closed: it shall not stay for that
        self._sock.close()
        if protocol is not None:
            protocol.connection_lost(error)
        self._host.gone(self)

    # What it is asked

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who hears of what comes."""
        assert self._protocol is not None
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another hear of what comes."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  as asyncio has it
        """Return what is known of the connection, by asyncio's names."""
        match name:
            case "socket":
                return default if self._sock.fileno() < 0 else self._sock
            case "sslcontext":
                return default if self._tls is None else self._tls
            case "ssl_object":
                return default if self._tls is None else self._sock
            case "peername":
                return self._peer
            case "sockname":
                return default if self._sock.fileno() < 0 else self._sock.getsockname()
            case _:
                return default


def _wrapped(sock: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
    """Return a TLS socket; `sock` has handed its descriptor over then."""
    heed_truncation(tls)
    return tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False)
