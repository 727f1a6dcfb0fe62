"""A box of layer http on real sockets: it ends TLS and relays requests until its rules end them.

It has the surface of `Relay`, so that a chain takes both. Each connection of a client's is a `Session`, or an
`Http2Session` of several; this module accepts them, wakes them when they are due, and keeps what belongs to all of
them.
"""

import asyncio
import math
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence

from hbprobe.manner import Act
from hbprobe.middlebox.alarm import Alarm
from hbprobe.middlebox.events import BoxStats, FlowExpired, Observer
from hbprobe.middlebox.expired_ends import DESCRIPTORS, ExpiredEnds
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.graceful_close import GracefulClose
from hbprobe.middlebox.http.http1_proxying import Additions
from hbprobe.middlebox.http.http2_leg import Http2Leg
from hbprobe.middlebox.http.http2_session import Http2Session
from hbprobe.middlebox.http.http_flow import HttpRules
from hbprobe.middlebox.http.http_session import Session
from hbprobe.middlebox.http.leg import Leg, LegEnd, Owner
from hbprobe.middlebox.running_box import FlowState
from hbprobe.net.address import PeerAddress, SocketAddress, peer_name
from hbprobe.net.dial import Dial
from hbprobe.net.listener import Listener
from hbprobe.net.silence import Way, close_with_reset
from hbprobe.net.target import HTTP_1_1, HTTP_2
from hbprobe.net.tls_end import heed_truncation
from hbprobe.profiles.model import Http, Profile


