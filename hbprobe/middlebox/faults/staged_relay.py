"""A relay whose flows can be degraded while they live: by stages, by rules of their own, by a black hole each.

A flow without any of that goes the way of `Relay`, at its speed. In a direction that has stages, what is read is fed
to a `Pipe`, and what comes out is sent; nothing more is read while the pipe is full.
"""

import random
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from weakref import WeakKeyDictionary

from hbprobe.middlebox.alarm import Alarm
from hbprobe.middlebox.events import Observer
from hbprobe.middlebox.expired_ends import DESCRIPTORS, end_at_once
from hbprobe.middlebox.faults.flow_tls import FlowTls
from hbprobe.middlebox.faults.treatment import Treatment
from hbprobe.middlebox.flow import CLIENT, OPENING, SIDES, Act, Rule, Rules
from hbprobe.middlebox.graceful_close import GracefulClose
from hbprobe.middlebox.relay import BOTH, Link, Relay
from hbprobe.middlebox.stages.pipe import Pipe, StagePlan
from hbprobe.middlebox.stages.stage import StreamEnd
from hbprobe.net.address import PeerAddress, SocketAddress
from hbprobe.profiles.model import Profile

_READ_BYTES = 64 * 1024
"""A stage's worth."""
_CLOSED, _STOPPED = ("closed", "", ""), ("stopped", "", "")


class What(StrEnum):
    """What became of a flow."""

    OPENED = "opened"
    HIT = "hit"
    """It has something from now on that degrades it."""
    SPARED = "spared"
    """It has that no longer."""
    ACTED = "acted"
    """That has changed something, for the first time on this flow."""
    ENDED = "ended"
    REVIVED = "revived"


_OPENED, _ENDED = What.OPENED, What.ENDED
"""Of these there is one for each flow, and a member of an enumeration is looked up slowly."""


Told = Callable[[What, int, PeerAddress, str, str, str], object]
"""Hears what became of a flow, by its number and its client's address.

Then by what: the name of what hit it, spared it, acted on it or ended it; empty where its own ends ended it. Then
how it ended: `closed` (FIN), `reset` (RST), a manner, `refused` or `stopped`; and by which timer.
"""


class StagedLink(Link):
    """A flow with what degrades it."""

    __slots__ = ("address", "broken", "how", "pipes", "tls", "treatment")

    def __init__(
        self,
        treatment: Treatment,
        now: float,
        luck: float,
        number: int,
        client: socket.socket,
        address: PeerAddress,
    ) -> None:
        super().__init__(treatment.rules, now, luck, number, client)
        self.address = address
        self.treatment = treatment
        self.pipes = _NO_PIPES
        """What comes from the client passes the first; None where there is no stage."""
        self.broken = False
        """One end has sent RST, and that is still on its way to the other."""
        self.how = _CLOSED
        """How it ends, what ends it, and by which timer; before that, how it would."""
        self.tls: FlowTls | None = None

    def set_pipe(self, side: int, pipe: "FlowPipe | None") -> None:
        """Let what comes from one end pass these stages; none for None."""
        first, second = self.pipes
        self.pipes = (pipe, second) if side == CLIENT else (first, pipe)


class FlowPipe(Pipe):
    """The stages of one direction of a flow."""

    def __init__(self, link: StagedLink, side: int) -> None:
        super().__init__()
        self.link = link
        self.side = side
        self.reading = False


_NO_PIPES: tuple[FlowPipe | None, FlowPipe | None] = (None, None)
"""One for all flows without stages, which are most."""


