"""One client's connection to an http box over HTTP/2: its streams, each a `Session` of one request, and its timers.

While a stream is open, the timers of its request run; the box ends that stream then, with a status or RST_STREAM, and
the others go on. While none is, a timer of the connection runs: before the first request that of a head, or the one
between requests in a box without; afterwards that one. The box ends the connection by it with GOAWAY and FIN, or RST,
or without a word. The lifetime runs always. PINGs and settings the box answers itself: they reach no server, and set
no timer back but where the profile says so.
"""

import math
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from hbprobe.manner import Act
from hbprobe.middlebox.events import FlowExpired
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.http.http1_proxying import Additions
from hbprobe.middlebox.http.http2_leg import Http2Leg, StreamLeg
from hbprobe.middlebox.http.http_flow import HttpFlow, HttpPhase, HttpRules
from hbprobe.middlebox.http.http_session import Session, SessionHost, expiry_of
from hbprobe.middlebox.http.leg import Leg, LegEnd
from hbprobe.middlebox.rules import Rule
from hbprobe.middlebox.running_box import FlowState, due_in
from hbprobe.net.address import name_of
from hbprobe.net.dial import Dial
from hbprobe.net.http2_streams import Came, Drained, Http2Streams, Over, Reset
from hbprobe.net.silence import Way

_OF_THE_CONNECTION = (HttpPhase.HEADER, HttpPhase.IDLE)
"""The phases whose timers end the whole connection; those of the others end a stream."""


class Http2Host(SessionHost, Protocol):
    """What a box must have for such a connection, beside what sessions need."""

    pings_count: bool
    """A frame that belongs to no request restarts the timer between requests."""

    def watch(self, session: "Session | Http2Session") -> None:
        """Look again at when a connection is due."""

    def over(self, session: "Session | Http2Session", end: LegEnd | None) -> None:
        """Forget a connection that `end` of its client has ended, or the box (None)."""

    def http2_leg(self, sock: socket.socket, session: Session) -> Http2Leg:
        """Take over a connection to the server for a stream."""
        ...


