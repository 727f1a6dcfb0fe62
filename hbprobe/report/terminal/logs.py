"""Logs on the terminal: the answer first, then the evidence, then what was not read."""

from collections.abc import Iterator

from rich.console import Console

from hbprobe.evidence.logs.answer.log_findings import bracket_words, sure_words
from hbprobe.evidence.logs.questions.reports import ReportTable
from hbprobe.records.logs import EventPart, LogEvidence, NotReadPart, PassiveLimitPart, SourcePart
from hbprobe.report.terminal.layout import pairs, plain, table_of
from hbprobe.text import counted, cut_short, named

_MOST_FINDINGS = 12
_MOST_LIMITS = 20
_MOST_EVENTS = 10
_MOST_FILES = 10
_MOST_REASONS = 20
_MOST_ALIKE = 3
_MOST_ROWS = 40
_CURVE_STEP = 0.05
_MOST_COLUMNS = 10
"""A row that has more does not fit on a line, and stands as a list."""
_COLUMNS = ("limit", "manner", "sure", "answered up to", "asked up to", "lost", "silences", "devices")
EVENT_COLUMNS = ("event 1040", "server", "command", "average", "known from")
LIMIT_NUMBERS = ("sure", "answered up to", "asked up to", "lost", "silences", "devices")


def print_logs(evidence: LogEvidence, console: Console) -> None:
    """Print what logs showed."""
    console.print(pairs(_answer(evidence)))
    console.print()
    if evidence.limits:
        rows = [limit_row(limit) for limit in evidence.limits[:_MOST_LIMITS]]
        console.print(table_of(limit_columns(evidence), LIMIT_NUMBERS, rows))
        if len(evidence.limits) > _MOST_LIMITS:
            console.print(plain(f"and {len(evidence.limits) - _MOST_LIMITS} more: see --json"))
        console.print()
    if evidence.events:
        console.print(
            table_of(
                EVENT_COLUMNS,
                ("average",),
                map(event_row, evidence.events[:_MOST_EVENTS]),
            )
        )
        if len(evidence.events) > _MOST_EVENTS:
            console.print(plain(f"and {len(evidence.events) - _MOST_EVENTS} more: see --json"))
        console.print()
    console.print(pairs(logs_facts(evidence)))


def _answer(evidence: LogEvidence) -> Iterator[tuple[str, str]]:
    if not evidence.findings:
        yield "found", "nothing that needs a mend"
    for finding in evidence.findings[:_MOST_FINDINGS]:
        yield finding.severity, finding.text
    if len(evidence.findings) > _MOST_FINDINGS:
        yield "", f"and {len(evidence.findings) - _MOST_FINDINGS} more: see --json"


def limit_columns(evidence: LogEvidence) -> tuple[str, ...]:
    """Name the columns of `limit_row`."""
    return (evidence.by, *_COLUMNS)


def limit_row(limit: PassiveLimitPart) -> tuple[str, ...]:
    """Return a row of the table: name and bracket, how sure it is, and on how much that rests."""
    return (
        limit.key,
        limit_words(limit),
        {"silent": "silent", "told": "told"}.get(limit.how or "", "-"),
        "-" if limit.confidence is None else sure_words(limit.confidence),
        "-" if limit.longest_answered is None else f"{limit.longest_answered:.0f} s",
        "-" if limit.longest_asked is None else f"{limit.longest_asked:.0f} s",
        f"{limit.losses}",
        f"{limit.silences}",
        f"{limit.devices}",
    )


def limit_words(limit: PassiveLimitPart) -> str:
    """Say what is known of a limit."""
    if limit.judgement == "limit":
        return bracket_words(limit.survived or 0.0, limit.cut or 0.0)
    if limit.judgement == "several":
        return f"several, from {limit.survived or 0.0:.0f} s"
    if limit.judgement == "none-seen":
        return f"none seen up to {limit.longest_answered or 0.0:.0f} s"
    return "too little to tell"


def curve_rows(evidence: LogEvidence) -> Iterator[tuple[str, str, str]]:
    """Give the curve of each limit that has one: name, time, and the share that is alive, where that has changed."""
    for limit in evidence.limits:
        told = 1.0 + _CURVE_STEP
        for at_s, alive in limit.curve:
            if told - alive >= _CURVE_STEP or (alive, at_s) == limit.curve[-1][::-1]:
                yield limit.key, f"{at_s:.0f} s", f"{100 * alive:.0f} %"
                told = alive


