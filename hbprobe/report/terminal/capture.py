"""Captures on the terminal: how far the reading is, the answer, what died of what, and the table of connections."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live

from hbprobe.duration import format_duration
from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture import Progress
from hbprobe.evidence.captures.capture_file import CaptureFile
from hbprobe.evidence.captures.fate import ConnectionFate, Maker
from hbprobe.evidence.captures.retention import FIN, RST, Rows
from hbprobe.evidence.captures.tcp_flow import ends_of
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


_MOST_LIVE_ROWS = 15
_MOST_CONNECTIONS = 20_000
_LEAST_QUIET_S = 1.0


@contextlib.contextmanager
def reading(console: Console, *, live: bool) -> Iterator[Progress]:
    """Return what is to be told of each piece that was read; what is shown is gone at the end."""
    view = QuietNow() if live else _HowFar()
    if not console.is_terminal:
        yield view.took
        return
    with Live(console=console, get_renderable=view.render, refresh_per_second=2, transient=True):
        yield view.took


class _HowFar:
    """One line: the file, and how much of it is read."""

    def __init__(self) -> None:
        self._words = ""

    def took(self, file: CaptureFile, rows: Rows) -> None:
        """Note that a piece was read."""
        del rows
        self._words = f"{file.path}: {file.size / 1e6:.0f} MB, {counted(file.counts.packets, 'packet')}"

    def render(self) -> RenderableType:
        return plain(self._words)


class QuietNow:
    """A table of the connections that stand and are quiet, the longest silence first."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, str]] = {}
        """By key: when the last packet came, in nanoseconds, and the connection's name."""
        self._gone: dict[str, int] = {"FIN": 0, "RST": 0}
        self._packets = 0

    def took(self, file: CaptureFile, rows: Rows) -> None:
        """Note the packets of a piece."""
        self._packets = file.counts.packets
        for row in rows:
            key, flags = int(row["key"]), int(row["flags"])
            if flags & (RST | FIN):
                if self._last.pop(key, None) is not None:
                    self._gone["RST" if flags & RST else "FIN"] += 1
                continue
            known = self._last.get(key)
            self._last[key] = (int(row["time_ns"]), ends_of(row) if known is None else known[1])
        while len(self._last) > _MOST_CONNECTIONS:
            del self._last[next(iter(self._last))]

    def quiet(self, now_s: float) -> list[tuple[float, str]]:
        """Return how long each connection has been quiet, and its name, the longest first."""
        ages = ((now_s - at_ns / 1e9, name) for at_ns, name in self._last.values())
        return sorted((one for one in ages if one[0] >= _LEAST_QUIET_S), reverse=True)

    def render(self) -> RenderableType:
        """Return the table as of now."""
        quiet = self.quiet(datetime.now(UTC).timestamp())
        rows = [(name, format_duration(age_s)) for age_s, name in quiet[:_MOST_LIVE_ROWS]]
        head = (
            f"{counted(self._packets, 'packet')}; {counted(len(self._last), 'connection')} standing, {len(quiet)} "
            f"quiet; ended by FIN {self._gone['FIN']}, by RST {self._gone['RST']}; Ctrl-C ends it with the answer"
        )
        return Group(plain(head), table_of(("connection", "quiet for"), ("quiet for",), rows))
