"""What every box can be asked and told while it runs, whatever its layer."""

import math
from dataclasses import dataclass
from typing import Protocol

from hbprobe.middlebox.events import FlowCounts
from hbprobe.profiles.model import Profile


@dataclass(frozen=True, slots=True)
class FlowState:
    """A live flow. Durations in seconds of the box's clock."""

    number: int
    """Counted from 1 in the order of arrival."""
    client: str
    phase: str
    age_s: float
    quiet_s: float
    """Since its running timer was last restarted."""
    due_in_s: float | None
    """Until a timer runs out if nothing restarts it, 0 where that is over; None where none runs."""


def due_in(due: float, now: float) -> float | None:
    """Return the `due_in_s` of what is due at a time, infinite for never."""
    return None if due == math.inf else max(0.0, due - now)


class RunningBox(Protocol):
    """What relays and gateways have in common for those who watch and steer them."""

    profile: Profile

    @property
    def counts(self) -> FlowCounts:
        """What happened so far."""
        ...

    def __len__(self) -> int:
        """Return the number of live flows."""
        ...

    async def listen(self, host: str, port: int, *, share_port: bool = False) -> tuple[str, int]:
        """Take connections on an address, and return it; raises OSError when it cannot be had.

        `share_port`: other processes of this user may listen there, too.
        """
        ...

    def flows(self) -> list[FlowState]:
        """Return the live flows, oldest first."""
        ...

    def change(self, profile: Profile) -> None:
        """Go on by another profile of the same layer; live flows get its timers, counted from where they are."""
        ...

    def expire(self, number: int) -> bool:
        """End a flow now, as if its timer had run out; False when there is no such flow, or no timer."""
        ...

    def expire_all(self) -> int:
        """End all flows now, as `expire` does one; return how many."""
        ...

    def blackhole(self) -> None:
        """Let nothing pass and answer nothing, as if a cable were cut, until `heal`. Timers run on."""
        ...

    def heal(self) -> None:
        """Let everything pass again; what the ends have sent meanwhile, TCP sends again."""
        ...

    def drain(self) -> None:
        """Take no more connections; live flows go on."""
        ...

    def close(self) -> None:
        """Take no more connections, and reset those that are left."""
        ...
