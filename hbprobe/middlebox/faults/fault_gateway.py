"""A box of layer http that is given toxics while it runs: stages between the client and the box, and a black hole."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hbprobe.middlebox.alarm import Alarm
from hbprobe.middlebox.events import FlowExpired, Observer
from hbprobe.middlebox.faults.staged_leg import LegPipe, StagedLeg
from hbprobe.middlebox.faults.staged_relay import What
from hbprobe.middlebox.faults.toxic_box import Note, ToxicBox, connection_document
from hbprobe.middlebox.graceful_close import GracefulClose
from hbprobe.middlebox.http.gateway import Gateway
from hbprobe.middlebox.http.http2_session import Http2Session
from hbprobe.middlebox.http.http_session import Session
from hbprobe.middlebox.http.leg import Leg, LegEnd
from hbprobe.net.address import SocketAddress
from hbprobe.profiles.model import Profile

_HOW = {
    LegEnd.FIN: "closed",
    LegEnd.TRUNCATED: "closed",
    LegEnd.RST: "reset",
    LegEnd.GAVE_UP: "reset",
    LegEnd.TLS: "refused",
    None: "refused",
}
"""How a connection ended, by who wished it; the box itself does where it refuses a request, if no timer ran out."""


class FaultGateway(Gateway, ToxicBox):
    """An http box with toxics."""

    def __init__(
        self,
        profile: Profile,
        upstream: Sequence[SocketAddress],
        observer: Observer,
        max_flows: int | None = None,
        *,
        seed: str,
        note: Note,
        of: Mapping[str, object],
        **more: Any,  # noqa: ANN401  as Gateway takes them
    ) -> None:
        """`seed`: which connections are hit; `note` is called as `EventFeed.note`, with `of`: what the box is."""
        ToxicBox.__init__(self, seed, note, of)
        self._legs: dict[int, tuple[Session, StagedLeg]] = {}
        """Clients' connections, also those that only stages hold."""
        self._ended: dict[int, tuple[Session | Http2Session, LegEnd | None, FlowExpired | None]] = {}
        """Those of which nobody was told yet: a timer that ended one is told of right after it."""
        Gateway.__init__(self, profile, upstream, self._observed(observer), max_flows, **more)
        self._due: Alarm[LegPipe] = Alarm(lambda pipe, _: pipe.leg.pump(pipe))

    def connections(self) -> list[dict[str, Any]]:
        """Return the clients' connections as documents: their state, what degrades them, what is held of them."""
        found = []
        for flow in self.flows():
            leg = self._legs[flow.number][1]
            found.append(connection_document(flow, leg.names, (leg.pipes[0].held, leg.pipes[1].held)))
        return found

    def close(self) -> None:
        """Take no more connections, and reset those that are left."""
        sessions = tuple(self._sessions)
        super().close()
        self._due.close()
        for _, leg in tuple(self._legs.values()):
            leg.cut_short()
        for number in tuple(self._ended):
            self._tell_end(number)
        for session in sessions:
            self._tell(session, What.ENDED, how="stopped")

    def _connections(self) -> Iterator[tuple[int, Leg | GracefulClose]]:
        yield from super()._connections()
        for session, leg in self._legs.values():
            if leg.has_left:
                yield session.number, leg

    def is_dark(self, number: int) -> bool:
        """Return whether nothing passes of a client's connection, until it heals."""
        return super().is_dark(number) or bool(self.toxics.dark(number))

    def _treat_flows(self) -> None:
        for session, leg in tuple(self._legs.values()):
            self._treat(session, leg)
        self._see_who_is_dark()
        if self.toxics.all_dark:
            self.blackhole()
        else:
            self.heal()

    def _treat(self, session: Session, leg: StagedLeg) -> None:
        hit = self.toxics.hit(session.number)
        before, leg.names = leg.names, [toxic.name for toxic in hit]
        if not leg.has_left:
            for name in [name for name in before if name not in leg.names]:
                self._tell(session, What.SPARED, by=name)
            for name in [name for name in leg.names if name not in before]:
                self._tell(session, What.HIT, by=name)
                if name == self.toxics.dark(session.number):
                    self._tell(session, What.ACTED, by=name)
        leg.set_stages(self.toxics.stages(hit, session.number), self.now())

    # What sessions need

    def client_leg(self, session: Session, sock: socket.socket) -> Leg:
        """Take over a client's connection; raises OSError when it is gone already."""
        leg = StagedLeg(
            sock,
            session,
            self.closing,
            self.tls,
            due=self._due,
            acted=lambda name: self._tell(session, What.ACTED, by=name),
            done=lambda: self._legs.pop(session.number, None),
        )
        self._legs[session.number] = session, leg
        self._tell(session, What.OPENED)
        if self.toxics.names:
            self._treat(session, leg)
        return leg

    def expired(self, event: FlowExpired) -> None:
        """Take note that a timer ran out."""
        super().expired(event)
        if event.number in self._ended:
            ended, how, _ = self._ended[event.number]
            self._ended[event.number] = ended, how, event

    def over(self, session: Session | Http2Session, end: LegEnd | None) -> None:
        """Forget a session that `end` of one of its ends has ended, or the box (None)."""
        super().over(session, end)
        self._ended[session.number] = session, end, None
        self._loop.call_soon(self._tell_end, session.number)

    def _tell_end(self, number: int) -> None:
        if number not in self._ended:
            return
        session, end, event = self._ended.pop(number)
        if event is not None:
            self._tell(session, What.ENDED, how=str(event.expiry), timer=str(event.timer))
            return
        leg = session.legs()[0]
        self._tell(session, What.ENDED, by=leg.closed_by if isinstance(leg, StagedLeg) else "", how=_HOW[end])

    def _tell(self, session: Session | Http2Session, what: What, **more: str) -> None:
        self._tell_news(what, session.number, session.peer, **more)
