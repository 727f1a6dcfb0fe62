"""Captures on the terminal: the answer, what died of what, and the table of connections."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console

from hbprobe.duration import format_duration
from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.death import ConnectionFate, Maker
from hbprobe.records.capture import CaptureRecord, CaptureTimerPart, FlowPart
from hbprobe.report.terminal.layout import pairs, plain, table_of
from hbprobe.text import counted, named
from hbprobe.trial.outcome import Cause

_MOST_ROWS = 20
_ORDER = tuple(ConnectionFate)
_FIRST = (
    ConnectionFate.IDLE_DEATH,
    ConnectionFate.ENDED_IDLE,
    ConnectionFate.LATE_ANSWER,
    ConnectionFate.BROKEN,
    ConnectionFate.CANNOT_TELL,
)
CONNECTION_COLUMNS = ("client", "server", "ended", "after", "client saw", "server saw", "made by")


def print_capture(record: CaptureRecord, console: Console, *, everything: bool = False) -> None:
    """Print the answer first, then what shows it; `everything` prints all connections with all reasons."""
    for sentence in answer(record):
        console.print(plain(sentence))
    console.print()
    console.print(pairs(capture_facts(record)))
    told = list(record.flows) if everything else telling(record)
    if told:
        console.print()
        rows = map(connection_row, told if everything else told[:_MOST_ROWS])
        console.print(table_of(CONNECTION_COLUMNS, ("after",), rows))
        if len(told) > _MOST_ROWS and not everything:
            console.print(plain(f"and {len(told) - _MOST_ROWS} more: --all shows them, with all reasons"))
    if everything:
        for one in told:
            console.print()
            console.print(pairs(_reasons(one)))


def telling(record: CaptureRecord) -> list[FlowPart]:
    """Return the connections that ended in a way that wants an explanation."""
    return [one for one in record.flows if one.ending in _FIRST]


def capture_facts(record: CaptureRecord) -> Iterator[tuple[str, str]]:
    """Say what was found, and in what."""
    for timer in record.timers:
        yield from named("timer", _timer_lines(timer))
    causes = Counter(_cause_words(one) for one in telling(record))
    yield from named("causes", (f"{number} x {words}" for words, number in causes.most_common()))
    endings = sorted(record.endings.items(), key=lambda item: -item[1])
    quiet = record.connections - record.judged
    told = [f"{number} {ConnectionFate.meaning_of(ending)}" for ending, number in endings]
    yield from named(
        "endings", [*told, *([f"{quiet} were never quiet, and nothing reset them"] if quiet > 0 else [])]
    )
    if record.clock is not None:
        ahead = record.clock.ahead
        way = "ahead of" if ahead >= 0 else "behind"
        yield "clocks", f"the server side's clock is {abs(ahead) * 1000:.1f} ms {way} the client side's"
    for source in record.sources:
        side = f", at the {source.side}'s side" if source.side else ""
        skipped = "".join(f", {number} {name.replace('_', ' ')}" for name, number in source.skipped.items())
        yield "read", f"{source.path}{side}: {source.kind}, {counted(source.packets, 'packet')}{skipped}"
    for note in record.notes:
        yield "note", note


def _timer_lines(timer: CaptureTimerPart) -> Iterator[str]:
    limit = timer.limit
    lived = f"survives {limit.survived_s:.1f} s, " if limit.survived_s is not None else ""
    cut = "" if limit.cut_s is None else f"cut at {limit.cut_s:.1f} s"
    share = int(timer.confidence * 1000) / 10
    yield f"{lived}{cut}: {share:g} % sure at least, by {counted(timer.flows, 'connection')}"
    if timer.products:
        yield "fits as shipped: " + ", ".join(one.id for one in timer.products)
    yield from timer.doubts


def _cause_words(flow: FlowPart) -> str:
    if flow.causes:
        return "; or ".join(_meaning(cause, flow) for cause in flow.causes)
    return ConnectionFate.meaning_of(flow.ending)


def _meaning(cause: Cause, flow: FlowPart) -> str:
    """Return what a cause means; whoever is not heard from may be the one that is down."""
    if cause is Cause.PATH_DOWN and flow.in_name_of == "client":
        return cause.meaning.replace("server", "client")
    return cause.meaning


def connection_row(flow: FlowPart) -> tuple[str, ...]:
    """Tell of one connection, in `CONNECTION_COLUMNS`."""
    when = "" if flow.at is None else f"{datetime.fromtimestamp(flow.at, UTC):%H:%M:%S}"
    after = "" if flow.idle is None else f"{'' if flow.exact else '<= '}{flow.idle:.1f} s"
    maker = "" if flow.maker is None else flow.maker if flow.maker != "unknown" else "cannot tell"
    return flow.client, flow.server, when, after, flow.client_saw or "-", flow.server_saw or "-", maker or "-"


def _reasons(flow: FlowPart) -> Iterator[tuple[str, str]]:
    yield "connection", f"{flow.client} > {flow.server}"
    yield "ending", ConnectionFate.meaning_of(flow.ending)
    if flow.causes:
        yield "cause", _cause_words(flow)
    if flow.maker is not None:
        yield "made by", Maker(flow.maker).meaning
    yield "silence", f"the longest lasted {format_duration(flow.longest_silence)}"
    if flow.keep_alives:
        yield "keep-alives", f"{flow.keep_alives}, {flow.answered_keep_alives} answered"
    yield from named("reasons", (f"{sign.text} ({sign.weight})" for sign in flow.signs))
    if flow.hints:
        yield "protocol", ", ".join(flow.hints)