class StagedRelay(Relay[StagedLink]):
    """One box between its clients and one server, with what degrades each flow."""

    def __init__(
        self,
        profile: Profile,
        upstream: Sequence[SocketAddress],
        observer: Observer,
        max_flows: int | None = None,
        chance: random.Random | None = None,
        descriptors: int = DESCRIPTORS,
        numbers: Iterator[int] | None = None,
        *,
        treat: Callable[[Rules, int, float], Treatment] | None = None,
        told: Told = lambda *_: None,
    ) -> None:
        """Make the box; `treat` is asked with its rules how a flow is to be degraded, by number and time of opening.

        It is asked when a flow is opened, and again at `treat_all`. `told` hears what becomes of flows.
        """
        super().__init__(profile, upstream, observer, max_flows, chance, descriptors, numbers)
        self._treat = treat or (lambda rules, _number, _opened_at: Treatment(rules))
        self._told = told
        self._due: Alarm[FlowPipe] = Alarm(lambda pipe, _: self._pump(pipe))
        self._closing: set[GracefulClose] = set()
        self._shut_flows: WeakKeyDictionary[GracefulClose, StagedLink] = WeakKeyDictionary()
        """Of which flow each is the end."""

    # What can be asked and told

    def treat_all(self) -> None:
        """Ask for each live flow anew how it is to be degraded."""
        for link in tuple(self._links):
            self._apply(link, self._treat(self._rules, link.number, link.opened_at))
        self._see_who_is_dark()

    def treatments(self) -> Mapping[int, tuple[Sequence[str], tuple[int, int]]]:
        """Return what degrades each live flow, by name, and how many bytes its stages hold in each direction."""
        return {link.number: (link.treatment.names, (_held(link, 0), _held(link, 1))) for link in self._links}

    def change(self, profile: Profile) -> None:
        """Go on by another profile; live flows get its timers, counted from where they are."""
        super().change(profile)
        self.treat_all()

    def set_upstream(self, upstream: Sequence[SocketAddress], nowhere: str) -> None:
        """Connect flows that are opened from now on to another server; `nowhere`: why, where it has no address."""
        self._upstream = upstream
        self._nowhere = nowhere

    def close_ends(self) -> None:
        """Take no more connections, and end those that are left with FIN at both ends."""
        self._listener.close()
        for link in tuple(self._links):
            link.how = _STOPPED
            self._forget(link)
            for sock in link.socks:
                self._watch.forget(sock.fileno())
                end_at_once(sock, Act.CLOSE)

    def close(self) -> None:
        """Take no more connections, and reset those that are left."""
        for link in self._links:
            link.how = _STOPPED
        super().close()
        self._due.close()
        for closing in tuple(self._closing):
            closing.cut_short()

    # Opening

    def _make_link(self, client: socket.socket, address: PeerAddress) -> StagedLink:
        now, number = self._now(), self._stats.opened()
        treatment = self._treat(self._rules, number, now)
        link = StagedLink(treatment, now, self._chance.random(), number, client, address)
        self._told(_OPENED, number, address, "", "", "")
        if not treatment.names:
            return link
        self._tell_changes(link, (), treatment.names)
        for side in SIDES:
            if treatment.stages[side]:
                pipe = FlowPipe(link, side)
                link.set_pipe(side, pipe)
                pipe.change(treatment.stages[side], now)
        return link

    # Degrading

    def _apply(self, link: StagedLink, treatment: Treatment) -> None:
        """Let a flow have other stages and rules, counted from where it is."""
        now, before = self._now(), link.treatment
        link.treatment = treatment
        self._tell_changes(link, before.names, treatment.names)
        self._set_rules(link, treatment.rules, now)
        for side in SIDES:
            self._set_stages(link, side, treatment.stages[side], now)
            if link not in self._links:  # a stage has closed it
                return

    def _set_rules(self, link: StagedLink, rules: Rules, now: float) -> None:
        if rules == link.rules:
            return
        if link.rules.by_phase[link.phase] is None:  # nobody has noted when it was last heard
            link.restarted_at = now
        if rules.looks_closely and not link.rules.looks_closely:
            link.heard_at = (link.restarted_at, link.restarted_at)
        link.rules = rules
        self._alarm.watch(link)

    def _set_stages(self, link: StagedLink, side: int, plans: Sequence[StagePlan], now: float) -> None:
        pipe = link.pipes[side]
        if pipe is None and not plans:
            return
        if pipe is None:
            pipe = FlowPipe(link, side)
            link.set_pipe(side, pipe)
            pipe.blocked = bool(link.unsent[1 - side])
            pipe.reading = link.phase is not OPENING and not pipe.blocked and not link.ended & 1 << side
            if pipe.reading and not link.is_dark:
                self._watch.add_reader(link.socks[side].fileno(), (self._feed, (link, side)))
        pipe.change(plans, now)
        if link.phase is not OPENING:
            self._pump(pipe)

    def _meets_silence(self, link: StagedLink) -> bool:
        if link not in self._links:  # nobody has asked for it since it expired
            link.treatment = self._treat(self._rules, link.number, link.opened_at)
        return self._is_cut or link.treatment.dark != ""

    def _see_who_is_dark(self) -> None:
        super()._see_who_is_dark()
        for end in tuple(self._closing):
            self._expired_ends.still(end, is_dark=self._meets_silence(self._shut_flows[end]))

    def _darken(self, link: StagedLink) -> None:
        """What its stages hold waits, too: sent now, it would be lost and come when the black hole heals."""
        super()._darken(link)
        for pipe in link.pipes:
            if pipe is not None:
                self._due.forget(pipe)
                pipe.reading = False
        if link.treatment.dark:
            self._tell(link, What.ACTED, by=link.treatment.dark)

    # Moving bytes

    def _start(self, link: StagedLink) -> None:
        if link.pipes == _NO_PIPES:
            super()._start(link)
            return
        for side in SIDES:
            self._read(link, side)

    def _read(self, link: StagedLink, side: int) -> None:
        pipe = link.pipes[side]
        if link.is_dark or link not in self._links or link.phase is OPENING:
            return
        if pipe is None:
            if not link.ended & 1 << side:
                super()._read(link, side)
            return
        pipe.blocked = bool(link.unsent[1 - side])
        self._pump(pipe)

    def _feed(self, link: StagedLink, side: int) -> None:
        """Read from one end into its stages."""
        pipe = link.pipes[side]
        assert pipe is not None
        if (data := self._received(link, side)) is None:
            return
        if data:
            if link.moved(side, self._now()):
                self._alarm.watch(link)
            self._stats.received(side, len(data))
            self._heard(link, side, data)
        else:
            self._end_came(link, side)
        if link in self._links:
            self._pump(pipe)

    def _received(self, link: StagedLink, side: int) -> bytes | None:
        """Read from one end: nothing at its FIN, None where nothing has come yet or the connection has broken."""
        try:
            count = link.socks[side].recv_into(self._buffer[:_READ_BYTES])
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            self._broke(link, side)
            return None
        return bytes(self._buffer[:count])

    def _heard(self, link: StagedLink, side: int, data: bytes) -> None:
        """Take what came on the wire."""
        self._came(link, side, data)

    def _came(self, link: StagedLink, side: int, data: bytes) -> None:
        """Take what one end says."""
        pipe = link.pipes[side]
        assert pipe is not None
        pipe.feed(data, self._now())

    def _end_came(self, link: StagedLink, side: int) -> None:
        """Take that one end has nothing more to say."""
        pipe = link.pipes[side]
        assert pipe is not None
        pipe.reading = False
        link.end_came(side)
        self._note_fin(link, side)
        pipe.feed(StreamEnd.FIN, self._now())

    def _pump(self, pipe: FlowPipe) -> None:
        """Send what is due, and read on where there is room."""
        link, side = pipe.link, pipe.side
        if link.is_dark:
            return
        for item in pipe.pump(self._now()):
            if isinstance(item, StreamEnd):
                self._tell_acted(pipe)
            match item:
                case bytes():
                    self._send(pipe, item)
                case StreamEnd.FIN:
                    self._pass_staged_fin(link, side)
                case StreamEnd.RESET:
                    self._reset_both(link, side)
                case StreamEnd.CLOSE:
                    self._shut(link, pipe.closed_by)
            if link not in self._links:
                break
        self._tell_acted(pipe)
        if link in self._links:
            self._go_on(pipe)

    def _tell_acted(self, pipe: FlowPipe) -> None:
        for name in pipe.newly_acted():
            self._tell(pipe.link, What.ACTED, by=name)

    def _send(self, pipe: FlowPipe, data: bytes) -> None:
        link, to = pipe.link, 1 - pipe.side
        try:
            sent = link.socks[to].send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._reset_both(link, to)
            return
        if sent < len(data):
            pipe.blocked = True
            self._set_unsent(link, to, memoryview(data)[sent:])
            self._wait_to_write(link, to)

    def _go_on(self, pipe: FlowPipe) -> None:
        """Read, or leave what comes in the kernel, and be there when something is due."""
        link, side = pipe.link, pipe.side
        if link.ended == BOTH and self._is_empty(link):
            self._close(link)
            return
        reads = not (pipe.full or link.broken or link.ended & 1 << side)
        if not pipe and link.tls is None:
            link.set_pipe(side, None)
            self._due.forget(pipe)
            if reads:
                super()._read(link, side)
            return
        if reads != pipe.reading:
            pipe.reading = reads
            descriptor = link.socks[side].fileno()
            if reads:
                self._watch.add_reader(descriptor, (self._feed, (link, side)))
            else:
                self._watch.remove_reader(descriptor)
        self._due.watch(pipe)

    # StreamEnd

    def _watch_for_reset(self, link: StagedLink, side: int) -> None:
        """Notice RST from an end that has sent FIN, unless it has got FIN, too: that would look the same."""
        pipe = link.pipes[1 - side]
        if not link.ended & 1 << (1 - side) or not (pipe is None or pipe.empty):
            super()._watch_for_reset(link, side)
        else:
            self._watch.remove_reader(link.socks[side].fileno())

    def _pass_staged_fin(self, link: StagedLink, side: int) -> None:
        """Pass on a FIN that has gone through the stages of its direction."""
        self._pass_fin(link, side)

    def _is_empty(self, link: StagedLink) -> bool:
        if link.pipes == _NO_PIPES:
            return True  # while something is left to be sent, nobody hears of an end
        (to_client, to_server), (first, second) = link.unsent, link.pipes
        is_empty = (first is None or first.empty) and (second is None or second.empty)
        return is_empty and not (to_client or to_server)

    def _broke(self, link: StagedLink, side: int) -> None:
        """Pass a RST on, through the stages of its direction where there are some."""
        pipe = link.pipes[side]
        if pipe is None or link.broken or link.is_dark:
            self._reset_both(link, side)
            return
        link.broken = True
        for sock in link.socks:
            self._watch.remove_reader(sock.fileno())
        pipe.feed(StreamEnd.RESET, self._now())
        self._pump(pipe)

    def _reset_both(self, link: StagedLink, side: int) -> None:
        link.how = ("reset", "", "")
        super()._broke(link, side)

    def _shut(self, link: StagedLink, by: str) -> None:
        """End a flow as a stage wishes: both ends get what they were sent, and FIN."""
        link.how = ("closed", by, "")
        unsent = link.unsent
        self._forget(link)
        for side in SIDES:
            self._unwatch(link.socks[side])
            end = GracefulClose(link.socks[side], bytes(unsent[side]), self._closing, notify=False, linger=True)
            self._shut_flows[end] = link

    def _refuse(self, link: StagedLink, reason: str) -> None:
        link.how = ("refused", "", "")
        super()._refuse(link, reason)

    def _expire(self, link: StagedLink, rule: Rule, *, opening: bool) -> None:
        by = link.treatment.owners.get(rule.kind, "")
        link.how = (str(rule.expiry), by, str(rule.kind))
        if by:
            self._tell(link, What.ACTED, by=by)
        super()._expire(link, rule, opening=opening)

    def _revive(self, link: StagedLink) -> None:
        super()._revive(link)
        if link in self._links:
            link.how = _CLOSED
            self._tell(link, What.REVIVED)

    def _take_up(self, link: StagedLink, side: int) -> None:
        """Go on with what was done on that side before it fell silent."""
        if link.pipes[side] is None:
            super()._take_up(link, side)
            return
        if link.ended & 1 << side:
            self._watch_for_reset(link, side)
        if link.unsent[1 - side]:
            self._wait_to_write(link, 1 - side)
        self._read(link, side)

    def _forget(self, link: StagedLink) -> None:
        known = link in self._links
        super()._forget(link)
        if link.pipes != _NO_PIPES:
            for pipe in link.pipes:
                if pipe is not None:
                    self._due.forget(pipe)
        if known:
            how, by, timer = link.how
            self._told(_ENDED, link.number, link.address, by, how, timer)

    def _tell_changes(self, link: StagedLink, before: Sequence[str], names: Sequence[str]) -> None:
        for name in before:
            if name not in names:
                self._tell(link, What.SPARED, by=name)
        for name in names:
            if name not in before:
                self._tell(link, What.HIT, by=name)

    def _tell(self, link: StagedLink, what: What, by: str = "", how: str = "", timer: str = "") -> None:
        self._told(what, link.number, link.address, by, how, timer)


def _held(link: StagedLink, side: int) -> int:
    pipe = link.pipes[side]
    return 0 if pipe is None else pipe.held
