"""POST /hold to `hbprobe serve`, which answers after the hold with a token, and bears witness after a cut."""

from hbprobe.trial.asking import Asking
from hbprobe.trial.classify import excuse_of, excused
from hbprobe.trial.evidence import Ask, Observation, Question
from hbprobe.trial.methods.method import Environment, OneConnection
from hbprobe.trial.outcome import Outcome
from hbprobe.trial.proof import FarEndProof, prove


class HoldMethod(OneConnection):
    """A request that the far end holds."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        grace_s, rng, quiet = environment.grace_s, environment.rng, environment.quiet
        self._asking = Asking(self._dialer, grace_s, rng, holds=True, quiet=quiet)
        self.far_end: FarEndProof | None = None
        """What the far end has shown of itself; None before it was asked."""

    async def prove(self) -> Outcome | None:
        """See whether `hbprobe serve` is there; return what is there instead, or None."""
        found = await prove(self._dialer)
        if isinstance(found, Outcome):
            return found
        self.far_end = found
        return None

    async def trial(self, hold_s: float) -> Outcome:
        """Hold one request open for `hold_s` seconds, and say what came of it."""
        seen = await self.ask(Ask(Question.POST_MORTEM, hold_s / self._rate))
        witnessed = self.far_end is not None and self.far_end.bears_witness
        excuse = excuse_of(seen, self._environment.grace_s, witnessed=witnessed)
        outcome = self._explained(seen)
        return outcome if excuse is None else excused(outcome, excuse)

    async def ask(self, ask: Ask) -> Observation:
        """Ask one question, and after a cut the far end what it saw."""
        return await self._asking.ask(ask)


make = HoldMethod
