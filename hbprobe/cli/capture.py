"""`hbprobe capture`: who ended the connections of a packet capture, and after which silence."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from hbprobe.cli.options import File, Json, MaybeCount, Time
from hbprobe.cli.output import show
from hbprobe.errors import UserError

_CAPTURE = Parameter(
    name="CAPTURE",
    help="pcap or pcapng, a folder of them (a ring buffer), or - for a pipe; two for both sides",
    allow_leading_hyphen=True,  # the pipe
)
_LIVE = "-"


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which packets, and how the answer is shown."""

    host: Annotated[
        str | None, Parameter(metavar="ADDRESS", help="only of this address, or of this network (198.51.100.0/24)")
    ] = None
    port: Annotated[MaybeCount, Parameter(help="only of this port")] = None
    since: Annotated[str | None, Parameter(metavar="TIME", help="only from this time on (2026-11-22T02:17:00Z)")] = (
        None
    )
    until: Annotated[str | None, Parameter(metavar="TIME", help="only before this time")] = None
    idle: Annotated[Time, Parameter(help="what was quiet for less has not died of idleness (default: 2 s)")] = 2.0
    annotate: Annotated[File, Parameter(help="write a pcapng with comments for Wireshark")] = None
    keys: Annotated[File, Parameter(help="TLS keys to put into it: all can then be read")] = None
    plot: Annotated[File, Parameter(help="draw the connections over time: .png or .svg")] = None
    all: Annotated[bool, Parameter(help="show every connection, with all reasons")] = False
    json: Json = False


_DEFAULTS = Options()


def capture(first: Annotated[str, _CAPTURE], /, *more: Annotated[str, _CAPTURE], options: Options = _DEFAULTS) -> int:
    """Read, and show who ended what."""
    from rich.console import Console

    from hbprobe.evidence.captures.capture import Capture
    from hbprobe.report.terminal.capture import print_capture, reading

    files = (first, *more)
    for name in files:
        if name.startswith("-") and name != _LIVE:
            raise UserError(f"{name}: no such option; see hbprobe capture --help")
    if _LIVE in files and more:
        raise UserError("-: a pipe is read alone: give one capture, or two files")
    request = Capture(
        files,
        host=options.host,
        port=options.port,
        since=options.since,
        until=options.until,
        least_idle=options.idle,
        annotate=options.annotate,
        keys=options.keys,
    )
    with reading(Console(stderr=True), live=first == _LIVE) as observer:
        record = request.run(observer)
    if options.plot is not None:
        from hbprobe.report.plots.capture_plot import capture_plot
        from hbprobe.report.plots.style import save

        save(capture_plot(record), options.plot)
    return show(
        record.to_json,
        lambda console: print_capture(record, console, everything=options.all),
        record.exit_status,
        as_json=options.json,
    )
