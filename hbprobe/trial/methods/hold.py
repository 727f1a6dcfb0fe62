"""POST /hold to `hbprobe serve`, which answers after the hold with a token, and bears witness after a cut."""

from hbprobe.trial.asking import Asking
from hbprobe.trial.evidence import Ask, Observation
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
        found = await prove(self._dialer, stood=self.far_end is not None)
        if isinstance(found, Outcome):
            return found
        self.far_end = found
        return None

    @property
    def _witnessed(self) -> bool:
        return self.far_end is not None and self.far_end.bears_witness

    async def ask(self, ask: Ask) -> Observation:
        """Ask one question, and after a cut the far end what it saw."""
        return await self._asking.ask(ask)


make = HoldMethod
