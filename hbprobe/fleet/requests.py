"""The requests for simulated fleets: what the server sees of one, and which timer its firewall should have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from hbprobe.fleet.tally import FleetResult
from hbprobe.measure.request import Configured, Duration, File, Group, Request, Whole

Devices: TypeAlias = Annotated[int, Whole(1, 10_000_000)]


@dataclass(frozen=True, kw_only=True)
class OfFleet(Configured, Group):
    """What a fleet is made of."""

    mix: File | None = None
    """which devices, paths and habits there are (default: the shipped office)"""
    device: Sequence[str] = ()
    """devices of this kind instead of the mix's; several in equal shares"""
    seed: int = 0
    """other luck"""


@dataclass(frozen=True, kw_only=True)
class Fleet(OfFleet, Request[FleetResult]):
    """Simulate many devices on many paths, and say when event 1040 fires.

    Each device has its algorithm, path, mail and moves between networks. What the server sees is shown: event 1040,
    requests, TLS handshakes, connections.
    """

    devices: Devices = 20_000
    """how many devices"""
    days: float = 7.0
    """how many days, after one in which devices find their heartbeats"""
    path: str | None = None
    """all devices on the path of this profile, instead of the mix's paths"""


@dataclass(frozen=True, kw_only=True)
class Size(OfFleet, Request[FleetResult]):
    """Find the timer that a firewall should have, and what each would cost."""

    devices: Devices = 2000
    """how many devices"""
    days: float = 1.0
    """how many days, after one in which devices find their heartbeats"""
    mail: float | None = None
    """mails per device and day (default: the mix's)"""
    profile: str | None = None
    """the firewall: an id or a file (default: the mix's, else a silent one)"""
    shortest: Duration = 300.0
    """the shortest timer to try"""
    longest: Duration = 3600.0
    """the longest"""
    step: Duration = 60.0
    """from one to the next"""
