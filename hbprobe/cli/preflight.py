"""`hbprobe preflight`: what must work before a Ping can wait."""

import argparse
import sys

from hbprobe.cli import arguments
from hbprobe.cli.arguments import account, add_account
from hbprobe.errors import CannotMeasureError


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "preflight",
        help="check step by step that an ActiveSync server answers a device",
        description="Go the way of a device, from the name to a short Ping, and say of each step what was seen and, "
        "where it fails, what to do. Takes about a minute and a half: Exchange holds no Ping for less than one.",
    )
    parser.add_argument("url", metavar="URL", help="https://HOST[:PORT]/ of an ActiveSync server")
    add_account(parser)
    arguments.add_trust(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe import warp
    from hbprobe.preflight.preflight import Check, Preflight
    from hbprobe.records.preflight import PreflightRecord
    from hbprobe.report.terminal.preflight import print_check

    target = arguments.target(args)
    who = account(args, target)
    tls = arguments.tls(args, target)
    console = Console(stderr=args.json)
    notes = arguments.trust_notes(args)

    async def check_all() -> Preflight:
        def watch(check: Check) -> None:
            print_check(check, console)

        def say(text: str) -> None:
            console.print(text, markup=False, highlight=False, soft_wrap=True)

        preflight = Preflight(target, tls, who, watch=watch, say=say)
        await preflight.run()
        return preflight

    done = warp.run(check_all(), warp.ScaledClock())
    if args.json:
        record = PreflightRecord(str(target), who.user, tuple(done.checks), done.method.told(), notes=notes)
        sys.stdout.write(record.to_json())
    else:
        for note in notes:
            console.print(note, markup=False, highlight=False)
    return 0 if done.passed else CannotMeasureError.exit_status
