"""`hbprobe diagnose`: what kills requests on a path, whose timer it is, and what would end it."""

import argparse
from typing import TYPE_CHECKING

from hbprobe.cli import arguments

if TYPE_CHECKING:
    from hbprobe.records.diagnosis import Diagnosis


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "diagnose",
        help="find the limit of a path, and explain it: which timer, whose, what kind of box, what would mend it",
        description="Find the longest request that survives, then ask at the same time what saves longer ones and "
        "what both ends see of their death. It says before each step how long it takes.",
    )
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="https://HOST[:PORT]/ of hbprobe serve (hold), or a web server (idle)"
    )
    parser.add_argument(
        "--lab",
        nargs="+",
        metavar="PROFILE",
        help="instead of a URL: diagnose simulated boxes, in order from the client, on a clock that jumps",
    )
    arguments.add_search(parser)
    parser.add_argument(
        "--trials", type=arguments.count, metavar="N", help="N more trials: how widely the limit scatters"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--compare", metavar="URL", help="another address: does the same request die there, too?")
    other.add_argument(
        "--other-port", type=arguments.count, metavar="PORT", help="the same, at another port of the same host"
    )
    arguments.add_trust(parser)
    arguments.add_connecting(parser)
    arguments.add_journal(parser)
    arguments.add_webconfig(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe.lab.requests import Diagnose
    from hbprobe.report.terminal.diagnosis_live import DiagnosisLine

    def shown(diagnosis: "Diagnosis") -> int:
        line.stop()
        return _show(args, diagnosis)

    request = arguments.request(Diagnose, args)
    with DiagnosisLine(Console(stderr=True)) as line:
        return arguments.carry_out(request, line, shown, line.says)


def _show(args: argparse.Namespace, diagnosis: "Diagnosis") -> int:
    if args.json:
        print(diagnosis.to_json(), end="")
    else:
        from rich.console import Console

        from hbprobe.report.terminal.diagnosis_words import print_diagnosis

        print_diagnosis(diagnosis, Console())
    return diagnosis.exit_status
