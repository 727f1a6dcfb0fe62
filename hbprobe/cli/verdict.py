"""`hbprobe verdict`: what Exchange and its devices make of a limit that is already known."""

import argparse

from hbprobe.cli import arguments

_OPEN = ("open", "none")
_MANNERS = ("silent", "reset", "closed", "status")


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "verdict",
        help="say whether Exchange will log event 1040 on a path whose limit is known",
        description="Compare a path's limit with Exchange's settings and with what known devices ask for.",
    )
    parser.add_argument(
        "--limit",
        type=_timer,
        required=True,
        metavar="TIME",
        help="the path's timer: a request that is quiet for so long is cut (600, 10min); 'open' where nothing is cut",
    )
    parser.add_argument(
        "--how", choices=_MANNERS, default="silent", help="how the client sees the cut (default: silent)"
    )
    arguments.add_webconfig(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the verdict; return 0 when it is healthy, 1 when it has a finding."""
    from hbprobe.measure.verdict import Verdict

    record = Verdict(limit=args.limit, how=args.how, webconfig=args.webconfig).run()
    if args.json:
        print(record.to_json(), end="")
    else:
        from rich.console import Console

        from hbprobe.report.terminal.tables import print_verdict

        print_verdict(record.verdict, Console())
    return record.exit_status


def _timer(text: str) -> float | None:
    """Read the limit for argparse; None stands for an open path."""
    if text.lower() in _OPEN:
        return None
    timer_s = arguments.duration(text)
    if not timer_s > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no timer: give more than 0, or 'open' where nothing is cut")
    return int(timer_s) if timer_s.is_integer() else timer_s
