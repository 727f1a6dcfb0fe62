"""`hbprobe logs`: what has already happened, read from IIS, HTTPERR and Windows event logs."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.cli.fleet_output import progress
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hbprobe.evidence.logs.reports import Table
    from hbprobe.evidence.logs.request import Logs, OpenLogs
    from hbprobe.records.logs import LogEvidence


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "logs",
        help="read logs of IIS, HTTPERR and Windows events: limits by network, event 1040, devices in trouble",
        description="Read what has already happened, without sending a packet: IIS's W3C logs, HTTPERR, HttpProxy "
        "logs and Windows event logs, by the gigabyte. The answer comes first: limits by network, event 1040, who is "
        "blocked, throttled or in a loop.",
    )
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files, folders, wildcards, .gz, .zip, or what --into wrote"
    )
    looking = parser.add_argument_group("what to look at")
    looking.add_argument(
        "--by",
        choices=("network", "device", "kind", "server"),
        default="network",
        help="tell limits of networks, devices, kinds of devices or servers (default: network)",
    )
    looking.add_argument("--networks", type=Path, metavar="FILE", help="CSV of prefix and name: carriers and sites")
    looking.add_argument(
        "--net4",
        type=_prefix,
        default=24,
        metavar="BITS",
        help="how many bits of an IPv4 address are its network (default: 24)",
    )
    looking.add_argument("--since", type=_moment, metavar="TIME", help="2030-01-02 or 2030-01-02T08:00, in UTC")
    looking.add_argument(
        "--until", type=_moment, metavar="TIME", help="as --since; what ended then or later is left out"
    )
    looking.add_argument("--who", metavar="NAME", help="reports tell of this user or device only")
    looking.add_argument(
        "--containing", metavar="TEXT", help="reports tell of what contains this: a device type, an agent, an error"
    )
    arguments.add_webconfig(parser)
    asking = parser.add_argument_group("what to answer")
    asking.add_argument("--report", metavar="NAME", help="one question instead of the whole; 'list' names them")
    asking.add_argument(
        "--sql", type=Path, metavar="FILE", help="a question of your own, over requests, silences and httperr"
    )
    asking.add_argument("--csv", type=Path, metavar="FILE", help="write the answer of --report or --sql as CSV")
    asking.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the limits, or the answer of --report (.png or .svg)"
    )
    asking.add_argument(
        "--export", type=Path, metavar="DIR", help="write the six files of Export-ActiveSyncLog, and Heartbeats.csv"
    )
    asking.add_argument("--mix", type=Path, metavar="FILE", help="write a mix of this company for fleet and size")
    keeping = parser.add_argument_group("what to keep")
    keeping.add_argument(
        "--into", type=Path, metavar="DIR", help="keep what was read as Parquet; later runs read only what is new"
    )
    keeping.add_argument(
        "--pseudonyms",
        type=Path,
        metavar="KEYFILE",
        help="users, devices and addresses become hashes with this secret",
    )
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; return 1 where something needs a mend."""
    if args.report == "list":
        _list()
        return 0
    if args.report is not None and args.sql is not None:
        raise UserError("--report and --sql do not go together: drop one")
    if args.csv is not None and args.report is None and args.sql is None:
        raise UserError("--csv needs --report NAME or --sql FILE, whose answer it writes")
    with progress() as say, _request(args).opened(say) as logs:
        say("judging")
        evidence = None if args.report or args.sql else logs.evidence()
        table = logs.report(args.report) if args.report else logs.query(args.sql) if args.sql else None
        written = _write(args, logs, evidence, table)
    _show(args, evidence, table)
    if not args.json:
        for path in written:
            print(f"wrote {path}")
    return 1 if evidence is not None and evidence.has_problem else 0


def _request(args: argparse.Namespace) -> "Logs":
    from hbprobe.evidence.logs.request import By, Logs

    return Logs(
        paths=args.paths or ([args.into] if args.into is not None and args.into.exists() else []),
        by=By(args.by),
        networks=args.networks,
        v4_prefix=args.net4,
        since=args.since,
        until=args.until,
        settings=arguments.exchange_settings(args),
        who=args.who,
        containing=args.containing,
        into=args.into,
        pseudonyms=args.pseudonyms,
    )


def _write(
    args: argparse.Namespace, logs: "OpenLogs", evidence: "LogEvidence | None", table: "Table | None"
) -> list[Path]:
    """Write the files that were asked for; return them."""
    written = list[Path]()
    if args.export is not None:
        from hbprobe.evidence.logs.export import export

        written += export(logs.connection, args.export)
    if args.mix is not None:
        from hbprobe.evidence.logs.mixture import mix_of

        written.append(_text(args.mix, mix_of(logs.connection, (evidence or logs.evidence()).limits)[0]))
    if args.csv is not None and table is not None:
        written.append(_text(args.csv, table.to_csv()))
    if args.plot is not None:
        from hbprobe.report.plots.style import save

        save(_picture(evidence, table), args.plot)
        written.append(args.plot)
    return written


def _picture(evidence: "LogEvidence | None", table: "Table | None") -> "Figure":
    from hbprobe.report.plots.logs_plot import limits_plot, table_plot

    if table is not None:
        return table_plot(table)
    assert evidence is not None
    return limits_plot(evidence)


def _text(path: Path, text: str) -> Path:
    try:
        path.write_text(text, encoding="utf-8-sig" if path.suffix == ".csv" else "utf-8", newline="")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def _show(args: argparse.Namespace, evidence: "LogEvidence | None", table: "Table | None") -> None:
    if args.json:
        sys.stdout.write((table or evidence).to_json())  # type: ignore[union-attr]
        return
    from rich.console import Console

    from hbprobe.report.terminal.logs import print_logs, print_table

    if table is not None:
        print_table(table, Console())
    elif evidence is not None:
        print_logs(evidence, Console())


def _list() -> None:
    from hbprobe.evidence.logs.reports import reports

    known = reports()
    width = max(map(len, known))
    for name, report in known.items():
        print(f"{name:<{width}}  {report.title}")


def _prefix(text: str) -> int:
    """Read a number of bits for argparse."""
    if not (text.isascii() and text.isdecimal() and 8 <= int(text) <= 32):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bits: give 8 to 32")
    return int(text)


def _moment(text: str) -> datetime:
    """Read a day or a time for argparse."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2030-01-02 or 2030-01-02T08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
