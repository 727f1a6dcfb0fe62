"""`hbprobe locate`: which hop forgets idle connections."""

import argparse
import sys
from typing import TYPE_CHECKING

from hbprobe.cli import arguments

if TYPE_CHECKING:
    from hbprobe.records.location import Location

_MOST_HOPS = 30


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "locate",
        help="find the hop that forgets idle connections",
        description="Hold requests whose TCP keep-alives reach only so far, one for each hop, side by side. The "
        "first hop that must see keep-alives is the one that forgets. Needs Linux, but no privileges; takes about as "
        "long as the limit, after the search for it.",
    )
    parser.add_argument(
        "url", metavar="URL", help="https://HOST[:PORT]/ of hbprobe serve (hold) or a web server (idle)"
    )
    group = parser.add_argument_group("hops")
    group.add_argument(
        "--limit", type=arguments.duration, metavar="TIME", help="the path's limit, where it is known: no search then"
    )
    group.add_argument(
        "--hops",
        type=arguments.count,
        metavar="N",
        default=_MOST_HOPS,
        help=f"look no further (default: {_MOST_HOPS})",
    )
    group.add_argument(
        "--requests",
        type=arguments.count,
        metavar="N",
        default=1,
        help="for each hop; more where some die by accident",
    )
    group.add_argument("--raw", action="store_true", help="find the hops with raw packets (root, hbprobe[raw])")
    arguments.add_search(parser)
    arguments.add_trust(parser)
    arguments.add_connecting(parser)
    arguments.add_journal(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe.measure.locate import Locate
    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.report.terminal.location import print_location

    def shown(location: "Location") -> int:
        line.stop()
        if args.json:
            sys.stdout.write(location.to_json())
        else:
            print_location(location, Console())
        return location.exit_status

    request = arguments.request(Locate, args)
    with LiveLine(Console(stderr=True)) as line:
        return arguments.carry_out(request, line, shown, line.says)