class Gateway:
    """One http box between its clients and one server."""

    def __init__(
        self,
        profile: Profile,
        upstream: Sequence[SocketAddress],
        observer: Observer,
        max_flows: int | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        upstream_tls: ssl.SSLContext | None = None,
        upstream_name: str = "localhost",
        descriptors: int = DESCRIPTORS,
        numbers: Iterator[int] | None = None,
    ) -> None:
        """Make a box that speaks TLS with its clients (`tls`) or plain HTTP, and so with its server.

        `upstream_name` is whom the server's certificate must name; `numbers` are those of connections.
        """
        self._stats = BoxStats(observer, numbers)
        self.counts = self._stats.counts
        for context in filter(None, (tls, upstream_tls)):
            heed_truncation(context)
        self.tls, self.upstream_tls, self.upstream_name = tls, upstream_tls, upstream_name
        self._obey(profile)
        self.closing: set[GracefulClose] = set()
        self._is_cut = False
        self._waiting: list[tuple[int, Dial]] = []
        """What is to connect when it heals, and for which client's connection."""
        self._upstream = upstream
        self._max_flows = max_flows if max_flows is not None else math.inf
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        """The time on the loop's clock."""
        self._expired_ends = ExpiredEnds(lambda kept: self._stats.gives_up_silence(self.now(), kept))
        self._descriptors = descriptors
        self._listener = Listener(self._accepted, self.refused, self._expired_ends.make_room)
        self._sessions: set[Session | Http2Session] = set()
        self._alarm: Alarm[Session | Http2Session] = Alarm(lambda session, now: session.expire(now))

    def __len__(self) -> int:
        """Return the number of clients' connections."""
        return len(self._sessions)

    async def listen(self, host: str, port: int, *, share_port: bool = False) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had."""
        return await self._listener.listen(host, port, share_port=share_port)

    def flows(self) -> list[FlowState]:
        """Return the clients' connections, oldest first."""
        now = self.now()
        return [session.state(now) for session in sorted(self._sessions, key=lambda session: session.number)]

    def change(self, profile: Profile) -> None:
        """Go on by another profile of layer http; connections get its timers, counted from where they are."""
        self._obey(profile)
        for session in self._sessions:
            session.obey(self.rules)
            self.watch(session)

    def expire(self, number: int) -> bool:
        """Do now to a connection what its next timer would; False when there is no such connection, or no timer."""
        found = next((session for session in self._sessions if session.number == number), None)
        return found is not None and found.expire(self.now())

    def expire_all(self) -> int:
        """Do now to all connections what their next timers would; return to how many."""
        now = self.now()
        return sum(session.expire(now) for session in sorted(self._sessions, key=lambda session: session.number))

    def blackhole(self) -> None:
        """Let nothing pass in any direction and answer nothing, as if cables were cut, until `heal`.

        Timers run on. What the box says meanwhile arrives when it heals, as TCP sends it again, but RST, which is
        lost.
        """
        if not self._is_cut:
            self._is_cut = True
            self._listener.go_dark()
            self._see_who_is_dark()

    def heal(self) -> None:
        """Let everything pass again; what the ends have sent meanwhile, they send again."""
        if self._is_cut:
            self._is_cut = False
            self._listener.come_back()
            self._see_who_is_dark()

    def _see_who_is_dark(self) -> None:
        """Let what has come into a black hole stand still, and what has left one go on."""
        for number, connection in list(self._connections()):
            self._expired_ends.still(connection, is_dark=self.is_dark(number))
        waiting, self._waiting = self._waiting, []
        for number, dial in waiting:
            if self.is_dark(number):
                self._waiting.append((number, dial))
            else:
                dial.begin()

    def _connections(self) -> Iterator[tuple[int, Leg | GracefulClose]]:
        """Yield all that has a socket, each with the number of the client's connection to which it belongs."""
        for session in self._sessions:
            for leg in reversed(session.legs()):  # what the client said may end both, and the server is to hear of it
                yield session.number, leg
        for closing in self.closing:
            yield closing.number, closing

    def drain(self) -> None:
        """Take no more connections; those that there are go on."""
        self._listener.close()

    def close(self) -> None:
        """Take no more connections, and reset those that are left."""
        self._listener.close()
        self._alarm.close()
        for session in tuple(self._sessions):
            self._forget(session)
            session.reset()
        for connection in tuple(self.closing):
            connection.cut_short()
        self._expired_ends.close()

    def _obey(self, profile: Profile) -> None:
        http = profile.http or Http()
        self.takes_http2 = http.http2 is None or http.http2.spoken
        if self.tls is not None:
            self.tls.set_alpn_protocols([HTTP_2, HTTP_1_1] if self.takes_http2 else [HTTP_1_1])
        self.pings_count = http.http2 is not None and bool(http.http2.pings_count)
        self.profile = profile
        self.rules = HttpRules.of(profile)
        self.additions = Additions(http.via, http.forwarded_for)

    def _accepted(self, client: socket.socket, _: PeerAddress) -> None:
        if len(self._sessions) + len(self.closing) >= self._max_flows:
            name = peer_name(client)
            close_with_reset(client)
            self.refused(name, f"all {self._max_flows} flows are in use")
            return
        number = self._stats.opened()
        try:
            peer = client.getpeername()
            session = Session(self, number, peer, lambda session: self.client_leg(session, client))
        except OSError:  # gone already
            client.close()
            self.counts.reset += 1
            return
        self._sessions.add(session)
        self._expired_ends.keep_at_most(self._descriptors - 2 * len(self._sessions))
        if self.is_dark(number):
            for leg in session.legs():
                self._expired_ends.still(leg, is_dark=True)
        self.watch(session)

    def _forget(self, session: Session | Http2Session) -> None:
        self._sessions.discard(session)
        self._alarm.forget(session)

    # What sessions need

    def client_leg(self, session: Session, sock: socket.socket) -> Leg:
        """Take over a client's connection; raises OSError when it is gone already."""
        return Leg(sock, session, self.closing, self.tls)

    def is_dark(self, number: int) -> bool:
        """Return whether nothing passes of a client's connection, until it heals."""
        del number
        return self._is_cut

    def dial(self, number: int, connected: Callable[[socket.socket], None], failed: Callable[[str], None]) -> Dial:
        """Connect to the server for a client's connection."""
        waits = self.is_dark(number)
        dial = Dial(self._upstream, self._expired_ends.new_socket, connected, failed, waits=waits)
        if waits:
            self._waiting.append((number, dial))
        return dial

    def darken(self, sock: socket.socket) -> None:
        """Let a socket answer nothing until it heals."""
        self._expired_ends.mute(sock, heals=True)

    def mute(self, sock: socket.socket) -> Way | None:
        """Let a socket answer nothing any more; return how."""
        return self._expired_ends.end(sock, Act.MUTE, has_ended=False)

    def received(self, side: Side, count: int) -> None:
        """Count bytes."""
        self._stats.received(side, count)

    def refused(self, client: str, reason: str) -> None:
        """Take note that a client or its request was refused, or that the server failed it."""
        self._stats.refused(self.now(), client, reason)

    def expired(self, event: FlowExpired) -> None:
        """Take note that a timer ran out."""
        self._stats.expired(event)

    def server_leg(self, sock: socket.socket, session: Session) -> Leg:
        """Take over a connection to the server that is to speak HTTP/1.1."""
        return self._leg_to_server(sock, session, [HTTP_1_1])

    def http2_leg(self, sock: socket.socket, session: Session) -> Http2Leg:
        """Take over a connection to the server for a stream of HTTP/2: TLS agrees on what is spoken.

        Without TLS gRPC is told in HTTP/2, which has no other way, everything else in HTTP/1.1.
        """
        known = self.upstream_tls is None and session.is_grpc
        return Http2Leg(
            session, lambda owner: self._leg_to_server(sock, owner, [HTTP_2, HTTP_1_1]), self.now, known=known
        )

    def _leg_to_server(self, sock: socket.socket, owner: Owner, protocols: list[str]) -> Leg:
        if self.upstream_tls is not None:  # each connection keeps what it began with
            self.upstream_tls.set_alpn_protocols(protocols)
        return Leg(sock, owner, self.closing, self.upstream_tls, self.upstream_name)

    def speaks_http2(self, session: Session, data: bytes) -> None:
        """Let a client go on in HTTP/2."""
        client = session.client
        assert isinstance(client, Leg)
        self._forget(session)
        taken = Http2Session(self, session.number, session.peer, client, session.flow.opened_at)
        self._sessions.add(taken)
        taken.came(client, data)
        self.watch(taken)

    def over(self, session: Session | Http2Session, end: LegEnd | None) -> None:
        """Forget a session that `end` of one of its ends has ended, or the box (None)."""
        self._forget(session)
        match end:
            case LegEnd.FIN | LegEnd.TRUNCATED:
                self.counts.closed += 1
            case LegEnd.RST | LegEnd.GAVE_UP:
                self.counts.reset += 1

    # The alarm

    def watch(self, session: Session | Http2Session) -> None:
        """Look again at when a session is due."""
        if session in self._sessions:
            self._alarm.watch(session)
