"""A fleet over sockets on the terminal: what the stand-in saw and logged, and whether the model says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from hbprobe.duration import format_duration
from hbprobe.eas.event_log import event_1040
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Event1040
from hbprobe.fleet.mail import DAY_S
from hbprobe.report.terminal.layout import pairs, plain, settings_words
from hbprobe.text import counted

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
    console.print(pairs(_facts(report)))
    if report.events:
        console.print()
        for line in _logged(report.events[0], report.settings):
            console.print(plain(line))


def _facts(report: SocketReport) -> list[tuple[str, str]]:
    fleet = f"{counted(report.devices, 'device')} for {format_duration(report.days * DAY_S)}, mix {report.mix}"
    return [
        ("fleet", fleet),
        ("path", f"client > {report.path} > stand-in, over TLS"),
        ("requests", f"{report.requests} Pings on {report.connections} connections"),
        ("event 1040", _event_words(report.events)),
        ("model", _model_words(report)),
        ("took", f"{format_duration(report.wall_s)} of wall time"),
        ("settings", settings_words(report.settings)),
    ]


def _event_words(events: Sequence[Event1040]) -> str:
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
