"""Event 1040 rebuilt: the intervals that devices asked for, through the window that everything here goes by.

Exchange takes a sample when a request begins; IIS writes its line when it is over. So the samples are taken in the
order of their start, and of the end of a log nothing is said: requests that still waited have no line yet.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    restarts: Sequence[tuple[float, str]] = (),
) -> Windows:
    """Take samples (server, command, start in ms, interval, device type) in the order of start.

    `ends_s` is when the log of each server ends; `restarts` are times at which a worker process began anew, and the
    computer ("" for all), in order.
    """
    windows: dict[tuple[str, str], HeartbeatWindow] = {}
    sampled: dict[str, bool] = {}
    events, count, lowest_s = list[Rebuilt](), 0, math.inf
    until_s = {server: end_s - settings.max_heartbeat_s for server, end_s in ends_s.items()}
    waiting = list(restarts)
    for server, command, started_ms, heartbeat_s, device_type in samples:
        at_s = started_ms / 1000
        while waiting and waiting[0][0] <= at_s:
            _, computer = waiting.pop(0)
            for key in [key for key in windows if not computer or _is_same(key[0], computer)]:
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


def _is_same(server: str, computer: str) -> bool:
    return server.partition(".")[0].lower() == computer.partition(".")[0].lower()
