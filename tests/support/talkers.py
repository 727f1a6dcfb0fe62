"""Servers of every protocol that hbprobe talks in, without I/O: what they say first, and what they answer.

Those of line protocols are hbprobe's own, which a lab has at its far end.
"""

import h2.config
import h2.connection
import h2.events
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request

from hbprobe.trial.methods.table import METHODS


class WebSocket:
    """An endpoint of wsproto's."""

    greeting = b""

    def __init__(self, headers=()):
        """`headers` are those of the answer to the upgrade."""
        self.connection = WSConnection(ConnectionType.SERVER)
        self.headers = list(headers)

    def take(self, data):
        self.connection.receive_data(data)
        return b"".join(self._said(event) for event in self.connection.events())

    def _said(self, event):
        match event:
            case Request():
                return self.connection.send(AcceptConnection(extra_headers=self.headers))
            case Ping():
                return self.connection.send(event.response())
        return b""

    def says(self, event):
        return self.connection.send(event)

    def goodbye(self):
        return self.connection.send(CloseConnection(code=1001, reason="going away"))


class Http2:
    """A server of h2's, which acknowledges PINGs by itself."""

    greeting = b""

    def __init__(self):
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.connection.initiate_connection()

    def take(self, data):
        self.connection.receive_data(data)
        return self.connection.data_to_send()

    def goodbye(self):
        self.connection.close_connection(error_code=0)
        return self.connection.data_to_send()


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"1e\r\nid: 1\ndata: something to say\n\n\r\n"


class Stream:
    """One that begins a stream of events, whatever it is asked for, and says nothing in it."""

    greeting = b""

    def take(self, data):
        return STREAM


SERVERS = {
    "websocket": WebSocket,
    "http2": Http2,
    "sse": Stream,
    **{name: row.responder for name, row in METHODS.items() if row.responder is not None},
}
"""How to make one for a connection, by the name of the method."""


def talking(server):
    """Return a script for a scripted connection: the server talks as long as anyone listens."""

    async def script(connection):
        talker = server()
        if talker.greeting:
            connection.send(talker.greeting)
        while data := await connection.read():
            if said := talker.take(data):
                connection.send(said)

    return script