class Http2Session:
    """A client's connection, from its first byte on."""

    takes_http2 = False
    """Within a stream nothing else is spoken."""

    def __init__(self, box: Http2Host, number: int, peer: tuple[Any, ...], client: Leg, opened_at: float) -> None:
        """Take over a client's connection."""
        self.number = number
        self.watched_at = math.inf
        self.streams = Http2Streams(is_client=False)
        self._box = box
        self.peer = peer
        self._client = client
        self._sessions: dict[int, Session] = {}
        self.rules: HttpRules = box.rules
        self.flow = HttpFlow(box.rules, opened_at)
        self.obey(box.rules)
        client.owner = self

    def obey(self, rules: HttpRules) -> None:
        """Go by these rules from now on, the connection by some of them, its streams by the others."""
        of_us = [rule if phase in _OF_THE_CONNECTION else None for phase, rule in enumerate(rules.by_phase)]
        of_us[HttpPhase.HEADER] = of_us[HttpPhase.HEADER] or of_us[HttpPhase.IDLE]
        of_streams = [None if phase in _OF_THE_CONNECTION else rule for phase, rule in enumerate(rules.by_phase)]
        self.flow.rules = replace(rules, by_phase=tuple(of_us), total=None)
        self.rules = replace(rules, by_phase=tuple(of_streams), lifetime=None)
        for session in self._sessions.values():
            session.obey(self.rules)

    @property
    def client_name(self) -> str:
        """The client's address."""
        return name_of(self.peer)

    def due(self) -> float:
        """Return when a timer of this connection, or of a stream, runs out."""
        return min(flow.due() for flow in self._flows())

    def state(self, now: float) -> FlowState:
        """Return what can be told of this connection."""
        count = len(self._sessions)
        return FlowState(
            number=self.number,
            client=self.client_name,
            phase=f"{count} stream{'s' if count > 1 else ''}" if count else self.flow.phase.name.lower(),
            age_s=now - self.flow.opened_at,
            quiet_s=now - max(flow.restarted_at for flow in self._flows()),
            due_in_s=due_in(self.due(), now),
        )

    def reset(self) -> None:
        """End everything with RST."""
        for session in self._drop_streams():
            session.reset()
        self._client.reset()

    def legs(self) -> list[Leg]:
        """Return the connections of TCP that there are."""
        return [self._client, *(leg for session in self._sessions.values() for leg in session.legs())]

    def expire(self, now: float) -> bool:
        """Do what the box does when the next timer runs out, as if that were now; False when none runs."""
        first = min(self._sessions.values(), key=Session.due, default=None)
        if first is not None and first.due() < self.flow.due():
            return first.expire(now)
        rule = self.flow.next_rule()
        if rule is None:
            return False
        self._box.expired(self._apply(rule, now))
        return True

    @property
    def is_blocked(self) -> bool:
        """Whether the client does not take what is sent to it."""
        return self._client.blocked

    def flush(self) -> None:
        """Send the frames that there are to send."""
        if data := self.streams.data_to_send():
            self._client.send(data)

    # What the leg tells

    def stands(self, leg: Leg) -> None:
        """Do nothing: what was said in it came after TLS stood."""

    def came(self, leg: Leg, data: bytes) -> None:
        """Take frames."""
        del leg
        now = self._box.now()
        self._box.received(Side.CLIENT, len(data))
        if self._box.pings_count:
            self.flow.restarted_at = now
        told = self.streams.take(data, now)
        self.flush()
        for event in told:
            match event:
                case Came(stream=number, data=said):
                    session = self._sessions.get(number) or self._begin(number)
                    session.came(session.client, said)
                case Drained(stream=number) if number in self._sessions:
                    session = self._sessions[number]
                    session.drained(session.client)
                case Reset(stream=number, reason=reason) if number in self._sessions:
                    session = self._sessions[number]
                    session.ended(session.client, LegEnd.RST, reason)
                case Over(reason=reason, by_peer=by_peer):
                    if not by_peer:
                        self._box.refused(self.client_name, f"HTTP/2: {reason}")
                    self._end(LegEnd.FIN if by_peer else None)
                    return
        self._balance()

    def drained(self, leg: Leg) -> None:
        """Take note that what waited for the client has been taken."""
        del leg
        for session in tuple(self._sessions.values()):
            session.drained(session.client)
        self._balance()

    def ended(self, leg: Leg, end: LegEnd, detail: str) -> None:
        """Take note that the client has ended its connection."""
        del leg
        if end is LegEnd.TLS:
            self._box.refused(self.client_name, f"TLS: {detail}")
        self._end(end)

    def _balance(self) -> None:
        """Read no more from a client that does not take what is sent to it."""
        if self._client.is_gone:
            return
        if self._client.blocked:
            self._client.pause()
        else:
            self._client.resume()
        self._box.watch(self)

    # Streams

    def _flows(self) -> list[HttpFlow]:
        return [self.flow, *(session.flow for session in self._sessions.values())]

    def _begin(self, number: int) -> Session:
        session = Session(self, self.number, self.peer, lambda _: StreamLeg(self, number))
        self._sessions[number] = session
        self._note_streams()
        return session

    def _note_streams(self) -> None:
        """Note whether a request is under way."""
        now = self._box.now()
        if not self._sessions:
            self.flow.answer_ended(now)
        elif self.flow.phase in _OF_THE_CONNECTION:
            self.flow.head(now, connected=True)

    def _drop_streams(self) -> list[Session]:
        sessions, self._sessions = list(self._sessions.values()), {}
        return sessions

    # Ending

    def _apply(self, rule: Rule, now: float) -> FlowExpired:
        told, way = expiry_of(self.flow, rule, self.number, self.client_name, now), None
        act = Act.CLOSE if rule.status is not None else rule.acts[Side.CLIENT]
        match act:
            case Act.MUTE:
                self._end_streams()
                way = self._client.hush(self._box.mute)
                self._box.over(self, None)
            case Act.RESET:
                self._end_streams()
                if self._box.is_dark(self.number):
                    self._client.hush(self._box.mute)
                else:
                    self._client.reset()
                self._box.over(self, None)
            case _:
                self.streams.go_away()
                self._end(None)
        return told if way is None else replace(told, ways=frozenset({way}))

    def _end(self, end: LegEnd | None) -> None:
        """End what is left, with GOAWAY where that is said; `end` is how the client wished it."""
        self._end_streams()
        self.flush()
        self._client.leave(linger=end is None)
        self._box.over(self, end)

    def _end_streams(self) -> None:
        for session in self._drop_streams():
            session.end_with_client()

    # What the sessions of its streams need

    @property
    def additions(self) -> Additions:
        """What is added to heads."""
        return self._box.additions

    def is_dark(self, number: int) -> bool:
        """Return whether nothing passes."""
        return self._box.is_dark(number)

    def now(self) -> float:
        """Return the time on the loop's clock."""
        return self._box.now()

    def dial(self, number: int, connected: Callable[[socket.socket], None], failed: Callable[[str], None]) -> Dial:
        """Connect to the server."""
        return self._box.dial(number, connected, failed)

    def server_leg(self, sock: socket.socket, session: Session) -> Http2Leg:
        """Take over a connection to the server."""
        return self._box.http2_leg(sock, session)

    def mute(self, sock: socket.socket) -> Way | None:
        """Let a socket answer nothing any more."""
        return self._box.mute(sock)

    def darken(self, sock: socket.socket) -> None:
        """Let a socket answer nothing until it heals."""
        self._box.darken(sock)

    def watch(self, session: Session) -> None:
        """Look again at when a stream is due."""
        del session
        self._box.watch(self)

    def received(self, side: Side, count: int) -> None:
        """Count bytes of the server's; the client's were counted as they came."""
        if side is Side.SERVER:
            self._box.received(side, count)

    def refused(self, client: str, reason: str) -> None:
        """Take note that a request was refused, or that the server failed it."""
        self._box.refused(client, reason)

    def expired(self, event: FlowExpired) -> None:
        """Take note that a timer ran out."""
        self._box.expired(event)

    def over(self, session: Session, end: LegEnd | None) -> None:
        """Forget a stream."""
        del end
        found = next((number for number, known in self._sessions.items() if known is session), None)
        if found is not None:
            del self._sessions[found]
            self._note_streams()

    def speaks_http2(self, session: Session, data: bytes) -> None:
        """Do nothing: within a stream nothing else is spoken."""
