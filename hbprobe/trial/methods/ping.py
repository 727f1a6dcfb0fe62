"""The method that a real ActiveSync server can answer: a trial is one Ping, on one connection of its own.

Each trial that runs at the same time is a device of its own, for a newer Ping of a device ends its older one. The
handshake and what has to be done between two Pings go over other connections.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Any

from hbprobe.eas.client import EAS_PATH, Account, Handshake, ServerIdentity, device_id
from hbprobe.eas.refusal import RefusedError
from hbprobe.errors import CannotMeasureError
from hbprobe.manner import Manner
from hbprobe.net.replies import Answer
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.trial.asking import Quiet, nothing_meanwhile, on_a_connection
from hbprobe.trial.classify import classify
from hbprobe.trial.evidence import Ask, Observation, Question
from hbprobe.trial.explanation import explained
from hbprobe.trial.handshake import RequestSender
from hbprobe.trial.http import Conversation
from hbprobe.trial.methods.method import Environment
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.ping_answer import USUAL_STEPS_S, HeartbeatLimits, PingReading, read_ping
from hbprobe.trial.postmortem import examine
from hbprobe.trial.quarantine import GRACE_S, QuarantineCheck, read_quarantine_check

_TOO_SHORT_S, _TOO_LONG_S = 1, 86400
"""Heartbeats that servers refuse, naming their limits; or the shorter one is taken, and so is its own limit."""
_SHORT_S = 60
_LONGEST_SHORT_S = 300
"""A Ping beside the search is not worth more time."""
_TURNED_AWAY = (401, 403)
_LIMIT_PATIENCE_S = 15.0
"""A server that has not refused by then takes the heartbeat; SOGo waits its 10 s before it refuses."""
_ROUNDS_UP_S = USUAL_STEPS_S[-1]
"""So much longer than it was asked to, a server may hold a Ping that it rounds up."""
_MAY_ROUND = (
    "whether the server rounds heartbeats could not be seen: where it rounds up, the path cuts later than it seems, "
    f"by {_ROUNDS_UP_S} s at most"
)


class PingMethod:
    """Pings whose HeartbeatInterval is the hold, against any ActiveSync server."""

    name = "ping"
    asks = METHODS["ping"].asks

    def __init__(
        self,
        dialer: Dialer,
        grace_s: float,
        account: Account,
        devices: int = 1,
        say: Callable[[str], None] = lambda _: None,
        *,
        first: int = 1,
        quiet: Quiet = nothing_meanwhile,
    ) -> None:
        """Make the devices: so many as trials are to run at the same time, numbered from `first` on.

        `say` is told when the server asks for a pause.
        """
        self._quiet = quiet
        self._dialer = dialer
        self._grace_s = grace_s
        self._account = account
        self._loop = asyncio.get_running_loop()
        host, path = dialer.target.host, eas_path(dialer.target.path)
        ids = (device_id(account.user, host, number) for number in range(first, first + devices))
        self.devices = tuple(Handshake(account, device, path) for device in ids)
        self.limits = HeartbeatLimits()
        self.doubts: list[str] = []
        """What the server's ways leave open."""
        self._free: asyncio.Queue[Handshake] = asyncio.Queue()
        for device in self.devices:
            self._free.put_nowait(device)
        self._next = first + devices
        self._say = say
        self._verdict: Outcome | None = None
        """Once the server has turned the account away, nothing is sent any more."""

    @property
    def server(self) -> ServerIdentity:
        """What the server said of itself."""
        return self.devices[0].server

    def told(self) -> dict[str, Any]:
        """Return what the server said of itself, as it stands in a result."""
        return {
            "min_heartbeat_s": self.limits.min_s,
            "max_heartbeat_s": self.limits.max_s,
            "protocol": self.server.version,
            "release": self.server.release,
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What is open, and what stays on the server: a device can make its partnership, and cannot end it."""
        ids = ", ".join(device.device for device in self.devices)
        stays = f"the server goes on to list the probe's device {ids}; in Exchange, Remove-MobileDevice removes it"
        return (*self.doubts, stays)

    @property
    def short_s(self) -> int:
        """The shortest heartbeat that the server is known to take, or else what Exchange takes by default."""
        return self.limits.min_s or min(_SHORT_S, self.limits.max_s or _SHORT_S)

    @property
    def has_short(self) -> bool:
        """Whether that is short enough to be tried beside the search."""
        return self.short_s <= _LONGEST_SHORT_S

    async def prepare(self) -> None:
        """Let every device shake hands, ask for the server's limits, and see that every device hears of changes.

        Raises CannotMeasureError, which says what the server refused and what to do.
        """
        with closing(RequestSender(self._dialer, self._say)) as sender:
            for device in self.devices:
                try:
                    await sender.shake_hands(device)
                except RefusedError as error:
                    raise CannotMeasureError(f"{error}; {error.refusal.mend}") from None
                except DialError as error:
                    raise CannotMeasureError(str(error)) from None
            await self.read_limits(sender)
            for device in self.devices:
                await self._refuse_quarantine(sender, device)

    async def _refuse_quarantine(self, sender: RequestSender, device: Handshake) -> None:
        checked = await self.check_quarantine(sender, device)
        if checked.refusal is not None:
            raise CannotMeasureError(f"{checked.refusal.reason}; {checked.refusal.mend}")
        if checked.told is False and checked.words not in self.doubts:
            self.doubts.append(checked.words)

    async def check_quarantine(self, sender: RequestSender, device: Handshake) -> QuarantineCheck:
        """Find out whether the server tells a device of changes."""
        heartbeat_s = self.short_s
        request = device.ping_untouched(heartbeat_s)
        if request is None or not self.has_short:
            return QuarantineCheck(told=None)
        started_s = self._loop.time()
        try:
            reply = await sender.ask(request, heartbeat_s + GRACE_S)
        except DialError:
            return QuarantineCheck(told=None)  # the search will meet it again
        return read_quarantine_check(
            reply, heartbeat_s, self._loop.time() - started_s, is_exchange=device.server.is_exchange
        )

    async def read_limits(self, sender: RequestSender) -> None:
        """Ask for the server's heartbeat limits, and whether it rounds: Exchange does not.

        Raises CannotMeasureError where it turns the account away.
        """
        may_round = not self.server.is_exchange
        await self._ask_limit(sender, _TOO_SHORT_S, _LIMIT_PATIENCE_S + (_ROUNDS_UP_S if may_round else 0.0))
        await self._ask_limit(sender, _TOO_LONG_S, _LIMIT_PATIENCE_S)
        if may_round and self.has_short:
            await self._see_rounding(sender, self.short_s + 1)

    async def prove(self) -> Outcome | None:
        """Ask nothing: the handshake has shown what is there."""
        return None

    def at(self, dialer: Dialer) -> "PingMethod":
        """Return the same method for another address, with devices that have not shaken hands yet.

        The other address may be the same server's, where a device has one Ping at a time.
        """
        count, first = len(self.devices), self._next
        return PingMethod(dialer, self._grace_s, self._account, count, self._say, first=first, quiet=self._quiet)

    async def trial(self, hold_s: float) -> Outcome:
        """Hold one Ping of a whole number of seconds open, and say what came of it."""
        return explained(await self.ask(Ask(Question.POST_MORTEM, hold_s)), tls=self._dialer.tls)

    async def ask(self, ask: Ask) -> Observation:
        """Ask one question with a Ping of a device that has none, and examine the connection if it goes silent."""
        device = await self._free.get()
        try:
            if (objection := await self._ready(device)) is not None:
                return Observation(ask, objection)
            return await on_a_connection(self._dialer, ask, lambda wire: self._seen(ask, wire, device))
        finally:
            self._free.put_nowait(device)

    async def _seen(self, ask: Ask, wire: Wire, device: Handshake) -> Observation:
        async with self._quiet(wire, ask.hold_s):
            outcome = await self._ping(wire, device, round(ask.hold_s))
        socket = await examine(wire) if outcome.how is Manner.SILENT else None
        return Observation(ask, outcome, signed=wire.signed, socket=socket)

    async def _ready(self, device: Handshake) -> Outcome | None:
        """Take the steps that the device still has to take; return why it cannot."""
        if self._verdict is not None:
            return self._verdict
        if device.step is None:
            await self._account.renew()
            return None
        try:
            with closing(RequestSender(self._dialer, self._say)) as sender:
                await sender.shake_hands(device)
        except RefusedError as error:
            return self._turned_away(Outcome(Kind.FAILED, 0.0, status=error.refusal.status, reason=str(error)))
        except DialError as error:
            return Outcome(Kind.FAILED, 0.0, reason=str(error), again=error.passing, outage=error.passing)
        return None

    async def _ping(self, wire: Wire, device: Handshake, heartbeat_s: int) -> Outcome:
        conversation, request = Conversation(wire, self._dialer.target.authority), device.ping(heartbeat_s)
        started_s = self._loop.time()
        conversation.ask(request.method, request.target, request.headers, request.body)
        reply = await conversation.reply(started_s + heartbeat_s + self._grace_s)
        if not isinstance(reply, Answer):
            now_s = self._loop.time()
            return classify(reply, hold_s=heartbeat_s, started_s=started_s, now_s=now_s, expected=b"")
        reading = read_ping(reply, heartbeat_s, reply.at_s - started_s)
        if reading.bound_s is not None:
            self.limits.learn(heartbeat_s, reading.bound_s)
        if reading.held_s is not None:
            self.limits.held(heartbeat_s, reading.held_s)
        if reading.back_to is not None:
            device.back_to(reading.back_to)
        return self._turned_away(reading.outcome)

    def _turned_away(self, outcome: Outcome) -> Outcome:
        if outcome.kind is Kind.FAILED and not outcome.again:
            self._verdict = outcome
        return outcome

    async def _ask_limit(self, sender: RequestSender, asked_s: int, patience_s: float) -> None:
        """Ping with a heartbeat that a server will refuse, and learn what it would take instead."""
        reading = await self._ask_beside(sender, asked_s, patience_s)
        if reading is None:
            return
        if reading.outcome.kind is Kind.SURVIVED:
            # so short a heartbeat is taken, if no shorter one; or it is rounded up to the least that the server holds
            self.limits.min_s = max(asked_s, round(reading.outcome.elapsed_s))
            self.limits.held(asked_s, self.limits.min_s)
        elif reading.bound_s is not None:
            self.limits.learn(asked_s, reading.bound_s)
        elif reading.outcome.status in _TURNED_AWAY:
            raise CannotMeasureError(reading.outcome.reason)

    async def _see_rounding(self, sender: RequestSender, asked_s: int) -> None:
        """Ping a second longer than the server takes at least, and see how long it is held."""
        reading = await self._ask_beside(sender, asked_s, asked_s + _ROUNDS_UP_S)
        if reading is not None and reading.outcome.kind is Kind.SURVIVED:
            self.limits.held(asked_s, round(reading.outcome.elapsed_s))
        elif reading is not None and reading.held_s is not None:
            self.limits.held(asked_s, reading.held_s)
        elif self.limits.step_s is None:
            self.doubts.append(_MAY_ROUND)

    async def _ask_beside(self, sender: RequestSender, asked_s: int, patience_s: float) -> PingReading | None:
        """Ping beside the search, on a connection of the handshake; None where no answer comes."""
        started_s = self._loop.time()
        try:
            reply = await sender.ask(self.devices[0].ping(asked_s), patience_s)
        except DialError:
            return None  # the search will meet it again
        return read_ping(reply, asked_s, reply.at_s - started_s) if isinstance(reply, Answer) else None


def eas_path(path: str) -> str:
    """Return the path of ActiveSync for that of a URL: its own, where it names one."""
    return EAS_PATH if path == "/" else path


def make(environment: Environment) -> PingMethod:
    """Make it with as many devices as trials run at once."""
    if environment.account is None:
        raise ValueError("a Ping needs an account")
    account, count = environment.account, environment.connections
    grace_s, say, quiet = environment.grace_s, environment.say, environment.quiet
    return PingMethod(environment.dialer, grace_s, account, count, say, quiet=quiet)
