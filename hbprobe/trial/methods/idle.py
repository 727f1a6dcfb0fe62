"""One request, silence for the hold, another request: for a server that cannot hold.

It measures the server's own keep-alive timer, too: the shortest of all timers between here and there.
"""

from hbprobe.trial.asking import Asking
from hbprobe.trial.evidence import Ask, Observation
from hbprobe.trial.methods.method import Environment, OneConnection
from hbprobe.trial.outcome import Outcome
from hbprobe.trial.proof import prove_http


class IdleMethod(OneConnection):
    """Silence between two requests."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        grace_s, rng, quiet = environment.grace_s, environment.rng, environment.quiet
        self._asking = Asking(self._dialer, grace_s, rng, holds=False, quiet=quiet)
        self._has_stood = False

    async def prove(self) -> Outcome | None:
        """See whether HTTP is spoken there; return what is there instead, or None."""
        found = await prove_http(self._dialer, stood=self._has_stood)
        self._has_stood |= found is None
        return found

    async def ask(self, ask: Ask) -> Observation:
        """Ask one question."""
        return await self._asking.ask(ask)


make = IdleMethod
