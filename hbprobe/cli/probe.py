"""`hbprobe probe`: the search on a real path, in real time."""

import argparse
from typing import TYPE_CHECKING

from hbprobe.cli import arguments

if TYPE_CHECKING:
    from hbprobe.records.result import Result


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "probe",
        help="search a real path for the longest request that survives",
        description="Hold requests open on a real path, find the longest that survives and how longer ones die, and "
        "compare that with Exchange's heartbeat settings. It says before it starts how long it can take.",
    )
    parser.add_argument(
        "url",
        metavar="URL",
        help="https://HOST[:PORT]/ of hbprobe serve (hold), a web server (idle) or ActiveSync (ping)",
    )
    arguments.add_search(parser)
    arguments.add_account(parser)
    arguments.add_trust(parser)
    arguments.add_connecting(parser)
    arguments.add_journal(parser)
    arguments.add_webconfig(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe.measure.probe import Probe
    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.report.terminal.show import show

    def shown(result: "Result") -> int:
        line.stop()
        return show(result, as_json=args.json)

    request = arguments.request(Probe, args)
    with LiveLine(Console(stderr=True)) as line:
        return arguments.carry_out(request, line, shown, line.says)
