"""What the two ends of a flow speak, TLS or not, and how far each has come."""

import ssl
from dataclasses import dataclass

from hbprobe.net.tls_codec import TlsCodec


@dataclass(frozen=True, slots=True)
class Tls:
    """What boxes speak to the client and to the server; None is no TLS."""

    client: ssl.SSLContext | None = None
    server: ssl.SSLContext | None = None
    server_name: str = "localhost"
    """Whom the server's certificate must name."""

    def __bool__(self) -> bool:
        return not self.client is self.server is None


NO_TLS = Tls()


class FlowTls:
    """The TLS of one flow; each list has the client's first."""

    def __init__(self, tls: Tls) -> None:
        self.codecs: list[TlsCodec | None] = [
            None if tls.client is None else TlsCodec(tls.client, None),
            None if tls.server is None else TlsCodec(tls.server, tls.server_name),
        ]
        self.early = [b"", b""]
        """What an end said before the other one was there."""
        self.cut_short = 0
        """One bit a side that has ended without saying in TLS's own way that nothing is missing."""
        self.told_end = 0
        """One bit a side that has been told so."""

    @property
    def stands(self) -> bool:
        """Whether data can pass."""
        return all(codec is None or codec.stands for codec in self.codecs)
