"""A box of layer packet or tcp on real sockets: it relays bytes until its rules end the flow.

Plain non-blocking sockets with the loop's readers and writers and one slotted object a flow, no transports: an
idle flow stays small, and RST, FIN and half-close stay what they are. `Flow` decides, this module carries out.

What comes from one end goes to the other as it came: bytes with back-pressure, FIN as half-close, RST as RST. A
relay in user space ends TCP, whatever the layer of its profile; what follows from that is in `docs/fidelity.md`.
"""

import asyncio
import contextlib
import errno
import functools
import math
import os
import random
import socket
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from hbprobe.middlebox.alarm import Alarm
from hbprobe.middlebox.events import BoxStats, FlowExpired, Observer
from hbprobe.middlebox.expired_ends import AT_ONCE, DESCRIPTORS, ExpiredEnds, end_at_once
from hbprobe.middlebox.flow import CLIENT, OPENING, SERVER, SIDES, Act, Flow, Rule, Rules
from hbprobe.middlebox.running_box import FlowState, due_in
from hbprobe.net.address import PeerAddress, SocketAddress, name_of, peer_name
from hbprobe.net.listener import Listener
from hbprobe.net.liveness import acknowledge_now, holds, wait_for_ack
from hbprobe.net.silence import Way, close_with_reset, unmute
from hbprobe.net.socket_watch import watch_of
from hbprobe.profiles.model import Profile
from hbprobe.warp import rate_of

_BUFFER_BYTES = 256 * 1024
"""Read at most so much at once: larger reads made one-way throughput no better."""
_NO_HOST = "no such host"
_EMPTY = memoryview(b"")
_NOTHING_UNSENT = (_EMPTY, _EMPTY)
BOTH = 0b11
"""The bits of both sides."""
_AFTER_THE_HANDSHAKE = {errno.ECONNRESET, errno.EPIPE}
"""RST from a server that has taken the connection; one that has not would be ECONNREFUSED (connect(2))."""
_STANDS = {0, errno.EISCONN}
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY}


class Link(Flow):
    """A flow with its two sockets."""

    __slots__ = ("ended", "is_dark", "number", "socks", "unsent", "watched_at")

    def __init__(self, rules: Rules, now: float, luck: float, number: int, client: socket.socket) -> None:
        super().__init__(rules, now, luck)
        self.number = number
        self.socks: tuple[socket.socket, ...] = (client,)
        self.unsent = _NOTHING_UNSENT
        """What waits for the client to take it, and for the server."""
        self.ended = 0
        """One bit a side that has sent FIN."""
        self.watched_at = math.inf
        self.is_dark = False
        """Nothing passes, not even an ACK."""

    def end_came(self, side: int) -> None:
        """Note that one end has nothing more to say; where the box allows no half-close, the other may not either."""
        self.ended |= 1 << side if self.rules.half_close else BOTH

    def state(self, now: float) -> FlowState:
        """Return what can be told of this flow."""
        return FlowState(
            number=self.number,
            client=peer_name(self.socks[CLIENT]),
            phase=self.phase.name.lower(),
            age_s=now - self.opened_at,
            quiet_s=now - self.restarted_at,
            due_in_s=due_in(self.due(), now),
        )


LinkT = TypeVar("LinkT", bound=Link)


