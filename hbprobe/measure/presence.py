"""Whether the far end is still there after a cut, and how long it is waited for: without it no cut is evidence.

A server that is restarted ends its connections, and takes no new ones for a while; a box that dies with its state
looks the same. Either may happen in the middle of any hold. So a cut is followed by a look at once, and one that
finds nobody makes the trial void: it is made again, once somebody is there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from hbprobe.net.wire import Dialer, DialError
from hbprobe.trial.classify import PROMPT_S, excused
from hbprobe.trial.evidence import Ask, Observation
from hbprobe.trial.methods.method import Method
from hbprobe.trial.methods.table import METHODS, Server
from hbprobe.trial.outcome import Kind, Outcome

PATIENCE_S = 300.0
"""So long are path or server waited for after trials have shown that they work: a server restarts."""
FIRST_PATIENCE_S = 3.0
"""Before that, it is more likely that the address is wrong; but a name look-up may fail once."""
_LONGEST_BACK_OFF_S = 30.0


@dataclass(slots=True)
class BackOff:
    """How long path and server are left alone, longer each time."""

    rounds: int = 0
    waited_s: float = 0.0
    """What trials were held in between is not counted."""

    def next_s(self) -> float:
        """Return how long to leave them alone now."""
        pause_s = min(2.0**self.rounds, _LONGEST_BACK_OFF_S)
        self.rounds += 1
        self.waited_s += pause_s
        return pause_s


class Presence:
    """Looks at the far end of one method, at one address."""

    def __init__(self, method: Method, dialer: Dialer | None = None, *, stood: bool = True) -> None:
        """`dialer`: where a method whose proof asks nothing, for it has shaken hands before, looks for its server.

        `stood`: path and server have shown that they work.
        """
        self._method = method
        self._dialer = dialer
        self._patience_s = PATIENCE_S if stood else FIRST_PATIENCE_S
        self.given_up = ""
        """Why nobody waits for it any more, in words; empty where it has always come back."""

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

    async def back(self, back_off: BackOff) -> bool:
        """Wait until somebody is there, as long as that makes sense; say whether that is so."""
        while missing := await self._missing():
            if back_off.waited_s >= self._patience_s:
                tried = f"{back_off.rounds} more attempts in {back_off.waited_s:.0f} s were in vain"
                self.given_up = f"{missing}; {tried}"
                return False
            await asyncio.sleep(back_off.next_s())
        return True

    async def _judged(self, outcome: Outcome) -> Outcome:
        if outcome.kind is not Kind.FAILED or outcome.elapsed_s >= PROMPT_S:
            self._patience_s = PATIENCE_S
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
