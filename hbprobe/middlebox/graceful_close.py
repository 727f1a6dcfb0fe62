"""Ending a connection so that its peer gets every byte and then FIN, however slow it is, whatever it still sends."""

import asyncio
import socket
import ssl

from hbprobe.net.silence import close_with_reset

_FLUSH_S = 60.0
"""So long a peer may take over the last bytes that are sent to it."""
_LINGER_S = 5.0
"""So long what a peer goes on sending is read after our FIN."""
_DRAIN_BYTES = 64 * 1024
_MOST_DRAINS = 64
"""More reads than a socket's buffer has room for; a peer that sends without a pause must not hold the box up."""


class GracefulClose:
    """The end of one connection, which nobody has to look after any more.

    Closing a socket over unread bytes sends RST, and RST can overtake what was sent before it. So what has arrived is
    read and dropped first; with `linger`, what arrives after our FIN, too, until the peer's own FIN.
    """

    def __init__(
        self,
        sock: socket.socket,
        unsent: bytes,
        under_way: "set[GracefulClose]",
        *,
        notify: bool,
        linger: bool,
        waits: bool = False,
        number: int = 0,
    ) -> None:
        """Take over a socket that the loop does not watch, and what its peer has not got yet.

        `notify`: TLS's close_notify goes before the FIN, which says that nothing is missing. `waits`: not before
        `go_on`. It stands in `under_way` until it is done. `number`: of which flow it is the end.
        """
        self._loop = asyncio.get_running_loop()
        self.sock = sock
        self._unsent = unsent
        self._under_way = under_way
        self._notify = notify
        self._linger = linger
        self.number = number
        self.is_still = waits
        """It does nothing until `go_on`."""
        self._fin_is_sent = False
        self._timer: asyncio.TimerHandle | None = None
        under_way.add(self)
        if not waits:
            self.go_on()

    def stand_still(self) -> None:
        """Do nothing until `go_on`; the socket may be made silent meanwhile."""
        self.is_still = True
        self._stop()

    def go_on(self) -> None:
        """Begin, or go on where it stood still."""
        self.is_still = False
        if self._fin_is_sent:
            self._await_fin()
        else:
            self._timer = self._loop.call_later(_FLUSH_S, self.cut_short)
            self._go_on()

    def cut_short(self) -> None:
        """Send RST instead of what is left to do."""
        self._over()
        close_with_reset(self.sock)

    def _go_on(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]
            if self._notify:
                _send_close_notify(self.sock)
        except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError):
            self._loop.add_writer(self.sock.fileno(), self._go_on)
            return
        except OSError:  # the peer is gone
            self._close()
            return
        self._loop.remove_writer(self.sock.fileno())
        self._send_fin()

    def _send_fin(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close()
            return
        if not self._linger:
            self._read_and_drop()
            self._close()
            return
        self._fin_is_sent = True
        self._await_fin()

    def _await_fin(self) -> None:
        self._stop()
        self._timer = self._loop.call_later(_LINGER_S, self._close)
        self._loop.add_reader(self.sock.fileno(), self._lingering)

    def _lingering(self) -> None:
        if not self._read_and_drop():
            self._close()

    def _read_and_drop(self) -> bool:
        """Read past TLS, which is over; return False at the peer's own end."""
        try:
            for _ in range(_MOST_DRAINS):
                if not socket.socket.recv(self.sock, _DRAIN_BYTES):
                    return False
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            return False
        return True

    def _close(self) -> None:
        self._over()
        self.sock.close()

    def _over(self) -> None:
        self._under_way.discard(self)
        self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self.sock.fileno())
        self._loop.remove_writer(self.sock.fileno())


def _send_close_notify(sock: socket.socket) -> None:
    """Tell a TLS peer that nothing is missing, without waiting for it to say so, too."""
    if not isinstance(sock, ssl.SSLSocket):
        return
    try:
        sock.unwrap()
    except ssl.SSLWantWriteError:
        raise
    except ssl.SSLError:  # it has been sent; OpenSSL misses the peer's, or finds other data first
        pass
