"""What a report says of locations, captures and logs, in the words of the terminal, each read from its document."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hbprobe.evidence.captures.answer import answer
from hbprobe.locate.finding import Code
from hbprobe.records.capture import CaptureRecord, FlowPart
from hbprobe.records.location import Location
from hbprobe.records.logs import LogEvidence
from hbprobe.report.documents.blocks import (
    Block,
    Chapter,
    Facts,
    Findings,
    Picture,
    Prose,
    Section,
    Table,
    path_picture,
    sentence,
)
from hbprobe.report.documents.sections import MOST_ROWS, listing, versions
from hbprobe.report.drawn_path import hops_of
from hbprobe.report.terminal.capture import CONNECTION_COLUMNS, capture_facts, connection_row, telling
from hbprobe.report.terminal.location import HOP_COLUMNS, hop_rows, location_answer, location_facts
from hbprobe.report.terminal.logs import (
    EVENT_COLUMNS,
    LIMIT_NUMBERS,
    curve_rows,
    event_row,
    limit_columns,
    limit_row,
    logs_facts,
)
from hbprobe.text import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def location_chapter(location: Location) -> Chapter:
    """Return all that there is to say of which hop forgets."""
    told = location_answer(location)
    found = Section(
        "What was found",
        (
            path_picture(hops_of(location)),
            Facts(tuple(location_facts(location))),
            *listing("What may be otherwise", [text for name, text in told if name == "but"]),
            *listing("Notes", location.notes),
        ),
    )
    sections = [found]
    if steps := [text for name, text in told if name == "do"]:
        sections.insert(0, Section("What to change", tuple(Prose(sentence(text)) for text in steps)))
    if rows := hop_rows(location):
        words = frozenset(HOP_COLUMNS) - {"hop", "round trip"}
        table = Table("Requests whose keep-alives reach only so far", HOP_COLUMNS, tuple(rows), words)
        sections.append(Section("Evidence", (table,)))
    lead = " ".join(sentence(text) for name, text in told if name != "but")
    title = f"Which hop forgets on the path to {location.label or location.target}"
    return Chapter(title, _location_state(location), lead, (*sections, versions(location.hbprobe, "locate")))


def _location_state(location: Location) -> str:
    if not location.complete or location.finding.code is Code.NOT_KNOWN:
        return "note"
    return "healthy" if location.finding.code is Code.OPEN else "problem"


_CONNECTION_WORDS = frozenset(CONNECTION_COLUMNS) - {"after"}
_REASON_COLUMNS = ("client", "server", "reason", "weight")
_CAPTURE_TITLE = "Who ended the connections of a capture"


def capture_chapter(record: CaptureRecord) -> Chapter:
    """Return all that there is to say of a record of captures."""
    first, *more = answer(record)
    facts = Facts(tuple(pair for pair in capture_facts(record) if pair[0] != "note"))
    found: list[Block] = [*map(Prose, more), facts, *listing("Notes", record.notes)]
    sections = [Section("What was found", tuple(found))]
    if record.flows:
        sections.append(Section("Evidence", (_capture_picture(record, first),)))
        sections += _connections(telling(record))
    return Chapter(_CAPTURE_TITLE, _capture_state(record), first, (*sections, versions(record.hbprobe, record.verb)))


def _capture_state(record: CaptureRecord) -> str:
    if record.exit_status:
        return "problem"
    return "note" if not record.connections or telling(record) else "healthy"


def _capture_picture(record: CaptureRecord, caption: str) -> Picture:
    def draw() -> "Figure":
        from hbprobe.report.plots.capture_plot import capture_plot

        return capture_plot(record)

    return Picture(draw, caption)


def _connections(flows: list[FlowPart]) -> Iterator[Section]:
    if not flows:
        return
    table = Table("What ended", CONNECTION_COLUMNS, tuple(map(connection_row, flows[:MOST_ROWS])), _CONNECTION_WORDS)
    signs = [(flow.client, flow.server, sign.text, sign.weight) for flow in flows for sign in flow.signs]
    why = Table("Why one thinks so", _REASON_COLUMNS, tuple(signs[:MOST_ROWS]), frozenset(_REASON_COLUMNS))
    yield Section("Connections", (*_left_out(len(flows), "connection"), table))
    if signs:
        yield Section("Reasons", (*_left_out(len(signs), "reason"), why))


def _left_out(number: int, what: str) -> tuple[Block, ...]:
    if number <= MOST_ROWS:
        return ()
    told = f"{counted(number - MOST_ROWS, what)} more than these {MOST_ROWS} are left out here"
    return (Prose(f"{told}: hbprobe report --format json holds them all."),)


_HEALTHY = ("healthy", "Nothing was found that needs a mend.")


def logs_chapter(evidence: LogEvidence) -> Chapter:
    """Return all that there is to say of what logs showed."""
    found = tuple((one.severity, one.text) for one in evidence.findings)
    sections = [
        Section("What was found", (Findings(found or (_HEALTHY,)),)),
        *_limits(evidence),
        *_events(evidence),
        Section("What was read", (Facts(tuple(logs_facts(evidence))),)),
        versions(evidence.hbprobe, evidence.verb),
    ]
    title = f"What logs{_days(evidence)} tell, by {evidence.by}"
    return Chapter(title, _logs_state(evidence), _logs_lead(evidence), tuple(sections))


def _days(evidence: LogEvidence) -> str:
    if evidence.span is None:
        return ""
    first, last = evidence.span.first[:10], evidence.span.last[:10]
    return f" of {first}" if first == last else f" of {first} to {last}"


def _logs_lead(evidence: LogEvidence) -> str:
    if evidence.findings:
        return sentence(evidence.findings[0].text)
    if not evidence.coverage.requests:
        return "The logs hold no request of ActiveSync, so there is nothing to report."
    return _HEALTHY[1]


def _logs_state(evidence: LogEvidence) -> str:
    if evidence.has_problem:
        return "problem"
    return "note" if evidence.findings or not evidence.coverage.requests else "healthy"


def _limits(evidence: LogEvidence) -> list[Section]:
    if not evidence.limits:
        return []
    columns = limit_columns(evidence)
    rows = tuple(map(limit_row, evidence.limits[:MOST_ROWS]))
    table = Table("Limits", columns, rows, frozenset(columns) - set(LIMIT_NUMBERS))
    caption = f"What each {evidence.by} carries, of {counted(evidence.coverage.waits, 'waiting request')}"
    blocks = [table, _limits_picture(evidence, caption)]
    if curves := tuple(curve_rows(evidence)):
        columns, words = (evidence.by, "after", "alive"), frozenset((evidence.by,))
        blocks.append(Table("Waiting requests that are alive", columns, curves[:MOST_ROWS], words))
    return [Section("Limits", tuple(blocks))]


def _limits_picture(evidence: LogEvidence, caption: str) -> Block:
    def draw() -> "Figure":
        from hbprobe.report.plots.logs_plot import limits_plot

        return limits_plot(evidence)

    return Picture(draw, caption)


def _events(evidence: LogEvidence) -> list[Section]:
    if not evidence.events:
        return []
    rows = tuple(map(event_row, evidence.events[:MOST_ROWS]))
    words = frozenset(EVENT_COLUMNS) - {"average"}
    return [Section("Event 1040", (Table("When its threshold was passed", EVENT_COLUMNS, rows, words),))]
