"""A responder on a socket: each connection gets one of its own, over TLS or plain, and no timer ends it."""

import asyncio
import socket
import ssl

from hbprobe.farend.responders import MakeResponder, Responder
from hbprobe.net.accepted import AcceptedTransport
from hbprobe.net.address import PeerAddress
from hbprobe.net.listener import Listener
from hbprobe.net.liveness import acknowledge_on


class ResponderServer:
    """Takes connections of one protocol; for a lab, where nobody but its probe connects."""

    def __init__(self, new: MakeResponder, tls: ssl.SSLContext | None = None) -> None:
        self._new = new
        self._tls = tls
        self._open: set[AcceptedTransport] = set()
        self._listener = Listener(self._accepted, lambda _, __: None)

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had."""
        return await self._listener.listen(host, port)

    async def listen_on(self, sock: socket.socket) -> None:
        """Take connections on a socket that listens."""
        self._listener.listen_on(sock)

    async def close(self) -> None:
        """Stop, and end every connection at once."""
        self._listener.close()
        for transport in tuple(self._open):
            transport.abort()
        await asyncio.sleep(0)  # which lets them close their sockets

    def _accepted(self, sock: socket.socket, _: PeerAddress) -> None:
        try:
            self._open.add(AcceptedTransport(sock, self._tls, self))
        except (OSError, ValueError):  # gone already
            sock.close()

    def may_shake(self) -> bool:
        """Return that there is always time for a step of a handshake."""
        return True

    def stands(self, transport: AcceptedTransport) -> asyncio.Protocol:
        """Let a responder hear what comes."""
        return _Answering(self._new(), transport)

    def gone(self, transport: AcceptedTransport) -> None:
        """Forget a connection."""
        self._open.discard(transport)


class _Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self, responder: Responder, transport: AcceptedTransport) -> None:
        self._responder, self._transport = responder, transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the responder greet."""
        del transport
        self._transport.write(self._responder.greeting)

    def data_received(self, data: bytes) -> None:
        """Let the responder answer."""
        acknowledge_on(self._transport)
        self._transport.write(self._responder.take(data))
