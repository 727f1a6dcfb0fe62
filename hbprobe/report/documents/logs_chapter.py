"""What a report says of logs, in the words of the terminal: read from `hbprobe.evidence/1`."""

from typing import TYPE_CHECKING

from hbprobe.records.logs import LogEvidence
from hbprobe.report.documents.blocks import Block, Chapter, Facts, Findings, Picture, Section, Table
from hbprobe.report.documents.sections import MOST_ROWS, versions
from hbprobe.report.terminal.logs import (
    EVENT_COLUMNS,
    LIMIT_NUMBERS,
    event_row,
    limit_columns,
    limit_row,
    logs_facts,
)
from hbprobe.text import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    return Chapter(f"What logs tell, by {evidence.by}", _state(evidence), _lead(evidence), tuple(sections))


def _lead(evidence: LogEvidence) -> str:
    if evidence.findings:
        text = evidence.findings[0].text
        return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")
    if not evidence.coverage.requests:
        return "The logs hold no request of ActiveSync, so there is nothing to report."
    return _HEALTHY[1]


def _state(evidence: LogEvidence) -> str:
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
    return [Section("Limits", (table, _picture(evidence, caption)))]


def _picture(evidence: LogEvidence, caption: str) -> Block:
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
