"""A result on the terminal: sentences and one table, which need no colour and stand any width."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding

from hbprobe.duration import format_duration
from hbprobe.exchange.verdict import DeviceVerdict, Judgement
from hbprobe.profiles.vocabulary import QuietPhase
from hbprobe.records.record import Verb
from hbprobe.records.result import Result
from hbprobe.report.terminal.answer import Detail, answer, doubts, findings, push_words
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
from hbprobe.trial.methods.table import DEFAULT, METHODS

if TYPE_CHECKING:
    from hbprobe.records.verdict import VerdictRecord

_MOST_LISTED = 10

_NO_VERDICT = "none on Exchange: no request was held, as Direct Push holds one; --method hold or ping gives one"


def print_result(result: Result, console: Console, detail: Detail = Detail.FINDINGS) -> None:
    """Print the answer, what was found, and the evidence."""
    console.print(pairs(answer(result)))
    if detail is Detail.ANSWER:
        return
    if result.verdict is not None:
        console.print()
        print_findings(result.verdict, console, detail, with_devices=METHODS[result.method].needs_account)
        if detail is Detail.ALL or not result.verdict.healthy:
            console.print()
            console.print(pairs(advice(result.verdict, detail)))
    console.print()
    console.print(pairs(_evidence(result, detail)))
    for heading, lines in (("Contradictions", result.contradictions), ("Notes", result.notes)):
        if lines:
            console.print()
            console.print(_listed(heading, lines))


def _evidence(result: Result, detail: Detail) -> list[tuple[str, str]]:
    """Return the facts; unless all are asked for, without what the answer has told already."""
    if detail is Detail.ALL:
        return facts(result)
    told = {"limit", "dies", "cut by", "sure", "but"} | ({"method"} if result.method == DEFAULT else set())
    kept, name = [], ""
    for word, text in facts(result):
        name = word or name  # an empty one goes on with the one before
        if name not in told:
            kept.append((word, text))
    return kept


def print_verdict(verdict: Judgement, console: Console, detail: Detail = Detail.FINDINGS) -> None:
    """Print what Exchange will make of a limit: what it means, what the timer should be, and what that rests on."""
    console.print(pairs([("means", push_words(verdict)), ("ticket", verdict.ticket)]))
    if detail is Detail.ANSWER:
        return
    console.print()
    print_findings(verdict, console, detail, with_devices=True)
    console.print()
    _, (_, carries), *more = advice(verdict)
    console.print(pairs([("longest", carries), *more]))


def print_verdict_record(record: "VerdictRecord", console: Console, detail: Detail = Detail.FINDINGS) -> None:
    """Print what events say, and what a limit means, whatever of both there is."""
    from hbprobe.report.terminal.alert_words import event_words

    for number, said in enumerate(record.events):
        if number:
            console.print()
        console.print(pairs(event_words(said, answer_alone=detail is Detail.ANSWER)))
    if record.verdict is None:
        return
    if record.events:
        console.print()
    print_verdict(record.verdict, console, detail)


def print_findings(verdict: Judgement, console: Console, detail: Detail, *, with_devices: bool = False) -> None:
    """Print what was found for all devices together; each device where that is asked for."""
    console.print(pairs(findings(verdict, detail)))
    if verdict.devices and (with_devices or detail is Detail.ALL):
        console.print()
        console.print(_device_table(verdict.devices))


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
    facts.append(("method", f"{result.method}: {METHODS[result.method].words}"))
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
    method = METHODS[result.method]
    if result.verdict is None and result.limit.is_known and method.phase is QuietPhase.BETWEEN and not method.talk:
        facts.append(("verdict", _NO_VERDICT))
    return [*facts, *doubts(result)]


DEVICE_COLUMNS = ("device", "settles at", "average", "event 1040", "lost", "push from", "no event")


def _device_table(devices: Sequence[DeviceVerdict]) -> RenderableType:
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


def advice(verdict: Judgement, detail: Detail = Detail.ALL) -> list[tuple[str, str]]:
    """Return what the timer should be; with all details, the settings that this rests on as well."""
    settings, carries_s = verdict.settings, verdict.carries_max_s
    ticket = [("ticket", verdict.ticket)]
    if detail is not Detail.ALL:
        return ticket
    return [
        *ticket,
        ("", f"{_timer(carries_s)} carries the longest heartbeat, {seconds(settings.max_heartbeat_s)} s."),
        ("columns", "push from, no event: the timer from which on no request is lost, and event 1040 stays away"),
        ("settings", settings_words(settings)),
    ]


def _timer(timer_s: float) -> str:
    return f"{seconds(timer_s)} s ({format_duration(timer_s)})"