class Relay(Generic[LinkT]):
    """One box between its clients and one server."""

    def __init__(
        self,
        profile: Profile,
        upstream: Sequence[SocketAddress],
        observer: Observer,
        max_flows: int | None = None,
        chance: random.Random | None = None,
        descriptors: int = DESCRIPTORS,
        numbers: Iterator[int] | None = None,
    ) -> None:
        """Make the box; `chance` gives each flow its luck with a timer that is random in part, `numbers` its number.

        `descriptors`: so many may be in use, with those of expired flows whose ends must go on to meet silence.
        """
        self.profile = profile
        self._stats = BoxStats(observer, numbers)
        self.counts = self._stats.counts
        self._rules = Rules.of(profile)
        self._upstream = upstream
        self._nowhere = _NO_HOST
        """Why there is no address of the server, where there is none."""
        self._max_flows = max_flows if max_flows is not None else math.inf
        self._chance = chance or random.Random(0)
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._warps = rate_of(self._loop) == 0
        self._expired_ends = ExpiredEnds(lambda kept: self._stats.gives_up_silence(self._now(), kept))
        self._descriptors = descriptors
        self._watch = watch_of(self._loop)
        self._listener = Listener(self._accepted, self._refused, self._expired_ends.make_room)
        self._links: set[LinkT] = set()
        self._alarm: Alarm[LinkT] = Alarm(self._on_alarm)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._on_readable = self._readable
        self._is_cut = False

    def __len__(self) -> int:
        """Return the number of live flows."""
        return len(self._links)

    # Opening and closing

    async def listen(self, host: str, port: int, *, share_port: bool = False) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had."""
        return await self._listener.listen(host, port, share_port=share_port)

    def flows(self) -> list[FlowState]:
        """Return the live flows, oldest first."""
        now = self._loop.time()
        return [link.state(now) for link in sorted(self._links, key=lambda link: link.number)]

    def change(self, profile: Profile) -> None:
        """Go on by another profile; live flows get its timers, counted from where they are."""
        self.profile = profile
        self._rules = Rules.of(profile)
        for link in self._links:
            link.rules = self._rules
            self._alarm.watch(link)

    def expire(self, number: int) -> bool:
        """End a flow now, as the timer would that runs out next; False when there is no such flow, or no timer."""
        link = next((link for link in self._links if link.number == number), None)
        return link is not None and self._end_now(link)

    def expire_all(self) -> int:
        """End all flows now, as `expire` does one; return how many."""
        return sum(self._end_now(link) for link in sorted(self._links, key=lambda link: link.number))

    def _end_now(self, link: LinkT) -> bool:
        opening = link.phase is OPENING
        if (rule := link.end()) is None:
            return False
        self._expire(link, rule, opening=opening)
        return True

    def blackhole(self) -> None:
        """Let nothing pass in either direction and answer nothing, as if a cable were cut, until `heal`.

        Timers run on. What the box would say when one runs out is lost, as all that comes from the ends.
        """
        if not self._is_cut:
            self._is_cut = True
            self._listener.go_dark()
            self._see_who_is_dark()

    def heal(self) -> None:
        """Let everything pass again; what the ends have sent meanwhile, they send again, as TCP does."""
        if self._is_cut:
            self._is_cut = False
            self._listener.come_back()
            self._see_who_is_dark()

    def drain(self) -> None:
        """Take no more connections; live flows go on."""
        self._listener.close()

    def close(self) -> None:
        """Take no more connections, and reset those that are left."""
        self._listener.close()
        self._alarm.close()
        for link in tuple(self._links):
            self._reset(link)
        self._expired_ends.close()

    def _accepted(self, client: socket.socket, address: PeerAddress) -> None:
        if len(self._links) >= self._max_flows:
            close_with_reset(client)
            self._refused(name_of(address), f"all {self._max_flows} flows are in use")
            return
        link = self._make_link(client, address)
        self._links.add(link)
        self._expired_ends.keep_at_most(self._descriptors - 2 * len(self._links))
        self._alarm.watch(link)
        self._dial(link, self._upstream)

    def _make_link(self, client: socket.socket, address: PeerAddress) -> LinkT:
        del address  # it costs memory, and can be asked for while the flow lives
        number = self._stats.opened()  # a relay whose links are of another kind makes those
        return Link(self._rules, self._now(), self._chance.random(), number, client)  # type: ignore[return-value]

    def _dial(self, link: LinkT, addresses: Sequence[SocketAddress]) -> None:
        if not addresses:
            self._refuse(link, f"upstream: {self._nowhere}")
            return
        family, address = addresses[0]
        try:
            server = self._expired_ends.new_socket(family)
        except OSError as error:
            self._refuse(link, os.strerror(error.errno or 0))
            return
        server.setblocking(False)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.socks = (link.socks[CLIENT], server)
        error_number = server.connect_ex(address)
        if error_number == errno.EINPROGRESS:  # to a server of this machine it stands by now, as the second call says
            error_number = server.connect_ex(address)
        if error_number in _UNDER_WAY:
            self._watch.add_writer(server.fileno(), (self._dialled, (link, addresses)))
        else:
            self._has_answered(link, addresses, error_number)

    def _dialled(self, link: LinkT, addresses: Sequence[SocketAddress]) -> None:
        server = link.socks[SERVER]
        self._watch.remove_writer(server.fileno())
        self._has_answered(link, addresses, server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _has_answered(self, link: LinkT, addresses: Sequence[SocketAddress], error_number: int) -> None:
        """Go on where a server has taken the connection, has broken it since, or has not taken it."""
        if error_number in _AFTER_THE_HANDSHAKE:
            self._broke(link, SERVER)
        elif error_number not in _STANDS:
            self._dial_next(link, addresses, error_number)
        else:
            self._reached(link)

    def _reached(self, link: LinkT) -> None:
        if link.connected(self._now()):
            self._alarm.watch(link)
        if self._meets_silence(link):
            self._darken(link)
            return
        self._start(link)

    def _start(self, link: LinkT) -> None:
        """Relay in both directions."""
        client, server = link.socks
        self._watch.add_reader(server.fileno(), (self._on_readable, (link, SERVER, server, client)))
        self._watch.add_reader(client.fileno(), (self._on_readable, (link, CLIENT, client, server)))
        self._readable(link, CLIENT, client, server)  # most have spoken by now, and a look is less than a wait

    def _dial_next(self, link: LinkT, addresses: Sequence[SocketAddress], error_number: int) -> None:
        link.socks[SERVER].close()
        if len(addresses) > 1:
            self._dial(link, addresses[1:])
        else:
            self._refuse(link, f"upstream {name_of(addresses[0][1])}: {os.strerror(error_number)}")

    def _refuse(self, link: LinkT, reason: str) -> None:
        name = peer_name(link.socks[CLIENT])
        self._reset(link)
        self._refused(name, reason)

    def _refused(self, client: str, reason: str) -> None:
        self._stats.refused(self._loop.time(), client, reason)

    def _reset(self, link: LinkT) -> None:
        self._forget(link)
        for sock in link.socks:
            self._watch.forget(sock.fileno())
            close_with_reset(sock)

    def _forget(self, link: LinkT) -> None:
        """Let go of a flow; its sockets are watched still, until they are closed or handed on."""
        self._links.discard(link)
        self._alarm.forget(link)

    def _unwatch(self, sock: socket.socket) -> None:
        """Leave alone what comes on a socket that stays open."""
        if (descriptor := sock.fileno()) >= 0:
            self._watch.remove_reader(descriptor)
            self._watch.remove_writer(descriptor)

    # Moving bytes

    def _read(self, link: LinkT, side: int) -> None:
        near, far = link.socks[side], link.socks[1 - side]
        self._watch.add_reader(near.fileno(), (self._on_readable, (link, side, near, far)))

    def _readable(self, link: LinkT, side: int, near: socket.socket, far: socket.socket) -> None:
        try:
            count = near.recv_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._broke(link, side)
            return
        if count == 0:
            self._fin(link, side)
            return
        if link.moved(side, self._now()):
            self._alarm.watch(link)
        if side == CLIENT:
            self.counts.bytes_from_client += count
        else:
            self.counts.bytes_from_server += count
        try:
            sent = far.send(self._buffer[:count])
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._broke(link, 1 - side)
            return
        if sent < count:
            self._hold_back(link, side, bytes(self._buffer[sent:count]))

    def _hold_back(self, link: LinkT, side: int, data: bytes) -> None:
        """Read no more from `side` until the other end has taken `data`."""
        to = 1 - side
        self._set_unsent(link, to, memoryview(data))
        self._watch.remove_reader(link.socks[side].fileno())
        self._wait_to_write(link, to)

    def _wait_to_write(self, link: LinkT, to: int) -> None:
        self._watch.add_writer(link.socks[to].fileno(), (self._writable, (link, to)))

    def _writable(self, link: LinkT, to: int) -> None:
        unsent = link.unsent[to]
        try:
            sent = link.socks[to].send(unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._broke(link, to)
            return
        side = 1 - to
        if link.moved(side, self._loop.time()):
            self._alarm.watch(link)
        self._set_unsent(link, to, unsent[sent:])
        if sent < len(unsent):
            return
        self._watch.remove_writer(link.socks[to].fileno())
        self._read(link, side)

    @staticmethod
    def _set_unsent(link: LinkT, to: int, data: memoryview) -> None:
        client, server = link.unsent
        link.unsent = (data, server) if to == CLIENT else (client, data)

    # Ending as the ends wish

    def _fin(self, link: LinkT, side: int) -> None:
        """Pass a FIN on. Nothing is left to be sent before it: while something was, nobody read from that side."""
        if link.ended and self._is_empty(link):
            self._close(link)  # which sends it
            return
        link.end_came(side)
        if link.ended != BOTH or not self._is_empty(link):
            self._note_fin(link, side)
        self._pass_fin(link, side)

    def _note_fin(self, link: LinkT, side: int) -> None:
        """Go on with a flow of which one end has nothing more to say."""
        self._watch_for_reset(link, side)
        if link.fin(self._now()):
            self._alarm.watch(link)

    def _watch_for_reset(self, link: LinkT, side: int) -> None:
        """Read no more from an end that has sent FIN, and notice RST from it."""
        self._watch.add_hangup(link.socks[side].fileno(), (self._broke, (link, side)))

    def _pass_fin(self, link: LinkT, side: int) -> None:
        try:
            link.socks[1 - side].shutdown(socket.SHUT_WR)
        except OSError:
            self._broke(link, 1 - side)
            return
        if link.ended != BOTH:
            return
        if self._is_empty(link):
            self._close(link)
        else:  # an end that has got FIN, too, looks as one that has sent RST
            self._watch.remove_reader(link.socks[1 - side].fileno())

    def _is_empty(self, link: LinkT) -> bool:
        """Return whether nothing is left to be passed on of a flow whose ends have ended both directions."""
        del link  # while something is left to be sent, nobody reads, and so nobody hears of an end
        return True

    def _close(self, link: LinkT) -> None:
        self.counts.closed += 1
        self._forget(link)
        for sock in link.socks:
            self._watch.forget(sock.fileno())
            sock.close()

    def _broke(self, link: LinkT, side: int) -> None:
        """Pass a RST on, or the news that an end cannot be reached, after what that end said before."""
        self.counts.reset += 1
        self._forget(link)
        with contextlib.suppress(OSError):
            self._pass_last_words(link, side)
        for sock in link.socks:
            self._watch.forget(sock.fileno())
            close_with_reset(sock)

    def _pass_last_words(self, link: LinkT, side: int) -> None:
        """Send on what a broken end said before, until the other end takes no more: no byte may be left out."""
        words = link.unsent[1 - side]
        while link.socks[1 - side].send(words) == len(words):
            count = link.socks[side].recv_into(self._buffer)
            if count == 0:
                return
            self._stats.received(side, count)
            words = self._buffer[:count]

    # Ending as the box wishes

    def _on_alarm(self, link: LinkT, now: float) -> None:
        opening = link.phase is OPENING
        rule = link.expire(now, functools.partial(self._holds, link))
        if rule is None:
            self._alarm.watch(link)
        else:
            self._expire(link, rule, opening=opening)

    def _holds(self, link: LinkT, side: int) -> bool:
        if self._warps:
            wait_for_ack(link.socks[side])
        return holds(link.socks[side])

    def _expire(self, link: LinkT, rule: Rule, *, opening: bool) -> None:
        name = peer_name(link.socks[CLIENT])
        self._forget(link)
        if opening:
            self._watch.forget(link.socks[SERVER].fileno())
            link.socks[SERVER].close()  # it has only a SYN out, if that
        ways = {
            self._end(link, side, rule.acts[side]) for side in (CLIENT, SERVER) if not (opening and side == SERVER)
        }
        now = self._now()  # it has been done now, which is what its ends see
        self._stats.expired(
            FlowExpired(
                at_s=now,
                number=link.number,
                client=name,
                timer=rule.kind,
                expiry=rule.expiry,
                age_s=now - link.opened_at,
                quiet_s=now - link.running_since(rule),
                ways=frozenset(way for way in ways if way is not None),
            )
        )

    def _end(self, link: LinkT, side: int, act: Act) -> Way | None:
        sock = link.socks[side]
        if act in AT_ONCE and not self._meets_silence(link):
            self._watch.forget(sock.fileno())
            end_at_once(sock, act)
            return None
        self._unwatch(sock)
        return self._expired_ends.end(
            sock,
            act,
            has_ended=bool(link.ended & 1 << side),
            speaks=functools.partial(self._revive, link),
            is_dark=functools.partial(self._meets_silence, link),
        )

    def _revive(self, link: LinkT) -> None:
        """Bring an expired flow back: an end from which a packet may do that has sent one."""
        taken_back = [self._expired_ends.take_back(sock) for sock in link.socks]
        if not all(taken_back):
            for side in (side for side in SIDES if link.socks[side].fileno() >= 0):
                self._end(link, side, Act.MUTE)
            return
        link.revive(self._loop.time(), half_closed=bool(link.ended))
        self._links.add(link)
        self._alarm.watch(link)
        self._stats.revived(self._loop.time(), link.number, peer_name(link.socks[CLIENT]))
        if self._meets_silence(link):  # the packet had come before
            self._darken(link)
        else:
            self._hear_again(link)

    # Black holes

    def _meets_silence(self, link: LinkT) -> bool:
        """Return whether a flow, live or expired, is in a black hole."""
        del link
        return self._is_cut

    def _see_who_is_dark(self) -> None:
        self._expired_ends.see_who_is_dark()
        for link in tuple(self._links):  # to go on ends a flow whose FINs had to wait
            if link.phase is not OPENING and (is_dark := self._meets_silence(link)) is not link.is_dark:
                (self._darken if is_dark else self._hear_again)(link)

    def _darken(self, link: LinkT) -> None:
        """Make both ends meet silence; their kernels go on to send what is not acknowledged, until it heals."""
        link.is_dark = True
        for sock in link.socks:
            self._unwatch(sock)
            self._expired_ends.mute(sock, heals=True)

    def _hear_again(self, link: LinkT) -> None:
        link.is_dark = False
        for sock in link.socks:
            unmute(sock)
        for sock in link.socks:
            acknowledge_now(sock)  # an ACK that comes late looks like none on the warp clock
        for side in SIDES:
            if link in self._links:
                self._take_up(link, side)

    def _take_up(self, link: LinkT, side: int) -> None:
        """Go on with what was done on that side before the flow expired."""
        to = 1 - side
        if link.ended & 1 << side:
            self._watch_for_reset(link, side)
        elif link.unsent[to]:
            self._wait_to_write(link, to)
        else:
            self._read(link, side)
