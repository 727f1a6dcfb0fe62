"""One end of HTTP/2 that says what a test tells it, and tells what came in few words."""

import h2.config
import h2.connection
import h2.events as e

GET = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")]
POST = [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", "a")]


class Http2End:
    """A client, or a server, on the library h2 alone."""

    def __init__(self, *, client=True):
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=client, header_encoding="utf-8"))
        self.h2.initiate_connection()

    def said(self):
        """Return what is to be sent."""
        return self.h2.data_to_send()

    def ask(self, number=1, headers=GET, *, end=True, data=b""):
        """Begin a stream; return what is to be sent."""
        self.h2.send_headers(number, headers, end_stream=end and not data)
        if data:
            self.h2.send_data(number, data, end_stream=end)
        return self.said()

    def take(self, data):
        """Return what came: (stream, what) where that belongs to a stream, else a word."""
        told = []
        for event in self.h2.receive_data(data):
            match event:
                case e.RequestReceived() | e.ResponseReceived() | e.InformationalResponseReceived():
                    told.append((event.stream_id, dict(event.headers)))
                case e.TrailersReceived():
                    told.append((event.stream_id, ("trailers", dict(event.headers))))
                case e.DataReceived():
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if event.data:
                        told.append((event.stream_id, event.data))
                case e.StreamEnded():
                    told.append((event.stream_id, "end"))
                case e.StreamReset():
                    told.append((event.stream_id, f"reset {event.error_code.name}"))
                case e.ConnectionTerminated():
                    told.append(f"goaway {event.error_code.name}")
                case e.PingAckReceived():
                    told.append("pong")
        return told

    async def on(self, peer, within_s=1e6):
        """Take what a peer of a stage sends next; return what came, FIN and RST included."""
        seen = await peer.sees(within_s)
        return self.take(seen) if isinstance(seen, bytes) else [seen]

    async def all_on(self, peer, within_s=1e6):
        """Take what a peer of a stage sends until it ends or is quiet for so long."""
        told = []
        while not told or told[-1] not in ("FIN", "RST", "nothing", "FIN, signed"):
            told += await self.on(peer, within_s)
        return told
