"""A fleet over sockets: the devices of `hbprobe.fleet`, as clients of the stand-in, through real boxes over real TLS.

Devices draw the same luck here as in the model, so on a path without chance both make the same requests at the same
times. What is left out: nobody moves, for there is one path.
"""

import asyncio
import contextlib
import random
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from ipaddress import IPv4Address
from math import inf

from hbprobe.eas.client import Account, Handshake, Step
from hbprobe.eas.commands import PingAnswer, PingStatus
from hbprobe.eas.refusal import RefusedError
from hbprobe.eas.request_record import IdleConnection, RequestRecord
from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.algorithms import Device
from hbprobe.exchange.window import Event1040
from hbprobe.fleet import chance
from hbprobe.fleet.chance import OfRequest, OfVisit
from hbprobe.fleet.mail import Mailbox
from hbprobe.fleet.reference import simulate
from hbprobe.fleet.ticks import TICK_S, on_grid
from hbprobe.fleet.world import World
from hbprobe.lab.inprocess import no_fault_is_lost, path
from hbprobe.manner import Manner
from hbprobe.middlebox.events import Event
from hbprobe.net.replies import Answer, End, EndKind, Reply
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.profiles.model import Profile
from hbprobe.standin.exchange_server import ExchangeServer
from hbprobe.standin.recorders import Recorder
from hbprobe.standin.service import StandIn
from hbprobe.trial.handshake import RequestSender
from hbprobe.trial.http import Conversation

SAME_S = 0.01
"""Times that are no further apart are the same: a SYN that fell shifts what comes after it a little."""
_AT_ONCE_S = 1e-4
"""Of the loop's clock, on which a connection takes no time."""
_MOST_DIALS = 3
_FIRST_ADDRESS = IPv4Address("127.1.0.1")
_PORT_LATER = 24
"""IP_BIND_ADDRESS_NO_PORT of ip(7), which Python has no name for: the port is chosen when the socket connects."""


@dataclass(frozen=True, slots=True)
class SeenSample:
    """A Ping that the stand-in took as a sample."""

    at_s: float
    device: int
    heartbeat_s: int


@dataclass(frozen=True, slots=True)
class SocketFleet:
    """What the stand-in saw of a fleet."""

    samples: tuple[SeenSample, ...]
    """In the order of time."""
    events: tuple[Event1040, ...]
    connections: int
    """How many connections devices opened for their Pings."""


def on_one_path(world: World) -> World:
    """Return a fleet in which nobody moves, as `run` has it."""
    return replace(world, habits=replace(world.habits, stay_s=inf))


async def run(
    world: World,
    boxes: Sequence[Profile],
    until_s: float,
    recorders: Sequence[Recorder] = (),
    connection_timeout_s: float | None = None,
) -> SocketFleet:
    """Let a fleet live for so many seconds of the loop's clock behind boxes, in order from the client.

    `recorders` hear what the stand-in hears; `connection_timeout_s` is how long it keeps a connection without a
    request.
    """
    told: list[list[Event]] = [[] for _ in boxes]
    seen = _Seen()
    standin = StandIn(world.settings, recorders=(seen, *recorders), connection_timeout_s=connection_timeout_s)
    chances = random.Random(world.seed)
    async with no_fault_is_lost(), path(boxes, world.settings, told, chances, (standin,)) as dialer:
        begin_s = asyncio.get_running_loop().time()
        devices = [_OnSockets(world, number, dialer, standin.exchange, begin_s) for number in range(world.devices)]
        with _as_one_error(), contextlib.suppress(TimeoutError):  # which is how it ends
            async with asyncio.timeout_at(begin_s + until_s), asyncio.TaskGroup() as living:
                for device in devices:
                    living.create_task(device.live())
    return SocketFleet(seen.samples(begin_s), tuple(seen.events), sum(device.connections for device in devices))


@contextlib.contextmanager
def _as_one_error() -> Iterator[None]:
    """Raise what stopped the first device, rather than a group of one."""
    try:
        yield
    except BaseExceptionGroup as group:  # not except*: before Python 3.11.4 it makes a group of what it raises
        errors, others = group.split((DialError, RefusedError))
        if errors is None or others is not None:
            raise
        raise CannotMeasureError(f"a device comes no further: {errors.exceptions[0]}") from None


def agreement(world: World, seen: SocketFleet, until_s: float) -> tuple[int, int]:
    """Return how many of the requests the model makes too, and how many it makes.

    The same is the n-th request of the same device, with the same interval, at the same time.
    """
    model = simulate(world, until_s).samples
    modelled = _by_device((sample.device, sample.at_s, sample.heartbeat_s) for sample in model)
    met = _by_device((sample.device, sample.at_s, sample.heartbeat_s) for sample in seen.samples)
    same = sum(
        there[1] == here[1] and abs(there[0] - here[0]) <= SAME_S
        for device, requests in modelled.items()
        for there, here in zip(requests, met.get(device, ()), strict=False)
    )
    return same, len(model)


def _by_device(samples: Iterable[tuple[int, float, int]]) -> dict[int, list[tuple[float, int]]]:
    requests: dict[int, list[tuple[float, int]]] = {}
    for device, at_s, heartbeat_s in samples:
        requests.setdefault(device, []).append((at_s, heartbeat_s))
    return requests


class _Seen:
    """A recorder of all samples and events."""

    def __init__(self) -> None:
        self.events: list[Event1040] = []
        self._records: list[tuple[float, int, int]] = []

    def event_1040(self, event: Event1040) -> None:
        self.events.append(event)

    def request_done(self, record: RequestRecord) -> None:
        if record.heartbeat_s is not None and record.user is not None:
            self._records.append((record.started_s, int(record.user), record.heartbeat_s))

    def connection_idle(self, connection: IdleConnection) -> None:
        """Keep nothing: it is no request."""

    def samples(self, begin_s: float) -> tuple[SeenSample, ...]:
        in_order = sorted(self._records, key=lambda record: record[:2])
        return tuple(SeenSample(at_s - begin_s, device, heartbeat_s) for at_s, device, heartbeat_s in in_order)


