"""Whether the far end is still there after a cut: where it is not, the cut is no evidence of a timer.

A server that is restarted ends its connections, and takes no new ones for a while; a box that dies with its state
looks the same. Either may happen in the middle of any hold. So a cut is followed by a look at once, and one that
finds nobody makes the trial void: it is made again, once somebody is there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from hbprobe.net.wire import Dialer, DialError
from hbprobe.trial.classify import excused
from hbprobe.trial.evidence import Ask, Observation
from hbprobe.trial.methods.method import Method
from hbprobe.trial.methods.table import METHODS, Server
from hbprobe.trial.outcome import Kind, Outcome


class Presence:
    """Looks at the far end of one method, at one address."""

    def __init__(self, method: Method, dialer: Dialer | None = None) -> None:
        """`dialer`: where a method whose proof asks nothing, for it has shaken hands before, looks for its server."""
        self._method = method
        self._dialer = dialer

    async def trial(self, hold_s: float) -> Outcome:
        """Hold once, and look where that was cut."""
        return await self.seen(lambda: self._method.trial(hold_s))

    async def ask(self, ask: Ask) -> Observation:
        """Ask a question of a diagnosis."""
        seen = await self._method.ask(ask)
        return replace(seen, outcome=await self._judged(seen.outcome))

    async def seen(self, make: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Make a trial in a way of the caller's own, and look where it was cut."""
        return await self._judged(await make())

    async def _judged(self, outcome: Outcome) -> Outcome:
        if outcome.kind is not Kind.CUT:
            return outcome
        missing = await self._missing()
        if not missing:
            return outcome
        text = f"it was cut ({outcome.reason or outcome.how}), and right after that the far end was not there"
        return excused(outcome, f"{text}, as when it, or a box on the path, is restarted: {missing}")

    async def _missing(self) -> str:
        """Say what is out of order; empty where somebody is there, who may want to be left alone for a while."""
        objection = await self._method.prove()
        if objection is not None:
            return objection.reason if objection.outage or not objection.again else ""
        if self._dialer is not None and METHODS[self._method.name].server is Server.ACTIVE_SYNC:
            try:
                (await self._dialer.open()).close()
            except DialError as error:
                return str(error)
        return ""
