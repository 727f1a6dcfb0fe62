"""Everything that a simulation of a fleet rests on; both models take the same."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hbprobe.exchange.devices import DeviceKind
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mail import MailDay
from hbprobe.fleet.paths import FleetPath
from hbprobe.fleet.states import StateTable, tabulate
from hbprobe.profiles.silent_request import Cut


@dataclass(frozen=True, slots=True)
class Habits:
    """What devices and their owners do."""

    mail: MailDay
    stay_s: float
    """How long a device stays on a network, on average; infinite for one that never moves."""
    waiting_share: float
    """The share of losses after which the device pauses before it asks again."""
    wait_s: float
    """How long the pause is; also how long a device waits that the server refuses."""
    start_s: float
    """Devices are switched on at times spread evenly over so long."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What requests weigh on the wire."""

    request_bytes: float = 600.0
    """A heartbeat there and back: https://docs.microsoft.com/en-us/previous-versions/windows/it-pro/windows-phone/cc182263(v=technet.10)"""
    handshake_bytes: float = 0.0
    """A new connection with TLS."""


@dataclass(frozen=True, slots=True)
class World:
    """Devices, paths, habits, and Exchange's settings."""

    kinds: tuple[DeviceKind, ...]
    counts: tuple[int, ...]
    """How many devices of each kind there are; they are numbered kind by kind."""
    paths: tuple[FleetPath, ...]
    firewall: Cut
    """The box before the server, through which all requests go."""
    habits: Habits
    settings: Settings
    costs: Costs = Costs()
    seed: int = 0
    table: StateTable = field(init=False, compare=False)
    _ends: tuple[int, ...] = field(init=False, compare=False, repr=False)
    """Up to which number devices are of each kind."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", tabulate(self.kinds, self.settings))
        object.__setattr__(self, "_ends", tuple(accumulate(self.counts)))

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return sum(self.counts)

    def kind_of(self, device: int) -> int:
        """Return the kind of a device, by its number."""
        return bisect_right(self._ends, device)

    def kinds_of(self, devices: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the kinds of many devices."""
        return np.searchsorted(np.cumsum(self.counts), devices, side="right")


def apportion(devices: int, shares: tuple[float, ...]) -> tuple[int, ...]:
    """Share devices out among kinds, as near to the shares as whole devices can be."""
    whole = sum(shares)
    quotas = [devices * share / whole for share in shares]
    counts = [int(quota) for quota in quotas]
    by_rest = sorted(range(len(shares)), key=lambda kind: counts[kind] - quotas[kind])
    for kind in by_rest[: devices - sum(counts)]:
        counts[kind] += 1
    return tuple(counts)
