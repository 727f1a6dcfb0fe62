"""The methods of a trial: one connection on which one request is held open, and what became of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from hbprobe.manner import Manner
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.trial.asking import Asking, Quiet, nothing_meanwhile
from hbprobe.trial.evidence import Ask, Question, Seen
from hbprobe.trial.excuse import excuse_of, excused
from hbprobe.trial.explanation import explained
from hbprobe.trial.http import Conversation
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.postmortem import examine
from hbprobe.trial.proof import FarEndProof, prove

_FIRST_ANSWER_S = 30.0
"""How long the idle method waits for its first answer, which nothing is meant to hold up."""


class Method(Protocol):
    """A way to make a trial."""

    name: str

    async def prove(self) -> Outcome | None:
        """See whether the other end is what the method needs; return why not, or None."""
        ...

    async def trial(self, hold_s: float) -> Outcome:
        """Keep one connection quiet for `hold_s` seconds, and say what came of it."""
        ...

    def told(self) -> dict[str, Any] | None:
        """Return what the server said of itself, as it stands in a result; None for a method that does not ask."""
        ...


class HoldMethod:
    """POST /hold to `hbprobe serve`, which answers after the hold with a token, and bears witness after a cut."""

    name = "hold"

    def __init__(
        self,
        dialer: Dialer,
        grace_s: float,
        rng: random.Random,
        rate: float = 1.0,
        quiet: Quiet = nothing_meanwhile,
    ) -> None:
        """`rate`: so many seconds of the path pass in one of the loop's."""
        self._asking = Asking(dialer, grace_s, rng, holds=True, quiet=quiet)
        self._dialer = dialer
        self._grace_s = grace_s
        self._rate = rate
        self.far_end: FarEndProof | None = None
        """What the far end has shown of itself; None before it was asked."""

    async def prove(self) -> Outcome | None:
        """See whether `hbprobe serve` is there; return what is there instead, or None."""
        found = await prove(self._dialer)
        if isinstance(found, Outcome):
            return found
        self.far_end = found
        return None

    def told(self) -> dict[str, Any] | None:
        """Return nothing: no question was about the server."""
        return None

    async def trial(self, hold_s: float) -> Outcome:
        """Hold one request open for `hold_s` seconds, and say what came of it."""
        seen = await self._asking.ask(Ask(Question.POST_MORTEM, hold_s / self._rate))
        witnessed = self.far_end is not None and self.far_end.bears_witness
        excuse = excuse_of(seen, self._grace_s, witnessed=witnessed)
        outcome = explained(seen.paced(self._rate), tls=self._dialer.target.tls)
        return outcome if excuse is None else excused(outcome, excuse)


class OneConnection:
    """What the others share: a connection a trial, closed whatever happens, and no exceptions to the outside."""

    def __init__(self, dialer: Dialer, grace_s: float, rate: float = 1.0) -> None:
        """`rate`: so many seconds of the path pass in one of the loop's."""
        self._dialer = dialer
        self._grace_s = grace_s
        self._rate = rate
        self._loop = asyncio.get_running_loop()

    async def prove(self) -> Outcome | None:
        """Ask nothing: the trial itself shows what is there."""
        return None

    def told(self) -> dict[str, Any] | None:
        """Return nothing: no question was about the server."""
        return None

    async def trial(self, hold_s: float) -> Outcome:
        """Keep one connection quiet for `hold_s` seconds, and say what came of it."""
        quiet_s = hold_s / self._rate
        return await self._on_a_connection(quiet_s, lambda wire: self._hold(wire, quiet_s))

    async def _on_a_connection(self, hold_s: float, hold: Callable[[Wire], Awaitable[Outcome]]) -> Outcome:
        try:
            wire = await self._dialer.open()
        except DialError as error:
            return Outcome(Kind.FAILED, 0.0, reason=str(error), again=error.passing, outage=error.passing)
        try:
            outcome = await hold(wire)
            socket = await examine(wire) if outcome.how is Manner.SILENT else None
        finally:
            wire.close()
        outcome = replace(outcome, connection=wire.connection)
        seen = Seen(Ask(Question.POST_MORTEM, hold_s), outcome, signed=wire.signed, socket=socket)
        return explained(seen.paced(self._rate), tls=self._dialer.target.tls)

    async def _hold(self, wire: Wire, hold_s: float) -> Outcome:
        raise NotImplementedError

    def _conversation(self, wire: Wire) -> Conversation:
        return Conversation(wire, self._dialer.target.authority)


class IdleMethod:
    """One request, silence for the hold, another request: for a server that cannot hold.

    It measures the server's own keep-alive timer, too: the shortest of all timers between here and there.
    """

    name = "idle"

    def __init__(
        self,
        dialer: Dialer,
        grace_s: float,
        rng: random.Random,
        rate: float = 1.0,
        quiet: Quiet = nothing_meanwhile,
    ) -> None:
        """`rate`: so many seconds of the path pass in one of the loop's."""
        self._asking = Asking(dialer, grace_s, rng, holds=False, quiet=quiet)
        self._tls = dialer.target.tls
        self._rate = rate

    async def prove(self) -> Outcome | None:
        """Ask nothing: the first request of each trial shows what is there."""
        return None

    def told(self) -> dict[str, Any] | None:
        """Return nothing: no question was about the server."""
        return None

    async def trial(self, hold_s: float) -> Outcome:
        """Keep one connection quiet for `hold_s` seconds between two requests, and say what came of it."""
        seen = await self._asking.ask(Ask(Question.POST_MORTEM, hold_s / self._rate))
        return explained(seen.paced(self._rate), tls=self._tls)


def make_method(name: str, dialer: Dialer, grace_s: float, rng: random.Random, rate: float = 1.0) -> Method:
    """Make the method of that name, `hold` or `idle`; `rng` makes the nonces. A Ping needs more: see setup.py.

    `rate`: so many seconds of the path pass in one of the loop's. Holds and outcomes are told in the path's, and the
    grace in the loop's.
    """
    match name:
        case HoldMethod.name:
            return HoldMethod(dialer, grace_s, rng, rate)
        case IdleMethod.name:
            return IdleMethod(dialer, grace_s, rng, rate)
        case _:
            raise ValueError(f"{name} is no method that needs nothing but a path")
