"""One client's connection to an http box, and the connection to the server behind it.

There is one connection to the server, opened with the first request, and again when the server has closed it in
between. Requests are served one at a time: what comes behind the first one waits. A stream of HTTP/2 is such a
connection, too, of one request.

What the box does of its own accord follows its rules. For the rest it does as nginx and HAProxy were seen to do: a
server that ends the connection in the middle of an answer, with FIN or RST, costs the client the rest of the answer,
and then FIN; for one that ends it before, the box answers 502.
"""

import math
import socket
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Protocol

from hbprobe.manner import Act
from hbprobe.middlebox.events import FlowExpired
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.http.http1 import MessageError
from hbprobe.middlebox.http.http1_proxying import Additions, own_answer
from hbprobe.middlebox.http.http2_leg import Http2Leg, StreamLeg
from hbprobe.middlebox.http.http_exchange import HttpExchange
from hbprobe.middlebox.http.http_flow import HttpFlow, HttpPhase, HttpRules
from hbprobe.middlebox.http.leg import Leg, LegEnd
from hbprobe.middlebox.rules import Rule
from hbprobe.middlebox.running_box import FlowState, due_in
from hbprobe.net.address import name_of
from hbprobe.net.dial import Dial
from hbprobe.net.http2_streams import PREFACE
from hbprobe.net.silence import Way

_WAITING_BYTES = 64 * 1024
"""When so much of a request waits, for a connection to the server or for the answer before it, we read no more."""


AnyLeg = Leg | Http2Leg | StreamLeg


class SessionHost(Protocol):
    """What the sessions of a box need of it: what is the same for all of them, and what they tell it."""

    rules: HttpRules
    takes_http2: bool
    """A client may begin with HTTP/2."""

    @property
    def additions(self) -> Additions:
        """What is added to heads."""
        ...

    def is_dark(self, number: int) -> bool:
        """Return whether nothing passes of a client's connection: not a byte, FIN or RST, until it heals."""
        ...

    def now(self) -> float:
        """Return the time on the loop's clock."""
        ...

    def dial(self, number: int, connected: Callable[[socket.socket], None], failed: Callable[[str], None]) -> Dial:
        """Connect to the server for a client's connection."""
        ...

    def server_leg(self, sock: socket.socket, session: "Session") -> Leg | Http2Leg:
        """Take over a connection to the server; raises OSError when it is gone already."""
        ...

    def mute(self, sock: socket.socket) -> Way | None:
        """Let a socket answer nothing any more; return how."""
        ...

    def darken(self, sock: socket.socket) -> None:
        """Let a socket answer nothing until it heals."""

    def watch(self, session: "Session") -> None:
        """Look again at when a session is due."""

    def received(self, side: Side, count: int) -> None:
        """Count bytes."""

    def refused(self, client: str, reason: str) -> None:
        """Take note that a client's request was refused, or that the server failed it."""

    def expired(self, event: FlowExpired) -> None:
        """Take note that a timer ran out."""

    def over(self, session: "Session", end: LegEnd | None) -> None:
        """Forget a session that `end` of one of its ends has ended, or the box (None)."""

    def speaks_http2(self, session: "Session", data: bytes) -> None:
        """Take over from a session whose client begins with HTTP/2: its connection, and what came on it."""


