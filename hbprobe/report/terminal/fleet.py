"""A fleet on the terminal: when event 1040 fires, what the server carries, each kind of device; and over sockets,
whether the model says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from hbprobe.duration import format_duration
from hbprobe.eas.event_log import event_1040
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Event1040
from hbprobe.fleet.mail import DAY_S
from hbprobe.fleet.size import ShareSweep
from hbprobe.fleet.tally import TOLERATED_MIN_PER_DAY, FleetResult, KindResult
from hbprobe.report.terminal.layout import pairs, plain, settings_words, table_of
from hbprobe.text import counted, named

_MOST_NAMED = 2
_COLUMNS = ("device", "number", "asks most for", "requests", "wake-ups", "lost", "no push")
_NUMBERS = ("number", "requests", "wake-ups", "lost", "no push")


def print_fleet(result: FleetResult, mix: str, console: Console, assumed: Sequence[str] = ()) -> None:
    """Print what came of a fleet; `assumed` is what its mix takes for given."""
    console.print(pairs(_facts(result, mix)))
    console.print()
    rows = [_row(kind) for kind in result.kinds]
    console.print(table_of(_COLUMNS, _NUMBERS, rows))
    console.print()
    columns = ("columns", "requests, wake-ups and minutes without push are per device and day")
    settings = ("settings", settings_words(result.world.settings))
    console.print(pairs([columns, settings, *named("assumed", assumed)]))


def print_sweep(sweep: ShareSweep, mix: str, console: Console, assumed: Sequence[str] = ()) -> None:
    """Print what came of a fleet with one share after another on a path."""
    facts = [
        ("path", sweep.path), ("mix", f"{mix}; the other paths keep their proportions"), *named("assumed", assumed)
    ]  # fmt: skip
    console.print(pairs([("enough", _enough_words(sweep)), *facts]))
    console.print()
    columns = ("share on the path", "event 1040", "lowest average", "mean of samples", "mean of devices")
    rows = [
        (
            f"{one.share:.0%}",
            str(one.events) if one.events else "no",
            "-" if one.lowest_s is None else f"{one.lowest_s} s",
            f"{one.mean_s:.0f} s",
            f"{one.mean_asked_s:.0f} s",
        )
        for one in sweep.tried
    ]
    console.print(table_of(columns, columns, rows))


def event_words(result: FleetResult) -> str:
    """Say whether event 1040 fires, when first, and how often."""
    if not result.events:
        return "does not fire"
    first = format_duration(result.events[0].at_s)
    times = len(result.events)
    often = "once," if times == 1 else f"{times} times ({times / result.days:.3g} a day), first"
    return f"fires {often} after {first}, with an average of {result.events[0].average_s} s"


def _enough_words(sweep: ShareSweep) -> str:
    enough = sweep.enough
    if enough is None:
        return "No share is enough: event 1040 does not fire with all devices on this path."
    if enough.share == 0:
        return "Event 1040 fires with no device on this path at all."
    return (
        f"{enough.share:.0%} of the devices on this path are enough for event 1040, "
        f"while the mean of all samples is {enough.mean_s:.0f} s and devices ask for {enough.mean_asked_s:.0f} s."
    )


def _facts(result: FleetResult, mix: str) -> list[tuple[str, str]]:
    world, load, mean = result.world, result.load, result.per_device_day
    lowest = "never full" if result.lowest_s is None else f"lowest {result.lowest_s} s"
    threshold = world.settings.alert_threshold_s
    return [
        ("event 1040", event_words(result)),
        ("average", f"{lowest}, of all samples {result.mean_s:.0f} s; the threshold is {threshold} s"),
        ("no push", f"{mean.without_push_min:.1f} min per device and day; {_late_words(result)}"),
        *_to_do(result),
        ("fleet", f"{counted(world.devices, 'device')} for {format_duration(result.days * DAY_S)}, mix {mix}"),
        ("requests", f"{load.requests_per_s:.3g} a second, {load.requests_per_s_peak:.3g} in the busiest minute"),
        ("TLS", f"{load.handshakes_per_s:.3g} handshakes a second, {load.handshakes_per_s_peak:.3g} at most"),
        ("firewall", f"{load.table_entries:,.0f} entries in its table, {load.table_entries_peak:,} at most"),
        ("bytes", f"{load.bytes_per_device_day / 1000:.0f} kB per device and day"),
        ("battery", f"{mean.wakeups:.0f} wake-ups per device and day"),
    ]


def _to_do(result: FleetResult) -> list[tuple[str, str]]:
    """Say what to look at next, where something is wrong."""
    if not result.events and result.per_device_day.without_push_min <= TOLERATED_MIN_PER_DAY:
        return []
    worst = max(result.kinds, key=lambda kind: kind.without_push_min_per_day * kind.devices)
    lost = f"; most push is lost by {worst.name}" if worst.without_push_min_per_day else ""
    return [("do", f"hbprobe size tells which timer is enough, or that none is{lost}")]


def _late_words(result: FleetResult) -> str:
    mean = result.per_device_day
    if mean.late_mails == 0:
        return "no mail came late"
    times = "once" if (number := f"{mean.late_mails:.2g}") == "1" else f"{number} times"
    return f"{times} mail came late, by {format_duration(mean.late_mail_s)} on average"


def _row(kind: KindResult) -> tuple[str, ...]:
    return (
        kind.name,
        f"{kind.devices}",
        _asks_words(kind),
        f"{kind.requests_per_day:.0f}",
        f"{kind.wakeups_per_day:.0f}",
        f"{kind.lost_share:.1%}",
        f"{kind.without_push_min_per_day:.1f}",
    )


def _asks_words(kind: KindResult) -> str:
    """Name the intervals that are asked for most, and how often."""
    common = sorted(kind.heartbeats, key=lambda one: -one[1])[:_MOST_NAMED]
    named = ", ".join(f"{heartbeat_s} s {share:.0%}" for heartbeat_s, share in common if share >= 0.005)
    return named if len(kind.heartbeats) <= _MOST_NAMED else f"{named}, ..."


_RELEASE = Release.V2019
"""What the stand-in passes for unless told otherwise."""


@dataclass(frozen=True, slots=True)
class SocketReport:
    """What is to be told of a fleet over sockets."""

    mix: str
    path: str
    devices: int
    days: float
    seed: int
    settings: Settings
    requests: int
    """Pings that the stand-in took as samples."""
    connections: int
    in_model: int
    """How many of them the model makes too: the same device, the same interval, the same hundredth of a second."""
    model_requests: int
    events: tuple[Event1040, ...]
    wall_s: float

    @property
    def agrees(self) -> bool:
        """The model makes the very same requests."""
        return self.in_model == self.requests == self.model_requests


def print_sockets(report: SocketReport, console: Console) -> None:
    """Print what the stand-in saw, and its first event as Exchange logs it."""
    console.print(pairs(_socket_facts(report)))
    if report.events:
        console.print()
        for line in _logged(report.events[0], report.settings):
            console.print(plain(line))


def _socket_facts(report: SocketReport) -> list[tuple[str, str]]:
    fleet = f"{counted(report.devices, 'device')} for {format_duration(report.days * DAY_S)}, mix {report.mix}"
    return [
        ("fleet", fleet),
        ("path", f"client > {report.path} > stand-in, over TLS"),
        ("requests", f"{report.requests} Pings on {report.connections} connections"),
        ("event 1040", _logged_words(report.events)),
        ("model", _model_words(report)),
        ("took", f"{format_duration(report.wall_s)} of wall time"),
        ("settings", settings_words(report.settings)),
    ]


def _logged_words(events: Sequence[Event1040]) -> str:
    if not events:
        return "is not in the stand-in's log"
    first = f"first after {format_duration(events[0].at_s)}, with an average of {events[0].average_s} s"
    return f"stands in the stand-in's log {counted(len(events), 'time')}, {first}"


def _model_words(report: SocketReport) -> str:
    if report.agrees:
        return "makes the very same requests, to the hundredth of a second"
    return f"makes {report.model_requests} requests, {report.in_model} of them the same to the hundredth of a second"


def _logged(event: Event1040, settings: Settings) -> list[str]:
    return event_1040(event, _RELEASE, settings.sample_size).as_text(_clock(event.at_s), "STANDIN").splitlines()


def _clock(at_s: float) -> str:
    """Write a time of the warp clock, which begins at midnight."""
    day, second = divmod(int(at_s), int(DAY_S))
    return f"day {day + 1}, {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
