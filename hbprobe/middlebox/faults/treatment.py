"""How one flow is to be degraded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hbprobe.middlebox.rules import Rules
from hbprobe.middlebox.stages.pipe import StagePlan
from hbprobe.profiles.model import TimerKind


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a flow is to be degraded."""

    rules: Rules
    stages: tuple[Sequence[StagePlan], Sequence[StagePlan]] = ((), ())
    """What passes from the client, and what passes from the server."""
    dark: str = ""
    """What lets nothing pass, not even an ACK, until it is taken away; empty for nothing."""
    owners: Mapping[TimerKind, str] = field(default_factory=dict)
    """Whose each timer is."""
    names: Sequence[str] = ()
    """All that this flow has."""
