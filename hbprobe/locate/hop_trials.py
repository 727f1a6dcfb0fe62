"""Requests that are held while their keep-alives reach only so far, side by side where the server lets us."""

import asyncio
import contextlib
import math
import random
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from hbprobe.duration import format_duration
from hbprobe.errors import CannotMeasureError
from hbprobe.locate.finding import ALL, NONE, Code, HopFinding, Reached, Route, locate, reaches
from hbprobe.locate.route import HopAddress, find_route, set_ttl
from hbprobe.net.liveness import can_keep_alive, keep_alive
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.text import counted, seconds
from hbprobe.trial.methods.method import Environment, Method, make
from hbprobe.trial.methods.table import DEFAULT, METHODS
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.talks.talk import NO_OPTIONS, TalkOptions

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.trial.ping_answer import HeartbeatLimits

_POLL_S = 0.05
_QUIET_S = 0.3
"""After so long, and a round trip, without a packet both sides have said what they had to say."""
_SOONER_S = 0.1
"""So long before the hold ends the keep-alives stop and packets go all the way again."""
_STAGGER_S = 0.02
"""Between two connections, so that a server does not meet all the handshakes at once."""
_BETWEEN_S = 2.0
"""What comes between two requests that are held one after the other: a post-mortem, and a handshake of ActiveSync."""
_SHORTEST_S = 1.5
"""Keep-alives go out at most once in a second, and that must be well below the limit."""

FindRoute = Callable[[socket.AddressFamily, HopAddress, int], Awaitable[Route]]
"""Finds the hops to an address, up to so many."""


@dataclass(frozen=True, slots=True)
class HopQuestion:
    """What is to be located, and how. Times in seconds."""

    method: str
    hold_s: float
    """Longer than the path's limit, and shorter than the other timers on it."""
    every_s: int
    """Between two keep-alives; shorter than the limit."""
    grace_s: float = 3.0
    most_hops: int = 30
    requests: int = 1
    """For each reach."""

    @property
    def side_by_side(self) -> bool:
        """Whether all are held at once: Pings are not, for each would be another device of the mailbox."""
        return METHODS[self.method].at_once

    @property
    def in_turn(self) -> str:
        """How the requests are held, in words."""
        return "side by side" if self.side_by_side else "one after the other"

    def lasts_s(self, count: int) -> float:
        """Return how long so many requests take at most."""
        one_s = self.hold_s + self.grace_s
        return one_s + _STAGGER_S * count if self.side_by_side else (one_s + _BETWEEN_S) * count


class HopRecord(Protocol):
    """Where hop trials are noted as they end, and found again."""

    def known_hop(self, ttl: int, number: int, hold_s: float) -> Outcome | None:
        """Return what the trial of an earlier run showed; None where it has to be made."""
        ...

    def hop_ended(self, ttl: int, number: int, hold_s: float, outcome: Outcome) -> None:
        """Note what a trial showed."""
        ...


@dataclass(frozen=True, slots=True)
class Located:
    """What was seen, and what it means."""

    route: Route
    seen: tuple[Reached, ...]
    finding: HopFinding
    complete: bool = True

    @classmethod
    def open(cls, longest_s: float) -> "Located":
        """Return what is to be said of a path on which nothing was cut."""
        text = f"nothing was cut up to {seconds(longest_s)} s, so there is nothing to locate"
        return cls(Route((), None), (), HopFinding(Code.OPEN, text))

    @classmethod
    def stopped(cls, route: Route | None = None, seen: tuple[Reached, ...] = ()) -> "Located":
        """Return what is to be said where the end was not reached."""
        text = "stopped before the end, so no hop can be named"
        return cls(route or Route((), None), seen, HopFinding(Code.NOT_KNOWN, text), complete=False)


def plan(
    limit_s: float,
    method: str = DEFAULT,
    *,
    grace_s: float = 3.0,
    most_hops: int = 30,
    requests: int = 1,
    takes: "HeartbeatLimits | None" = None,
) -> HopQuestion:
    """Choose hold and interval for a limit; raises ValueError for one that is too short, or that the server refuses.

    `takes`: a hold is a heartbeat, and those are what the server takes.

    The hold is little longer than the limit, or timers that are little longer would strike, too. Linux sends 127
    keep-alives in vain before it gives a connection up: at a third of the limit, far more than the hold takes.
    """
    if limit_s < _SHORTEST_S:
        raise ValueError(
            f"keep-alives go out once a second at most: a limit below {_SHORTEST_S:g} s cannot be located"
        )
    every_s = max(1, int(limit_s / 3))
    hold_s = limit_s + max(0.5, 0.03 * limit_s)
    if METHODS[method].whole_seconds:
        hold_s = _heartbeat_s(hold_s, takes)
    return HopQuestion(method, hold_s, every_s, grace_s, most_hops, requests)


