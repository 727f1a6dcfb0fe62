"""`hbprobe capture`: who ended the connections of a packet capture, and after which silence."""

import argparse
import sys
from pathlib import Path

from hbprobe.cli import arguments
from hbprobe.errors import UserError


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "capture",
        help="read packet captures: who killed which connection, after which silence",
        description="Read a packet capture, or two of one path (the client's side and the server's), and say which "
        "connections died of idleness, after how long, how, and who did it: an end, or a box in its name. With a "
        "pipe (tcpdump -U -w - | hbprobe capture -) a table shows what is quiet now.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="CAPTURE",
        help="pcap or pcapng, a folder of them (a ring buffer), or - for a pipe; at most two",
    )
    group = parser.add_argument_group("which packets")
    group.add_argument("--host", metavar="ADDRESS", help="only of this address, or of this network (198.51.100.0/24)")
    group.add_argument("--port", type=arguments.count, metavar="N", help="only of this port")
    group.add_argument("--since", metavar="TIME", help="only from this time on (2026-11-22T02:17:00Z)")
    group.add_argument("--until", metavar="TIME", help="only before this time")
    parser.add_argument(
        "--idle",
        type=arguments.duration,
        metavar="TIME",
        default=2.0,
        help="what was quiet for less has not died of idleness (default: 2 s)",
    )
    parser.add_argument("--annotate", type=Path, metavar="FILE", help="write a pcapng with comments for Wireshark")
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="TLS keys to put into it: anybody can then read all"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a timeline of the connections: .png or .svg")
    parser.add_argument("--all", action="store_true", help="show every connection, with all reasons")
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe.evidence.captures.capture import Capture
    from hbprobe.report.terminal.capture import print_capture
    from hbprobe.report.terminal.capture_live import reading

    if "-" in args.files and len(args.files) > 1:
        raise UserError("-: a pipe is read alone: give one capture, or two files")
    request = Capture(
        args.files,
        host=args.host,
        port=args.port,
        since=args.since,
        until=args.until,
        least_idle=args.idle,
        annotate=args.annotate,
        keys=args.keys,
    )
    with reading(Console(stderr=True), live=args.files == ["-"]) as observer:
        record = request.run(observer)
    if args.plot is not None:
        from hbprobe.report.plots.capture_plot import capture_plot
        from hbprobe.report.plots.style import save

        save(capture_plot(record), args.plot)
    if args.json:
        sys.stdout.write(record.to_json())
    else:
        print_capture(record, Console(), everything=args.all)
    return record.exit_status
