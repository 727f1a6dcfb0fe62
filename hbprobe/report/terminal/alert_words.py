"""What an event 1040 or 3033 says of a path in sentences, and what it cannot say."""

from collections.abc import Iterator

from hbprobe.exchange.event_reading import Paths
from hbprobe.exchange.window import Command
from hbprobe.records.verdict import EventSaid
from hbprobe.text import counted


def event_words(said: EventSaid, *, answer_alone: bool) -> list[tuple[str, str]]:
    """Return names and sentences; an empty name goes on with the one before."""
    lines = [("event", _said(said)), ("means", _means(said)), ("do", _do(said))]
    if not answer_alone:
        lines += [*_who(said), *_cannot_tell()]
    return lines


def _said(said: EventSaid) -> str:
    event = said.event
    times = f", logged {counted(event.times, 'time')}" if event.times > 1 else ""
    command = f" with {event.command}" if event.command else ""
    if event.average_s is None:
        return (
            f"clients asked for {event.threshold_s} s or less on average{command}; it does not tell how much{times}"
        )
    average = f"clients asked for {event.average_s} s on average{command}"
    return f"{average}; {event.threshold_s} s or less raise the event{times}"


def _means(said: EventSaid) -> str:
    event = said.event
    if event.command is Command.SYNC:
        return "a client waits with Sync instead of Ping; none such is known here, so nothing follows for the path"
    least_s = event.threshold_s if event.average_s is None else event.average_s
    certain = f"at least one client asked for {least_s} s or less"
    if always := [one.name for one in said.explanations if one.on_any_path]:
        return f"{certain}: {' and '.join(always)} would on any path, so nothing is certain of the path"
    if said.explanations:
        return f"{certain}: of the known devices only those that lose longer requests, so suspect the path"
    return f"{certain}: no device that is known does that on any path"


def _do(said: EventSaid) -> str:
    logs = "hbprobe logs with IIS's logs of the hour before tells which users and networks asked for so little"
    if said.event.command is Command.SYNC:
        return logs
    return f"{logs}; hbprobe probe measures the path, and hbprobe verdict --limit judges it"


def _who(said: EventSaid) -> Iterator[tuple[str, str]]:
    name = "who"
    for one in said.explanations:
        yield name, f"{one.name}: {' or '.join(map(_paths, one.paths))}"
        name = ""


def _paths(paths: Paths) -> str:
    if paths.cut_s is None:
        return f"on any path that carries {paths.carried_s} s" if paths.carried_s else "on any path"
    carries = f"carries {paths.carried_s} s and " if paths.carried_s else ""
    return f"on a path that {carries}cuts {paths.cut_s} s"


def _cannot_tell() -> Iterator[tuple[str, str]]:
    yield "untold", "which device, which user and which path; whether any request was lost"
    yield "", "whether the path is to blame: all users and devices of a worker process share one average"
