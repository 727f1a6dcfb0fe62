"""What every method of a trial is, and how one is made of its row: a connection a trial, never asked twice."""

import random
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from hbprobe.net.wire import Dialer
from hbprobe.trial.asking import Quiet, nothing_meanwhile
from hbprobe.trial.classify import excuse_of, excused
from hbprobe.trial.evidence import Ask, Observation, Question
from hbprobe.trial.explanation import explained
from hbprobe.trial.methods.table import METHODS, MethodTraits
from hbprobe.trial.outcome import Outcome
from hbprobe.trial.talks.talk import NO_OPTIONS, TalkOptions

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.trial.ping_answer import HeartbeatLimits


@dataclass(frozen=True, slots=True)
class Environment:
    """Who asks what for a trial: a method by its name, the server, the clock and the account that it has."""

    name: str
    dialer: Dialer
    grace_s: float
    """So late may an answer be, on the loop's clock."""
    rng: random.Random
    """Makes the nonces."""
    rate: float = 1.0
    """So many seconds of the path pass in one of the loop's. Holds and outcomes are told in the path's."""
    _: KW_ONLY
    account: "Account | None" = None
    talk: TalkOptions = NO_OPTIONS
    connections: int = 1
    """So many trials run at once."""
    say: Callable[[str], None] = lambda _: None
    """Is told what a person who waits must know."""
    quiet: Quiet = nothing_meanwhile

    @property
    def traits(self) -> MethodTraits:
        """The method's row of the table."""
        return METHODS[self.name]


class Method(Protocol):
    """A way to make a trial."""

    name: str

    async def prove(self) -> Outcome | None:
        """See whether the other end is what the method needs; return why not, or None."""
        ...

    async def trial(self, hold_s: float) -> Outcome:
        """Keep one connection quiet for `hold_s` seconds, and say what came of it."""
        ...

    async def ask(self, ask: Ask) -> Observation:
        """Ask one question of a diagnosis, which must be one of `asks`; on the loop's clock."""
        ...

    def at(self, dialer: Dialer) -> "Method":
        """Return the same method for another address."""
        ...

    async def prepare(self) -> None:
        """Do what must be done before anything is measured; raises CannotMeasureError where the server refuses."""
        ...

    @property
    def asks(self) -> frozenset[Question]:
        """What it can ask of the server that is there."""
        ...

    @property
    def limits(self) -> "HeartbeatLimits | None":
        """Which heartbeats the server takes; None where holds are none."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said at the end."""
        ...

    def told(self) -> dict[str, Any] | None:
        """Return what the server said of itself, as it stands in a result; None for a method that does not ask."""
        ...


class OneConnection:
    """What methods share that hold one connection for each trial, and need neither account nor preparation."""

    def __init__(self, environment: Environment) -> None:
        self.name = environment.name
        self._environment = environment
        self._dialer = environment.dialer
        self._rate = environment.rate

    async def prove(self) -> Outcome | None:
        """Ask nothing: the trial itself shows what is there."""
        return None

    async def prepare(self) -> None:
        """Do nothing."""

    @property
    def asks(self) -> frozenset[Question]:
        """What its row says."""
        return self._environment.traits.asks

    @property
    def limits(self) -> None:
        """Nothing: any hold may be asked for."""
        return

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def told(self) -> dict[str, Any] | None:
        """Return nothing: no question was about the server."""
        return None

    def at(self, dialer: Dialer) -> Method:
        """Return the same method for another address."""
        return make(replace(self._environment, dialer=dialer))

    async def trial(self, hold_s: float) -> Outcome:
        """Keep one connection quiet for `hold_s` seconds, and say what came of it."""
        seen = await self.ask(Ask(Question.POST_MORTEM, hold_s / self._rate))
        excuse = excuse_of(seen, self._environment.grace_s, witnessed=self._witnessed)
        outcome = explained(seen.paced(self._rate), tls=self._dialer.tls)
        return outcome if excuse is None else excused(outcome, excuse)

    async def ask(self, ask: Ask) -> Observation:
        """Ask one question; never raises for what the path or its far end does."""
        raise NotImplementedError

    @property
    def _witnessed(self) -> bool:
        """Whether the far end has borne witness before, so that its silence says something as well."""
        return False


def make(environment: Environment) -> Method:
    """Make a method in its environment."""
    method: Method = import_module(environment.traits.module).make(environment)
    return method
