"""Event 1040 rebuilt: the intervals that devices asked for, through the window that everything here goes by.

Exchange takes a sample when a request begins; IIS writes its line when it is over. So the samples are taken in the
order of their start, and of the end of a log nothing is said: requests that still waited have no line yet.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Command, HeartbeatWindow, is_sampled

SAMPLES: Final = """
SELECT coalesce(back_end, server) AS server, command, started_ms, heartbeat_s, coalesce(device_type, '') AS
device_type
FROM all_requests WHERE heartbeat_s IS NOT NULL AND command IN ('Ping', 'Sync') AND started_ms IS NOT NULL
ORDER BY started_ms, ended_ms NULLS LAST, server, command, heartbeat_s, device_type
"""
SAME_S: Final = 60.0
"""A rebuilt event and a logged one that are no further apart are one."""


def edge_s(settings: Settings) -> float:
    """Return how far the averages of a rebuilt event and of the same in a log may be apart.

    Averages are whole seconds, and at either edge of the window one sample may be another: before 2013 the order of
    requests within a second is lost.
    """
    return 1 + 2 * settings.max_heartbeat_s / settings.sample_size


@dataclass(frozen=True, slots=True)
class Servers:
    """Which names are of one server: IIS's logs have its name or an address, HTTPERR an address, events its name."""

    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The addresses that stand in IIS's logs beside a server's name."""

    def are_one(self, server: str, other: str) -> bool | None:
        """Compare a server of IIS's logs with what another log calls one; None where that cannot be told."""
        mine, its = _address(server), _address(other)
        if mine == its and (mine is not None or _first_label(server) == _first_label(other)):
            return True
        if any(address is not None and address.is_loopback for address in (mine, its)):
            return None  # of every server
        known = {one for address in self.addresses.get(server, ()) if (one := _address(address)) is not None}
        if mine is not None:
            return None if its is None else False
        if its is not None and its in known:
            return True
        return False if known else None  # without an address the name may be the folder's


@lru_cache(1 << 10)
def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name.partition("%")[0])
    except ValueError:
        return None


def _first_label(name: str) -> str:
    return name.partition(".")[0].lower()


@dataclass(frozen=True, slots=True)
class Emptied:
    """The worker process of ActiveSync's pool began anew."""

    at_s: float
    server: str
    """As the log that tells of it calls the server."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An event 1040 as the samples in the log raise it."""

    at_s: float
    """In seconds since 1970, UTC."""
    server: str
    command: Command
    average_s: int
    threshold_s: int


@dataclass(frozen=True, slots=True)
class Windows:
    """What the windows of all servers did."""

    events: tuple[Rebuilt, ...]
    samples: int
    judged_until_s: dict[str, float]
    """Up to when the log of a server holds every sample."""
    lowest_s: int | None
    """The lowest average of a full window in that time."""
    full: bool
    """Some window was full."""


def rebuild(
    samples: Iterable[tuple[str, str, int, int, str]],
    ends_s: dict[str, float],
    settings: Settings,
    restarts: Sequence[Emptied] = (),
    servers: Servers = Servers(),
) -> Windows:
    """Take samples (server, command, start in ms, interval, device type) in the order of start.

    `ends_s` is when the log of each server ends; `restarts` are in order of time. Each empties the windows of all
    servers that it may be of.
    """
    windows: dict[tuple[str, str], HeartbeatWindow] = {}
    sampled: dict[str, bool] = {}
    events, count, lowest_s = list[Rebuilt](), 0, math.inf
    until_s = {server: end_s - settings.max_heartbeat_s for server, end_s in ends_s.items()}
    waiting = list(reversed(restarts))
    for server, command, started_ms, heartbeat_s, device_type in samples:
        at_s = started_ms / 1000
        while waiting and waiting[-1].at_s <= at_s:
            restart = waiting.pop()
            for key in [key for key in windows if servers.are_one(key[0], restart.server) is not False]:
                del windows[key]
        is_taken = sampled.get(device_type)
        if is_taken is None:
            is_taken = sampled[device_type] = is_sampled(device_type)
        if not is_taken:
            continue
        count += 1
        window = windows.get((server, command))
        if window is None:
            window = HeartbeatWindow(settings.sample_size, settings.alert_threshold_s, Command(command))
            windows[server, command] = window
        event = window.register(heartbeat_s, at_s)
        average_s = window.average_s
        if average_s is None or (average_s >= lowest_s and event is None) or at_s > until_s.get(server, at_s):
            continue
        lowest_s = min(lowest_s, average_s)
        if event is not None:
            events.append(Rebuilt(at_s, server, event.command, event.average_s, event.threshold_s))
    full = lowest_s < math.inf
    return Windows(tuple(events), count, until_s, int(lowest_s) if full else None, full)