class Session:
    """A client's connection, from the moment when TCP stands, or one stream of it."""

    def __init__(
        self, box: SessionHost, number: int, peer: tuple[Any, ...], client: "Callable[[Session], Leg | StreamLeg]"
    ) -> None:
        """Take over a client's connection, which `client` makes for us; what that raises passes."""
        self.number = number
        self.peer = peer
        self.flow = HttpFlow(box.rules, box.now())
        self.watched_at = math.inf
        self._box = box
        self.client = client(self)
        self._may_be_http2 = box.takes_http2
        self._server: Leg | Http2Leg | None = None
        self._dial: Dial | None = None
        self._outbox = b""
        """What waits until the connection to the server stands."""
        self._from_client = b""
        self._from_server = b""
        """What has come and cannot be used yet."""
        self._next_exchange()

    @property
    def client_name(self) -> str:
        """The client's address."""
        return name_of(self.peer)

    @property
    def is_grpc(self) -> bool:
        """Whether the request is one of gRPC, which speaks HTTP/2 everywhere."""
        head = self._exchange.head
        return head is not None and any(kind.startswith(b"application/grpc") for kind in head.values(b"content-type"))

    def obey(self, rules: HttpRules) -> None:
        """Go by these rules from now on."""
        self.flow.rules = rules

    def due(self) -> float:
        """Return when a timer of this connection runs out."""
        return self.flow.due()

    def state(self, now: float) -> FlowState:
        """Return what can be told of this connection."""
        return FlowState(
            number=self.number,
            client=self.client_name,
            phase=self.flow.phase.name.lower(),
            age_s=now - self.flow.opened_at,
            quiet_s=now - self.flow.restarted_at,
            due_in_s=due_in(self.flow.due(), now),
        )

    def reset(self) -> None:
        """End both connections with RST."""
        for leg in self.legs():
            leg.reset()
        self._end_server(Act.RESET)

    def end_with_client(self) -> None:
        """End the server's side of a stream whose connection the box has ended."""
        self._give_up()

    def legs(self) -> list[Leg]:
        """Return the connections of TCP that there are."""
        found = [self.client] if isinstance(self.client, Leg) else []
        return found if self._server is None else [*found, self._server.tcp]

    # What the legs tell

    def stands(self, leg: AnyLeg) -> None:
        """Take note that TLS stands."""
        if leg is self._server:
            self._connected()
            self._balance()

    def came(self, leg: AnyLeg, data: bytes) -> None:
        """Take what an end sent."""
        side = Side.CLIENT if leg is self.client else Side.SERVER
        self._box.received(side, len(data))
        self.flow.moved(side, self._box.now())
        if side is Side.CLIENT:
            self._from_client += data
            if self._may_be_http2 and self._is_http2():
                return
            self._serve()
        else:
            self._from_server += data
            self._take_answer()
        self._balance()

    def _is_http2(self) -> bool:
        """Say whether the client begins with HTTP/2, or may do so; once it does, it is another's client."""
        begun = self._from_client[: len(PREFACE)]
        if begun == PREFACE:
            self._box.speaks_http2(self, self._from_client)
        self._may_be_http2 = PREFACE.startswith(begun)
        return self._may_be_http2

    def drained(self, leg: AnyLeg) -> None:
        """Take note that what waited for an end has been taken."""
        if leg is self._server:
            self._note_end_of_request()
        elif self._exchange.answer_is_done:
            self._finish()
        self._balance()

    def ended(self, leg: AnyLeg, end: LegEnd, detail: str) -> None:
        """Take note that an end has ended its connection."""
        if leg is self.client:
            self._client_left(end, detail)
        else:
            self._server_left(end, detail)
            self._balance()

    def _balance(self) -> None:
        """Read from each end as fast as the other takes it, and not faster."""
        server, is_held = self._server, self.client.blocked
        waiting = len(self._outbox) >= _WAITING_BYTES if server is None else server.blocked
        too_early = len(self._from_client) >= _WAITING_BYTES and self._exchange.request_is_done
        if waiting or too_early:
            self.client.pause()
        else:
            self.client.resume()
        if server is not None:
            if is_held:
                server.pause()
            else:
                server.resume()
        if is_held != self.flow.held:
            self.flow.hold(is_held, self._box.now())
        self._box.watch(self)

    # Requests

    def _next_exchange(self) -> None:
        self._exchange = HttpExchange(str(self.peer[0]), self._box.additions)
        self._is_fresh = False
        """The connection to the server serves its first request."""
        self._tries = 0
        """How often the request was sent again because a timer ran out."""

    def _serve(self) -> None:
        """Take what belongs to the request that is served, or to the next one."""
        exchange, now = self._exchange, self._box.now()
        if exchange.request_is_done and not exchange.is_tunnel:
            return
        began = exchange.head is None
        try:
            onward, self._from_client = exchange.take_request(self._from_client)
        except MessageError as error:
            self._refuse(error)
            return
        if began and (exchange.head is not None or self._from_client):
            self.flow.request_began(now)
        if began and exchange.head is not None:
            if self._server is not None and self._server.has_unread():
                self._end_server(Act.CLOSE)
            self.flow.head(now, connected=self._server is not None)
        if onward:
            self._send_on(onward)

    def _refuse(self, error: MessageError) -> None:
        self._box.refused(self.client_name, f"{error.status.value}: {error}")
        self._answer_ourselves(error.status, keep=False)

    def _send_on(self, data: bytes) -> None:
        if self._server is not None:
            self._server.send(data)
            self._note_end_of_request()
        else:
            self._outbox += data
            if self._dial is None:
                self._connect()

    def _note_end_of_request(self) -> None:
        server = self._server
        if self._exchange.request_is_done and server is not None and not (server.is_shaking or server.blocked):
            self.flow.request_ended(self._box.now())

    # The connection to the server

    def _connect(self) -> None:
        self._is_fresh = True
        self._from_server = b""
        self._dial = self._box.dial(self.number, self._dialled, self._unreachable)

    def _dialled(self, sock: socket.socket) -> None:
        self._dial = None
        try:
            self._server = self._box.server_leg(sock, self)
        except OSError as error:  # gone already
            sock.close()
            self._unreachable(f"upstream: {error}")
            return
        if self._box.is_dark(self.number):
            self._server.stand_still()
            self._box.darken(self._server.sock)
        self._server.send(self._outbox)
        self._outbox = b""
        if not self._server.is_shaking:
            self._connected()
        self._balance()

    def _connected(self) -> None:
        self.flow.connected(self._box.now())
        self._note_end_of_request()

    def _unreachable(self, reason: str) -> None:
        self._dial = None
        self._fail(reason)
        self._balance()

    def _fail(self, reason: str) -> None:
        """Answer for a server that does not."""
        self._box.refused(self.client_name, reason)
        self._answer_ourselves(HTTPStatus.BAD_GATEWAY, keep=self._box.rules.keeps_client)

    def _send_again(self, replay: bytes) -> None:
        """Send the request once more, on a fresh connection."""
        self._end_server(self._box.rules.server_act)
        self._outbox = replay
        self.flow.connecting(self._box.now())
        self._connect()

    def _server_left(self, end: LegEnd, detail: str) -> None:
        exchange, is_owed = self._exchange, self._exchange.is_owed
        if end is LegEnd.FIN:
            exchange.server_ended()
        if not is_owed:
            self._end_server(Act.CLOSE)
        elif exchange.answer_is_done:
            self._end_server(Act.CLOSE)
            self._finish()
        elif exchange.answer is not None:
            self._leave(end)
        elif exchange.replay and exchange.may_be_repeated and not self._is_fresh:
            self._send_again(exchange.replay)  # the server closed while the request was on its way
        else:
            said = ", ".join(filter(None, (end, detail)))
            self._fail(f"upstream ended the connection without an answer: {said}")

    def _end_server(self, act: Act) -> None:
        if self._dial is not None:
            self._dial.cancel()
            self._dial = None
        self._outbox = b""
        server, self._server = self._server, None
        if server is not None:
            if act is Act.RESET:
                self._reset(server)
            else:
                server.leave()

    def _give_up(self) -> None:
        """End the server's side of what is under way, as the profile says, or of nothing, as anybody does."""
        self._end_server(Act.CLOSE if self._exchange.head is None else self._box.rules.server_act)

    # Answers

    def _take_answer(self) -> None:
        exchange = self._exchange
        if not exchange.is_owed:
            self._end_server(Act.CLOSE)
            return
        try:
            onward, self._from_server = exchange.take_answer(self._from_server)
        except MessageError as error:
            self._fail(f"upstream: {error}")
            return
        self.client.send(onward)
        if exchange.answer_is_showing:
            self.flow.answer_began(self._box.now())
        if exchange.is_tunnel and self.flow.phase is not HttpPhase.TUNNEL:
            self.flow.upgraded(self._box.now())
            self._serve()
        elif exchange.answer_is_done:
            self._finish()

    def _finish(self) -> None:
        """Go on to the next request, once the client has taken the answer to this one."""
        exchange = self._exchange
        if self.client.blocked:
            return
        if self._from_server or not (exchange.keeps_server and exchange.request_is_done):
            self._end_server(Act.CLOSE)  # what is left would become the answer to the next request
        if exchange.keeps_client and not self.client.is_of_one_request:
            self._go_on()
        else:
            self._leave(LegEnd.FIN)

    def _go_on(self) -> None:
        self.flow.answer_ended(self._box.now())
        self._next_exchange()
        if self._from_client:
            self._serve()

    def _answer_ourselves(self, status: int, body: str = "", *, keep: bool) -> None:
        """Give the client a status, or cut its answer short where that has begun."""
        exchange = self._exchange
        self._give_up()
        if exchange.answer is not None or self.client.is_shaking:
            self._leave(None)
            return
        keep = keep and exchange.may_be_followed and not self.client.is_of_one_request
        is_head = exchange.head is not None and exchange.head.method == b"HEAD"
        self.client.send(own_answer(status, body, keep=keep, to_head=is_head))
        if keep:
            self._go_on()
        else:
            self._leave(None)

    # Ending

    def expire(self, now: float) -> bool:
        """Do what the box does when the next timer runs out, as if that were now; False when none runs."""
        rule = self.flow.next_rule()
        if rule is None:
            return False
        if self._exchange.replay and rule.retries > self._tries:
            self._tries += 1
            self._send_again(self._exchange.replay)
        else:
            self._box.expired(self._apply(rule, now))
        self._box.watch(self)
        return True

    def _apply(self, rule: Rule, now: float) -> FlowExpired:
        told = expiry_of(self.flow, rule, self.number, self.client_name, now)
        if rule.status is not None:
            self._answer_ourselves(rule.status, rule.body, keep=self._box.rules.keeps_client)
            return told
        return replace(told, ways=frozenset(way for way in self._end_as(rule.acts) if way is not None))

    def _end_as(self, acts: tuple[Act, Act]) -> set[Way | None]:
        """End both sides; return how those were silenced that were to be."""
        ways: set[Way | None] = set()
        if acts[Side.SERVER] is Act.MUTE and self._server is not None:
            ways.add(self._server.hush(self._box.mute))
            self._server = None
        self._end_server(acts[Side.SERVER])
        match acts[Side.CLIENT]:
            case Act.MUTE:
                ways.add(self.client.hush(self._box.mute))
            case Act.RESET:
                self._reset(self.client)
        self._leave(None)
        return ways

    def _client_left(self, end: LegEnd, detail: str) -> None:
        if end is LegEnd.TLS:
            self._box.refused(self.client_name, f"TLS: {detail}")
        if end is LegEnd.FIN:
            self._end_server(Act.CLOSE)
        else:
            self._give_up()
        self._leave(end)

    def _leave(self, end: LegEnd | None) -> None:
        """End what is left; `end` is who wished it, as the box is to be told."""
        exchange = self._exchange
        self._give_up()
        is_cut_short = exchange.answer is not None and not exchange.answer_is_done
        if is_cut_short and exchange.ends_with_connection and not self.client.is_of_one_request:
            self._reset(self.client)  # FIN would tell the client that its answer is whole
        else:
            is_sending = bool(self._from_client) or (exchange.head is not None and not exchange.request_is_done)
            self.client.leave(complete=not is_cut_short, linger=is_sending)
        self._box.over(self, end)

    def _reset(self, leg: AnyLeg) -> None:
        """Send RST; in the dark it is lost, and the end hears nothing any more."""
        if self._box.is_dark(self.number) and not leg.is_gone:
            leg.hush(self._box.mute)
        else:
            leg.reset()


def expiry_of(flow: HttpFlow, rule: Rule, number: int, client: str, now: float) -> FlowExpired:
    """Return what is to be told of a timer that runs out, before anything is done of it."""
    return FlowExpired(
        at_s=now,
        number=number,
        client=client,
        timer=rule.kind,
        expiry=rule.expiry,
        age_s=now - flow.opened_at,
        quiet_s=now - flow.running_since(rule),
        ways=frozenset(),
    )
