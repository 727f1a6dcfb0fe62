"""What a measurement showed, in words that tables and plots share."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hbprobe.duration import format_duration
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import Judgement
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.replies import Connection
from hbprobe.records.record import Origin
from hbprobe.records.result import Result
from hbprobe.text import counted, seconds
from hbprobe.trial.outcome import IN_ANSWER, Cause, Limit

_HOW = {
    Manner.SILENT: "silent",
    Manner.RESET: "reset (RST)",
    Manner.CLOSED: "closed (FIN)",
    Manner.STATUS: "an HTTP status",
}

_DEATH = {
    Manner.SILENT: "nothing comes, and the client waits on",
    Manner.RESET: "the connection is torn down with RST; the client notices at once",
    Manner.CLOSED: "the connection is closed with FIN, in good order and too early",
    Manner.STATUS: "an answer comes, and not the server's",
}

_DEATH_IN_ANSWER = {
    Manner.RESET: "nothing comes; the client notices when it next speaks, and is answered with RST",
    Manner.CLOSED: "nothing comes; the client notices when it next speaks, and is answered with FIN",
}

_AFTERMATH = {
    Aftermath.RESET: "one more packet was answered with RST: the state is lost, and the box says so when asked",
    Aftermath.ACKNOWLEDGED: "one more packet was acknowledged: a box still holds it, or the server is late",
    Aftermath.NOTHING: "one more packet was not even acknowledged: a black hole",
    Aftermath.CLOSED: "one more packet was answered with FIN",
}


def how_words(limit: Limit) -> str:
    """Say in a word or two how the cut looked: `silent`, `reset (RST)`, `HTTP status 504`."""
    if limit.manner is None:
        return "cut"
    return f"HTTP status {limit.status}" if limit.status is not None else _HOW[limit.manner]


def death_words(limit: Limit) -> list[str]:
    """Say what the client lives through, one sentence a line; nothing where nothing was cut."""
    if limit.manner is None:
        return []
    if (limit.manner, limit.aftermath) in IN_ANSWER:
        return [f"{how_words(limit)}: {_DEATH_IN_ANSWER[limit.manner]}"]
    lines = [f"{how_words(limit)}: {_DEATH[limit.manner]}"]
    if limit.aftermath is not None and not limit.evidence:  # evidence tells of it, too
        lines.append(_AFTERMATH[limit.aftermath])
    return lines


def cause_words(causes: Sequence[Cause], evidence: Sequence[str]) -> list[str]:
    """Say what a request died of, and what shows it, a sentence a line."""
    named = ["; or ".join(cause.meaning for cause in causes)] if causes else []
    return [*named, *(f"- {line}" for line in evidence)]


def limit_words(limit: Limit, *, with_how: bool = False) -> str:
    """Say what survives and what does not, and if wanted how the cut looked."""
    if limit.survived_s is None and limit.cut_s is None:
        return "unknown: no trial told anything"
    if limit.cut_s is None:
        longest_s = limit.survived_s or 0
        return f"survives {seconds(longest_s)} s; nothing beyond {format_duration(longest_s)} was tried"
    how = f": {how_words(limit)}" if with_how and limit.manner else ""
    cut = f"cut at {seconds(limit.cut_s)} s{how}"
    if limit.survived_s is None:
        return f"{cut}; shorter holds were not tried"
    return f"survives {seconds(limit.survived_s)} s, {cut}"


def confidence_words(confidence: float, noise: float) -> str:
    """Say how sure the limit is, never more than it is, and what that rests on."""
    percent = math.floor(confidence * 1000) / 10
    return f"to {percent:g} % at least, if {noise * 100:.3g} % of the trials die for other reasons than the timer"


def effort_words(result: Result) -> str:
    """Say how much was tried: `13 trials, 9 h 36 min of path time in 0.1 s of wall time`."""
    spent = f"{format_duration(result.path_s)} of path time in {format_duration(result.wall_s)} of wall time"
    return f"{counted(len(result.trials), 'trial')}, {spent}"


def server_words(server: Mapping[str, Any]) -> str:
    """Say what an ActiveSync server told of itself: its protocol, and the heartbeats that it takes."""
    low_s, high_s = server["min_heartbeat_s"], server["max_heartbeat_s"]
    bounds = ([] if low_s is None else [f"from {low_s} s"]) + ([] if high_s is None else [f"to {high_s} s"])
    heartbeats = f"takes heartbeats {' '.join(bounds)}" if bounds else "does not tell which heartbeats it takes"
    release = f" (release {server['release']})" if server["release"] else ""
    return f"ActiveSync {server['protocol']}{release}, {heartbeats}"


def path_words(result: Result) -> str:
    """Name what was measured: the boxes of a lab, or a real path by its label and its target."""
    if result.path:
        return ", then ".join(result.path)
    label = result.origin.label
    return f"{label} ({result.target})" if label else result.target


def origin_words(origin: Origin) -> str:
    """Say where connections were made to come from; nothing where the system chose."""
    version = "" if origin.family == "any" else f"IPv{origin.family}"
    return ", ".join(part for part in (origin.source and f"from {origin.source}", version) if part)


def connection_words(connection: Connection | None) -> str:
    """Name a connection as logs on its path do: both ends, and when it stood, in UTC."""
    if connection is None:
        return "-"
    ends = (
        (connection.source, connection.source_port),
        (connection.destination, connection.destination_port),
    )
    source, destination = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in ends)
    return f"{source} > {destination}, {connection.opened_at} to {connection.closed_at}"


def thresholds(verdict: Judgement | None) -> dict[str, float]:
    """Name the times, in seconds, that Exchange goes by: those of the verdict's settings, else its defaults."""
    settings = verdict.settings if verdict else Settings()
    named = {
        "shortest heartbeat": settings.min_heartbeat_s,
        "alert threshold": settings.alert_threshold_s,
        "longest heartbeat": settings.max_heartbeat_s,
    }
    return {f"{name} {seconds(at_s)} s": at_s for name, at_s in named.items()}
