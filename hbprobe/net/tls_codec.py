"""One end of a TLS connection without its socket: from bytes of the wire to what the peer says, and the other way.

For whoever has to keep FIN, RST and silence of the socket in its own hands, and must not lose what comes after it has
said its own last word.
"""

import contextlib
import ssl

_READ_BYTES = 64 * 1024


class TlsCodec:
    """TLS between a socket of the caller's and its data. After each call there may be something `to_send`."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """`server_name`: we are the client, and this is whom we mean to reach; None: we are the server."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._in, self._out, server_side=server_name is None, server_hostname=server_name
        )
        self.stands = False
        """The handshake is over."""
        self.has_ended = False
        """The peer has said that nothing more comes (close_notify, RFC 8446, section 6.1)."""

    def receive(self, data: bytes = b"") -> bytes:
        """Take what came; return what it says. Raises ssl.SSLError where it is no TLS, or none that is accepted."""
        self._in.write(data)
        said = []
        try:
            if not self.stands:
                self._tls.do_handshake()
                self.stands = True
            while chunk := self._tls.read(_READ_BYTES):
                said.append(chunk)
            self.has_ended = True
        except ssl.SSLZeroReturnError:  # so it is told after our own end
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        return b"".join(said)

    def say(self, data: bytes) -> None:
        """Say something, once the connection stands."""
        self._tls.write(data)

    def say_end(self) -> None:
        """Say that nothing more comes; the peer may go on."""
        with contextlib.suppress(ssl.SSLError):  # it has been said; the peer's own end is still to come
            self._tls.unwrap()

    def to_send(self) -> bytes:
        """Return what is to be sent, and forget it."""
        return self._out.read()


def words_of(error: ssl.SSLError) -> str:
    """Say why TLS failed, in OpenSSL's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return (error.reason or str(error)).replace("_", " ").lower()
