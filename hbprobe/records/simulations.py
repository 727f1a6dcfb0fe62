"""The documents about simulated fleets, written and read alike: fleet, sweep, sizing (docs/fleet.md)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hbprobe.manner import Manner
from hbprobe.records.result_parts import Amount, AsGiven, Count, Document, Part, Share, WholeSeconds

Seed = Annotated[int, Field(strict=True)]


class WindowSettingsPart(Part):
    """What Exchange goes by."""

    min_heartbeat_s: WholeSeconds
    max_heartbeat_s: WholeSeconds
    sample_size: Count
    """Samples in the window."""
    alert_threshold_s: WholeSeconds


class FiredPart(Part):
    """One event 1040; its time counts from the end of the warm-up, with which logs begin."""

    at_s: Amount
    average_s: WholeSeconds


class CurvePointPart(Part):
    """The window's average at one time."""

    at_s: Amount
    lowest_s: WholeSeconds
    mean_s: Amount
    highest_s: WholeSeconds


class AveragePart(Part):
    """The average of Exchange's window."""

    lowest_s: WholeSeconds | None
    """null where the window was never full."""
    mean_s: Amount
    """Of all samples."""
    mean_asked_s: Amount
    """Of what devices ask for at the end: each counts once, however often it asks."""
    curve: tuple[CurvePointPart, ...]


class LoadPart(Part):
    """What the server, and the firewall before it, have to carry. A peak is the busiest minute."""

    requests_per_s: Amount
    requests_per_s_peak: Amount
    handshakes_per_s: Amount
    handshakes_per_s_peak: Amount
    table_entries: Amount
    """Connections that the firewall remembers, dead ones too."""
    table_entries_peak: Count
    bytes_per_device_day: Amount


class HeartbeatSharePart(Part):
    """The share of the requests that ask for an interval."""

    heartbeat_s: WholeSeconds
    share: Share


class FleetKindPart(Part):
    """The devices of one kind; numbers are per device and day."""

    id: str
    name: str
    devices: Count
    heartbeats: tuple[HeartbeatSharePart, ...]
    requests_per_day: Amount
    wakeups_per_day: Amount
    without_push_min_per_day: Amount
    lost_share: Share
    """Of its requests."""

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  a KindResult
        shares = [HeartbeatSharePart(heartbeat_s=asked_s, share=share) for asked_s, share in value.heartbeats]
        return {**cls.taken_from(value), "heartbeats": shares}


class DeviceDayPart(Part):
    """The mean of all devices."""

    requests: Amount
    wakeups: Amount
    without_push_min: Amount
    late_mails: Amount
    late_mail_s: Amount
    """Their mean delay."""


class FleetPart(Document):
    """What came of a simulated fleet: docs/fleet.md."""

    schema_: Literal["hbprobe.fleet/1"] = Field(alias="schema")
    mix: str
    devices: Count
    days: Amount
    seed: Seed
    settings: WindowSettingsPart
    events: tuple[FiredPart, ...]
    average: AveragePart
    load: LoadPart
    kinds: tuple[FleetKindPart, ...] = Field(alias="devices_by_kind")
    per_device_day: DeviceDayPart
    well_share: Share
    """Of the devices: the firewall's timer cost them no more push than is tolerated."""

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  a FleetResult
        world = value.world
        parts = {"settings": WindowSettingsPart.of(world.settings), "average": AveragePart.of(value)}
        return {**cls.taken_from(world, value), **parts}


class TriedSharePart(Part):
    """What came of the fleet with one share of it on the path."""

    share: Share
    events: Count
    """How often event 1040 came."""
    lowest_s: WholeSeconds | None
    mean_s: Amount
    mean_asked_s: Amount


class FleetSweepPart(Document):
    """Which share of a fleet on one path is enough for event 1040: docs/fleet.md."""

    schema_: Literal["hbprobe.fleet-sweep/1"] = Field(alias="schema")
    mix: str
    path: str
    enough_share: Share | None
    """null where no share is enough."""
    tried: tuple[TriedSharePart, ...]

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  a ShareSweep
        enough = None if value.enough is None else value.enough.share
        return {**cls.taken_from(value), "enough_share": enough}


class FleetSocketsPart(Document):
    """What a fleet over sockets showed, and whether the model says the same: docs/fleet.md."""

    schema_: Literal["hbprobe.fleet-sockets/1"] = Field(alias="schema")
    mix: str
    path: str
    devices: Count
    days: Amount
    seed: Seed
    requests: Count
    """Pings that the stand-in took as samples."""
    connections: Count
    in_model: Count
    """How many of them the model makes too."""
    model_requests: Count
    wall_s: Amount
    agrees: bool
    """The model makes the very same requests."""
    settings: WindowSettingsPart
    events: tuple[FiredPart, ...]


class TrueLimitPart(Part):
    """A timer of a path: requests are lost that take between so long and so long, and a while more by chance."""

    low_s: AsGiven | None = Field(alias="from")
    """null where nothing is lost."""
    high_s: AsGiven | None = Field(alias="to")
    spread: AsGiven
    how: Manner


class TrueNetworkPart(Part):
    """The path behind a network that logs show."""

    network: str
    path: str
    limits: tuple[TrueLimitPart, ...]


class TrueFirewallPart(Part):
    """The firewall before the server."""

    limit: AsGiven | None
    """null where it cuts nothing."""
    how: Manner


class TruthPart(Document):
    """What is true of a simulated fleet whose logs were written: docs/fleet.md."""

    schema_: Literal["hbprobe.truth/1"] = Field("hbprobe.truth/1", alias="schema")
    devices: Count
    networks: tuple[TrueNetworkPart, ...]
    firewall: TrueFirewallPart
    events: tuple[FiredPart, ...] = ()
    """Event 1040, by all requests that began in the time of the logs."""


class EnoughPart(Part):
    """From which timer on so many devices do well."""

    share: Share
    timer_s: WholeSeconds | None
    """null where no timer that was tried is enough."""


class TriedTimerPart(Part):
    """What one timer costs; wake-ups, kilobytes and minutes are per device and day."""

    timer_s: WholeSeconds
    events_per_day: Amount
    lowest_s: WholeSeconds | None
    wakeups: Amount
    requests_per_s: Amount
    table_entries: Amount
    kilobytes: Amount
    without_push_min: Amount
    well_share: Share


class SizePart(Document):
    """Which timer a firewall should have: docs/fleet.md."""

    schema_: Literal["hbprobe.size/1"] = Field(alias="schema")
    devices: Count
    days: Amount
    mix: str
    mails_per_day: Amount
    seed: Seed
    firewall: str | None
    """Id of its profile."""
    enough: tuple[EnoughPart, ...]
    tolerated_without_push_min_per_day: Amount
    tried: tuple[TriedTimerPart, ...]
    configure: str | None
    """What sets the timer, in the firewall's own words."""