def event_row(event: EventPart) -> tuple[str, ...]:
    """Tell of one event, in `EVENT_COLUMNS`."""
    known = "both" if event.rebuilt and event.logged else "the event log" if event.logged else "the requests"
    average = "-" if event.average_s is None else f"{event.average_s} s"
    return event.at or "-", event.server or "-", event.command or "-", average, known


def logs_facts(evidence: LogEvidence) -> Iterator[tuple[str, str]]:
    """Say what was read, and with which caution."""
    coverage = evidence.coverage
    if evidence.span is not None:
        yield "span", f"{evidence.span.first} to {evidence.span.last}"
    whose = f"{counted(coverage.devices, 'device')} and {counted(coverage.users, 'user')}"
    yield "requests", f"{counted(coverage.requests, 'request')} of {whose}"
    lost = f"{coverage.silent} lost in silence, {coverage.told} told of a cut, {coverage.moved} lost in a move"
    if coverage.lost_without_address:
        lost += f" ({coverage.lost_without_address} of these without an address: cut, or lost in a move)"
    rest = f"{coverage.unknown} unknown, {coverage.failed} with an HTTP error, {coverage.refused} refused"
    yield "waiting", f"{coverage.waits} waited for mail: {coverage.answered} answered, {lost}, {rest}"
    windows = evidence.windows
    if windows.samples:
        lowest = "never full" if windows.lowest_s is None else f"lowest average {windows.lowest_s} s"
        until = f", judged until {windows.judged_until}" if windows.judged_until else ""
        yield "event 1040", f"{counted(windows.samples, 'sample')}, {lowest}{until}"
    yield from named("caution", [f"{key}: judged otherwise with other margins" for key in evidence.sensitivity])
    yield from named("assumed", evidence.notes)
    yield from named("read", _read(evidence.sources))
    yield from named("not read", _not_read(evidence.not_read))


def _not_read(files: tuple[NotReadPart, ...]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for file in files:
        by_reason.setdefault(file.reason, []).append(file.path)
    for reason, paths in list(by_reason.items())[:_MOST_REASONS]:
        more = f" (and {len(paths) - _MOST_ALIKE} more)" if len(paths) > _MOST_ALIKE else ""
        yield f"{', '.join(paths[:_MOST_ALIKE])}{more}: {reason}"
    if left := [path for paths in list(by_reason.values())[_MOST_REASONS:] for path in paths]:
        yield f"and {counted(len(left), 'more file')}: see --json"


def _read(sources: tuple[SourcePart, ...]) -> Iterator[str]:
    lines, bad = sum(source.lines for source in sources), sum(source.bad for source in sources)
    mended = sum(source.mended for source in sources)
    yield f"{counted(len(sources), 'file')}, {counted(lines, 'line')}, {mended} mended, {bad} not understood"
    worst = sorted((source for source in sources if source.bad), key=lambda source: -source.bad)
    for source in worst[:_MOST_FILES]:
        first = source.bad_lines[0] if source.bad_lines else None
        where = ""
        if first is not None:
            place = "" if first.offset is None else f", byte {first.offset}"
            where = f"; the first: line {first.line}{place}: {first.reason}"
        yield f"{source.path}: {counted(source.bad, 'line')} not understood{where}"


def print_table(table: ReportTable, console: Console) -> None:
    """Print the answer to one question."""
    console.print(plain(table.title))
    console.print()
    if not table.rows:
        console.print(plain("none"))
        return
    if len(table.columns) > _MOST_COLUMNS:
        for row in table.rows[:_MOST_EVENTS]:
            named_cells = zip(table.columns, row, strict=True)
            console.print(pairs((name, cut_short(str(cell))) for name, cell in named_cells if cell is not None))
            console.print()
        if len(table.rows) > _MOST_EVENTS:
            console.print(plain(f"and {len(table.rows) - _MOST_EVENTS} more rows: see --json or --csv FILE"))
        return
    numbers = [name for place, name in enumerate(table.columns) if _holds_numbers(table, place)]
    rows = [["-" if cell is None else cut_short(str(cell)) for cell in row] for row in table.rows[:_MOST_ROWS]]
    console.print(table_of(table.columns, numbers, rows))
    if len(table.rows) > _MOST_ROWS:
        console.print(plain(f"and {len(table.rows) - _MOST_ROWS} more rows: see --json or --csv FILE"))


def _holds_numbers(table: ReportTable, place: int) -> bool:
    return all(row[place] is None or not isinstance(row[place], str) for row in table.rows)
