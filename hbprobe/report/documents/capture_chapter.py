"""What a report says of captures, in the words of the terminal: read from `hbprobe.evidence/1`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hbprobe.evidence.captures.answer import answer
from hbprobe.records.capture import CaptureRecord, FlowPart
from hbprobe.report.documents.blocks import Block, Chapter, Facts, Picture, Prose, Section, Table
from hbprobe.report.documents.sections import MOST_ROWS, listing, versions
from hbprobe.report.terminal.capture import CONNECTION_COLUMNS, capture_facts, connection_row, telling
from hbprobe.text import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WORDS = frozenset(CONNECTION_COLUMNS) - {"after"}
_REASON_COLUMNS = ("client", "server", "reason", "weight")
_TITLE = "Who ended the connections of a capture"


def capture_chapter(record: CaptureRecord) -> Chapter:
    """Return all that there is to say of a record of captures."""
    first, *more = answer(record)
    facts = Facts(tuple(pair for pair in capture_facts(record) if pair[0] != "note"))
    found: list[Block] = [*map(Prose, more), facts, *listing("Notes", record.notes)]
    sections = [Section("What was found", tuple(found))]
    if record.flows:
        sections.append(Section("Evidence", (_picture(record, first),)))
        sections += _connections(telling(record))
    return Chapter(_TITLE, _state(record), first, (*sections, versions(record.hbprobe, record.verb)))


def _state(record: CaptureRecord) -> str:
    if record.exit_status:
        return "problem"
    return "note" if not record.connections or telling(record) else "healthy"


def _picture(record: CaptureRecord, caption: str) -> Picture:
    def draw() -> "Figure":
        from hbprobe.report.plots.capture_plot import capture_plot

        return capture_plot(record)

    return Picture(draw, caption)


def _connections(flows: list[FlowPart]) -> Iterator[Section]:
    if not flows:
        return
    table = Table("What ended", CONNECTION_COLUMNS, tuple(map(connection_row, flows[:MOST_ROWS])), _WORDS)
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
