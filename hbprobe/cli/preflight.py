"""`hbprobe preflight`: what must work before a Ping can wait."""

import argparse
import sys

from hbprobe.cli import arguments


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "preflight",
        help="check step by step that an ActiveSync server answers a device",
        description="Go the way of a device, from the name to a short Ping, and say of each step what was seen and, "
        "where it fails, what to do. Takes about a minute and a half: Exchange holds no Ping for less than one.",
    )
    parser.add_argument("url", metavar="URL", help="https://HOST[:PORT]/ of an ActiveSync server")
    arguments.add_account(parser)
    arguments.add_trust(parser)
    arguments.add_connecting(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe.measure.preflight import Preflight
    from hbprobe.report.terminal.preflight import CheckLines

    console = Console(stderr=args.json)
    record = arguments.request(Preflight, args).run(CheckLines(console))
    if args.json:
        sys.stdout.write(record.to_json())
    else:
        for note in record.notes:
            console.print(note, markup=False, highlight=False)
    return record.exit_status
