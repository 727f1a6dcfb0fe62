"""A result on the terminal: sentences and one table, which need no colour and stand any width from 80 columns on."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from hbprobe.duration import format_duration
from hbprobe.exchange.device_verdict import DeviceVerdict
from hbprobe.exchange.verdict import Judgement
from hbprobe.records.result import Method, Result, Verb
from hbprobe.report.terminal.layout import pairs, plain, settings_words, table_of
from hbprobe.report.terminal.words import (
    cause_words,
    confidence_words,
    death_words,
    effort_words,
    limit_words,
    origin_words,
    server_words,
)
from hbprobe.text import named, seconds

_MOST_LISTED = 10
_METHODS = {
    Method.HOLD: "hold: the far end answers after the hold",
    Method.IDLE: "idle: quiet between two requests, so a keep-alive timer of the server counts too",
    Method.PING: "ping: an ActiveSync server answers after the heartbeat interval",
}

_NO_VERDICT = (
    "nothing for Exchange: no request was held, as Direct Push holds one; --method hold or ping gives a verdict"
)


def print_result(result: Result, console: Console) -> None:
    """Print what was measured and what it means."""
    console.print(pairs(facts(result)))
    if result.verdict is not None:
        console.print()
        print_verdict(result.verdict, console)
    for heading, lines in (("Contradictions", result.contradictions), ("Notes", result.notes)):
        if lines:
            console.print()
            console.print(_listed(heading, lines))


def print_verdict(verdict: Judgement, console: Console) -> None:
    """Print what Exchange will make of it: findings, devices, and what the timer should be."""
    findings = [(str(finding.severity), f"{finding.text} [{finding.code}]") for finding in verdict.findings]
    console.print(pairs(findings or [("healthy", "Nothing was found that stands in the way of Direct Push.")]))
    console.print()
    if verdict.devices:
        console.print(_device_table(verdict.devices))
        console.print()
    console.print(pairs(advice(verdict)))


def _listed(heading: str, lines: Sequence[str]) -> RenderableType:
    told = [*lines[:_MOST_LISTED], *([f"and {len(lines) - _MOST_LISTED} more"] if len(lines) > _MOST_LISTED else [])]
    return Group(plain(heading), *(Padding(plain(line), (0, 0, 0, 2)) for line in told))


def facts(result: Result, *, explains: bool = True) -> list[tuple[str, str]]:
    """Return what was measured, and if wanted what requests die of; an empty name goes on with the one before."""
    facts = [("label", result.origin.label)] if result.origin.label else []
    facts.append(("target", result.target))
    if origin := origin_words(result.origin):
        facts.append(("connects", origin))
    if result.verb is Verb.LAB:
        facts.append(("path", " > ".join(("client", *result.path, "server"))))
    facts.append(("method", _METHODS[result.method]))
    if result.server is not None:
        facts.append(("server", server_words(result.server)))
    facts.append(("limit", limit_words(result.limit)))
    facts += named("dies", death_words(result.limit))
    if explains:
        facts += named("cause", cause_words(result.limit.causes, result.limit.evidence))
    if result.cut_by is not None and len(result.path) > 1:
        facts.append(("cut by", result.cut_by))
    if result.confidence is not None:
        facts.append(("sure", confidence_words(result.confidence, result.noise)))
    facts.append(("tried", effort_words(result)))
    if result.method is Method.IDLE:
        facts.append(("means", _NO_VERDICT))
    return [*facts, *_doubts(result)]


def _doubts(result: Result) -> list[tuple[str, str]]:
    if not result.complete:
        return [("but", "the search was stopped before its end; the bracket is as wide as it was then")]
    if result.confidence is not None and result.confidence < result.search.confidence:
        return [("but", "the trials do not agree well enough; try again, or with --confirm 3")]
    if result.contradictions and not result.search.noise:
        return [("but", "some trials contradict the limit")]
    return [] if result.confirmed else [("but", "not confirmed: too few trials agree at one of the limit's ends")]


DEVICE_COLUMNS = ("device", "settles at", "average", "event 1040", "lost", "push from", "no event")


def _device_table(devices: Sequence[DeviceVerdict]) -> Table:
    numbers = set(DEVICE_COLUMNS) - {"device", "event 1040"}
    return table_of(DEVICE_COLUMNS, numbers, map(device_row, devices))


def device_row(device: DeviceVerdict) -> tuple[str, ...]:
    """Return what stands under `DEVICE_COLUMNS` for one device of a verdict."""
    return (
        device.name,
        "refused" if device.refused else f"{seconds(device.settled_s)} s",
        _seconds_or_dash(device.average_s),
        ("on any path" if device.event_1040_on_open_path else "yes") if device.event_1040 else "no",
        f"{device.lost_share:.0%}",
        _seconds_or_dash(device.push_timer_s),
        _seconds_or_dash(device.event_timer_s),
    )


def _seconds_or_dash(value: float | None) -> str:
    return "-" if value is None else f"{seconds(value)} s"


def advice(verdict: Judgement) -> list[tuple[str, str]]:
    """Return what the timer should be, and the settings that this rests on."""
    settings, carries_s = verdict.settings, verdict.carries_max_s
    return [
        ("ticket", verdict.ticket),
        ("", f"{_timer(carries_s)} carries the longest heartbeat, {seconds(settings.max_heartbeat_s)} s."),
        ("columns", "push from, no event: the timer from which on no request is lost, and event 1040 stays away"),
        ("settings", settings_words(settings)),
    ]


def _timer(timer_s: float) -> str:
    return f"{seconds(timer_s)} s ({format_duration(timer_s)})"
