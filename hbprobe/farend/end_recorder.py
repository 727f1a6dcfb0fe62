"""How a client's connection ended, as its server's kernel heard it: an HTTP server library does not tell."""

import asyncio
from typing import cast

from hbprobe.net.replies import EndKind


class EndRecorder(asyncio.Protocol):
    """Stands between a transport and its protocol, passes everything on, and remembers the end."""

    def __init__(self, inner: asyncio.Protocol, transport: asyncio.BaseTransport) -> None:
        self._inner = inner
        self.transport: asyncio.BaseTransport | None = transport
        """None once the connection has ended: a listener is kept for long, and a connection is large."""
        self.ended: EndKind | None = None
        """None while the connection stands."""
        self.ended_s = 0.0
        """When it ended, on the loop's clock."""

    @classmethod
    def on(cls, transport: asyncio.BaseTransport) -> "EndRecorder":
        """Return the listener of a connection; the first call puts it there."""
        protocol = transport.get_protocol()
        if isinstance(protocol, cls):
            return protocol
        listener = cls(cast("asyncio.Protocol", protocol), transport)
        transport.set_protocol(listener)
        return listener

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass FIN on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember how it ended, and pass it on."""
        self.ended, self.ended_s = EndKind.of(exc), asyncio.get_running_loop().time()
        self._inner.connection_lost(exc)
        self._inner, self.transport = asyncio.Protocol(), None