def _heartbeat_s(hold_s: float, takes: "HeartbeatLimits | None") -> int:
    """Return the least heartbeat that holds so long; raises ValueError where the server takes none near it."""
    step_s = (takes.step_s if takes is not None else None) or 1
    heartbeat_s = math.ceil(hold_s / step_s) * step_s
    least_s, most_s = (None, None) if takes is None else (takes.min_s, takes.max_s)
    if (least_s is not None and heartbeat_s < least_s) or (most_s is not None and heartbeat_s > most_s):
        raise ValueError(f"a heartbeat of {heartbeat_s} s would have to be held, and the server takes those {takes}")
    return heartbeat_s


class Reach:
    """How far the keep-alives of one connection go, and while what."""

    def __init__(self, ttl: int, every_s: int) -> None:
        self._ttl = ttl
        self._every_s = every_s
        self._sock: socket.socket | None = None
        self.heard = 0
        """So many packets came while keep-alives were sent."""

    def take(self, sock: socket.socket) -> None:
        """Take the socket before it connects."""
        self._sock = sock

    @contextlib.asynccontextmanager
    async def during(self, wire: Wire, hold_s: float) -> AsyncIterator[None]:
        """Send keep-alives so far, from when both sides are quiet until shortly before the hold ends."""
        until_s = asyncio.get_running_loop().time() + hold_s - _SOONER_S
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._limit(wire, until_s))
            try:
                yield
            finally:
                task.cancel()

    async def _limit(self, wire: Wire, until_s: float) -> None:
        loop, sock = asyncio.get_running_loop(), self._sock
        if self._ttl == NONE or sock is None:
            return
        with contextlib.suppress(OSError):  # the connection may end at any time
            await self._quiet(wire, sock)
            before = _segments_in(sock)
            if self._ttl != ALL:
                set_ttl(sock, self._ttl)
            keep_alive(self._every_s)(sock)
            await asyncio.sleep(until_s - loop.time())
            self.heard = _segments_in(sock) - before
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
            set_ttl(sock, 0)

    @staticmethod
    async def _quiet(wire: Wire, sock: socket.socket) -> None:
        """Wait until nothing is left to be acknowledged.

        What came later, such as TLS's session tickets, would be acknowledged with too small a TTL, and so be sent
        again and again.
        """
        loop = asyncio.get_running_loop()
        segments, since_s = _segments_in(sock), loop.time()
        while wire.unacknowledged_segments() or loop.time() - since_s < _QUIET_S + wire.round_trip_s:
            await asyncio.sleep(_POLL_S)
            if (now := _segments_in(sock)) != segments:
                segments, since_s = now, loop.time()


def _segments_in(sock: socket.socket) -> int:
    """Count the packets that a connection got: tcpi_segs_in of struct tcp_info, linux/tcp.h."""
    return int.from_bytes(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144)[140:144], sys.byteorder)