class _OnSockets:
    """One device, with a mailbox of its own."""

    def __init__(self, world: World, number: int, dialer: Dialer, exchange: ExchangeServer, begin_s: float) -> None:
        self.connections = 0
        self._habits, self._begin_s = world.habits, begin_s
        self._device: Device = world.kinds[world.kind_of(number)].new()
        self._key = chance.key(world.seed, number)
        self._user = str(number)
        self._handshake = Handshake(Account(self._user, "no secret"), f"device{number}")
        self._dialer = _Redialling(dialer.prepared(lambda sock: _take_address(sock, number)))
        self._exchange, self._loop = exchange, asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._conversation: Conversation | None = None
        self._requests = 0
        first = chance.uniform(chance.visit_key(self._key), 0, OfVisit.START)
        start_s = on_grid(self._habits.start_s * first)
        self._due_s = begin_s + start_s
        self._mailbox = Mailbox(self._habits.mail, self._key, start_s)

    async def live(self) -> None:
        """Ask again and again, until cancelled."""
        mail: asyncio.TimerHandle | None = None
        try:
            while True:
                await self._until(self._due_s)
                if mail is not None:
                    mail.cancel()
                with contextlib.closing(RequestSender(self._dialer)) as sender:
                    await sender.shake_hands(self._handshake)
                mail = self._expect_mail()
                reply = await self._ping(self._device.heartbeat_s)
                self._due_s = self._loop.time()
                self._take(reply)
        finally:
            if mail is not None:
                mail.cancel()
            self._hang_up()

    async def _until(self, at_s: float) -> None:
        if at_s > self._loop.time():
            passed = self._loop.create_future()
            self._loop.call_at(at_s, passed.set_result, None)
            await passed

    def _expect_mail(self) -> asyncio.TimerHandle | None:
        """Let the next mail come when it comes; what came before was noticed, or waits."""
        self._mailbox.leave_until(self._loop.time() - self._begin_s + TICK_S)
        mail_s = self._mailbox.next_s + self._begin_s
        watched = self._handshake.watched
        if mail_s == inf or watched is None:
            return None
        return self._loop.call_at(mail_s, self._exchange.new_mail, self._user, watched.id)

    async def _ping(self, heartbeat_s: int) -> Reply:
        """Send a Ping, on the connection of the last one if that still stands."""
        asked_s = self._loop.time()
        if self._conversation is None:
            self._wire = await self._dialer.open()
            self._conversation = Conversation(self._wire, self._dialer.target.authority)
            self.connections += 1
        request = self._handshake.ping(heartbeat_s)
        self._conversation.ask(request.method, request.target, request.headers, request.body)
        return await self._conversation.reply(asked_s + self._device.timeout_s)

    def _take(self, reply: Reply) -> None:
        """Let the device know what came of its Ping."""
        if not isinstance(reply, Answer) or reply.status != HTTPStatus.OK:
            self._hang_up()
            self._device.lost(_loss(reply))
            self._pause()
            self._requests += 1
            return
        conversation, answer = self._conversation, PingAnswer.decode(reply.body)
        if conversation is None or not conversation.next_turn() or not self._device.reuses_connection:
            self._hang_up()
        match answer.status:
            case PingStatus.QUIET:
                self._device.answered()
                self._requests += 1
            case PingStatus.CHANGES:
                self._handshake.back_to(Step.SYNC)
                self._requests += 1
            case PingStatus.INTERVAL_OUT_OF_RANGE if answer.heartbeat_s is not None:
                self._correct(answer.heartbeat_s)
            case status:
                raise RuntimeError(f"the stand-in answers a Ping with status {status}")

    def _correct(self, bound_s: int) -> None:
        """Take the server's correction; a device that does not give way tries again after a while."""
        before_s = self._device.heartbeat_s
        self._device.corrected(bound_s)
        if self._device.heartbeat_s == before_s:
            self._due_s += self._habits.wait_s
            self._requests += 1

    def _pause(self) -> None:
        if chance.uniform(self._key, self._requests, OfRequest.PAUSE) <= self._habits.waiting_share:
            self._due_s += self._habits.wait_s

    def _hang_up(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = self._conversation = None


class _Redialling(Dialer):
    """Dials once more where the kernel let a SYN fall: it would send it again after a second, and the clock jumps.

    That happens to one connection in ten thousand, with the port of another that has only just ended.
    """

    def __init__(self, dialer: Dialer) -> None:
        super().__init__(dialer.target, None)
        self._dialer = dialer

    async def open(self) -> Wire:
        """Connect; raises DialError where that fails again and again."""
        for _ in range(_MOST_DIALS - 1):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AT_ONCE_S):
                    return await self._dialer.open()
        return await self._dialer.open()


def _take_address(sock: socket.socket, device: int) -> None:
    """Let each device call from an address of its own, where the system has all of 127.0.0.0/8.

    Behind one address the ports of dead connections would come up again while the box still keeps them silent.
    """
    if sys.platform == "linux" and sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, _PORT_LATER, 1)
        sock.bind((str(_FIRST_ADDRESS + device), 0))


def _loss(reply: Reply) -> Manner:
    """Return how a device sees the loss of its request."""
    match reply:
        case None:
            return Manner.SILENT
        case Answer():
            return Manner.STATUS
        case End(kind=EndKind.RST):
            return Manner.RESET
        case _:
            return Manner.CLOSED
