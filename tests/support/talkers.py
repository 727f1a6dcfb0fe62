"""Servers of every protocol that hbprobe talks in, without I/O: what they say first, and what they answer."""

import h2.config
import h2.connection
import h2.events
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request

KEXINIT = bytes.fromhex("0000000c 0a 14") + bytes(10)
"""Much shorter than a real one; nobody reads what is in it."""
UNIMPLEMENTED = bytes.fromhex("0000000c 06 03 00000000") + bytes(6)
LDAP_DONE = "300c 0201{:02x} 6507 0a0100 0400 0400"


class Server:
    """A server that says the same again and again."""

    greeting = b""

    def take(self, data):
        """Return what is said to it."""
        raise NotImplementedError


class Fixed(Server):
    """One that answers in turn, and then always the last."""

    def __init__(self, greeting, *answers):
        self.greeting = greeting
        self._answers = list(answers)

    def take(self, data):
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class WebSocket(Server):
    """An endpoint of wsproto's."""

    def __init__(self):
        self.connection = WSConnection(ConnectionType.SERVER)

    def take(self, data):
        self.connection.receive_data(data)
        return b"".join(self._said(event) for event in self.connection.events())

    def _said(self, event):
        match event:
            case Request():
                return self.connection.send(AcceptConnection())
            case Ping():
                return self.connection.send(event.response())
        return b""

    def says(self, event):
        return self.connection.send(event)

    def goodbye(self):
        return self.connection.send(CloseConnection(code=1001, reason="going away"))


class Http2(Server):
    """A server of h2's, which acknowledges PINGs by itself."""

    def __init__(self):
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.connection.initiate_connection()

    def take(self, data):
        self.connection.receive_data(data)
        return self.connection.data_to_send()

    def goodbye(self):
        self.connection.close_connection(error_code=0)
        return self.connection.data_to_send()


class Ldap(Server):
    """A directory."""

    def __init__(self):
        self._number = 0

    def take(self, data):
        self._number += 1
        return bytes.fromhex(LDAP_DONE.format(self._number))


class Ssh(Server):
    """A server that has its version, and what it cannot know, answered."""

    greeting = b"SSH-2.0-Example\r\n"

    def take(self, data):
        return KEXINIT if data.startswith(b"SSH-") else UNIMPLEMENTED


SERVERS = {
    "websocket": WebSocket,
    "http2": Http2,
    "mqtt": lambda: Fixed(b"", bytes.fromhex("20020000"), bytes.fromhex("d000")),
    "redis": lambda: Fixed(b"", b"-NOAUTH Authentication required.\r\n"),
    "imap": lambda: Fixed(b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"hb OK NOOP completed.\r\n"),
    "postgresql": lambda: Fixed(b"", b"S", bytes.fromhex("15030300020228")),
    "smtp": lambda: Fixed(b"220-mx.example.net\r\n220 ESMTP\r\n", b"250 2.0.0 Ok\r\n"),
    "ssh": Ssh,
    "ldap": Ldap,
    "raw": lambda: Fixed(b"", b"what?\r\n"),
}
"""How to make one for a connection, by the name of the method."""
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"1e\r\nid: 1\ndata: something to say\n\n\r\n"
SERVERS["sse"] = lambda: Fixed(b"", STREAM)


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