class Locating:
    """One path, to be located on."""

    def __init__(
        self,
        dialer: Dialer,
        asked: HopQuestion,
        rng: random.Random,
        *,
        account: "Account | None" = None,
        talk: TalkOptions = NO_OPTIONS,
        find: FindRoute = find_route,
        say: Callable[[str], None] = lambda _: None,
        wait: Callable[[str, float], None] = lambda *_: None,
        journal: HopRecord | None = None,
        persist: Callable[[str, Callable[[], Awaitable[Outcome]]], Awaitable[Outcome]] = lambda _, make: make(),
    ) -> None:
        """`find` finds the hops; `persist` makes a trial, by its name, until it is evidence.

        `say` is told what goes on, and `wait` what is waited for, and how many seconds that takes at most.
        """
        self._dialer = dialer
        self._asked = asked
        self._rng = rng
        self._account, self._talk = account, talk
        self._find = find
        self._say, self._wait = say, wait
        self._journal = journal
        self._persist = persist
        self.located = Located.stopped()
        """What is known so far."""

    async def to_the_end(self) -> None:
        """Find the hops, hold a request for each, and say who cuts. Raises CannotMeasureError."""
        check_system()
        family, address = await self._peer()
        route = await self._find(family, address, self._asked.most_hops)
        self.located = Located.stopped(route)
        reached = reaches(route, self._asked.most_hops)
        tried = [(ttl, number) for ttl in reached for number in range(1, self._asked.requests + 1)]
        known = {one: outcome for one in tried if (outcome := self._known(*one)) is not None}
        self._take_up(route, tried, known)
        self._say(_announcement(route, len(tried) - len(known), self._asked))
        missing = [one for one in tried if one not in known]
        self._wait(
            f"{counted(len(missing), 'request')} held {self._asked.in_turn}", self._asked.lasts_s(len(missing))
        )
        turns = asyncio.Semaphore(max(1, len(missing)) if self._asked.side_by_side else 1)

        async def trial(place: int, one: tuple[int, int]) -> None:
            await asyncio.sleep(place * _STAGGER_S)
            async with turns:
                known[one] = await self._persist(
                    _reach_words(one[0]), lambda: self._trial(one[0], route.distance or ALL)
                )
            self._note(*one, known[one])
            self._take_up(route, tried, known)
            self._say(_told(one[0], known[one]))

        try:
            async with asyncio.TaskGroup() as group:
                for place, one in enumerate(missing):
                    group.create_task(trial(place, one))
        except BaseExceptionGroup as errors:  # a task group wraps even a single error
            raise errors.exceptions[0] from None
        seen = self.located.seen
        try:
            finding = locate(route, seen, self._asked.hold_s, self._asked.every_s)
        except ValueError as error:
            raise CannotMeasureError(str(error)) from None
        self.located = Located(route, seen, finding)

    def _take_up(
        self, route: Route, tried: Sequence[tuple[int, int]], known: Mapping[tuple[int, int], Outcome]
    ) -> None:
        self.located = Located.stopped(route, tuple(Reached(one[0], known[one]) for one in tried if one in known))

    def _known(self, ttl: int, number: int) -> Outcome | None:
        return None if self._journal is None else self._journal.known_hop(ttl, number, self._asked.hold_s)

    def _note(self, ttl: int, number: int, outcome: Outcome) -> None:
        if self._journal is not None and outcome.kind is not Kind.FAILED:
            self._journal.hop_ended(ttl, number, self._asked.hold_s, outcome)

    async def _peer(self) -> tuple[socket.AddressFamily, HopAddress]:
        """Connect once, so that the name is looked up and all connections go to the same address."""
        try:
            wire = await self._dialer.open()
        except DialError as error:
            raise CannotMeasureError(str(error)) from None
        wire.close()
        assert self._dialer.address is not None  # a connection has stood
        return self._dialer.address

    async def _trial(self, ttl: int, distance: int) -> Outcome:
        reach = Reach(ttl, self._asked.every_s)
        outcome = await self._method(reach).trial(self._asked.hold_s)
        if outcome.kind is Kind.SURVIVED and ttl < distance and reach.heard:
            return replace(
                outcome, kind=Kind.FAILED, reason=f"{reach.heard} packets came in a hold that was to be quiet"
            )
        return outcome

    def _method(self, reach: Reach) -> Method:
        asked, dialer = self._asked, self._dialer.prepared(reach.take)
        environment = Environment(
            asked.method,
            dialer,
            asked.grace_s,
            self._rng,
            account=self._account,
            talk=self._talk,
            say=self._say,
            quiet=reach.during,
        )
        return make(environment)


def _announcement(route: Route, count: int, asked: HopQuestion) -> str:
    where = f"TCP is answered at hop {route.distance}" if route.distance else "TCP is answered beyond the hops tried"
    takes = "" if asked.side_by_side else f": {format_duration(math.ceil(asked.lasts_s(count)))} at most"
    return f"{where}; holding {count} requests for {seconds(asked.hold_s)} s, {asked.in_turn}{takes}"


def _told(ttl: int, outcome: Outcome) -> str:
    """Say what became of a request, in a line."""
    reach = _reach_words(ttl)
    match outcome.kind:
        case Kind.SURVIVED:
            return f"{reach}: lived"
        case Kind.CUT:
            return f"{reach}: cut: {outcome.how}"
        case Kind.FAILED:
            return f"{reach}: told nothing: {outcome.reason}"


def _reach_words(ttl: int) -> str:
    return {NONE: "without keep-alives", ALL: "with keep-alives all the way"}.get(
        ttl, f"with keep-alives to hop {ttl}"
    )


def check_system() -> None:
    """Raise CannotMeasureError where the system cannot do what locating needs."""
    if sys.platform != "linux" or not can_keep_alive():
        raise CannotMeasureError(
            "locate needs Linux: TCP keep-alives with a TTL of their own, and error queues that name hops"
        )
