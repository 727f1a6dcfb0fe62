"""A stage for http boxes: clients and a server that say exactly what the test tells them, a box between them."""

import asyncio
import contextlib
import socket
import ssl

from hbprobe.middlebox.events import FlowExpired, FlowRefused
from hbprobe.middlebox.http.gateway import Gateway
from hbprobe.profiles.model import Profile
from support import boxes

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

_MOMENT_S = 1e-5
"""Too short to count, and long enough on the warp clock for everything to happen that can."""
_DEFAULTS = {
    "client_header": {"expiry": "close"},
    "client_idle": {"expiry": "close", "restarted_by": "client-data"},
    "server_connect": {"expiry": "respond", "status": 503},
    "server_response": {"expiry": "respond", "status": 504, "body": "late"},
    "between_bytes": {"expiry": "close", "restarted_by": "server-data"},
    "tunnel_idle": {"expiry": "close", "restarted_by": "data"},
    "total": {"expiry": "respond", "status": 504, "body": "over"},
    "lifetime": {"expiry": "close"},
}


def make_http_box(http=None, **timers):
    """Make a profile from what matters in a test: `make_http_box(total=30, client_idle={"default": 5, ...})`."""
    written = {}
    for kind, timer in timers.items():
        given = timer if isinstance(timer, dict) else {"default": timer}
        default = _DEFAULTS[kind]
        if given.get("expiry", "respond") != "respond":
            default = {key: value for key, value in default.items() if key not in ("status", "body")}
        written[kind] = {"restarted_by": "nothing", "source": "us"} | default | given
    return Profile.model_validate(
        {
            "id": "box",
            "name": "Box",
            "category": "example",
            "layer": "http",
            "timers": written,
            "http": http or {},
            "sources": {"us": {"grade": "example", "says": "made up"}},
        }
    )


class Peer(boxes.Peer):
    """One end of a plain connection, watched for as long as it takes, and with a clock."""

    async def sees(self, within_s=1e6):
        """Return the next bytes, or `FIN`, `RST`, or `nothing`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                try:
                    return await self._loop.sock_recv(self.sock, 1 << 20) or "FIN"
                except ConnectionResetError:
                    return "RST"
        return "nothing"

    async def sees_all(self, within_s=1e6):
        """Return all bytes that come, what comes after them, and how many seconds all took."""
        began = self._loop.time()
        received = bytearray()
        while isinstance(seen := await self.sees(within_s), bytes):
            received += seen
        return bytes(received), seen, round(self._loop.time() - began, 3)

    async def sees_now(self):
        """Return what has come."""
        received = bytearray()
        while isinstance(seen := await self.sees(_MOMENT_S), bytes):
            received += seen
        return bytes(received) if seen == "nothing" else (bytes(received), seen)


class TlsPeer(Peer):
    """One end of a TLS connection, which tells `FIN` from `FIN, signed`: with close_notify before it."""

    def __init__(self, sock, context, server_name=None):
        super().__init__(sock)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._in, self._out, server_side=server_name is None, server_hostname=server_name
        )
        self._signed = False

    @property
    def protocol(self):
        """What was agreed on."""
        return self._tls.selected_alpn_protocol()

    async def shake(self):
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await super().send(self._out.read())
                if not isinstance(came := await super().sees(), bytes):
                    raise ConnectionError(came) from None
                self._in.write(came)
            else:
                await super().send(self._out.read())
                return self

    async def send(self, data):
        self._tls.write(data)
        await super().send(self._out.read())

    async def send_close_notify(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        await super().send(self._out.read())

    async def sees(self, within_s=1e6):
        received = bytearray()
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                try:
                    while data := self._tls.read(1 << 20):
                        received += data
                    self._signed = True
                except ssl.SSLZeroReturnError:
                    self._signed = True
            if received:
                return bytes(received)
            if not isinstance(came := await super().sees(within_s), bytes):
                return "FIN, signed" if came == "FIN" and self._signed else came
            self._in.write(came)


class HttpStage:
    """A box, an upstream listener behind it, and what the box tells. Checks at its end that nothing was left open."""

    make = Gateway

    def __init__(self, profile, max_flows=None, *, tried_first=(), **options):
        self._profile = profile
        self._tried_first = tried_first
        self._max_flows = max_flows
        self._options = options
        self._socks = []
        self.events = []

    async def __aenter__(self):
        self._loop = asyncio.get_running_loop()
        self._before = boxes.in_use()
        self.listener = self.keep(socket.socket())
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.setblocking(False)
        upstream = [*self._tried_first, self.listener.getsockname()]
        upstream = [(socket.AF_INET, address) for address in upstream]
        self.box = self.make(self._profile, upstream, self.events.append, self._max_flows, **self._options)
        self.address = await self.box.listen("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self.box.close()
        for sock in self._socks:
            sock.close()
        assert len(self.box) == 0
        assert not self.box.closing
        assert boxes.in_use() == self._before, "(readers and writers, descriptors)"

    def keep(self, sock):
        """Close the socket at the end."""
        self._socks.append(sock)
        return sock

    async def client(self, saying=b"", receive_bytes=None):
        """Connect to the box."""
        sock = self.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.connect(self.address)  # the kernel answers, before the box looks
        sock.setblocking(False)
        peer = Peer(sock)
        await peer.send(saying)
        return peer

    def narrow(self):
        """Let the kernel keep little for the box's clients: how much it takes otherwise changes from run to run."""
        for session in self.box._sessions:
            session.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    async def server(self):
        """Accept the next connection from the box."""
        sock, _ = await self._loop.sock_accept(self.listener)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Peer(self.keep(sock))

    async def both(self, saying=GET):
        """Ask something through the box; return both ends and what the server got."""
        client = await self.client(saying)
        server = await self.server()
        return client, server, await server.sees_now()

    async def tls_client(self, context, saying=b""):
        """Connect to the box with TLS."""
        client = await TlsPeer((await self.client()).sock, context, "127.0.0.1").shake()
        await client.send(saying)
        return client

    async def tls_server(self, context):
        """Accept the next connection from the box with TLS."""
        return await TlsPeer((await self.server()).sock, context).shake()

    def server_is_deaf(self):
        """Let nobody connect to the server any more: SYNs are dropped when its queue is full."""
        self.listener.listen(0)
        for _ in range(2):
            sock = self.keep(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(self.listener.getsockname())

    async def nobody_calls(self):
        """Say whether the box has opened no further connection to the server."""
        try:
            async with asyncio.timeout(_MOMENT_S):
                await self.server()
        except TimeoutError:
            return True
        return False

    @property
    def expired(self):
        """What the box told of timers: which, what it did, after how many seconds."""
        return [(str(e.timer), str(e.expiry), round(e.quiet_s, 3)) for e in self.events if isinstance(e, FlowExpired)]

    @property
    def refused(self):
        return [event.reason for event in self.events if isinstance(event, FlowRefused)]

    @property
    def ends(self):
        """How the flows ended that were not ended by the box: closed, reset, refused."""
        return self.box.counts.closed, self.box.counts.reset, self.box.counts.refused
